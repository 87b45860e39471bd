"""What the machine around Postfix told: certificates, files and what they are for, sockets, SASL set-up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

from auditor.model.network import Networks
from auditor.model.origin import Origin, Unknown
from auditor.model.snapshot import Missing, Snapshot
from auditor.platforms.postfix import readings, services, tls
from auditor.platforms.postfix.model import Certificate, FileState, ListeningSocket, Purpose, Sasl, Table
from auditor.platforms.postfix.services import Place
from auditor.platforms.postfix.settings import Configuration
from auditor.platforms.postfix.states import States

_ALGORITHMS = {
    "rsaencryption": "rsa",
    "id-ecpublickey": "ec",
    "ed25519": "ed25519",
    "ed448": "ed448",
    "rsassapss": "rsa",
}


def addresses(snapshot: Snapshot) -> Networks | Unknown:
    """The host's own addresses."""
    found = readings.addresses(snapshot)
    return Unknown(found.reason) if isinstance(found, Missing) else found


def listening(snapshot: Snapshot) -> tuple[ListeningSocket, ...] | Unknown:
    """The TCP sockets that wait for connections."""
    found = readings.listening(snapshot)
    if isinstance(found, Missing):
        return Unknown(found.reason)
    return tuple(
        ListeningSocket(
            name=f"[{s.address}]:{s.port}" if ":" in s.address else f"{s.address}:{s.port}",
            address=s.address,
            port=s.port,
            program=s.program,
            is_loopback=services.is_loopback(s.address),
        )
        for s in found
    )


def is_container(snapshot: Snapshot) -> bool | Unknown:
    """Whether the machine is a container."""
    kind = readings.system(snapshot).get("container")
    if kind is None:
        content = snapshot.section("host/system").content
        return Unknown(content.reason if isinstance(content, Missing) else "the host did not tell")
    return kind != "none"


def sasl(configuration: Configuration) -> Sasl:
    """Cyrus' smtpd.conf, where it is used and could be read."""
    implementation = configuration.top.lookup("smtpd_sasl_type").text or "cyrus"
    snapshot = configuration.snapshot
    values: dict[str, str] = {}
    found = False
    for name, section in snapshot.sections.items():
        if name.startswith("file ") and name.endswith("/smtpd.conf") and not isinstance(section.content, Missing):
            found = True
            for line in section.text.splitlines():
                key, colon, value = line.partition(":")
                if colon and not key.lstrip().startswith("#"):
                    values.setdefault(key.strip(), value.strip())
    if not found:
        unread = Unknown("no smtpd.conf of Cyrus SASL was read")
        return Sasl(implementation=implementation, mechanisms=unread, password_check=unread)
    return Sasl(
        implementation=implementation,
        mechanisms=tuple(values.get("mech_list", "").upper().split()),
        password_check=values.get("pwcheck_method", "auxprop"),
    )


def certificates(configuration: Configuration, places: Sequence[Place]) -> tuple[Certificate, ...] | Unknown:
    """The certificates that smtpd services and clients present, once per file and role."""
    found: dict[tuple[str, str], tuple[str, Origin, list[str]]] = {}
    for place in places:
        for prefix in _prefixes(place):
            role = "server" if prefix == "smtpd" else "client"
            for path, key, origin in tls.certificate_files(place.scope, prefix):
                found.setdefault((path, role), (key, origin, []))[2].append(place.name)
    hostname = configuration.top.lookup("myhostname").text.lower()
    return tuple(
        _certificate(
            configuration.snapshot, path, "server" if role == "server" else "client", key, origin, names, hostname
        )
        for (path, role), (key, origin, names) in found.items()
    )


def _prefixes(place: Place) -> tuple[Literal["smtpd", "smtp", "lmtp"], ...]:
    command = place.entry.command
    if command == "smtpd" or (command == "postscreen" and place.entry.type == "inet"):
        return ("smtpd",)
    return ("lmtp",) if command == "lmtp" else ("smtp",) if command == "smtp" else ()


def _certificate(
    snapshot: Snapshot,
    path: str,
    role: Literal["server", "client"],
    key: str,
    origin: Origin,
    names: list[str],
    hostname: str,
) -> Certificate:
    section = snapshot.section(f"certificate {path}")
    reading = readings.certificate(section)
    reason = Unknown(reading.reason if isinstance(reading, Missing) else "openssl did not tell")
    unread = Certificate(
        name=path,
        path=path,
        role=role,
        services=tuple(dict.fromkeys(names)),
        is_readable=reason if isinstance(section.content, Missing) else False,
        not_after=reason,
        days_left=reason,
        names=reason,
        matches_hostname=reason,
        issuer=reason,
        is_self_signed=reason,
        key_type=reason,
        key_bits=reason,
        signature=reason,
        fits_key=_fits(snapshot, key, "" if isinstance(reading, Missing) else reading.public_key, reason),
        origin=origin,
    )
    if isinstance(reading, Missing):
        return unread
    dns = tuple(dict.fromkeys(name.lower() for name in reading.names or _common_name(reading.subject)))
    ends = reading.not_after
    return replace(
        unread,
        is_readable=True,
        not_after=ends.strftime("%Y-%m-%dT%H:%M:%SZ") if ends else reason,
        days_left=_days_left(ends, snapshot.taken_at, reason),
        names=dns,
        matches_hostname=_matches(dns, hostname),
        issuer=reading.issuer,
        is_self_signed=reading.is_self_signed,
        key_type=_ALGORITHMS.get(reading.key_type.lower(), reading.key_type.lower()),
        key_bits=reading.key_bits if reading.key_bits is not None else reason,
        signature=reading.signature.lower(),
    )


def _common_name(subject: str) -> tuple[str, ...]:
    for part in subject.replace("/", ",").split(","):
        key, _, value = part.partition("=")
        if key.strip().upper() == "CN":
            return (value.strip(),)
    return ()


def _days_left(ends: datetime | None, now: datetime | None, doubt: Unknown) -> int | Unknown:
    if ends is None:
        return doubt
    if now is None:
        return Unknown("the files do not tell when they were taken")
    now = now if now.tzinfo else now.replace(tzinfo=UTC)
    return (ends - now).days


def _matches(names: tuple[str, ...], hostname: str) -> bool | Unknown:
    if not hostname:
        return Unknown("myhostname is not known")
    parent = hostname.partition(".")[2]
    return any(name == hostname or (name.startswith("*.") and name[2:] == parent) for name in names)


def _fits(snapshot: Snapshot, key: str, public: str, doubt: Unknown) -> bool | Unknown:
    section = snapshot.section(f"public-key {key}")
    found = readings.public_key(section)
    if isinstance(found, Missing):
        # openssl ran and found no key: Postfix will find none either.
        return Unknown(found.reason) if isinstance(section.content, Missing) or "denied" in found.reason else False
    return found.split() == public.split() if public else doubt


def files(
    configuration: Configuration, places: Sequence[Place], states: States, tables: Sequence[Table]
) -> tuple[FileState, ...] | Unknown:
    """The files that matter and what they are for."""
    purposes: dict[str, tuple[Purpose, Origin | None]] = {}
    directory = configuration.snapshot.section("directory").text.strip() or "/etc/postfix"
    lookup = configuration.top.lookup
    for name, purpose in _DIRECTORIES:
        setting = lookup(name)
        if isinstance(setting.value, Unknown):
            return setting.value
        purposes[setting.text] = (purpose, setting.origin if name in configuration.assigned else None)
    purposes[directory] = ("configuration directory", None)
    for name in ("main.cf", "master.cf"):
        purposes[f"{directory}/{name}"] = ("configuration", None)
    commands = lookup("command_directory").text
    for name in ("postdrop", "postqueue"):
        purposes[f"{commands}/{name}"] = ("setgid program", None)
    for table in tables:
        purposes.update(dict.fromkeys(_table_files(table), (_table_purpose(table), table.origin)))
    for place in places:
        for prefix in _prefixes(place):
            for path, key, origin in tls.certificate_files(place.scope, prefix):
                purposes.setdefault(path, ("certificate", origin))
                purposes[key] = ("private key", origin)
    queue = lookup("queue_directory").text
    sasl_path = lookup("smtpd_sasl_path").text.removeprefix("unix:")
    purposes[sasl_path if sasl_path.startswith("/") else f"{queue}/{sasl_path}"] = (
        "sasl socket",
        lookup("smtpd_sasl_path").origin,
    )
    return states.all(lambda path: purposes.get(path) or _by_place(path, queue))


_DIRECTORIES: tuple[tuple[str, Purpose], ...] = (
    ("daemon_directory", "daemon directory"),
    ("command_directory", "daemon directory"),
    ("shlib_directory", "daemon directory"),
    ("meta_directory", "configuration directory"),
    ("queue_directory", "queue directory"),
    ("data_directory", "data directory"),
)


def _table_files(table: Table) -> tuple[str, ...]:
    if table.is_indexed:
        return (table.path, *(table.path + suffix for suffix in (".db", ".lmdb", ".cdb", ".pag", ".dir")))
    return (table.path,)


def _table_purpose(table: Table) -> Purpose:
    if not table.holds_secrets:
        return "table"
    return "password map" if any("password" in name for name in table.parameters) else "database credentials"


def _by_place(path: str, queue: str) -> tuple[Purpose, Origin | None]:
    name = path.rpartition("/")[2]
    if name in {"sasldb2", "sasldb2.db"}:
        return "sasl database", None
    if name == "smtpd.conf":
        return "sasl configuration", None
    if name == "mux":
        return "sasl socket", None
    return ("queue directory" if queue and path.startswith(f"{queue}/") else "other"), None
