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
    """Hosts by rules. In a large fleet hosts with equal verdicts share a row; of many rules those have a column that failed somewhere."""
    columns, column_cuts = _columns(hosts, rules)
    rows, row_cuts = _sets(hosts, columns) if len(hosts) > MOST_MATRIX_HOSTS else (_rows(hosts, columns), [])
    cuts = [*row_cuts, *column_cuts]
    return Matrix(
        rules=columns, rows=tuple(rows), cut=" ".join([*cuts, "The JSON report has every verdict."]) if cuts else ""
    )


def _columns(hosts: Sequence[HostView], rules: Mapping[str, RuleSummary]) -> tuple[tuple[RuleSummary, ...], list[str]]:
    judged = {finding.rule_id for host in hosts for finding in host.report.findings}
    found = sorted((rules[rule_id] for rule_id in judged), key=lambda rule: (-rule.severity.rank, rule.id))
    if len(found) <= MOST_MATRIX_RULES:
        return tuple(found), []
    failing = {view.rule.id for host in hosts for view in host.findings}
    telling = [rule for rule in found if rule.id in failing]
    cuts = [
        f"{counted(len(found) - len(telling), 'rule')} without a failure or an unknown verdict anywhere: no column."
    ]
    if len(telling) > MOST_MATRIX_RULES:
        cuts.append(f"{MOST_MATRIX_RULES} of the other {len(telling)} rules shown.")
    return tuple(telling[:MOST_MATRIX_RULES]), cuts


def _rows(hosts: Sequence[HostView], columns: Sequence[RuleSummary]) -> list[Row]:
    return [
        Row(names=cut([host]), cells=_cells(host, columns), state="" if host.ok else shorten(host.report.state, 60))
        for host in hosts
    ]


def _sets(hosts: Sequence[HostView], columns: Sequence[RuleSummary]) -> tuple[list[Row], list[str]]:
    sets: dict[tuple[Verdict | None, ...], list[HostView]] = {}
    for host in sorted((host for host in hosts if host.ok), key=lambda host: weight(host.counts), reverse=True):
        verdicts = worst_verdicts(host.report.findings)
        sets.setdefault(tuple(verdicts.get(rule.id) for rule in columns), []).append(host)
    rows = [Row(names=cut(same, 1), cells=_cells(same[0], columns)) for same in list(sets.values())[:MOST_MATRIX_ROWS]]
    cuts = ["Hosts whose verdicts are equal share a row, worst first; hosts that were not audited have none."]
    if len(sets) > len(rows):
        cuts.append(f"{len(rows)} of {len(sets)} rows shown.")
    return rows, cuts


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
