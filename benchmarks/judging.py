"""Recorded servers judged with all rules, on one core: servers per second of CPU time, and where the time goes.

Per host: read the snapshot, check and decode it, parse it, run every rule, make the report's value. No host occurs twice in a run of
this benchmark, so that nothing is remembered of a host; what hosts have in common (defaults, rules) is, as in any scan.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from auditor import pipeline
from auditor.model.host import Host, Replay
from auditor.model.run import HostReport
from benchmarks import recorded

Scan = Callable[[Sequence[Host]], Iterable[HostReport]]
STEPS = (
    ("read the file", "pipeline/stages.py", "record"),
    ("decode: checksums, frames, secrets refused", "framing.py", "decode"),
    ("parse: effective values and their origins", "platforms/postfix/parse.py", "parse"),
    ("judge: every rule, every service, with the evidence", "rulebook/evaluate.py", "evaluate"),
)
TOP = 12


def spent(scan: Scan, hosts: Sequence[Host]) -> tuple[float, int]:
    """The CPU seconds that the hosts took, and how many mail servers (instances of Postfix) they were."""
    started = time.process_time()
    servers = sum(len(report.audited) for report in scan(hosts))
    return time.process_time() - started, servers


def yardstick() -> float:
    """CPU seconds of a fixed piece of Python, to compare machines by: 200,000 texts put into a dictionary."""
    started = time.process_time()
    kept = {}
    for number in range(200_000):
        kept[number % 1000] = (number, str(number))
    return time.process_time() - started


def profiled(audit: Callable[[Host], HostReport], hosts: Sequence[Host]) -> Iterator[str]:
    """The share of CPU time of each step, and the functions that take most themselves, as Markdown."""
    profile = cProfile.Profile(time.process_time)
    profile.enable()
    for host in hosts:  # in this thread: a profile sees no other
        audit(host)
    profile.disable()
    stats = pstats.Stats(profile)
    entries: dict[tuple[str, int, str], tuple[int, int, float, float, object]] = stats.stats  # type: ignore[attr-defined]
    total: float = stats.total_tt  # type: ignore[attr-defined]
    yield "\n| step | share of CPU time |\n| --- | ---: |"
    for step, module, function in STEPS:
        steps = (value[3] for (file, _, name), value in entries.items() if file.endswith(module) and name == function)
        yield f"| {step} | {sum(steps) / total:.0%} |"
    yield "\n| function | share, itself | calls per host |\n| --- | ---: | ---: |"
    for (file, _, name), value in sorted(entries.items(), key=lambda entry: -entry[1][2])[:TOP]:
        place = file.rpartition("/auditor/")[2].removesuffix(".py") if "/auditor/" in file else ""
        label = f"{place}: {name}" if place else name.strip("<>{}")
        yield f"| `{label}` | {value[2] / total:.1%} | {value[1] / len(hosts):.0f} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=100, help="hosts per run")
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    rules = pipeline.SHIPPED.load_rules()

    def scan(hosts: Sequence[Host]) -> Iterable[HostReport]:
        return pipeline.SHIPPED.scan(hosts, rules, workers=1)

    with tempfile.TemporaryDirectory(prefix="mailaudit-bench-") as temporary:

        def hosts(run: int) -> tuple[Host, ...]:
            numbers = range(run * arguments.hosts, (run + 1) * arguments.hosts)
            paths = recorded.write(Path(temporary), numbers)
            return tuple(Host(name=path.stem, connection=Replay(path=str(path))) for path in paths)

        spent(scan, hosts(0))
        runs = [(yardstick(), *spent(scan, hosts(run))) for run in range(1, arguments.runs + 1)]
        rates = sorted(servers / seconds for _, seconds, servers in runs)
        measure = statistics.median(seconds for seconds, _, _ in runs)
        print(
            f"{len(rules.rules)} rules, {arguments.hosts} hosts with {runs[0][2]} mail servers, {arguments.runs} runs\n"
        )
        print("| | servers per second of one core |\n| --- | ---: |")
        print(f"| median | {statistics.median(rates):.0f} |\n| best | {rates[-1]:.0f} |\n| worst | {rates[0]:.0f} |")
        print(f"\nThe yardstick takes {1000 * measure:.0f} ms here (median).")
        print("\n".join(profiled(lambda host: pipeline.SHIPPED.audit(host, rules), hosts(arguments.runs + 1))))


if __name__ == "__main__":
    main()
