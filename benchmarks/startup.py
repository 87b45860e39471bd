"""How long `mailaudit --help` takes, against an empty Python, in turn."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

BIN = Path(sys.executable).parent
RUNS = 20


def seconds(argv: Sequence[str]) -> float:
    """The wall clock of a command."""
    started = time.perf_counter()
    subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    python = (sys.executable, "-c", "pass")
    commands = (python, (str(BIN / "mailaudit"), "--help"), (str(BIN / "mailaudit"), "scan", "--help"))
    times: dict[tuple[str, ...], list[float]] = {argv: [] for argv in commands}
    for _ in range(RUNS):
        for argv in commands:
            times[argv].append(seconds(argv))
    print(f"| command | best of {RUNS} s | median s | median : Python alone |\n| --- | ---: | ---: | ---: |")
    alone = statistics.median(times[python])
    for argv in commands:
        middle = statistics.median(times[argv])
        text = f"{Path(argv[0]).name} {' '.join(argv[1:])}"
        print(f"| `{text}` | {min(times[argv]):.3f} | {middle:.3f} | {middle / alone:.1f} |")


if __name__ == "__main__":
    main()
