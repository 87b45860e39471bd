"""Owner, permissions and age of the files that matter, as rules see them."""

from __future__ import annotations

import stat
from collections.abc import Callable
from typing import Literal

from auditor.model.origin import Origin, Unknown
from auditor.model.snapshot import Missing, Snapshot
from auditor.platforms.postfix.model import FileState, Purpose
from auditor.platforms.postfix.readings import FileReading
from auditor.platforms.postfix.readings import files as read_states

_ROOT_GROUPS = frozenset({"root", "wheel", "0"})


class States:
    """The states of files that the snapshot holds."""

    def __init__(self, snapshot: Snapshot) -> None:
        readings = read_states(snapshot)
        self.missing = Unknown(readings.reason) if isinstance(readings, Missing) else None
        self._readings = {} if isinstance(readings, Missing) else readings

    def exists(self, path: str) -> bool | Unknown:
        """Whether the path is there; Unknown where nobody looked or may look."""
        reading = self._readings.get(path)
        if isinstance(reading, FileReading):
            return True
        if reading is not None:
            return False if "no such file" in reading.reason.lower() else Unknown(f"{path}: {reading.reason}")
        return self.missing or Unknown(f"{path} was not looked at")

    def is_newer(self, path: str, than: str) -> bool | Unknown:
        """Whether a file was changed after another; false when one of them is not there."""
        for name in (path, than):
            there = self.exists(name)
            if there is not True:
                return there
        one, other = self._readings[path], self._readings[than]
        return isinstance(one, FileReading) and isinstance(other, FileReading) and one.changed > other.changed

    def all(self, purpose: Callable[[str], tuple[Purpose, Origin | None]]) -> tuple[FileState, ...] | Unknown:
        """Every file but those that are not there; `purpose` says what a path is for and which setting names it."""
        if self.missing is not None:
            return self.missing
        return tuple(
            _file_state(reading, *purpose(path))
            if isinstance(reading, FileReading)
            else _unseen(path, Unknown(f"{path}: {reading.reason}"), *purpose(path))
            for path, reading in self._readings.items()
            if self.exists(path) is not False
        )


def _kind(mode: int) -> Literal["file", "directory", "socket", "other"]:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "directory"
    return "socket" if stat.S_ISSOCK(mode) else "other"


def _unseen(path: str, reason: Unknown, purpose: Purpose, origin: Origin | None) -> FileState:
    return FileState(
        name=path,
        path=path,
        purpose=purpose,
        kind=reason,
        owner=reason,
        group=reason,
        mode=reason,
        is_owned_by_root=reason,
        is_group_writable=reason,
        is_group_readable=reason,
        is_world_writable=reason,
        is_world_readable=reason,
        is_writable_by_others=reason,
        is_readable_by_others=reason,
        is_setgid=reason,
        is_link=reason,
        origin=origin,
    )


def _file_state(reading: FileReading, purpose: Purpose, origin: Origin | None) -> FileState:
    mode = reading.mode
    is_shared = reading.group not in _ROOT_GROUPS
    return FileState(
        name=reading.path,
        path=reading.path,
        purpose=purpose,
        kind=_kind(mode),
        owner=reading.user,
        group=reading.group,
        mode=reading.permissions,
        is_owned_by_root=reading.uid == 0,
        is_group_writable=bool(mode & stat.S_IWGRP),
        is_group_readable=bool(mode & stat.S_IRGRP),
        is_world_writable=bool(mode & stat.S_IWOTH),
        is_world_readable=bool(mode & stat.S_IROTH),
        is_writable_by_others=bool(mode & stat.S_IWOTH) or (bool(mode & stat.S_IWGRP) and is_shared),
        is_readable_by_others=bool(mode & stat.S_IROTH) or (bool(mode & stat.S_IRGRP) and is_shared),
        is_setgid=bool(mode & stat.S_ISGID),
        is_link=reading.is_link,
        origin=origin,
    )
