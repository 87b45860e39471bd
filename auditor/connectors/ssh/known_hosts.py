"""Known-hosts files as sshd(8) describes them, parsed once per process.

Parsing them for every connection is what makes a large fleet slow: 1,500 entries cost a third of a second each time.
"""

from __future__ import annotations

import base64
import binascii
import errno
import fcntl
import hashlib
import hmac
import os
import re
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from auditor import private

SSH_PORT = 22


class Standing(StrEnum):
    """What the known-hosts files say about a key that a server has shown."""

    KNOWN = "yes"
    UNKNOWN = "no"
    CHANGED = "changed"
    REVOKED = "revoked"
    AUTHORITY = "authority"  # only a certificate authority is known for the host


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: a key, and whose it is. `marker` is empty, `@cert-authority` or `@revoked`; `key` is the SSH wire format."""

    marker: str
    names: tuple[str, ...]
    type: str
    key: bytes
    file: str
    line: int


def name_of(host: str, port: int) -> str:
    """What known-hosts files call a server: the host, or `[host]:port` for an unusual port."""
    return host.lower() if port == SSH_PORT else f"[{host.lower()}]:{port}"


def fingerprint(key: bytes) -> str:
    """As OpenSSH prints it: SHA256: and unpadded base64."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


class File:
    """The entries of one file, indexed for lookups by name."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._plain: dict[str, list[Entry]] = defaultdict(list)
        self._hashed: list[tuple[bytes, bytes, Entry]] = []
        self._patterns: list[tuple[tuple[str, ...], Entry]] = []
        for entry in entries:
            if any(character in name for name in entry.names for character in "*?!"):
                self._patterns.append((entry.names, entry))
                continue
            for name in entry.names:
                if name.startswith("|1|"):
                    self._hashed += [(salt, digest, entry) for salt, digest in _hash_parts(name)]
                else:
                    self._plain[name.lower()].append(entry)

    def lookup(self, name: str) -> Iterator[Entry]:
        """The entries for a name in known-hosts spelling."""
        yield from self._plain.get(name, ())
        encoded = name.encode()
        for salt, digest, entry in self._hashed:
            if hmac.digest(salt, encoded, "sha1") == digest:
                yield entry
        for patterns, entry in self._patterns:
            if _matches(name, patterns):
                yield entry


def parse(text: str, file: str = "") -> Iterator[Entry]:
    """The entries of a file; what cannot be read is skipped, as OpenSSH does."""
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        marker = words.pop(0) if words[0].startswith("@") else ""
        if len(words) < 3:
            continue
        try:
            key = base64.b64decode(words[2], validate=True)
        except (binascii.Error, ValueError):
            continue
        yield Entry(marker, tuple(words[0].split(",")), words[1], key, file, number)


def _hash_parts(name: str) -> Iterator[tuple[bytes, bytes]]:
    try:
        _, _, salt, digest = name.split("|")
        yield base64.b64decode(salt), base64.b64decode(digest)
    except (binascii.Error, ValueError):
        return


def _matches(name: str, patterns: Sequence[str]) -> bool:
    """Ssh's patterns: * and ?, and a leading ! that excludes."""
    found = False
    for pattern in patterns:
        negated = pattern.startswith("!")
        expression = re.escape(pattern.removeprefix("!").lower()).replace(r"\*", ".*").replace(r"\?", ".")
        if re.fullmatch(expression, name):
            if negated:
                return False
            found = True
    return found


_parsed: dict[str, tuple[tuple[int, int, int], File]] = {}
_parsing = threading.Lock()


def _file(path: str) -> File:
    """The parsed file; read again only when it has changed. A file that is not there is empty."""
    with _parsing:
        try:
            status = os.stat(path)  # noqa: PTH116 - hot: once per host and file
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if path not in _parsed or _parsed[path][0] != stamp:
                text = Path(path).read_text("utf-8", "replace")
                _parsed[path] = (stamp, File(parse(text, path)))
        except OSError:
            return File(())
        return _parsed[path][1]


def lookup(files: Iterable[str], name: str) -> tuple[Entry, ...]:
    """All entries for a name, in the order of the files."""
    return tuple(entry for path in files for entry in _file(path).lookup(name))


def standing(entries: Iterable[Entry], key: bytes) -> Standing:
    """What the entries of a host say about the key that it has shown."""
    entries = tuple(entries)
    if any(entry.marker == "@revoked" and entry.key == key for entry in entries):
        return Standing.REVOKED
    plain = [entry for entry in entries if not entry.marker]
    if any(entry.key == key for entry in plain):
        return Standing.KNOWN
    if plain:
        return Standing.CHANGED
    return Standing.AUTHORITY if any(entry.marker == "@cert-authority" for entry in entries) else Standing.UNKNOWN


def record(path: str, name: str, key_type: str, key: bytes) -> None:
    """Add a key to a file, which is replaced at once and is 0600 afterwards. Raises OSError.

    A key that another process (or thread) has recorded meanwhile is not written twice.
    """
    file = Path(path).expanduser().resolve()  # a link to the real file stays a link
    if file.exists() and not file.is_file():
        # UserKnownHostsFile /dev/null is common, and must not be replaced by a file.
        raise OSError(errno.EINVAL, "it is no regular file, no key can be recorded there", str(file))
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        text = file.read_text("utf-8", "surrogateescape") if file.exists() else ""
        if any(entry.key == key and not entry.marker for entry in File(parse(text)).lookup(name)):
            return
        if text and not text.endswith("\n"):
            text += "\n"
        text += f"{name} {key_type} {base64.b64encode(key).decode()}\n"
        private.replace(file, [text.encode("utf-8", "surrogateescape")])
    finally:
        os.close(folder)
