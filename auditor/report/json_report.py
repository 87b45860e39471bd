"""The report for other programs: a `document.Document` as JSON, written host by host so that a large fleet is never in memory twice.

All text is ASCII with escapes: bidi marks and terminal controls are harmless even under `cat`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from auditor.model.finding import Evidence, Finding, RuleSummary
from auditor.model.run import HostReport, Run
from auditor.report import document, summary
from auditor.report.text import encodable


def chunks(run: Run) -> Iterator[str]:
    """The JSON text in pieces. One finding is one line, so that two reports can be compared with diff."""
    tallies = [summary.tally(host.findings) for host in run.hosts]
    head = document.Document(
        format="mailaudit-report",
        version=document.VERSION,
        tool_version=run.tool_version,
        rulebook_digest=run.rulebook_digest,
        profile=run.profile,
        started_at=moment(run.started_at),
        finished_at=moment(run.finished_at),
        complete=run.complete,
        fail_on=run.fail_on.value if run.fail_on else "never",
        exit_code=run.exit_code,
        exit_reason=run.exit_reason,
        summary=document.Summary(
            hosts=len(run.hosts),
            hosts_audited=len(run.hosts) - len(summary.failed_hosts(run)),
            hosts_missing=len(summary.failed_hosts(run)),
            findings=_counts(summary.total(tallies)),
        ),
        rules=tuple(map(_rule, run.rules)),
        hosts=(),
    )
    plain = _plain(head)
    yield "{\n"
    for name in [name for name in plain if name not in ("rules", "hosts")]:
        yield f'"{name}": {_dumps(plain[name])},\n'
    yield from _array("rules", map(_dumps, plain["rules"]))
    yield ",\n"
    yield from _array(
        "hosts", ("".join(_host_chunks(host, counts)) for host, counts in zip(run.hosts, tallies, strict=True))
    )
    yield "\n}\n"


def _host_chunks(host: HostReport, counts: summary.Tally) -> Iterator[str]:
    entry = document.Host(
        host=host.host,
        state=host.state,
        source=host.source,
        groups=host.groups,
        error=host.error,
        advice=host.advice,
        taken_at=moment(host.taken_at) if host.taken_at else None,
        seconds=host.seconds,
        notes=host.notes,
        servers=tuple(
            document.Server(platform=a.platform, instance=a.instance, release=a.release, problems=a.problems)
            for a in host.audited
        ),
        counts=_counts(counts),
        findings=(),
    )
    plain = _plain(entry)
    del plain["findings"]
    yield _dumps(plain).removesuffix("}") + ",\n"
    yield from _array("findings", (_dumps(_plain(_entry(finding, host.host))) for finding in host.findings))
    yield "}"


def _array(name: str, items: Iterator[str]) -> Iterator[str]:
    yield f'"{name}": ['
    separator = "\n"
    for item in items:
        yield separator + item
        separator = ",\n"
    yield "]" if separator == "\n" else "\n]"


def _entry(finding: Finding, host: str) -> document.Entry:
    return document.Entry(
        fingerprint=finding.fingerprint(host),
        rule=finding.rule_id,
        platform=finding.platform,
        instance=finding.instance,
        subject=finding.subject,
        verdict=finding.verdict,
        severity=finding.severity,
        message=finding.message,
        reason=finding.reason,
        evidence=tuple(map(_value, finding.evidence)),
    )


def _value(evidence: Evidence) -> document.Value:
    origin = evidence.origin
    return document.Value(
        path=evidence.path,
        value=evidence.value,
        file=origin.file if origin else None,
        line=origin.line if origin else None,
        layer=origin.layer if origin else None,
    )


def _rule(rule: RuleSummary) -> document.Rule:
    return document.Rule(
        id=rule.id,
        title=rule.title,
        severity=rule.severity,
        why=rule.why,
        effect=rule.effect,
        remedy=rule.remedy,
        references=rule.references,
        tags=rule.tags,
    )


def _counts(counted: summary.Tally) -> document.Counts:
    return document.Counts(
        failed=counted.failed, unknown=counted.unknown, passed=counted.passed, not_applicable=counted.not_applicable
    )


def moment(time: datetime) -> str:
    """A time as ISO 8601 in UTC, to the second: 2026-11-25T01:47:00Z."""
    utc = time.astimezone(UTC) if time.tzinfo else time
    return utc.strftime("%Y-%m-%dT%H:%M:%SZ")


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _plain(value: Any) -> Any:
    """Dataclasses as dictionaries in the order of their fields, text without lone surrogates, enums as their text."""
    if isinstance(value, str):
        return encodable(str(value))
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(getattr(value, name)) for name in _names(value.__class__)}
    return value


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(", ", ": "))
