"""Wall clock and client CPU of a command, several times, in turn with its peers."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way to do the work. `check` is given the output and raises when the work was not done."""

    name: str
    argv: Sequence[str]
    check: Callable[[str], None]
    environment: Mapping[str, str] = field(default_factory=dict)
    once: bool = False  # too slow to repeat


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One run: seconds of wall clock, CPU seconds of the command and all its children, CPU of everything else meanwhile."""

    wall: float
    cpu: float
    others: float


def run(case: Case) -> Figure:
    """Run a case once. Raises RuntimeError when it fails or did not do the work."""
    before, machine, started = _children(), _machine(), time.perf_counter()
    done = subprocess.run(
        case.argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, **case.environment},
        check=False,
    )
    wall = time.perf_counter() - started
    cpu = _children() - before
    try:
        case.check(done.stdout)
    except AssertionError as error:
        raise RuntimeError(f"{case.name} ended with {done.returncode}: {error}\n{done.stdout[-2000:]}") from error
    return Figure(wall=wall, cpu=cpu, others=max(0.0, _machine() - machine - cpu))


def in_turn(cases: Sequence[Case], repeats: int) -> dict[str, list[Figure]]:
    """Every case once, then all again: what else the machine does hits all alike."""
    figures: dict[str, list[Figure]] = {case.name: [] for case in cases}
    for number in range(repeats):
        for case in cases:
            if number == 0 or not case.once:
                figures[case.name].append(run(case))
    return figures


def median(figures: Sequence[Figure]) -> Figure:
    """The middle of each kind of figure."""
    return Figure(
        wall=statistics.median(figure.wall for figure in figures),
        cpu=statistics.median(figure.cpu for figure in figures),
        others=statistics.median(figure.others for figure in figures),
    )


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _machine() -> float:
    """CPU seconds that the whole machine has used, waiting excluded."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")
