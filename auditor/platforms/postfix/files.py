"""Configuration files without a server: a repository, a backup, an unpacked image, a rule's example.

Files are given by their path (`etc/postfix/main.cf`, or just `main.cf`) and keep that path in every origin.
A missing master.cf is Debian's. What only a running server could tell is missing, with that reason.
Nothing leaves this module that the script would not have sent: secrets are redacted here, files that hold them are not read.

An example (`given:` of a rule) may add what a server would tell, as JSON under these names with `STATED` before them:

    files         {"/etc/postfix/sasl_passwd": {"mode": "0644", "owner": "root", "group": "root", "kind": "file", "age": 3600}}
                  age: seconds since the last change (0: just now); owner and group default to root, kind to file;
                  null instead of the mapping: the file is not there
    certificates  {"/etc/ssl/mx.pem": {"names": ["mx.example.org"], "days_left": 30, "key_type": "rsa", "key_bits": 2048,
                  "signature": "sha256WithRSAEncryption", "self_signed": false, "fits_key": true, "key": "/etc/ssl/mx.key"}}
                  key defaults to the certificate's own path; null: the file is not there
    listening     ["0.0.0.0:25", "127.0.0.1:10025"]
    addresses     ["192.0.2.25", "2001:db8::25"]
    system        {"container": "docker"}
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files as resources
from typing import Any

from auditor import framing
from auditor.interfaces import STATED
from auditor.model.host import Release
from auditor.model.snapshot import Missing, Section, Snapshot
from auditor.platforms.postfix import catalogue, redaction
from auditor.platforms.postfix.document import MainCf, MasterCf
from auditor.platforms.postfix.settings import ONLY_A_SERVER

_CONFIGURATION = ("main.cf", "master.cf")
_NAMED = re.compile(r"(?:\$\{?config_directory\}?|)/[\w.@+=/-]+")
_DIRECTORY = re.compile(r"^\$\{?config_directory\}?")
_ROUNDS = 4  # of references from parameter to parameter, as in the script
_SMALL = 65_536
_REFERENCE = re.compile(r"\$[({]?\s*([A-Za-z0-9_]+)")
_DATABASE = re.compile(rf"\b(?:{'|'.join(sorted(redaction.DATABASES))}):({_NAMED.pattern})")
# When examples speak of ages and remaining days, this is now.
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_KINDS = {"file": 0o100000, "directory": 0o040000, "socket": 0o140000}
_ONLY_A_SERVER = (
    "postconf-n", "postconf-x", "postconf-d", "postconf-M", "postconf-P", "postconf-Px", "instances", "files", "host/listening",
    "host/addresses", "host/system",
)  # fmt: skip


def recognise(files: Mapping[str, bytes]) -> Sequence[Mapping[str, bytes]]:
    """The files of each Postfix server of a folder: one per folder that holds a main.cf (or a master.cf alone).

    Under an `etc/postfix` the server's files are all those of that root; otherwise those of the folder itself and below.
    """
    homes = sorted({_folder(path) for path in files if _base(path) in _CONFIGURATION})
    groups = []
    for home in homes:
        root = _root(home)
        others = [other for other in homes if other != home]
        groups.append(
            {
                path: content
                for path, content in files.items()
                if _is_below(path, root)
                and not any(_is_below(path, other) and not _is_below(home, other) for other in others)
                and not (_base(path) in _CONFIGURATION and _folder(path) != home)
            }
        )
    return [group for group in groups if any(_base(path) in _CONFIGURATION for path in group)]


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _is_below(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(f"{folder}/")


_ETC = re.compile(r"(?:^|(?P<root>.*)/)etc/(?P<name>postfix[^/]*)$")


def _root(home: str) -> str:
    match = _ETC.match(home)
    return home if match is None else str(match["root"] or "")


def _directory(home: str) -> str:
    """The configuration directory that a folder stands for."""
    match = _ETC.match(home)
    return f"/etc/{match['name']}" if match else "/etc/postfix"


def _instance(home: str) -> str:
    """What tells several servers of one folder apart: nothing for the ordinary place."""
    match = _ETC.match(home)
    if match is None:
        return home
    name = "" if match["name"] == "postfix" else match["name"]
    return "/".join(filter(None, (match["root"], name)))


def from_files(files: Mapping[str, bytes], release: Release | None) -> Snapshot:
    """One server's files as a snapshot. `release` None: the newest that the catalogue knows. Never fails."""
    found = sorted((path for path in files if _base(path) in _CONFIGURATION), key=lambda path: (path.count("/"), path))
    home = _folder(found[0]) if found else ""
    sections = {name: Section(name=name, content=Missing(ONLY_A_SERVER)) for name in _ONLY_A_SERVER}
    _put(sections, "directory", _directory(home))
    _put(sections, "release", str(release or catalogue.NEWEST))
    for name in _CONFIGURATION:
        place = f"{home}/{name}" if home else name
        sections[name] = Section(name=place, content=files.get(place, Missing(f"there is no {name} among the files")))
    notes = [] if release else [f"the release is not stated: {catalogue.NEWEST} is assumed"]
    if isinstance(sections["master.cf"].content, Missing) and not isinstance(sections["main.cf"].content, Missing):
        text = resources(catalogue).joinpath("master.cf").read_bytes()
        sections["master.cf"] = Section(name="master.cf as Debian ships it", content=text)
        notes.append("there is no master.cf among the files: Debian's is assumed")
    _put(sections, "notes", "\n".join(notes))
    for name, path in _named(sections, files, home).items():
        sections[f"file {name}"] = Section(name=path, content=redaction.table(files[path]))
    _redact(sections)
    told = _tell(sections, files)
    return Snapshot(
        host="", platform="postfix", instance=_instance(home), taken_at=_NOW if told else None, sections=sections
    )


def _put(sections: dict[str, Section], name: str, text: str, errors: str = "") -> None:
    sections[name] = Section(name=name, content=text.encode("utf-8", "surrogateescape"), errors=errors.encode())


def _redact(sections: dict[str, Section]) -> None:
    """Take out what the script would not have sent."""
    main, master = (sections[name].content for name in _CONFIGURATION)
    names = redaction.names_of_secrets(*(b"" if isinstance(text, Missing) else text for text in (main, master)))
    if not isinstance(main, Missing):
        sections["main.cf"] = replace(sections["main.cf"], content=redaction.main_cf(main, names))
    if not isinstance(master, Missing):
        sections["master.cf"] = replace(sections["master.cf"], content=redaction.master_cf(master, names))
    for name, section in sections.items():
        if not isinstance(section.content, Missing) and framing.holds_a_secret(f"postfix/{name}", section.content):
            sections[name] = replace(section, content=Missing(framing.REFUSED))


def _named(sections: Mapping[str, Section], files: Mapping[str, bytes], home: str) -> dict[str, str]:
    """Path as the settings name it → path in the folder, for the tables and lists that are among the files; never a password map."""
    wanted, hidden = _names(sections, _directory(home))
    found: dict[str, str] = {}
    by_base: dict[str, list[str]] = {}
    for path in files:
        by_base.setdefault(_base(path), []).append(path)
    secret = {_find(name, home, by_base.get(_base(name), ())) for name in hidden}
    for name in wanted:
        place = _find(name, home, by_base.get(_base(name), ()))
        if place is None or place in secret or _base(place) in _CONFIGURATION:
            continue
        found[name] = place
        if len(files[place]) < _SMALL:
            # A list's file may name further files.
            inner = _NAMED.findall(files[place].decode("utf-8", "surrogateescape"))
            wanted += [other for other in inner[:100] if other not in wanted and len(wanted) < 1000]
    return found


def _names(sections: Mapping[str, Section], directory: str) -> tuple[list[str], list[str]]:
    """The paths that the settings name, and those among them that hold secrets: password maps, and logins for databases."""
    main = MainCf.parse(sections["main.cf"].text)
    master = MasterCf.parse(sections["master.cf"].text)
    pairs = [(a.name, a.value) for a in main.assignments]
    pairs += [(option.name, option.value) for entry in master.entries for option in entry.options]
    secret = {name for name, _ in pairs if redaction.is_secret(name)}
    for _ in range(_ROUNDS):
        secret.update(other for name, value in pairs if name in secret for other in _REFERENCE.findall(value))
    wanted, hidden = [], []
    for name, value in pairs:
        wanted += _NAMED.findall(value)
        hidden += _NAMED.findall(value) if name in secret else _DATABASE.findall(value)

    def full(path: str) -> str:
        return _DIRECTORY.sub(lambda _: directory, path)

    return list(dict.fromkeys(map(full, wanted))), list(dict.fromkeys(map(full, hidden)))


def _find(name: str, home: str, candidates: Sequence[str]) -> str | None:
    """The file that a server would find under this name: below its root, beside main.cf, or the one with the longest common end."""
    root = _root(home)
    for exact in (name, name.lstrip("/"), f"{root}{name}", f"{home}{name.removeprefix(_directory(home))}".lstrip("/")):
        if exact in candidates:
            return exact
    parts = name.strip("/").split("/")

    def common(path: str) -> int:
        pairs = zip(reversed(parts), reversed(path.split("/")), strict=False)
        return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(parts), path.count("/") + 1))

    best = sorted(candidates, key=lambda path: (-common(path), path))
    if not best or (len(best) > 1 and common(best[0]) == common(best[1])):
        return None
    return best[0]


# ---- what an example may add


def _tell(sections: dict[str, Section], files: Mapping[str, bytes]) -> bool:
    """Turn an example's JSON into the sections that a server would have sent; whether there was any."""
    told = False
    for name, write in _TELLERS.items():
        value = _json(files.get(STATED + name))
        if value is not None:
            write(sections, value)
            told = True
    return told


def _json(content: bytes | None) -> Any:
    try:
        value = json.loads(content) if content else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, (dict, list)) else None


def _mapping(value: Any) -> Iterator[tuple[str, dict[str, Any] | None]]:
    for path, facts in value.items() if isinstance(value, dict) else ():
        yield path, facts if isinstance(facts, dict) else None


def _tell_files(sections: dict[str, Section], value: Any) -> None:
    lines, errors = [], []
    for path, facts in _mapping(value):
        if facts is None:
            errors.append(f"{path}: No such file or directory")
            continue
        mode = _KINDS.get(str(facts.get("kind", "file")), 0) | _octal(facts.get("mode", "0644"))
        owner, group = str(facts.get("owner", "root")), str(facts.get("group", "root"))
        changed = int((_NOW - timedelta(seconds=_number(facts.get("age", 86400)))).timestamp())
        lines.append(f"{mode:x}/{_id(owner)}/{owner}/{_id(group)}/{group}/0/{changed}/{path}")
    _put(sections, "files", "\n".join(lines), "\n".join(errors))


def _id(name: str) -> int:
    return 0 if name == "root" else 1000


def _octal(value: Any) -> int:
    try:
        return int(str(value), 8) & 0o7777
    except ValueError:
        return 0


def _number(value: Any) -> int:
    try:
        return max(-(10**9), min(10**9, int(value)))
    except (TypeError, ValueError):
        return 0


def _tell_certificates(sections: dict[str, Section], value: Any) -> None:
    for path, facts in _mapping(value):
        if facts is None:
            refusal = f"Could not open file or uri for loading certificate from {path}: No such file or directory"
            sections[f"certificate {path}"] = Section(name=path, content=b"", errors=refusal.encode(), status=1)
            continue
        names = [str(name) for name in facts.get("names", [])]
        ends = _NOW + timedelta(days=_number(facts.get("days_left", 90)), minutes=1)
        subject = f"CN={names[0]}" if names else "CN=localhost"
        issuer = subject if facts.get("self_signed") is True else "CN=Example CA"
        kind = {"ec": "id-ecPublicKey", "rsa": "rsaEncryption"}.get(
            str(facts.get("key_type", "rsa")), str(facts.get("key_type"))
        )
        text = (
            f"Signature Algorithm: {facts.get('signature', 'sha256WithRSAEncryption')}\nIssuer: {issuer}\n"
            f"Not After : {ends:%b %d %H:%M:%S %Y} GMT\nSubject: {subject}\nPublic Key Algorithm: {kind}\n"
            f"Public-Key: ({_number(facts.get('key_bits', 2048))} bit)\n"
            f"X509v3 Subject Alternative Name:\n    {', '.join(f'DNS:{name}' for name in names)}\n{_pem('A')}"
        )
        _put(sections, f"certificate {path}", text)
        fits = facts.get("fits_key", True) is True
        _put(sections, f"public-key {facts.get('key', path)}", _pem("A" if fits else "B"))


def _pem(letter: str) -> str:
    return f"-----BEGIN PUBLIC KEY-----\n{letter}\n-----END PUBLIC KEY-----\n"


def _tell_listening(sections: dict[str, Section], value: Any) -> None:
    rows = [f"LISTEN 0 100 {place} 0.0.0.0:*" for place in value if isinstance(place, str)]
    _put(sections, "host/listening", "\n".join(["# ss -ltnp", *rows]))


def _tell_addresses(sections: dict[str, Section], value: Any) -> None:
    rows = [f"2: eth0 {'inet6' if ':' in place else 'inet'} {place}/24" for place in value if isinstance(place, str)]
    _put(sections, "host/addresses", "\n".join(["# ip -o addr", *rows]))


def _tell_system(sections: dict[str, Section], value: Any) -> None:
    _put(
        sections,
        "host/system",
        "\n".join(f"{key}={text}" for key, text in value.items()) if isinstance(value, dict) else "",
    )


_TELLERS: Mapping[str, Callable[[dict[str, Section], Any], None]] = {
    "files": _tell_files,
    "certificates": _tell_certificates,
    "listening": _tell_listening,
    "addresses": _tell_addresses,
    "system": _tell_system,
}
