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
    """One section as the prelude writes it."""
    payload = content + errors
    return b"@ %s %d %d %d %s\n%s\n" % (
        str(status).encode(),
        len(content),
        len(errors),
        posix_cksum(payload),
        name.encode(),
        payload,
    )


def end(count: int) -> bytes:
    """The last line of a snapshot."""
    return b"@end %d\n" % count


PLATFORMS = HEADER + frame("host/platforms", b"postfix found\n")


def recorded(*sections: bytes) -> bytes:
    """A whole snapshot of a Postfix host with these sections."""
    return PLATFORMS + b"".join(sections) + end(1 + len(sections))
