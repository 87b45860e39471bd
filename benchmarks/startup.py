"""How long `mailaudit --help` takes, against an empty Python."""

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
    """The median wall clock of a command."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> None:
    """Measure and print."""
    print("| command | median s |\n| --- | ---: |")
    for argv in (
        (str(BIN / "mailaudit"), "--help"),
        (str(BIN / "mailaudit"), "scan", "--help"),
        (sys.executable, "-c", ""),
    ):
        print(f"| `{Path(argv[0]).name} {' '.join(argv[1:])}` | {seconds(argv):.3f} |")


if __name__ == "__main__":
    main()
