"""The peak memory of a scan of 1,000 replayed hosts with reports, and of a tenth of them: what a host adds.

The whole program as users run it: `mailaudit scan --snapshots DIR --report ...`, every host with names of its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import recorded

BIN = Path(sys.executable).parent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=1000)
    arguments = parser.parse_args()
    print("| hosts | reports | peak memory MB | CPU s | wall s | size of the reports MB |")
    print("| ---: | --- | ---: | ---: | ---: | ---: |")
    for hosts, kinds in (
        (arguments.hosts // 10, ("json", "html")),
        (arguments.hosts, ("text",)),
        (arguments.hosts, ("json", "html")),
    ):
        with tempfile.TemporaryDirectory(prefix="mailaudit-bench-") as temporary:
            print(_measured(Path(temporary), hosts, kinds), flush=True)


def _measured(folder: Path, hosts: int, kinds: Sequence[str]) -> str:
    """One scan as a row of the table. Raises RuntimeError when it failed."""
    (folder / "snapshots").mkdir()
    recorded.write(folder / "snapshots", range(hosts))
    reports = [folder / f"report.{kind}" for kind in kinds]
    wanted = [f"--report={kind}:{path}" for kind, path in zip(kinds, reports, strict=True)]
    argv = (str(BIN / "mailaudit"), "scan", "--snapshots", str(folder / "snapshots"), "--fail-on", "never", *wanted)
    started = time.perf_counter()
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if status or not all(path.exists() for path in reports):
        raise RuntimeError(f"the scan ended with {status}: {process.stderr.read() if process.stderr else ''}")
    size = sum(path.stat().st_size for path in reports) / 1e6
    cpu = usage.ru_utime + usage.ru_stime
    return f"| {hosts} | {', '.join(kinds)} | {usage.ru_maxrss / 1024:.0f} | {cpu:.1f} | {wall:.1f} | {size:.1f} |"


if __name__ == "__main__":
    main()
