"""Reads the sections of a collection that are a command's answer: sockets, addresses, file states, certificates.

Pure, and never raises: a line that cannot be understood is left out, a section that is missing stays missing.
The formats are described in collect.py.
"""

from __future__ import annotations

import ipaddress
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from auditor.model.network import Networks
from auditor.model.snapshot import Missing, Section, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReading:
    """The state of a file, of what it points at if it is a link. `mode` is st_mode, type included; `changed` is in UTC."""

    path: str
    mode: int
    uid: int
    user: str
    gid: int
    group: str
    size: int
    changed: datetime
    is_link: bool

    @property
    def permissions(self) -> str:
        """The twelve permission bits as four octal digits: "0644"."""
        return f"{stat.S_IMODE(self.mode):04o}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketReading:
    """A TCP socket in state LISTEN. `program` is empty when the login user may not see it."""

    address: str
    port: int
    program: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateReading:
    """A certificate as openssl prints it. `names` are the DNS names and addresses of subjectAltName; times are UTC."""

    subject: str
    issuer: str
    not_before: datetime | None
    not_after: datetime | None
    names: tuple[str, ...]
    key_type: str
    key_bits: int | None
    signature: str
    fingerprint: str
    public_key: str

    @property
    def is_self_signed(self) -> bool:
        """Whether it names itself as its issuer."""
        return self.subject == self.issuer


def files(snapshot: Snapshot) -> Mapping[str, FileReading | Missing] | Missing:
    """The state per path; `Missing("No such file or directory")` for what is not there, another reason for what cannot be seen."""
    section = snapshot.section("files")
    if isinstance(section.content, Missing):
        return section.content
    lines = section.text.splitlines()
    links = {line.removeprefix("link ") for line in lines if line.startswith("link ")}
    found: dict[str, FileReading | Missing] = {}
    for line in section.errors.decode("utf-8", "surrogateescape").splitlines():
        path, colon, reason = line.partition(": ")
        if colon and path.startswith("/"):
            found[path] = Missing(reason)
    for reading in filter(None, (_file(line, links) for line in lines)):
        found[reading.path] = reading
    return found


_STATE = re.compile(r"([0-9a-fA-F]{1,8})/(\d{1,18})/([^/]*)/(\d{1,18})/([^/]*)/(\d{1,18})/(\d{1,11})/(.*)", re.DOTALL)


def _file(line: str, links: set[str]) -> FileReading | None:
    match = _STATE.fullmatch(line)
    if match is None:
        return None
    mode, uid, user, gid, group, size, changed, path = match.groups()
    return FileReading(
        path=path,
        mode=int(mode, 16),
        uid=int(uid),
        user=user if user != "UNKNOWN" else uid,
        gid=int(gid),
        group=group if group != "UNKNOWN" else gid,
        size=int(size),
        changed=datetime.fromtimestamp(int(changed), UTC),
        is_link=path in links,
    )


def tables(snapshot: Snapshot) -> tuple[tuple[str, str], ...] | Missing:
    """The lookup tables that the settings name, as (type, path); type "file" for a /file entry of a list."""
    section = snapshot.section("tables")
    if isinstance(section.content, Missing):
        return section.content
    pairs = (line.partition(" ") for line in section.text.splitlines())
    return tuple((kind, path) for kind, _, path in pairs if path)


def system(snapshot: Snapshot) -> Mapping[str, str]:
    """What the machine says of itself: system, release, machine, os, hostname, user, uid, container. Empty when missing."""
    pairs = (line.partition("=") for line in snapshot.section("host/system").text.splitlines())
    return {key: value for key, _, value in pairs}


_INET = re.compile(r"\binet6? (?:addr: ?)?([0-9a-fA-F.:]+)")


def addresses(snapshot: Snapshot) -> Networks | Missing:
    """The host's own addresses, loopback included."""
    section = snapshot.section("host/addresses")
    if isinstance(section.content, Missing):
        return section.content
    found = [text for text in _INET.findall(section.text) if _is_address(text)]
    return Networks.of(*found) if found else Missing("the host told no address")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def listening(snapshot: Snapshot) -> tuple[SocketReading, ...] | Missing:
    """The TCP sockets that wait for connections, sorted, each once."""
    section = snapshot.section("host/listening")
    if isinstance(section.content, Missing):
        return section.content
    sockets = set(_sockets(section.text))
    return tuple(sorted(sockets, key=lambda socket: (socket.port, socket.address, socket.program)))


def _sockets(text: str) -> Iterator[SocketReading]:
    command, _, answer = text.partition("\n")
    for line in answer.splitlines():
        words = line.split()
        if "ss " in command and words[:1] == ["LISTEN"] and len(words) >= 5:
            program = re.search(r'users:\(\("([^"]*)"', line)
            yield from _socket(words[3], ":", program.group(1) if program else "")
        elif "netstat " in command and "LISTEN" in words and len(words) >= 6 and words[0].startswith("tcp"):
            _, _, program_name = words[-1].partition("/")
            yield from _socket(words[3], ":" if ":" in words[3] else ".", program_name.rstrip(":"))
        elif "/proc/net" in command and len(words) > 3 and words[3] == "0A":
            yield from _kernel_socket(words[1])


def _socket(place: str, separator: str, program: str) -> Iterator[SocketReading]:
    address, _, port = place.rpartition(separator)
    if re.fullmatch(r"\d{1,5}", port):
        yield SocketReading(address=address.strip("[]").partition("%")[0] or "*", port=int(port), program=program)


def _kernel_socket(place: str) -> Iterator[SocketReading]:
    """`0100007F:0019`: each 32-bit word of the address in the machine's order, which is taken for little-endian."""
    address, _, port = place.partition(":")
    if re.fullmatch(r"[0-9A-F]{8}|[0-9A-F]{32}", address) and re.fullmatch(r"[0-9A-F]{4}", port):
        raw = bytes.fromhex(address)
        packed = b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4))
        yield SocketReading(address=str(ipaddress.ip_address(packed)), port=int(port, 16), program="")


def certificate(section: Section) -> CertificateReading | Missing:
    """The certificate of a `certificate PATH` section. Missing with openssl's own words when it could not read one."""
    if isinstance(section.content, Missing):
        return section.content
    text = section.text
    if section.status or "Subject:" not in text:
        said = section.errors.decode("utf-8", "backslashreplace").strip().splitlines()
        return Missing(f"openssl cannot read a certificate: {said[0]}" if said else "it holds no certificate")
    bits = _one(r"Public-Key: \((\d{1,6}) bit", text)
    pem = re.search(r"-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----", text)
    return CertificateReading(
        subject=_one(r"^ *Subject: *(.*)$", text),
        issuer=_one(r"^ *Issuer: *(.*)$", text),
        not_before=_moment(_one(r"Not Before *: (.*)$", text)),
        not_after=_moment(_one(r"Not After *: (.*)$", text)),
        names=tuple(re.findall(r"(?:DNS|IP Address):([^,\s]+)", _alternative_names(text))),
        key_type=_one(r"Public Key Algorithm: *(\S+)", text),
        key_bits=int(bits) if bits else None,
        signature=_one(r"Signature Algorithm: *(\S+)", text),
        fingerprint=_one(r"^(?i:sha256) Fingerprint=(\S+)", text),
        public_key=pem.group() if pem else "",
    )


def public_key(section: Section) -> str | Missing:
    """The public half (PEM) of a `public-key PATH` section, to compare with `CertificateReading.public_key`."""
    if isinstance(section.content, Missing):
        return section.content
    pem = re.search(r"-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----", section.text)
    if pem is None:
        said = section.errors.decode("utf-8", "backslashreplace").strip().splitlines()
        return Missing(f"openssl cannot read a private key: {said[0]}" if said else "it holds no private key")
    return pem.group()


def _one(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    return found.group(1).strip() if found else ""


def _alternative_names(text: str) -> str:
    return _one(r"^ *X509v3 Subject Alternative Name:[^\n]*\n *(.*)$", text)


def _moment(text: str) -> datetime | None:
    """`Nov 23 01:48:38 2036 GMT`, whatever the locale of this process."""
    found = re.fullmatch(r"([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4}) GMT", text)
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    if found is None or found.group(1) not in months:
        return None
    day, hour, minute, second, year = map(int, found.groups()[1:])
    try:
        return datetime(year, months.index(found.group(1)) + 1, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
