"""The processes of a lab as this machine sees them."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from tests.lab.layers import LabError


def pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    """Its stdin and stdout, both of which must be pipes."""
    if process.stdin is None or process.stdout is None:
        raise LabError("the process was started without pipes")
    return process.stdin, process.stdout


def children(pid: int) -> Sequence[int]:
    """The numbers of its child processes."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def inner_pid(pid: int) -> int:
    """Its number in the PID namespace one below ours."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[2])
