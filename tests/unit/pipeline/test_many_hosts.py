"""What a large fleet costs in memory: reports come as they are there, and hosts that are alike share what is said of them."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor import pipeline
from auditor.model.finding import Finding, Verdict
from auditor.model.host import Host, Replay
from auditor.model.run import HostReport
from auditor.rulebook import Rulebook

SNAPSHOT = Path(__file__).parents[2] / "snapshots/demo/debian12.example.org.snap"


@pytest.fixture(scope="module")
def rules() -> Rulebook:
    return pipeline.SHIPPED.load_rules()


def fleet(count: int) -> list[Host]:
    return [Host(name=f"mx{number}", connection=Replay(path=str(SNAPSHOT))) for number in range(count)]


def test_the_first_report_is_there_long_before_the_last_host_is_read(rules: Rulebook) -> None:
    hosts = [*fleet(2), Host(name="last", connection=Replay(path="/nonexistent/last.snap"))] * 20
    finished: list[object] = []
    reports: Iterator[HostReport] = pipeline.SHIPPED.scan(hosts, rules, workers=1, observer=finished.append)
    first = next(reports)
    assert ("mx0", "ok") == (first.host, first.state)
    assert len(finished) < len(hosts)
    assert len(hosts) - 1 == len(list(reports))


def test_what_does_not_apply_to_two_hosts_is_one_object(rules: Rulebook) -> None:
    one, other = pipeline.SHIPPED.scan(fleet(2), rules)
    pairs = list(zip(_not_applicable(one), _not_applicable(other), strict=True))
    assert pairs
    assert all(mine is theirs for mine, theirs in pairs)


def test_two_hosts_that_are_alike_share_their_evidence(rules: Rulebook) -> None:
    one, other = pipeline.SHIPPED.scan(fleet(2), rules)
    mine, theirs = (list(itertools.chain.from_iterable(f.evidence for f in report.findings)) for report in (one, other))
    assert mine == theirs
    unshared = [left for left, right in zip(mine, theirs, strict=True) if left is not right]
    assert all(len(evidence.path) + len(evidence.value) > 300 for evidence in unshared)


def _not_applicable(report: HostReport) -> list[Finding]:
    return [finding for finding in report.findings if finding.verdict is Verdict.NOT_APPLICABLE]
