"""A whole run: what each host said, judged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from auditor.model.finding import Finding, RuleSummary, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """One mail server that was audited on a host. `problems` are notes of the parser that no rule reports."""

    platform: str
    instance: str
    release: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReport:
    """The outcome for one host. `state` is "ok", a HostFailed state, "interrupted" or "internal error"; then `error` and `advice` say more.

    `source` says how the host was read ("ssh root@192.0.2.1", "snapshot mx1.snap"). `seconds` and `taken_at` are time fields.
    """

    host: str
    state: str
    source: str
    groups: tuple[str, ...] = ()
    audited: tuple[Audited, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()  # what holds for the whole host: default site facts, …
    error: str = ""
    advice: str = ""
    taken_at: datetime | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything a report needs. `complete` False: it was interrupted. Times are UTC; `rulebook_digest` is SHA-256 hex."""

    tool_version: str
    rulebook_digest: str
    profile: str
    started_at: datetime
    finished_at: datetime
    complete: bool
    fail_on: Severity | None  # None: never
    exit_code: int
    exit_reason: str
    rules: tuple[RuleSummary, ...]
    hosts: tuple[HostReport, ...]
