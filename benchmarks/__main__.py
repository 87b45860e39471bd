"""All benchmarks, one after the other, as they stand in docs/performance.md."""

from __future__ import annotations

import subprocess
import sys

NAMES = ("startup", "judging", "memory", "ssh_fleet")


def main() -> int:
    """Run each in a process of its own, so that none measures what another left behind."""
    status = 0
    for name in NAMES:
        print(f"\n## python -m benchmarks.{name}\n", flush=True)
        status |= subprocess.run((sys.executable, "-m", f"benchmarks.{name}"), check=False).returncode
    return status


if __name__ == "__main__":
    sys.exit(main())
