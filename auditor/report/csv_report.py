"""Findings as a table for spreadsheets: one line per failing or unknown finding, and one per host that was not audited.

RFC 4180. A cell that a spreadsheet would take for a formula gets an apostrophe in front: hosts write these texts, and people open them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from auditor.model.finding import Finding, Verdict
from auditor.model.run import HostReport, Run
from auditor.report import summary
from auditor.report.text import place, shown, visible

COLUMNS = (
    "host", "groups", "rule", "instance", "subject", "verdict", "severity", "message", "file", "line", "evidence", "remedy", "fingerprint"
)  # fmt: skip
_STARTS_A_FORMULA = ("=", "+", "-", "@", "|", "%")


def chunks(run: Run) -> Iterator[str]:
    """The table, host by host, under its head."""
    yield _lines([COLUMNS])
    remedies = {rule.id: rule.remedy for rule in run.rules}
    for host in run.hosts:
        if host.state != "ok":
            message = f"{host.state}: {summary.failure(host)}"
            yield _lines(
                [
                    (
                        host.host,
                        ", ".join(host.groups),
                        "",
                        "",
                        "",
                        "not audited",
                        "",
                        message,
                        "",
                        "",
                        "",
                        host.advice,
                        "",
                    )
                ]
            )
        found = [f for f in host.findings if f.verdict in (Verdict.FAIL, Verdict.UNKNOWN)]
        yield _lines([_row(host, finding, remedies.get(finding.rule_id, "")) for finding in found])


def _row(host: HostReport, finding: Finding, remedy: str) -> Sequence[str]:
    origin = next((value.origin for value in finding.evidence if value.origin), None)
    return (
        host.host,
        ", ".join(host.groups),
        finding.rule_id,
        finding.instance,
        finding.subject,
        finding.verdict,
        finding.severity,
        finding.reason if finding.verdict is Verdict.UNKNOWN else finding.message,
        origin.file if origin else "",
        str(origin.line) if origin and origin.line else "",
        "; ".join(f"{place(value)} {shown(value)}" for value in finding.evidence),
        remedy.strip(),
        finding.fingerprint(host.host),
    )


def cell(text: str) -> str:
    """A text that a spreadsheet shows and never computes."""
    seen = visible(text)
    return "'" + seen if seen.lstrip().startswith(_STARTS_A_FORMULA) else seen


def _lines(rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([[cell(text) for text in row] for row in rows])
    return out.getvalue()
