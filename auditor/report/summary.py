"""What all reports count and group, computed once from a Run; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TypeVar

from auditor.model.finding import Evidence, Finding, RuleSummary, Severity, Verdict
from auditor.model.run import HostReport, Run

K = TypeVar("K")
V = TypeVar("V")

WORST_FIRST = tuple(reversed(Severity))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many findings have which verdict; `failed` has a number for every severity."""

    failed: Mapping[Severity, int]
    unknown: int
    passed: int
    not_applicable: int

    @property
    def failures(self) -> int:
        """All failing findings, whatever their severity."""
        return sum(self.failed.values())


def tally(findings: Iterable[Finding]) -> Tally:
    """Count findings by verdict and, where they fail, by severity."""
    counted = Counter((f.verdict, f.severity if f.verdict is Verdict.FAIL else None) for f in findings)
    return Tally(
        failed={severity: counted[Verdict.FAIL, severity] for severity in WORST_FIRST},
        unknown=counted[Verdict.UNKNOWN, None],
        passed=counted[Verdict.PASS, None],
        not_applicable=counted[Verdict.NOT_APPLICABLE, None],
    )


def total(tallies: Iterable[Tally]) -> Tally:
    """The sum of tallies."""
    return reduce(_add, tallies, tally(()))


def _add(left: Tally, right: Tally) -> Tally:
    return Tally(
        failed={severity: left.failed[severity] + right.failed[severity] for severity in WORST_FIRST},
        unknown=left.unknown + right.unknown,
        passed=left.passed + right.passed,
        not_applicable=left.not_applicable + right.not_applicable,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A finding and the host that it was made on."""

    host: str
    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Findings that say the same with the same evidence: told once, with all their places."""

    entries: tuple[Entry, ...]

    @property
    def finding(self) -> Finding:
        """One finding that speaks for all."""
        return self.entries[0].finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What one rule found: on one host, or on all of them."""

    rule: RuleSummary
    severity: Severity
    folds: tuple[Fold, ...]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All findings of the block."""
        return tuple(entry for fold in self.folds for entry in fold.entries)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts concerned, each once, in the order of the run."""
        return tuple(dict.fromkeys(entry.host for entry in self.entries))


def rules_by_id(run: Run) -> Mapping[str, RuleSummary]:
    """Every rule that a finding names, also one that the run does not list."""
    known = {rule.id: rule for rule in run.rules}
    for host in run.hosts:
        for finding in host.findings:
            if finding.rule_id not in known:
                rule_id = finding.rule_id
                known[rule_id] = RuleSummary(id=rule_id, title=rule_id, severity=finding.severity, why="")
    return known


def entries(hosts: Iterable[HostReport], verdict: Verdict) -> list[Entry]:
    """All findings with this verdict, in the order of the hosts."""
    return [Entry(host=h.host, finding=f) for h in hosts for f in h.findings if f.verdict is verdict]


def blocks(found: Iterable[Entry], rules: Mapping[str, RuleSummary]) -> list[Block]:
    """Group findings by rule, the worst rule first, and fold those that say the same."""
    grouped = _grouped(found, lambda entry: entry.finding.rule_id)
    made = [
        Block(
            rule=rules[rule_id],
            severity=max((entry.finding.severity for entry in of_rule), key=lambda s: s.rank),
            folds=tuple(Fold(entries=tuple(same)) for same in _grouped(of_rule, _said).values()),
        )
        for rule_id, of_rule in grouped.items()
    ]
    return sorted(made, key=lambda block: (-block.severity.rank, block.rule.id))


def by_reason(found: Iterable[Entry]) -> Mapping[str, list[Entry]]:
    """Unknown findings by what could not be read, the worst first."""
    ranked = sorted(found, key=lambda entry: -entry.finding.severity.rank)
    return _grouped(ranked, lambda entry: entry.finding.reason or entry.finding.message)


def by_note(run: Run) -> Mapping[str, list[str]]:
    """Notes and parser problems that no rule reports, each with the hosts that have it."""
    noted = [(note, h.host) for h in run.hosts for note in notes(h)]
    return {
        note: list(dict.fromkeys(host for _, host in pairs))
        for note, pairs in _grouped(noted, lambda pair: pair[0]).items()
    }


def notes(host: HostReport) -> tuple[str, ...]:
    """What a reader must know of a host beside its findings."""
    return (*host.notes, *(f"{a.instance or a.platform}: {problem}" for a in host.audited for problem in a.problems))


def failed_hosts(run: Run) -> list[HostReport]:
    """The hosts that could not be audited."""
    return [host for host in run.hosts if host.state != "ok"]


def failure(host: HostReport) -> str:
    """The error of a host without the host's name in front, which every report prints anyway."""
    return host.error.removeprefix(f"{host.host}: ")


def servers(host: HostReport) -> str:
    """The mail servers of a host in a few words: "postfix 3.7.11", "postfix 3.7.11, 3 instances"."""
    kinds = Counter(f"{a.platform} {a.release}".strip() for a in host.audited)
    return "; ".join(kind + (f", {count} instances" if count > 1 else "") for kind, count in kinds.items())


def _said(entry: Entry) -> tuple[str, str, tuple[Evidence, ...]]:
    return (entry.finding.message, entry.finding.reason, entry.finding.evidence)


def _grouped(items: Iterable[V], key: Callable[[V], K]) -> dict[K, list[V]]:
    out: dict[K, list[V]] = {}
    for item in items:
        out.setdefault(key(item), []).append(item)
    return out
