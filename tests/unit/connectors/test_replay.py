from __future__ import annotations

import os
from pathlib import Path

import pytest

from auditor.connectors import replay
from auditor.errors import ConnectionFailed, Unreachable
from auditor.model.host import Replay
from tests.unit.connectors.conftest import host, run


def test_a_snapshot_comes_back_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "mx1.snap"
    path.write_bytes(bytes(range(256)) * 10)
    output = run(host(Replay(path=str(path))))
    assert (path.read_bytes(), b"", None) == (output.stdout, output.stderr, output.status)


def test_a_snapshot_that_is_not_there_is_unreachable_with_advice(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"the snapshot .*mx1\.snap cannot be read: No such file") as failure:
        run(host(Replay(path=str(tmp_path / "mx1.snap"))))
    assert "mailaudit collect" in failure.value.advice


def test_a_path_with_a_nul_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="embedded null byte"):
        run(host(Replay(path="mx1\0.snap")))


def test_a_fifo_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    with pytest.raises(ConnectionFailed, match="is not a regular file"):
        run(host(Replay(path=str(path))))


@pytest.mark.parametrize("path", ["/dev/zero", "/"])
def test_devices_and_folders_are_refused(path: str) -> None:
    with pytest.raises(ConnectionFailed, match="is not a regular file"):
        run(host(Replay(path=path)))


def test_a_file_of_endless_zeros_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "zeros.snap"
    with path.open("wb") as file:
        file.truncate(replay.SIZE_LIMIT + 1)
    with pytest.raises(ConnectionFailed, match="is larger than 64 MB"):
        run(host(Replay(path=str(path))))
