"""Hosts and findings as the page shows them, as plain values. Addresses are encoded here; text is escaped by the template."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from auditor.model.finding import Finding, RuleSummary, Severity, Verdict
from auditor.model.run import HostReport, Run
from auditor.report import summary
from auditor.report.text import about, lines, paragraphs, place, shorten, shown, visible

# The cuts, chosen so that a page of 1,000 hosts opens in a second; each states itself where it cuts.
MOST_HOST_PAGES = 50
MOST_HOST_PAGES_OF_MANY = 20
MOST_HOST_ROWS = 100
MOST_NAMES = 12
MOST_VALUES = 40
LONGEST_VALUE = 2000

FULL = (Severity.CRITICAL, Severity.HIGH)  # told at length; the others on two lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A letter on a shape: `css` is the class, `word` what a screen reader says."""

    css: str
    letter: str
    word: str


UNKNOWN = Mark(css="u", letter="?", word="not known")


def mark(severity: Severity, verdict: Verdict = Verdict.FAIL) -> Mark:
    """The mark of a failing or unknown verdict."""
    if verdict is Verdict.UNKNOWN:
        return UNKNOWN
    return Mark(css=severity[0], letter=severity[0].upper(), word=severity.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """One finding with all that its reader needs. `address` is its id and what follows # in a link."""

    address: str
    mark: Mark
    severity: Severity
    full: bool
    rule: RuleSummary
    about: str
    message: str
    evidence: tuple[tuple[str, str], ...]
    left_out: int
    why: tuple[str, ...]
    remedy: str
    explain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostView:
    """One host: a row of the table, and a page of its own if `paged`."""

    index: int
    report: HostReport
    address: str
    counts: summary.Tally
    findings: tuple[FindingView, ...]
    paged: bool

    @property
    def ok(self) -> bool:
        """Whether it was audited."""
        return self.report.state == "ok"

    @property
    def servers(self) -> str:
        """Its mail servers in words."""
        return summary.servers(self.report)

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know beside the findings."""
        return summary.notes(self.report)

    @property
    def error(self) -> tuple[str, ...]:
        """Why it was not audited, line by line."""
        return lines(summary.failure(self.report))

    @property
    def worst(self) -> Severity | None:
        """The highest severity that failed."""
        return next((s for s in summary.WORST_FIRST if self.counts.failed[s]), None)

    @property
    def passed(self) -> tuple[str, ...]:
        """The rules that passed for every subject."""
        return tuple(rule for rule, verdict in worst_verdicts(self.report.findings).items() if verdict is Verdict.PASS)

    @property
    def not_applicable(self) -> tuple[tuple[str, str], ...]:
        """The rules that do not apply, with the reason."""
        worst = worst_verdicts(self.report.findings)
        said = {f.rule_id: f.reason for f in self.report.findings if worst[f.rule_id] is Verdict.NOT_APPLICABLE}
        return tuple(said.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """A list of hosts, cut."""

    hosts: tuple[HostView, ...]
    more: int


def encoded(part: str) -> str:
    """One part of an address. `~` begins the names of sections, so that a host may not."""
    return quote(visible(part), safe="@:.").replace("~", "%7E")


def worst_verdicts(findings: Iterable[Finding]) -> Mapping[str, Verdict]:
    """Each rule's verdict over all its subjects: a failure counts before an unknown, that before a pass."""
    order = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS, Verdict.NOT_APPLICABLE)
    out: dict[str, Verdict] = {}
    for finding in findings:
        out[finding.rule_id] = min(out.get(finding.rule_id, Verdict.NOT_APPLICABLE), finding.verdict, key=order.index)
    return out


def host_views(run: Run, rules: Mapping[str, RuleSummary]) -> tuple[HostView, ...]:
    """Every host of the run in its order; the worst ones get their page as text."""
    tallies = [summary.tally(report.findings) for report in run.hosts]
    worst_first = sorted(range(len(tallies)), key=lambda index: weight(tallies[index]), reverse=True)
    paged = set(worst_first[: MOST_HOST_PAGES if len(tallies) <= MOST_HOST_PAGES else MOST_HOST_PAGES_OF_MANY])
    return tuple(
        HostView(
            index=index,
            report=report,
            address=encoded(report.host),
            counts=tallies[index],
            findings=_findings(report, rules),
            paged=index in paged,
        )
        for index, report in enumerate(run.hosts)
    )


def weight(counts: summary.Tally) -> tuple[int, ...]:
    """Sorts hosts by how bad they are."""
    return (*(counts.failed[severity] for severity in summary.WORST_FIRST), counts.unknown)


def _findings(report: HostReport, rules: Mapping[str, RuleSummary]) -> tuple[FindingView, ...]:
    """A host's failures, then what is unknown; a rule is told in full once. Two findings with the same place get different addresses."""
    taken: dict[str, int] = {}
    told: set[str] = set()
    out = []
    for verdict in (Verdict.FAIL, Verdict.UNKNOWN):
        for finding in report.findings:
            if finding.verdict is not verdict:
                continue
            parts = (finding.rule_id, f"@{finding.instance}" if finding.instance else "", finding.subject)
            address = "/".join(encoded(part) for part in (report.host, *parts) if part)
            taken[address] = taken.get(address, 0) + 1
            address += f"/~{taken[address]}" if taken[address] > 1 else ""
            full = finding.rule_id not in told and (verdict is Verdict.UNKNOWN or finding.severity in FULL)
            told.add(finding.rule_id)
            out.append(_finding(finding, report, rules[finding.rule_id], address, full=full))
    return tuple(out)


def _finding(finding: Finding, report: HostReport, rule: RuleSummary, address: str, *, full: bool) -> FindingView:
    unknown = finding.verdict is Verdict.UNKNOWN
    return FindingView(
        address=address,
        mark=mark(finding.severity, finding.verdict),
        severity=finding.severity,
        full=full,
        rule=rule,
        about=about(finding),
        message=" ".join(paragraphs(finding.reason or finding.message if unknown else finding.message)),
        evidence=tuple(
            (place(value), shorten(shown(value), LONGEST_VALUE)) for value in finding.evidence[:MOST_VALUES]
        ),
        left_out=max(0, len(finding.evidence) - MOST_VALUES),
        why=paragraphs(rule.why),
        remedy="\n".join(lines(rule.remedy)),
        explain=explain(rule.id, report.host),
    )


def explain(rule_id: str, host: str) -> str:
    """The command that tells more, as it is typed into a shell."""
    return f"mailaudit explain {shlex.quote(visible(rule_id))} {shlex.quote(visible(host))}"


def cut(hosts: Sequence[HostView], most: int = MOST_NAMES) -> Names:
    """The first hosts of a list, and how many more there are."""
    return Names(hosts=tuple(hosts[:most]), more=max(0, len(hosts) - most))
