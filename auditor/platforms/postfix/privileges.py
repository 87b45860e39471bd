"""Which commands of a collection may go into sudoers: built from our own templates, for paths that the configuration itself justifies.

A snapshot is a file that anybody could have written, and its lines end as root's permissions. So a command that it says was run counts only
if collect.sh runs it in exactly that form, and its path is one that a parameter for such files names: `cat` for table sources, lists of
networks or domains, main.cf, master.cf and Cyrus SASL's smtpd.conf, where mail servers keep such files; `openssl` for certificates and
keys; `stat` for all of these. A path that could be read as two arguments, or that leads to accounts, logins, other people's or the
kernel's files, never counts.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from auditor.model.snapshot import Snapshot
from auditor.platforms.postfix import answers, tables
from auditor.platforms.postfix.settings import Configuration, Scope

_PROGRAM = r"(?:/usr|/usr/local|/usr/pkg|/opt/local)?/s?bin/"
_PATH = r"(?P<path>/[!-~]+)"
_STAT = r"stat -L (?:-c %f/%u/%U/%g/%G/%s/%Y/%n|-f %Xp/%u/%Su/%g/%Sg/%z/%m/%N) -- "
_FIXED = re.compile(rf"{_PROGRAM}(?:ss -ltnp|netstat -ltnp|postmulti -l)")
_TEMPLATES = {
    kind: re.compile(_PROGRAM + template)
    for kind, template in (
        ("text", rf"cat {_PATH}"),
        ("directory", rf"postconf -c {_PATH} -(?:n|x|P|Px)"),
        ("index", rf"postmap -c (?P<directory>/[!-~]+) -s [a-z]+:{_PATH}"),
        (
            "certificate",
            rf"openssl x509 -in {_PATH} -noout -passin pass: -text -fingerprint -sha256 -pubkey -nameopt RFC2253",
        ),
        ("key", rf"openssl pkey -in {_PATH} -passin pass: -pubout"),
        ("state", _STAT + _PATH),
    )
}
_NEVER = re.compile(
    r"/(?:proc|sys|dev|root|home|Users|boot|tmp|var/tmp|run/user)(?:/|$)|/etc/(?:g?shadow|sudoers|master\.passwd|spwd|security)"
    r"|/\.ssh(?:/|$)"
)
# Texts are printed whole, so they must also lie where a mail server's tables do, apart from the keys and passwords of others.
_TEXTS = re.compile(r"/(?:(?:usr/(?:local|pkg)/|opt/local/)?etc|opt|srv|var/lib/(?:mailman\d?|postfix|sympa))/")
_SECRETS = re.compile(
    r"/etc/(?:ssh|ssl|pki|letsencrypt|wireguard|openvpn|ipsec|swanctl|ppp|krb5|NetworkManager|sudo|pam|opendkim|dkimkeys)"
    r"|private|secret|shadow|keytab|\.(?:key|pem|p12|pfx)$|/id_[a-z0-9]+$"
)
_SASL_DIRECTORIES = (
    "/etc/postfix/sasl",
    "/etc/sasl2",
    "/etc/sasl",
    "/usr/lib/sasl2",
    "/usr/lib64/sasl2",
    "/usr/local/lib/sasl2",
)
_SASL_NAME = re.compile(r"[\w-]+")
_SASL_DATABASE = re.compile(r"^sasldb_path: *(/\S+)", re.MULTILINE)
_MACHINE = re.compile(r"^machine=(\w+)$", re.MULTILINE)
_SASL_STATES = ("/etc/sasldb2", "/etc/sasl2/sasldb2", "/run/saslauthd/mux", "/var/run/saslauthd/mux")
_DIRECTORIES = tuple(f"{name}_directory" for name in ("queue", "data", "daemon", "command", "meta", "shlib"))
_DEFAULTS = (
    "alias_maps",
    "alias_database",
    *(f"smtp{d}_tls_{kind}_file" for d in ("d", "") for kind in ("cert", "key")),
)
_LISTS = re.compile(
    r"(mynetworks|relay_domains|mydestination)$|.*_(domains|networks|exceptions|hosts|interfaces|users|clients|access_list)$"
)
_HIDDEN = re.compile(r"passw|^alias_|_checks$|secret|sasl_auth_cache")
_SPLIT = re.compile(r"[ \t,{}]+")
_READ = frozenset({*tables.INDEXED, *tables.PATTERNS, "texthash", "cidr"})


@dataclass(slots=True)
class _Justified:
    """What the settings name, by what the files are for."""

    directories: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    certificates: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)
    trees: set[str] = field(default_factory=set)

    def states(self) -> frozenset[str]:
        """All files whose owner and mode are looked at, and the directories that they are in."""
        named = {*self.texts, *self.hidden, *self.certificates, *self.keys, *self.others, *self.trees}
        named |= {f"{path}{suffix}" for path in self.texts | self.hidden for suffix in tables.INDEXED.values()}
        named |= {f"{directory}/{name}" for directory in self.directories for name in ("main.cf", "master.cf")}
        return frozenset({*named, *(parent for path in named for parent in _parents(path))})


def _parents(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def commands(snapshot: Snapshot, per_instance: Sequence[Snapshot], by_root: bool) -> Iterator[str]:
    """The commands of host/privileges that need sudo (all of them when root took the snapshot) and that the settings justify."""
    justified = _justified(per_instance)
    states = justified.states()
    for line in snapshot.section("host/privileges").text.split("\n"):
        how, _, command = line.partition(" ")
        if (by_root or how != "plain") and _is_ours(command, justified, states):
            yield command


def _is_ours(command: str, justified: _Justified, states: frozenset[str]) -> bool:
    if _FIXED.fullmatch(command):
        return True
    for kind, template in _TEMPLATES.items():
        if match := template.fullmatch(command):
            path = match["path"]
            if not _is_plausible(path):
                return False
            if kind == "state":
                return path in states or any(path.startswith(f"{tree}/") for tree in justified.trees)
            if kind == "index":
                return match["directory"] in justified.directories and path in justified.texts - justified.hidden
            return path in _files(kind, justified)
    return False


def _files(kind: str, justified: _Justified) -> set[str]:
    if kind == "certificate":
        return justified.certificates
    if kind == "key":
        return justified.keys
    if kind == "directory":
        return justified.directories
    files = {f"{directory}/{name}" for directory in justified.directories for name in ("main.cf", "master.cf")}
    return files | (justified.texts - justified.hidden - justified.keys)


def _is_plausible(path: str) -> bool:
    """Whether a path is spelled plainly, and not one that no mail server's parameter is for."""
    return path == posixpath.normpath(path) and not path.startswith("//") and _NEVER.search(path) is None


def _is_text(path: str) -> bool:
    return _TEXTS.match(path) is not None and _SECRETS.search(path) is None


def _justified(per_instance: Sequence[Snapshot]) -> _Justified:
    justified = _Justified()
    justified.others.update(_SASL_STATES)
    for snapshot in per_instance:
        directory = snapshot.section("directory").text.strip()
        if _is_text(f"{directory}/"):
            justified.directories.add(directory)
        for name, value in _settings(snapshot):
            _look(name, value, justified)
        _sasl(snapshot, justified)
    return justified


def _settings(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Every parameter that a file sets, a few defaults, and Postfix's own answers, as collect.sh reads them."""
    configuration = Configuration(snapshot)
    for name in (*configuration.assigned, *_DEFAULTS, *_DIRECTORIES, "smtpd_sasl_path", "cyrus_sasl_config_path"):
        yield name, configuration.top.lookup(name).text
    for entry in configuration.master.entries:
        scope = Scope(configuration, entry)
        for name in scope.overrides():
            yield name, scope.lookup(name).text
    for section in ("postconf-n", "postconf-x", "postconf-P", "postconf-Px"):
        for name, value in answers.name_value_lines(snapshot.section(section)).items():
            yield name.rpartition("/")[2], value


def _look(name: str, value: str, justified: _Justified) -> None:
    """What collect.sh's `look` makes of one setting."""
    if name in _DIRECTORIES or name == "cyrus_sasl_config_path":
        justified.trees.add(value)
    elif re.search(r"_tls_(ec|d)?cert_file$", name):
        justified.certificates.add(value)
    elif re.search(r"_tls_(ec|d)?key_file$", name):
        justified.keys.add(value)
    elif name.endswith("_tls_chain_files"):
        justified.keys.update(_SPLIT.split(value))
        justified.certificates.update(_SPLIT.split(value))
    elif "cache" not in name and name != "address_verify_map":
        for word in _SPLIT.split(value):
            _word(name, word.lstrip("!"), justified)


def _word(name: str, word: str, justified: _Justified) -> None:
    kind, path = tables.unwrap(word)
    if path.startswith("/"):
        if kind in tables.DATABASES or (kind in _READ and _HIDDEN.search(name)):
            justified.hidden.add(path)
        elif kind in _READ and _is_text(path):
            justified.texts.add(path)
        justified.others.add(path)
    elif word.startswith("/"):
        if _LISTS.match(name) and _is_text(word):
            justified.texts.add(word)
        justified.others.add(word)


def _sasl(snapshot: Snapshot, justified: _Justified) -> None:
    """Cyrus SASL's smtpd.conf at its usual places; the account database is looked at only from outside."""
    configuration = Configuration(snapshot)
    scopes = (configuration.top, *(Scope(configuration, entry) for entry in configuration.master.entries))
    own = configuration.top.lookup("cyrus_sasl_config_path").text
    places = {*_SASL_DIRECTORIES, *([own] if _is_text(f"{own}/") else [])}
    if machine := _MACHINE.search(snapshot.section("host/system").text):
        places.add(f"/usr/lib/{machine[1]}-linux-gnu/sasl2")
    for name in {scope.lookup("smtpd_sasl_path").text or "smtpd" for scope in scopes}:
        for place in places if _SASL_NAME.fullmatch(name) else ():
            justified.texts.add(f"{place}/{name}.conf")
            justified.others.update(_SASL_DATABASE.findall(snapshot.section(f"file {place}/{name}.conf").text))
