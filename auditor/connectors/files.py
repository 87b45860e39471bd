"""A folder of configuration files: a git repository, a backup, an unpacked image.

Symbolic links lead as they would on the server whose root the folder is, and never out of it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from auditor.errors import UsageError

FILE_LIMIT = 4 * 1024 * 1024  # bytes; configuration and lookup tables, not mailboxes
COUNT_LIMIT = 20_000  # files
TOTAL_LIMIT = 256 * 1024 * 1024  # bytes
LINKS_LIMIT = 40  # as the kernel: more means a loop
SKIPPED = frozenset({".git", ".hg", ".svn", ".bzr"})


@dataclass(frozen=True, slots=True)
class FolderContents:
    """The files by their path inside the folder (`etc/postfix/main.cf`), and what was not read, with the reason."""

    files: Mapping[str, bytes]
    unreadable: Mapping[str, str]


def read_folder(folder: Path) -> FolderContents:
    """Read every regular file of the folder, in the order of their paths. Raises UsageError when there is no such folder.

    Links to files are followed inside the folder, links to folders are not walked (their files are met where they are).
    Devices, sockets, FIFOs and what is too large are not opened.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder", "name the folder that holds the configuration files")
    files: dict[str, bytes] = {}
    unreadable: dict[str, str] = {}
    total = 0
    for path in _walk(folder, PurePosixPath(), unreadable):
        if len(files) >= COUNT_LIMIT or total >= TOTAL_LIMIT:
            unreadable[str(path)] = f"not read: the folder holds more than {COUNT_LIMIT} files or {TOTAL_LIMIT} bytes"
            break
        try:
            content = _read(folder, path)
        except (_Refused, OSError) as error:
            unreadable[str(path)] = error.strerror or "cannot be read" if isinstance(error, OSError) else str(error)
        else:
            files[str(path)] = content
            total += len(content)
    return FolderContents(files, unreadable)


class _Refused(Exception):
    """The reason why a path is not read."""


def _walk(folder: Path, inside: PurePosixPath, unreadable: dict[str, str]) -> Iterator[PurePosixPath]:
    try:
        with os.scandir(folder / inside) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        unreadable[str(inside)] = error.strerror or "cannot be listed"
        return
    for entry in entries:
        path = inside / entry.name
        try:
            is_folder = entry.is_dir(follow_symlinks=False)
        except OSError:
            is_folder = False
        if not is_folder:
            yield path
        elif entry.name not in SKIPPED:
            yield from _walk(folder, path, unreadable)


def _read(folder: Path, path: PurePosixPath) -> bytes:
    real = folder / _resolved(folder, path)
    mode = real.lstat().st_mode
    if stat.S_ISDIR(mode):
        raise _Refused("is a link to a folder")
    if not stat.S_ISREG(mode):
        raise _Refused("is not a regular file")
    # Between the look and the open the file may be exchanged for a FIFO or a link: neither may block or lead away.
    descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(FILE_LIMIT + 1)
    if len(content) > FILE_LIMIT:
        raise _Refused(f"is larger than {FILE_LIMIT // 1024 // 1024} MB")
    return content


def _resolved(folder: Path, path: PurePosixPath) -> PurePosixPath:
    """Follow the links on the way to a file as if the folder were the root directory, as chroot would."""
    todo = list(reversed(path.parts))
    done = PurePosixPath()
    links = 0
    while todo:
        part = todo.pop()
        if part == "..":
            done = done.parent
            continue
        step = folder / done / part
        if not step.is_symlink():
            done /= part
            continue
        links += 1
        if links > LINKS_LIMIT:
            raise _Refused("is a loop of symbolic links")
        target = PurePosixPath(step.readlink())
        if target.is_absolute():
            done = PurePosixPath()
        todo += reversed([name for name in target.parts if name not in ("/", "//")])
    return done
