"""The stages chained for one host and over the fleet; the documented Python API.

    rulebook = load_rules()
    hosts = inventory.load(["inventory.yaml"]).hosts
    reports = tuple(scan(hosts, rulebook))

Everything up to `snapshots` is input and output; `judge` is pure.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from auditor import __version__, connectors, fleet, framing, resources, rulebook, shell
from auditor.errors import CollectionFailed, NoMailServer, Problem, UsageError
from auditor.interfaces import Platform, Script
from auditor.model.finding import Finding, Severity, Verdict
from auditor.model.host import Command, Files, Host, HostVariables, Replay, Ssh
from auditor.model.network import LOOPBACK, Networks
from auditor.model.run import Audited, HostReport, Run
from auditor.model.snapshot import Snapshot
from auditor.platforms import PLATFORMS

DEFAULT_WORKERS = 20  # 20 to 30 threads saturate two cores; more only cost memory
NO_SITE_FACTS = "trusted_networks is not declared: loopback and the host's own addresses are trusted"


def registry() -> Mapping[str, Platform[Any]]:
    """The platforms by name."""
    return {platform.name: platform for platform in PLATFORMS}


def load_rules(profile: str = "default", site: Sequence[Path] = ()) -> rulebook.Rulebook:
    """The shipped rules and those of the site's folders, checked and compiled. Raises InvalidFile with every problem."""
    return rulebook.load_rulebook([resources.shipped("rules")], registry(), profile=profile, site=site)


def wanted_platforms(host: Host) -> tuple[Platform[Any], ...]:
    """The platforms to look for on a host: the named one, or all. Raises UsageError for a name that we do not know."""
    if host.platform == "auto":
        return PLATFORMS
    if host.platform not in registry():
        raise UsageError(
            f"{host.name}: there is no platform {host.platform!r}",
            f"known: auto, {', '.join(registry())}; write one of these as platform:",
        )
    return (registry()[host.platform],)


def script_for(host: Host) -> Script:
    """The whole collection script for a host: one round trip, whatever is there."""
    return script(wanted_platforms(host), privilege=host.privilege.mode)


def script(platforms: Iterable[Platform[Any]], *, privilege: str) -> Script:
    """Prelude, settings, and each platform's collector behind its detection."""
    bodies = [(platform.name, platform.detect, platform.collect) for platform in platforms]
    return shell.compose(bodies, settings={"privilege": privilege})


def describe(host: Host) -> str:
    """How a host is read, for people: "ssh root@192.0.2.1:22", "snapshot mx1.snap"."""
    match host.connection:
        case Ssh() as ssh:
            user = f"{ssh.user}@" if ssh.user else ""
            address = f"[{ssh.address}]" if ":" in ssh.address else ssh.address
            return f"ssh {user}{address}" + (f":{ssh.port}" if ssh.port else "")
        case Command() as command:
            return "command " + " ".join(command.argv)
        case Files() as files:
            return f"files {files.folder}"
        case Replay() as recorded:
            return f"snapshot {recorded.path}"


def record(host: Host) -> bytes:
    """Run the collection on a host and return its output, byte for byte: the content of a snapshot file. Raises HostFailed."""
    with connectors.open(host) as connector:
        output = connector.run(script_for(host), timeout=host.deadline)
    if not output.stdout:
        said = output.stderr.decode("utf-8", "backslashreplace").strip().splitlines()
        raise CollectionFailed(
            host.name,
            "the collection script answered nothing"
            + (f"; its shell said: {said[-1][:200]!r}" if said else f" (exit status {output.status})"),
            "check that the login shell can run a POSIX sh: `mailaudit collect --print-script` shows what is sent",
        )
    return output.stdout


def snapshots(host: Host) -> tuple[Snapshot, ...]:
    """Read a host, whichever way its connection says; one snapshot per mail server found there. Raises HostFailed."""
    if isinstance(host.connection, Files):
        return tuple(_snapshots_of_folder(host, host.connection))
    found = framing.decode(host.name, record(host))
    wanted = {platform.name for platform in wanted_platforms(host)}
    found = tuple(snapshot for snapshot in found if snapshot.platform in wanted)
    if not found:
        raise NoMailServer(
            host.name,
            f"none of {', '.join(sorted(wanted))} was found there",
            "is this the right host? `platform:` in the inventory says what to expect",
        )
    return found


def _snapshots_of_folder(host: Host, connection: Files) -> Iterator[Snapshot]:
    contents = connectors.read_folder(Path(connection.folder))
    found = 0
    for platform in wanted_platforms(host):
        for files in platform.recognise(contents.files):
            found += 1
            yield replace(platform.from_files(files, connection.release), host=host.name)
    if not found:
        unreadable = "; ".join(f"{path}: {reason}" for path, reason in list(contents.unreadable.items())[:3])
        raise NoMailServer(
            host.name,
            f"no configuration of {', '.join(p.name for p in wanted_platforms(host))} in {connection.folder}"
            + (f" ({unreadable})" if unreadable else ""),
            "name the folder that holds main.cf, or one above it",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """One mail server as the rules see it, with the site facts that hold for it."""

    platform: Platform[Any]
    instance: str
    model: Any
    variables: HostVariables


def parsed(found: Iterable[Snapshot], host: Host) -> Iterator[Parsed]:
    """Split snapshots into instances and parse them; fill in what holds when nobody declared site facts."""
    for snapshot in found:
        platform = registry()[snapshot.platform]
        for instance in platform.instances(snapshot):
            model = platform.parse(instance)
            yield Parsed(
                platform=platform, instance=instance.instance, model=model, variables=_site_facts(host, platform, model)
            )


def _site_facts(host: Host, platform: Platform[Any], model: Any) -> HostVariables:
    if host.variables.trusted_networks is not None:
        return host.variables
    return replace(host.variables, trusted_networks=Networks.of(*LOOPBACK).union(platform.addresses(model)))


def judge(found: Sequence[Snapshot], host: Host, rules: rulebook.Rulebook) -> HostReport:
    """Judge what was read of one host. Pure: the same snapshots give the same report."""
    findings: list[Finding] = []
    audited: list[Audited] = []
    for server in parsed(found, host):
        findings += rulebook.evaluate(rules, server.platform, server.model, server.variables, server.instance)
        audited.append(
            Audited(
                platform=server.platform.name,
                instance=server.instance,
                release=server.platform.release(server.model),
                problems=tuple(server.platform.problems(server.model)),
            )
        )
    return HostReport(
        host=host.name,
        state="ok",
        source=describe(host),
        groups=host.groups,
        audited=tuple(audited),
        findings=tuple(sorted(findings, key=order)),
        notes=(NO_SITE_FACTS,) if host.variables.trusted_networks is None else (),
        taken_at=max((s.taken_at for s in found if s.taken_at), default=None),
    )


def order(finding: Finding) -> tuple[int, str, str, str, str]:
    """The order of findings everywhere: worst first, then rule, platform, instance, subject."""
    return (-finding.severity.rank, finding.rule_id, finding.platform, finding.instance, finding.subject)


def audit(host: Host, rules: rulebook.Rulebook) -> HostReport:
    """Read and judge one host. Raises HostFailed."""
    started = time.monotonic()
    report = judge(snapshots(host), host, rules)
    return replace(report, seconds=round(time.monotonic() - started, 3))


Observer = Callable[[fleet.Event], None]


def scan(
    hosts: Sequence[Host], rules: rulebook.Rulebook, *, workers: int = DEFAULT_WORKERS, observer: Observer | None = None
) -> Iterator[HostReport]:
    """Audit many hosts at once; the reports come in the order of the hosts. A host that fails is a report with its state."""
    results = fleet.run(
        hosts, lambda host: audit(host, rules), workers=workers, name=lambda host: host.name, observer=observer
    )
    for host, result in zip(hosts, results, strict=True):
        yield result.value if result.value is not None else failed_report(host, result)


def collect(
    hosts: Sequence[Host], *, workers: int = DEFAULT_WORKERS, observer: Observer | None = None
) -> Iterator[tuple[Host, fleet.Result[bytes]]]:
    """Collect from many hosts at once, without judging. What is not a snapshot is a failed result, never bytes to keep."""

    def checked(host: Host) -> bytes:
        data = record(host)
        framing.decode(host.name, data)
        return data

    results = fleet.run(hosts, checked, workers=workers, name=lambda host: host.name, observer=observer)
    return zip(hosts, results, strict=True)


def explain(
    rule: str, hosts: Sequence[Host], rules: rulebook.Rulebook, *, workers: int = DEFAULT_WORKERS
) -> Iterator[fleet.Result[str]]:
    """What a rule says about each host, value by value, as text. A host that cannot be read is a failed result."""

    def explained(host: Host) -> str:
        texts = [
            rulebook.explain(rules, rule, server.platform, server.model, server.variables, server.instance)
            for server in parsed(snapshots(host), host)
        ]
        return f"{host.name} ({describe(host)})\n" + "\n".join(texts)

    return fleet.run(hosts, explained, workers=workers, name=lambda host: host.name)


def check_rules(folders: Sequence[Path]) -> tuple[tuple[Problem, ...], int, int]:
    """Run the examples of the shipped rules, or of those in the folders: (problems, rules, examples). Raises InvalidFile."""
    book = load_rules(site=folders, profile=rulebook.ALL)
    checked = [
        rule for rule in book.rules if not folders or any(Path(rule.file).is_relative_to(folder) for folder in folders)
    ]
    problems = tuple(problem for rule in checked for problem in rulebook.check_examples(rule, registry()))
    return problems, len(checked), sum(len(rule.examples) for rule in checked)


def sudoers(host: Host, *, user: str) -> Iterator[str]:
    """The sudoers lines of the default privilege mode for a host; of a snapshot, with the paths that its configuration names."""
    known: dict[str, Snapshot] = {}
    if isinstance(host.connection, Replay):
        known = {snapshot.platform: snapshot for snapshot in snapshots(host)}
    for platform in wanted_platforms(host):
        for command in platform.privileged(known.get(platform.name)):
            yield f"{user} ALL=(root) NOPASSWD: {command}"


def failed_report(host: Host, result: fleet.Result[Any]) -> HostReport:
    """The report of a host that could not be audited."""
    return HostReport(
        host=host.name,
        state=result.state,
        source=describe(host),
        groups=host.groups,
        error=result.message,
        advice=result.advice,
        seconds=round(result.seconds, 3),
    )


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How many hosts a run may miss: none ("fail"), any ("warn"), or a share of them in percent."""

    percent: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Tolerance:
        """Read `fail`, `warn` or `N%`. Raises UsageError."""
        if text in ("fail", "warn"):
            return cls(0.0 if text == "fail" else 100.0)
        number = text.removesuffix("%")
        if text.endswith("%") and number.isdigit() and int(number) <= 100:
            return cls(float(number))
        raise UsageError(
            f"--unreachable {text!r} is not fail, warn or a percentage", "write for example --unreachable 5%"
        )

    def allows(self, missing: int, of: int) -> bool:
        """Whether `missing` hosts out of `of` are tolerated."""
        return missing * 100 <= self.percent * of


def exit_code(
    reports: Sequence[HostReport], *, fail_on: Severity | None, tolerance: Tolerance, complete: bool
) -> tuple[int, str]:
    """The exit code of a scan (DESIGN section 12) and its reason in words."""
    if not complete:
        return 130, "interrupted: the report holds what was done"
    missing = [report.host for report in reports if report.state != "ok"]
    if not tolerance.allows(len(missing), len(reports)):
        return 3, f"{len(missing)} of {len(reports)} hosts could not be audited"
    unknown = sorted(
        {
            f"{f.rule_id} on {r.host}"
            for r in reports
            for f in r.findings
            if f.verdict is Verdict.UNKNOWN and f.severity is Severity.CRITICAL
        }
    )
    if unknown:
        return 3, f"a critical rule could not be judged: {unknown[0]}" + (
            f" and {len(unknown) - 1} more" if unknown[1:] else ""
        )
    if fail_on is not None:
        failing = sum(
            f.verdict is Verdict.FAIL and f.severity.rank >= fail_on.rank for r in reports for f in r.findings
        )
        if failing:
            return 1, f"{failing} finding{'s' * (failing != 1)} at or above {fail_on}"
    return (
        0,
        "no finding at or above " + fail_on if fail_on else "findings do not change the exit code (--fail-on never)",
    )


def conclude(
    reports: Sequence[HostReport],
    rules: rulebook.Rulebook,
    *,
    started: datetime,
    finished: datetime,
    fail_on: Severity | None,
    tolerance: Tolerance,
) -> Run:
    """The run that the reports tell of. Pure; it is incomplete when a host was interrupted."""
    complete = all(report.state != fleet.INTERRUPTED for report in reports)
    code, reason = exit_code(reports, fail_on=fail_on, tolerance=tolerance, complete=complete)
    return Run(
        tool_version=__version__,
        rulebook_digest=rules.digest,
        profile=rules.profile,
        started_at=started,
        finished_at=finished,
        complete=complete,
        fail_on=fail_on,
        exit_code=code,
        exit_reason=reason,
        rules=rules.summaries(),
        hosts=tuple(reports),
    )


def now() -> datetime:
    """The clock, read only at the edges of a run."""
    return datetime.now(UTC).replace(microsecond=0)
