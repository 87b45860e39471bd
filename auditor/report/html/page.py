"""What the page shows, section by section, as plain values: all counting, ordering and cutting happens here, none in the template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from auditor.model.finding import RuleSummary, Severity, Verdict
from auditor.model.run import Run
from auditor.report import summary
from auditor.report.html.matrix import Matrix, matrix_of
from auditor.report.html.view import FULL, HostView, Mark, Names, cut, explain, host_views, mark, worst_verdicts
from auditor.report.text import counted, lines, paragraphs

MOST_STEPS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One rule with its hosts: a row of the findings, or a step of what to do first."""

    mark: Mark
    severity: Severity
    rule: RuleSummary
    count: int
    names: Names
    hosts: int
    remedy: str
    explain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Something that could not be read, and which verdicts that cost."""

    reason: str
    severity: Severity
    rules: tuple[str, ...]
    names: Names
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Everything the template reads."""

    run: Run
    hosts: tuple[HostView, ...]
    counts: summary.Tally
    groups: tuple[Group, ...]
    reasons: tuple[Reason, ...]
    notes: Mapping[str, Names]
    matrix: Matrix
    passed: tuple[tuple[RuleSummary, int], ...]
    never: tuple[RuleSummary, ...]

    @property
    def missing(self) -> tuple[HostView, ...]:
        """The hosts that were not audited."""
        return tuple(host for host in self.hosts if not host.ok)

    @property
    def audited(self) -> int:
        """How many were."""
        return len(self.hosts) - len(self.missing)

    @property
    def first(self) -> tuple[Group, ...]:
        """The steps to do first: the worst rules, of equally bad ones the most widespread."""
        return tuple(sorted(self.groups, key=lambda group: (-group.severity.rank, -group.hosts))[:MOST_STEPS])

    @property
    def pages(self) -> tuple[HostView, ...]:
        """The hosts whose page is in the file as text; the script builds the others."""
        return tuple(host for host in self.hosts if host.paged)

    def headline(self) -> tuple[str, Names | None, str]:
        """The answer: its bold words, the hosts to name, and the rest."""
        nobody = None
        if not self.audited:
            return (
                "No host could be audited.",
                nobody,
                "Nothing is known." if self.hosts else "The inventory or the pattern named none.",
            )
        for severity in FULL:
            groups = [group for group in self.groups if group.severity is severity]
            if not groups:
                continue
            hosts = tuple(host for host in self.hosts if host.counts.failed[severity])
            if len(groups) == 1:
                return (groups[0].rule.title.rstrip(".") + ":", cut(hosts), "")
            verb = "has" if len(hosts) == 1 else "have"
            nothing = "" if severity is Severity.CRITICAL else " Nothing critical was found."
            return (f"{counted(len(hosts), 'host')} {verb} {severity} findings:", cut(hosts), nothing)
        where = " where we could look" if self.missing or self.reasons or not self.run.complete else ""
        if self.counts.failures:
            return (
                f"Nothing critical or high was found{where}.",
                nobody,
                f"{counted(self.counts.failures, 'lesser finding')} below.",
            )
        return (
            f"Nothing was found{where}.",
            nobody,
            f"{counted(self.counts.passed, 'check')} passed on {counted(self.audited, 'host')}.",
        )


def page_of(run: Run) -> Page:
    """Prepare a run for the template."""
    rules = summary.rules_by_id(run)
    hosts = host_views(run, rules)
    by_name = {host.report.host: host for host in hosts}
    verdicts = [worst_verdicts(host.findings) for host in run.hosts if host.state == "ok"]
    seen = {rule.id: [of_host[rule.id] for of_host in verdicts if rule.id in of_host] for rule in run.rules}
    return Page(
        run=run,
        hosts=hosts,
        counts=summary.total(host.counts for host in hosts),
        groups=tuple(
            _group(block, by_name) for block in summary.blocks(summary.entries(run.hosts, Verdict.FAIL), rules)
        ),
        reasons=_reasons(run, by_name),
        notes={note: cut([by_name[name] for name in names]) for note, names in summary.by_note(run).items()},
        matrix=matrix_of(hosts, rules),
        passed=tuple(
            (rule, seen[rule.id].count(Verdict.PASS))
            for rule in run.rules
            if Verdict.PASS in seen[rule.id] and not {Verdict.FAIL, Verdict.UNKNOWN} & set(seen[rule.id])
        ),
        never=tuple(rule for rule in run.rules if verdicts and set(seen[rule.id]) <= {Verdict.NOT_APPLICABLE}),
    )


def _group(block: summary.Block, by_name: Mapping[str, HostView]) -> Group:
    return Group(
        mark=mark(block.severity),
        severity=block.severity,
        rule=block.rule,
        count=len(block.entries),
        names=cut([by_name[name] for name in block.hosts]),
        hosts=len(block.hosts),
        remedy="\n".join(lines(block.rule.remedy)),
        explain=explain(block.rule.id, block.hosts[0]),
    )


def _reasons(run: Run, by_name: Mapping[str, HostView]) -> tuple[Reason, ...]:
    return tuple(
        Reason(
            reason=" ".join(paragraphs(reason)),
            severity=found[0].finding.severity,
            rules=tuple(dict.fromkeys(entry.finding.rule_id for entry in found)),
            names=cut([by_name[name] for name in dict.fromkeys(entry.host for entry in found)]),
            count=len(found),
        )
        for reason, found in summary.by_reason(summary.entries(run.hosts, Verdict.UNKNOWN)).items()
    )
