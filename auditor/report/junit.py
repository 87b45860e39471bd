"""The run as JUnit XML, which build servers show: a suite per host, a test per verdict.

A rule that fails at or above the threshold is a failure; below it, and where it does not apply, it is skipped.
What is not known, and a host that was not audited, is an error: a build server must not show it as passed.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from auditor.model.finding import Finding, Verdict
from auditor.model.run import HostReport, Run
from auditor.report import summary
from auditor.report.json_report import moment
from auditor.report.text import about, place, shown, visible


def chunks(run: Run) -> Iterator[str]:
    """The document, host by host."""
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<testsuites name="mailaudit {_text(run.tool_version)}">\n'
    for host in run.hosts:
        yield from _suite(host, run)
    yield "</testsuites>\n"


def _suite(host: HostReport, run: Run) -> Iterator[str]:
    cases = [_case(finding, run) for finding in host.findings]
    if host.state != "ok":
        cases.append((_element("error", host.state, f"{summary.failure(host)}\n{host.advice}"), "host audited"))
    failures, errors, skipped = (
        sum(body.startswith(f"<{kind}") for body, _ in cases) for kind in ("failure", "error", "skipped")
    )
    yield (
        f'<testsuite name="{_text(host.host)}" tests="{len(cases)}" failures="{failures}" errors="{errors}" skipped="{skipped}" '
        f'time="{host.seconds:.3f}" timestamp="{moment(run.started_at).removesuffix("Z")}">\n'
    )
    for body, name in cases:
        yield f'<testcase classname="{_text(host.host)}" name="{_text(name)}">{body}</testcase>\n'
    yield "</testsuite>\n"


def _case(finding: Finding, run: Run) -> tuple[str, str]:
    name = f"{finding.rule_id} {about(finding)}".strip()
    told = "\n".join(f"{place(value)}  {shown(value)}" for value in finding.evidence)
    match finding.verdict:
        case Verdict.FAIL if run.fail_on is not None and finding.severity.rank >= run.fail_on.rank:
            body = _element("failure", f"{finding.severity}: {finding.message}", told)
        case Verdict.FAIL:
            body = _element("skipped", f"{finding.severity}, below the threshold: {finding.message}", told)
        case Verdict.UNKNOWN:
            body = _element("error", f"not known: {finding.reason or finding.message}", told)
        case Verdict.NOT_APPLICABLE:
            body = _element("skipped", f"does not apply: {finding.reason}", "")
        case Verdict.PASS:
            body = ""
    return body, name


def _element(kind: str, message: str, text: str) -> str:
    return f'<{kind} message="{_text(message)}">{chr(10).join(_text(line) for line in text.splitlines())}</{kind}>'


def _text(text: str) -> str:
    """Printable characters only: XML 1.0 has no way to write most of the others."""
    return escape(visible(text))
