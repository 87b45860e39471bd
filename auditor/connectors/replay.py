"""A snapshot file: the recorded output of a collection, handed out again byte for byte."""

from __future__ import annotations

import os
import stat
from datetime import timedelta

from auditor.errors import ConnectionFailed, Unreachable
from auditor.interfaces import Output, Script
from auditor.model.host import Host, Replay, Shell

SIZE_LIMIT = 64 * 1024 * 1024  # bytes; a script run by hand may have more to say than a connection waits for


class ReplayConnector:
    """Answers every script with the content of the file."""

    def __init__(self, host: Host, settings: Replay) -> None:
        self._host = host.name
        self._path = settings.path

    @property
    def shell(self) -> Shell:
        """Whatever was recorded."""
        return Shell.SH

    def run(self, script: Script, *, timeout: timedelta) -> Output:  # noqa: ARG002 - there is nobody to run it
        """The file's bytes. Raises Unreachable or ConnectionFailed when it is no regular file of a decent size."""
        try:
            # O_NONBLOCK: opening a FIFO must not wait for a writer.
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise Unreachable(
                self._host,
                f"the snapshot {self._path} cannot be read: {reason}",
                "`mailaudit collect -o DIR` writes snapshots; check the path and the permissions",
            ) from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise ConnectionFailed(self._host, f"{self._path} is not a regular file", "name the snapshot file itself")
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(SIZE_LIMIT + 1)
        if len(data) > SIZE_LIMIT:
            raise ConnectionFailed(
                self._host,
                f"{self._path} is larger than {SIZE_LIMIT // 1024 // 1024} MB: it is no snapshot",
                "name a file that `mailaudit collect` wrote",
            )
        return Output(stdout=data, stderr=b"", status=None)

    def close(self) -> None:
        """Nothing is open."""
