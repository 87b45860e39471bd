"""The JSON report as dataclasses: its schema is generated from them, so a field changes here or nowhere.

A new field keeps VERSION; a field that goes, or changes its meaning, raises it. Readers ignore fields that they do not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from auditor.model.finding import Severity, Verdict

VERSION: Literal[1] = 1

TIME_FIELDS = ("started_at", "finished_at", "hosts[].taken_at", "hosts[].seconds")
"""The fields that differ between two runs over the same snapshots; `taken_at` and `seconds` only if the hosts were read anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Findings by verdict. `failed` has a number for each severity."""

    failed: Mapping[Severity, int]
    unknown: int
    passed: int
    not_applicable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The whole run in numbers. `hosts_missing` could not be audited: nothing is known about them."""

    hosts: int
    hosts_audited: int
    hosts_missing: int
    findings: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of the run, whether or not it found anything."""

    id: str
    title: str
    severity: Severity
    why: str
    effect: str
    remedy: str
    references: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value that decided a verdict. `file` null: computed from others. `layer` default: compiled in, nobody wrote it."""

    path: str
    value: str
    file: str | None
    line: int | None
    layer: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One verdict of one rule. `fingerprint` stays the same when values and line numbers move."""

    fingerprint: str
    rule: str
    platform: str
    instance: str
    subject: str
    verdict: Verdict
    severity: Severity
    message: str
    reason: str
    evidence: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A mail server that was audited on a host; `problems` are what the parser stumbled over."""

    platform: str
    instance: str
    release: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A host of the run. `state` other than "ok": it was not audited, `error` and `advice` say why and what to do."""

    host: str
    state: str
    source: str
    groups: tuple[str, ...]
    error: str
    advice: str
    taken_at: str | None
    seconds: float
    notes: tuple[str, ...]
    servers: tuple[Server, ...]
    counts: Counts
    findings: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A mailaudit report. Times are ISO 8601 in UTC; `rulebook_digest` is SHA-256 in hex; `complete` false: it was interrupted."""

    format: Literal["mailaudit-report"]
    version: Literal[1]
    tool_version: str
    rulebook_digest: str
    profile: str
    started_at: str
    finished_at: str
    complete: bool
    fail_on: Literal["info", "low", "medium", "high", "critical", "never"]
    exit_code: int
    exit_reason: str
    summary: Summary
    rules: tuple[Rule, ...]
    hosts: tuple[Host, ...]
