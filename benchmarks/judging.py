"""Recorded snapshots judged with all rules, on one core: hosts per second, and where the time goes."""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from auditor import pipeline
from auditor.model.host import Host, Replay
from auditor.model.snapshot import Snapshot

SNAPSHOTS = Path("tests/snapshots/demo")
STEPS = (
    ("read the file", "connectors/replay.py", "run"),
    ("decode the frames", "framing.py", "decode"),
    ("parse: effective values and their origins", "platforms/postfix/parse.py", "parse"),
    ("judge: every rule, every service", "rulebook/evaluate.py", "evaluate"),
)


def hosts_per_second(audit: Callable[[Host], object], hosts: Sequence[Host], seconds: float) -> float:
    """How many hosts one core does per second of its CPU time."""
    count = 0
    started = time.process_time()
    while (spent := time.process_time() - started) < seconds:
        for host in hosts:
            audit(host)
        count += len(hosts)
    return count / spent


def shares(audit: Callable[[Host], object], hosts: Sequence[Host]) -> dict[str, float]:
    """The share of CPU time of each step, by profile."""
    profile = cProfile.Profile(time.process_time)
    profile.enable()
    for _ in range(5):
        for host in hosts:
            audit(host)
    profile.disable()
    stats = pstats.Stats(profile)
    entries = stats.stats.items()  # type: ignore[attr-defined]
    total: float = stats.total_tt  # type: ignore[attr-defined]
    return {
        step: sum(value[3] for (file, _, name), value in entries if file.endswith(module) and name == function) / total
        for step, module, function in STEPS
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("snapshots", type=Path, nargs="?", default=SNAPSHOTS)
    arguments = parser.parse_args()
    rules = pipeline.SHIPPED.load_rules()
    hosts = [
        Host(name=path.stem, connection=Replay(path=str(path))) for path in sorted(arguments.snapshots.glob("*.snap"))
    ]

    def audit(host: Host) -> object:
        return pipeline.SHIPPED.audit(host, rules)

    services = sum(_services(snapshot) for host in hosts for snapshot in pipeline.SHIPPED.snapshots(host))
    for host in hosts:
        audit(host)
    rate = hosts_per_second(audit, hosts, arguments.seconds)
    print(f"{len(hosts)} snapshots, {services} services, {len(rules.rules)} rules: {rate:.0f} hosts/s on one core\n")
    print("| step | share of CPU time |\n| --- | ---: |")
    for step, share in shares(audit, hosts).items():
        print(f"| {step} | {share:.0%} |")


def _services(snapshot: Snapshot) -> int:
    platform = pipeline.SHIPPED.registry[snapshot.platform]
    return sum(len(platform.parse(instance).services) for instance in platform.instances(snapshot))


if __name__ == "__main__":
    main()
