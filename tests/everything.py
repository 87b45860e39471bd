"""`make test`: every check and test, group by group, with minutes per group and one line for what was left out and why.

In CI (CI=true) a group that cannot run is a failure. Elsewhere, without root, the lab is left out and said so.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent


def nothing_missing() -> str:
    """No reason to leave a group out."""
    return ""


def lab_missing() -> str:
    """Why the lab cannot run here; empty when it can."""
    if os.geteuid() != 0:
        return "needs root for network namespaces; run `sudo make test` or `make lab` as root"
    absent = [tool for tool in ("mmdebstrap", "unshare", "ip") if shutil.which(tool) is None]
    return f"{', '.join(absent)} not installed; tests/debian-packages.sh installs it" if absent else ""


def browser_missing() -> str:
    """Why the browser tests cannot run here; empty when they can."""
    return (
        ""
        if shutil.which("chromium")
        else "chromium is not installed; on Debian: apt-get install chromium fonts-dejavu-core"
    )


@dataclass(frozen=True, slots=True)
class Group:
    """One step: its commands, and why it may be left out on this machine."""

    name: str
    commands: tuple[tuple[str, ...], ...]
    left_out: Callable[[], str] = nothing_missing
    fast: bool = True


def tool(name: str) -> str:
    """A tool of the virtual environment."""
    return str(BIN / name)


PYTEST = (tool("pytest"), "-q", "-rs", "--durations=5")
CHECKS = (
    Group("format", ((tool("ruff"), "format", "--check", "--quiet"),)),
    Group("lint", ((tool("ruff"), "check", "--quiet"),)),
    Group("types", ((tool("mypy"),),)),
    Group("import contracts", ((tool("lint-imports"), "--no-cache"),)),
    Group(
        "spelling",
        ((tool("codespell"), "auditor", "rules", "docs", "tests", "benchmarks", "README.md", "ARCHITECTURE.md"),),
    ),
)
TESTS = (
    Group("tests", ((*PYTEST, "-n", "2", "--dist", "loadgroup", "-m", "not lab and not browser", "tests"),)),
    Group("browser", ((*PYTEST, "-m", "browser and not lab", "tests"),), browser_missing, fast=False),
    Group("lab", ((*PYTEST, "-m", "lab", "tests"),), lab_missing, fast=False),
)


def run(group: Group) -> bool:
    """Run a group's commands from the top of the repository; whether all ended with 0."""
    # Tools that the tests call by name are those of the virtual environment.
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    return all(
        subprocess.run(command, cwd=ROOT, check=False, env=environment).returncode == 0 for command in group.commands
    )


def main() -> int:
    """Run the groups asked for; 0 when all that could run passed, and in CI none was left out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fast", action="store_true", help="nothing that needs root, a browser or Debian packages")
    parser.add_argument("--check", action="store_true", help="lint, types and contracts only")
    chosen = parser.parse_args()
    ci = os.environ.get("CI") == "true"
    groups = CHECKS if chosen.check else (*CHECKS, *(group for group in TESTS if group.fast or not chosen.fast))
    if not chosen.fast and not chosen.check:
        subprocess.run(["sh", str(ROOT / "tests" / "debian-packages.sh")], cwd=ROOT, check=ci)
    lines: list[str] = []
    failed = False
    for group in groups:
        reason = group.left_out()
        if reason:
            failed |= ci
            lines.append(f"{group.name:18} left out: {reason}")
            continue
        print(f"== {group.name}", flush=True)  # noqa: T201 this is a program for people
        started = time.monotonic()
        passed = run(group)
        failed |= not passed
        lines.append(
            f"{group.name:18} {'passed' if passed else 'FAILED'} in {(time.monotonic() - started) / 60:.1f} min"
        )
    print("\n" + "\n".join(lines))  # noqa: T201 this is a program for people
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
