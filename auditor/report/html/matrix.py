"""The matrix of hosts by rules: every verdict of a small fleet, the telling ones of a large fleet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.model.finding import RuleSummary, Verdict
from auditor.report.html.view import FindingView, HostView, Mark, Names, cut, weight, worst_verdicts
from auditor.report.text import counted, shorten

MOST_MATRIX_HOSTS = 60
MOST_MATRIX_ROWS = 60
MOST_MATRIX_RULES = 60


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


def matrix_of(hosts: Sequence[HostView], rules: Mapping[str, RuleSummary]) -> Matrix:
    """Hosts by rules; for a large fleet, hosts with equal verdicts share a row, and rules that nowhere fail have no column."""
    wanted = [rule for rule in rules.values() if any(f.rule_id == rule.id for h in hosts for f in h.report.findings)]
    wanted.sort(key=lambda rule: (-rule.severity.rank, rule.id))
    if len(hosts) <= MOST_MATRIX_HOSTS and len(wanted) <= MOST_MATRIX_RULES:
        rows = [
            Row(names=cut([host]), cells=_cells(host, wanted), state="" if host.ok else shorten(host.report.state, 60))
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
        Row(names=cut(same, 1), cells=_cells(same[0], shown_rules)) for same in list(sets.values())[:MOST_MATRIX_ROWS]
    ]
    cuts = ["Hosts whose verdicts are equal share a row, worst first."]
    if len(wanted) > len(columns):
        cuts.append(f"{counted(len(wanted) - len(columns), 'rule')} that failed nowhere have no column.")
    if len(sets) > len(rows):
        cuts.append(f"{len(rows)} of {len(sets)} rows shown.")
    if len(columns) > len(shown_rules):
        cuts.append(f"{len(shown_rules)} of {len(columns)} rules shown.")
    return Matrix(
        rules=tuple(shown_rules), rows=tuple(rows), cut=" ".join([*cuts, "The JSON report has every verdict."])
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
