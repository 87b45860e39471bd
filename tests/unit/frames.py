"""Snapshots written by hand, for tests. The checksum is computed by the definition in POSIX, bit by bit, not by the code under test."""

from __future__ import annotations

HEADER = b"mailaudit-snapshot 1 " + b"a" * 64 + b" 1795572126\n# This file holds addresses.\n"


def posix_cksum(data: bytes) -> int:
    """The CRC of POSIX's cksum, as its page defines it."""
    size, crc = len(data), 0
    octets = bytearray(data)
    while size:
        octets.append(size & 0xFF)
        size >>= 8
    for octet in octets:
        crc ^= octet << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7) & 0xFFFFFFFF if crc & 0x80000000 else crc << 1
    return crc ^ 0xFFFFFFFF


def frame(name: str, content: bytes, *, errors: bytes = b"", status: int | str = 0) -> bytes:
    """One section as the prelude writes it, in a block of its own."""
    return block(section(name, content, errors=errors, status=status))


def section(name: str, content: bytes, *, errors: bytes = b"", status: int | str = 0) -> bytes:
    """One section without its checksum."""
    return b"@ %s %d %d %s\n%s%s\n" % (
        str(status).encode(),
        len(content),
        len(errors),
        name.encode(),
        content,
        errors,
    )


def block(sections: bytes) -> bytes:
    """Sections and the line with their checksum."""
    return sections + b"@sum %d %d\n" % (posix_cksum(sections), len(sections))


def end(count: int) -> bytes:
    """The last line of a snapshot."""
    return b"@end %d\n" % count


PLATFORMS = HEADER + frame("host/platforms", b"postfix found\n")


def recorded(*sections: bytes) -> bytes:
    """A whole snapshot of a Postfix host with these sections."""
    return PLATFORMS + b"".join(sections) + end(1 + len(sections))
