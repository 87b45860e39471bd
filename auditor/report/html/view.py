"""What the page shows, section by section, as plain values: all counting, ordering and cutting happens here, none in the template.

Nothing is escaped here but what goes into the data block and into addresses: the template escapes whatever it is given.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from auditor.model.finding import Finding, RuleSummary, Severity, Verdict
from auditor.model.run import HostReport, Run
from auditor.report import summary
from auditor.report.text import about, counted, lines, paragraphs, place, shorten, shown, visible

# The cuts, chosen so that a page of 1,000 hosts opens in a second; each states itself where it cuts.
MOST_HOST_PAGES = 50
MOST_HOST_PAGES_OF_MANY = 20
MOST_HOST_ROWS = 100
MOST_MISSING = 50
MOST_REASONS = 50
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
        return tuple(lines(summary.failure(self.report)))

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One rule with its hosts: a row of the findings, or a step of what to do first."""

    mark: Mark
    rule: RuleSummary
    count: int
    names: Names
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
class Cell:
    """One cell of the matrix: a mark with a link, "pass", or nothing when the rule does not apply."""

    mark: Mark | None = None
    passed: bool = False
    address: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the matrix: a host, or hosts whose verdicts are all the same."""

    names: Names
    cells: tuple[Cell, ...]
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Host by rule. `cut` says in words what is not shown; empty: everything is."""

    rules: tuple[RuleSummary, ...]
    rows: tuple[Row, ...]
    cut: str = ""


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
            groups = [group for group in self.groups if group.mark.word == severity]
            if not groups:
                continue
            hosts = tuple(host for host in self.hosts if host.counts.failed[severity])
            if len(groups) == 1:
                return (groups[0].rule.title.rstrip(".") + ":", _cut(hosts), "")
            verb = "has" if len(hosts) == 1 else "have"
            nothing = "" if severity is Severity.CRITICAL else " Nothing critical was found."
            return (f"{counted(len(hosts), 'host')} {verb} {severity} findings:", _cut(hosts), nothing)
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


def page(run: Run) -> Page:
    """Prepare a run for the template."""
    rules = summary.rules_by_id(run)
    hosts = _hosts(run, rules)
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
        notes={note: _cut([by_name[name] for name in names]) for note, names in summary.by_note(run).items()},
        matrix=_matrix(hosts, rules),
        passed=tuple(
            (rule, seen[rule.id].count(Verdict.PASS))
            for rule in run.rules
            if Verdict.PASS in seen[rule.id] and not {Verdict.FAIL, Verdict.UNKNOWN} & set(seen[rule.id])
        ),
        never=tuple(rule for rule in run.rules if set(seen[rule.id]) <= {Verdict.NOT_APPLICABLE}),
    )


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


def _hosts(run: Run, rules: Mapping[str, RuleSummary]) -> tuple[HostView, ...]:
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
        why=tuple(paragraphs(rule.why)),
        remedy="\n".join(lines(rule.remedy)),
        explain=_explain(rule.id, report.host),
    )


def _explain(rule_id: str, host: str) -> str:
    return f"mailaudit explain {shlex.quote(visible(rule_id))} {shlex.quote(visible(host))}"


def _cut(hosts: Sequence[HostView], most: int = MOST_NAMES) -> Names:
    return Names(hosts=tuple(hosts[:most]), more=max(0, len(hosts) - most))


def _group(block: summary.Block, by_name: Mapping[str, HostView]) -> Group:
    return Group(
        mark=mark(block.severity),
        rule=block.rule,
        count=len(block.entries),
        names=_cut([by_name[name] for name in block.hosts]),
        remedy="\n".join(lines(block.rule.remedy)),
        explain=_explain(block.rule.id, block.hosts[0]),
    )


def _reasons(run: Run, by_name: Mapping[str, HostView]) -> tuple[Reason, ...]:
    return tuple(
        Reason(
            reason=" ".join(paragraphs(reason)),
            severity=found[0].finding.severity,
            rules=tuple(dict.fromkeys(entry.finding.rule_id for entry in found)),
            names=_cut([by_name[name] for name in dict.fromkeys(entry.host for entry in found)]),
            count=len(found),
        )
        for reason, found in summary.by_reason(summary.entries(run.hosts, Verdict.UNKNOWN)).items()
    )


MOST_MATRIX_HOSTS = 60
MOST_MATRIX_ROWS = 60
MOST_MATRIX_RULES = 60


def _matrix(hosts: Sequence[HostView], rules: Mapping[str, RuleSummary]) -> Matrix:
    """Hosts by rules; for a large fleet, hosts with equal verdicts share a row, and rules that nowhere fail have no column."""
    wanted = [rule for rule in rules.values() if any(f.rule_id == rule.id for h in hosts for f in h.report.findings)]
    wanted.sort(key=lambda rule: (-rule.severity.rank, rule.id))
    if len(hosts) <= MOST_MATRIX_HOSTS and len(wanted) <= MOST_MATRIX_RULES:
        rows = [
            Row(names=_cut([host]), cells=_cells(host, wanted), state="" if host.ok else shorten(host.report.state, 60))
            for host in hosts
        ]
        return Matrix(rules=tuple(wanted), rows=tuple(rows))
    telling = {view.rule.id for host in hosts for view in host.findings}
    columns = [rule for rule in wanted if rule.id in telling]
    shown_rules = columns[:MOST_MATRIX_RULES]
    sets: dict[tuple[Verdict | None, ...], list[HostView]] = {}
    for host in sorted((host for host in hosts if host.ok), key=lambda host: weight(host.counts), reverse=True):
        verdicts = worst_verdicts(host.report.findings)
        sets.setdefault(tuple(verdicts.get(rule.id) for rule in columns), []).append(host)
    rows = [
        Row(names=_cut(same, 1), cells=_cells(same[0], shown_rules)) for same in list(sets.values())[:MOST_MATRIX_ROWS]
    ]
    cut = [
        f"Hosts whose verdicts are equal share a row, worst first; {len(wanted) - len(columns)} rules that nowhere fail have no column."
    ]
    if len(sets) > len(rows):
        cut.append(f"{len(rows)} of {len(sets)} rows shown.")
    if len(columns) > len(shown_rules):
        cut.append(f"{len(shown_rules)} of {len(columns)} rules shown.")
    return Matrix(
        rules=tuple(shown_rules), rows=tuple(rows), cut=" ".join([*cut, "The JSON report has every verdict."])
    )


def _cells(host: HostView, rules: Sequence[RuleSummary]) -> tuple[Cell, ...]:
    verdicts = worst_verdicts(host.report.findings)
    first: dict[str, FindingView] = {}
    for view in host.findings:
        first.setdefault(view.rule.id, view)
    return tuple(
        Cell(mark=first[rule.id].mark, address=first[rule.id].address, title=f"{rule.id}: {first[rule.id].message}")
        if rule.id in first
        else Cell(passed=verdicts.get(rule.id) is Verdict.PASS)
        for rule in rules
    )
