from __future__ import annotations

import pytest

from auditor.errors import UsageError
from auditor.model.finding import Finding, Severity, Verdict
from auditor.model.run import HostReport
from auditor.pipeline import Tolerance, exit_code


def host(name: str, *findings: tuple[Verdict, Severity], state: str = "ok") -> HostReport:
    return HostReport(
        host=name,
        state=state,
        source="snapshot",
        findings=tuple(
            Finding(rule_id=f"postfix-{number}", platform="postfix", verdict=verdict, severity=severity)
            for number, (verdict, severity) in enumerate(findings)
        ),
    )


FINE = host(
    "fine", (Verdict.PASS, Severity.CRITICAL), (Verdict.FAIL, Severity.MEDIUM), (Verdict.UNKNOWN, Severity.HIGH)
)
BAD = host("bad", (Verdict.FAIL, Severity.HIGH))
DARK = host("dark", (Verdict.UNKNOWN, Severity.CRITICAL))
LOST = host("lost", state="unreachable")


@pytest.mark.parametrize(
    ("hosts", "fail_on", "expected"),
    [
        ([FINE], Severity.HIGH, (0, "no finding at or above high")),
        ([FINE], Severity.MEDIUM, (1, "1 finding at or above medium")),
        ([FINE, BAD], Severity.HIGH, (1, "1 finding at or above high")),
        ([BAD], None, (0, "findings do not change the exit code (--fail-on never)")),
        ([BAD, LOST], Severity.HIGH, (3, "1 of 2 hosts could not be audited")),
        ([BAD, LOST], None, (3, "1 of 2 hosts could not be audited")),
        ([DARK, BAD], Severity.HIGH, (3, "a critical rule could not be judged: postfix-0 on dark")),
    ],
)  # fmt: skip
def test_the_exit_code_is_that_of_the_worst_that_happened(
    hosts: list[HostReport], fail_on: Severity | None, expected: tuple[int, str]
) -> None:
    assert exit_code(hosts, fail_on=fail_on, tolerance=Tolerance(), complete=True) == expected


def test_an_interrupted_run_ends_with_130_whatever_it_found() -> None:
    code, reason = exit_code([BAD, LOST], fail_on=Severity.HIGH, tolerance=Tolerance(), complete=False)
    assert (code, "interrupted" in reason) == (130, True)


@pytest.mark.parametrize(
    ("text", "missing", "of", "allowed"),
    [("fail", 1, 100, False), ("fail", 0, 100, True), ("warn", 100, 100, True), ("5%", 5, 100, True), ("5%", 6, 100, False)],
)  # fmt: skip
def test_tolerance_says_how_many_hosts_may_be_missing(text: str, missing: int, of: int, allowed: bool) -> None:
    assert Tolerance.parse(text).allows(missing, of) is allowed


@pytest.mark.parametrize("text", ["", "5", "101%", "-1%", "some", "5.5%"])
def test_other_tolerances_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        Tolerance.parse(text)
    assert "5%" in refused.value.advice
