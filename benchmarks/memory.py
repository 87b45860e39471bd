"""The peak memory of a scan of 1,000 replayed hosts with a report of each kind."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.judging import SNAPSHOTS

BIN = Path(sys.executable).parent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=1000)
    arguments = parser.parse_args()
    print("| report | peak memory MB | wall s | size of the report MB |\n| --- | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory(prefix="mailaudit-bench-") as temporary:
        folder = Path(temporary)
        recorded = sorted(SNAPSHOTS.glob("*.snap"))
        (folder / "snapshots").mkdir()
        for number in range(arguments.hosts):
            shutil.copy(recorded[number % len(recorded)], folder / f"snapshots/mx{number:04}.example.org.snap")
        for kind in ("text", "json", "html"):
            _measure(folder, kind)


def _measure(folder: Path, kind: str) -> None:
    out = folder / f"report.{kind}"
    argv = ("scan", "--snapshots", str(folder / "snapshots"), "--fail-on", "never", "--report", f"{kind}:{out}")
    started = time.perf_counter()
    process = subprocess.Popen((BIN / "mailaudit", *argv), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if status or not out.exists():
        raise RuntimeError(f"the scan ended with {status}: {process.stderr.read() if process.stderr else ''}")
    print(f"| {kind} | {usage.ru_maxrss / 1024:.0f} | {wall:.1f} | {out.stat().st_size / 1e6:.1f} |", flush=True)


if __name__ == "__main__":
    main()
