"""A fleet made of the recorded example servers: each host has names of its own, as hosts have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from auditor import framing

SNAPSHOTS = Path("tests/snapshots/demo")
_COMMON = b"example"  # what all names of the recorded servers have in common


def write(folder: Path, numbers: range) -> tuple[Path, ...]:
    """Write a snapshot per number, each recorded server in turn. Each has as many bytes as the recording and a valid checksum."""
    recorded = [path.read_bytes() for path in sorted(SNAPSHOTS.glob("*.snap"))]
    paths = []
    for number in numbers:
        path = folder / f"mx{number:05}.example.org.snap"
        path.write_bytes(renamed(recorded[number % len(recorded)], number))
        paths.append(path)
    return tuple(paths)


def renamed(snapshot: bytes, number: int) -> bytes:
    """The snapshot of a host whose domain is another. Raises ValueError for a number of more than five digits."""
    own = b"ex%05d" % number
    if len(own) != len(_COMMON):
        raise ValueError(f"{number} has more than five digits")
    return b"".join(_summed(snapshot.replace(_COMMON, own)))


def _summed(snapshot: bytes) -> Iterator[bytes]:
    """The snapshot with its checksums as they must be."""
    start = snapshot.index(b"\n@ ") + 1
    yield snapshot[:start]
    while (end := snapshot.find(b"\n@sum ", start)) >= 0:
        block = snapshot[start : end + 1]
        yield block + b"@sum %d %d\n" % (framing.cksum(block), len(block))
        start = snapshot.index(b"\n", end + 1) + 1
    yield snapshot[start:]
