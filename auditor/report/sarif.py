"""Findings as SARIF 2.1.0 (OASIS), which code hosts show beside the lines of a repository: meant for `--files`.

A failing finding is a result of kind "fail"; an unknown one of kind "open", which needs a person. Hosts that were not audited are
notifications of an execution that was not successful.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from auditor.model.finding import Evidence, Finding, RuleSummary, Severity, Verdict
from auditor.model.run import HostReport, Run
from auditor.report import summary
from auditor.report.json_report import moment
from auditor.report.text import about, lines, paragraphs, shown, visible

LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
# GitHub sorts by this number: over 9.0 is critical, over 7.0 high, over 4.0 medium.
SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
    Severity.INFO: "0.5",
}


def chunks(run: Run) -> Iterator[str]:
    """The log as one JSON text."""
    rules = summary.rules_by_id(run)
    index = {rule_id: number for number, rule_id in enumerate(rules)}
    results = [
        _result(finding, host, index[finding.rule_id])
        for host in run.hosts
        for finding in host.findings
        if finding.verdict in (Verdict.FAIL, Verdict.UNKNOWN)
    ]
    log = {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "mailaudit",
                        "version": run.tool_version,
                        "rules": [_rule(rule) for rule in rules.values()],
                    }
                },
                "invocations": [_invocation(run)],
                "results": results,
            }
        ],
    }
    yield json.dumps(log, ensure_ascii=True, indent=1) + "\n"


def _invocation(run: Run) -> Mapping[str, Any]:
    missing = summary.failed_hosts(run)
    return {
        "executionSuccessful": run.complete and not missing,
        "exitCode": run.exit_code,
        "exitCodeDescription": visible(run.exit_reason),
        "startTimeUtc": moment(run.started_at),
        "endTimeUtc": moment(run.finished_at),
        "toolExecutionNotifications": [
            {"level": "error", "message": {"text": visible(f"{host.host}: {host.state}: {summary.failure(host)}")}}
            for host in missing
        ],
    }


def _rule(rule: RuleSummary) -> Mapping[str, Any]:
    return {
        "id": visible(rule.id),
        "shortDescription": {"text": _prose(rule.title)},
        "fullDescription": {"text": _prose(rule.why) or _prose(rule.title)},
        "help": {
            "text": "\n\n".join(filter(None, (_prose(rule.why), _prose(rule.effect), "\n".join(lines(rule.remedy)))))
            or _prose(rule.title)
        },
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {
            "security-severity": SCORES[rule.severity],
            "tags": list(dict.fromkeys(["security", *map(visible, rule.tags)])),
        },
    }


def _result(finding: Finding, host: HostReport, index: int) -> Mapping[str, Any]:
    unknown = finding.verdict is Verdict.UNKNOWN
    said = finding.reason or finding.message if unknown else finding.message
    places = [
        value
        for value in finding.evidence
        if value.origin is not None and value.origin.layer in ("file", "service", "table")
    ]
    logical = " ".join(filter(None, (host.host, about(finding))))
    first = {"logicalLocations": [{"fullyQualifiedName": visible(logical)}]} | (_location(places[0]) if places else {})
    return {
        "ruleId": visible(finding.rule_id),
        "ruleIndex": index,
        "kind": "open" if unknown else "fail",
        "level": "none" if unknown else LEVELS[finding.severity],
        "message": {"text": visible(f"{logical}: {said}")},
        "locations": [first],
        "relatedLocations": [
            _location(value) | {"message": {"text": visible(shown(value))}} for value in dict.fromkeys(places[1:])
        ],
        "partialFingerprints": {"mailaudit/v1": finding.fingerprint(host.host)},
    }


def _location(value: Evidence) -> dict[str, Any]:
    if value.origin is None:
        return {}
    region = {"region": {"startLine": value.origin.line}} if value.origin.line else {}
    return {
        "physicalLocation": {"artifactLocation": {"uri": quote(value.origin.file.encode("utf-8", "surrogateescape"))}}
        | region
    }


def _prose(text: str) -> str:
    return " ".join(paragraphs(text))
