"""What the collection of a Postfix host brings: the contract between collect.sh and the parser.

On the wire every section is named `host/NAME` (the machine), `postfix/NAME` (the installation) or `postfix[DIRECTORY]/NAME` (one instance).
`instances` turns a host's snapshot into one snapshot per instance, whose sections are called NAME alone and `host/NAME`:

    directory           the configuration directory, one line: /etc/postfix
    main.cf master.cf   the files; every physical line keeps its number. Secrets read `[redacted]`, comments are emptied to `#`
    postconf-n          explicit settings, `name = value` per line; stderr: Postfix's own warnings
    postconf-x          all settings, expanded ($name resolved, mynetworks computed); status 1 when one of them cannot be expanded
    postconf-P -Px      `service/type/name = value` per `-o`, literal and expanded
    tables              lookup tables that the settings name, one `TYPE PATH` per line (`file PATH` for a list's /file entry)
    file PATH           the text of such a table's source (comments emptied), of a /file entry, of a Cyrus SASL smtpd.conf
    index TYPE:PATH     `postmap -s`: what an indexed table really answers, `key TAB value`; only when it is stale or its source is missing
    files               one `MODE/UID/USER/GID/GROUP/SIZE/MTIME/PATH` per line (MODE: st_mode in hex, symbolic links followed),
                        then `link PATH` per path that is a link itself; stderr: `PATH: reason` for each absent or not to be seen
    certificate PATH    `openssl x509 -text -fingerprint -sha256 -pubkey` of the first certificate in PATH
    public-key PATH     the public half (PEM) of the private key in PATH, to compare with the certificate's

and, the same for all instances of a host:

    instances           `postmulti -l`: name, group, enabled, directory
    postconf-d          defaults of this build, unexpanded, `name = value`: a name that is absent here is not supported
    package             the distribution's package and revision: `postfix 3.7.11-0+deb12u1`
    host/privileges     `plain|sudo|refused COMMAND` per command that may need root: how it was run
    host/system         `key=value` lines: system, release, machine, os, hostname, user, uid, container
    host/platforms      `postfix found` or `postfix absent` per platform looked for
    host/listening      first line `# COMMAND`, then its answer (ss, netstat or /proc/net/tcp)
    host/addresses      the same of `ip -o addr`, or ifconfig
    host/routes         the same of `ip route show default`, or /proc/net/route

A file's section carries the file's path as `Section.name` (sections["main.cf"].name == "/etc/postfix/main.cf",
sections["file /etc/postfix/access"].name == "/etc/postfix/access"): that is what an origin shows.
A folder of files (`from_files`) has `directory`, `main.cf`, `master.cf` and `file PATH` with PATH as the settings name it and the
folder's own path as `Section.name`; everything else is `Missing("only a running server could tell")`.
The readers of these formats are in readings.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files

from auditor.model.snapshot import Section, Snapshot
from auditor.platforms.postfix import privileges

DETECT = "locate postconf"
_INSTANCE = re.compile(r"postfix\[(/[^\]]*)\]/(.*)", re.DOTALL)

# What a Debian or Red Hat host needs root for when only the default configuration is known. Every argument is literal: in sudoers a `*`
# would match blanks too, and let the user add arguments such as openssl's `-out FILE`.
_DEFAULT_COMMANDS = (
    "/usr/bin/ss -ltnp",
    "/usr/bin/cat /etc/postfix/main.cf",
    "/usr/bin/cat /etc/postfix/master.cf",
    "/usr/sbin/postmulti -l",
    *(f"/usr/sbin/postconf -c /etc/postfix -{option}" for option in ("n", "x", "P", "Px")),
    "/usr/bin/openssl pkey -in /etc/ssl/private/ssl-cert-snakeoil.key -passin pass: -pubout",
    "/usr/bin/stat -L -c %f/%u/%U/%g/%G/%s/%Y/%n -- /etc/ssl/private/ssl-cert-snakeoil.key",
)


def body() -> str:
    """The text of collect.sh: the whole list of commands that are run on a server."""
    return files("auditor.platforms.postfix").joinpath("collect.sh").read_text("utf-8")


def instances(snapshot: Snapshot) -> Sequence[Snapshot]:
    """One snapshot per Postfix instance, the primary one first; its `instance` is its name, empty for the primary.

    A snapshot that is one instance's already comes back as it is.
    """
    if "directory" in snapshot.sections or "main.cf" in snapshot.sections:
        return (snapshot,)
    shared: dict[str, Section] = {}
    own: dict[str, dict[str, Section]] = {}
    for name, section in snapshot.sections.items():
        if match := _INSTANCE.fullmatch(name):
            directory, short = match.groups()
            own.setdefault(directory, {})[short] = _with_path(section, directory, short)
        else:
            short = name.removeprefix("postfix/")
            shared[short] = replace(section, name=short)
    if not own:
        return (replace(snapshot, sections=shared),)
    names = _names(shared.get("instances"))
    return tuple(
        replace(snapshot, instance=names.get(directory, directory if position else ""), sections={**sections, **shared})
        for position, (directory, sections) in enumerate(own.items())
    )


def _with_path(section: Section, directory: str, short: str) -> Section:
    if short in ("main.cf", "master.cf"):
        return replace(section, name=f"{directory}/{short}")
    return replace(section, name=short.removeprefix("file "))


def _names(section: Section | None) -> dict[str, str]:
    """Directory to name, from `postmulti -l`, where the primary instance is called `-`."""
    rows = (line.split() for line in section.text.splitlines()) if section else ()
    return {row[-1]: row[0].strip("-") if row[0] == "-" else row[0] for row in rows if len(row) == 4}


def privileged(snapshot: Snapshot | None) -> Sequence[str]:
    """The commands that a scan in mode `least` runs through sudo, one a line, escaped for sudoers; with a snapshot, that host's.

    Of what the snapshot says was run, only commands of ours for files that its configuration names (see privileges.py).
    A snapshot that root took cannot tell what another user may read: then it is every command that may need root.
    """
    if snapshot is None:
        return tuple(map(escaped, _DEFAULT_COMMANDS))
    by_root = "uid=0" in snapshot.section("host/system").text.splitlines()
    return tuple(map(escaped, privileges.commands(snapshot, instances(snapshot), by_root)))


def escaped(command: str) -> str:
    """sudoers(5): `,`, `:`, `=` and `\\` are escaped in arguments; so are the characters of patterns and comments."""
    return re.sub(r"([\\,:=*?\[\]!#\"'])", r"\\\1", command)
