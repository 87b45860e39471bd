"""Files that only their owner can read, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from auditor.errors import AuditorError


def write(path: Path, chunks: Iterable[bytes]) -> None:
    """As `replace`. Raises AuditorError with the path and what to do."""
    try:
        replace(path, chunks)
    except OSError as error:
        raise AuditorError(
            f"{path} could not be written: {error.strerror or error}",
            "name a place in a folder that exists, is writable and has room",
        ) from error


def replace(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file with mode 0600 through a temporary one beside it; what was there stays until all is written. Raises OSError."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)  # mkstemp gives 0600
    temporary = Path(name)
    try:
        with open(descriptor, "wb") as stream:  # noqa: PTH123 a descriptor
            stream.writelines(chunks)
            stream.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
