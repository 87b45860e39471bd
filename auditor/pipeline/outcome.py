"""What a run comes to: the exit code with its reason, and the value that reports tell of. Pure but for `now`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from auditor import __version__, fleet
from auditor.errors import UsageError
from auditor.model.finding import Severity, Verdict
from auditor.model.run import HostReport, Run
from auditor.rulebook import Rulebook


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
    rules: Rulebook,
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
