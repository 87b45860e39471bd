"""What a rule said about a subject, and the values it read to say so."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from auditor.model.origin import Origin


class Severity(StrEnum):
    """How bad a failing rule is: critical = strangers can relay or steal credentials now … info = worth knowing."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info up to 4 for critical."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Verdict(StrEnum):
    """The four answers. UNKNOWN is never a pass: something that matters could not be read."""

    PASS = "pass"  # noqa: S105 a verdict, not a password
    FAIL = "fail"
    NOT_APPLICABLE = "not-applicable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One value that the rule read: the path as the rule wrote it, the value as text, and where it was written."""

    path: str
    value: str
    origin: Origin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSummary:
    """What reports tell about a rule; the rule itself stays in the rulebook."""

    id: str
    title: str
    severity: Severity
    why: str
    effect: str = ""  # what the fix may break
    remedy: str = ""  # the setting that cures it, in the platform's syntax
    references: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One verdict of one rule about one subject (a service, a table line; empty: the whole instance).

    `message` says what is wrong, in terms of this subject; `reason` why a verdict is unknown or the rule did not apply.
    """

    rule_id: str
    platform: str
    verdict: Verdict
    severity: Severity
    instance: str = ""
    subject: str = ""
    message: str = ""
    reason: str = ""
    evidence: tuple[Evidence, ...] = ()

    def fingerprint(self, host: str) -> str:
        """An identity that stays when values and line numbers move: 16 hex digits of host, rule, instance and subject."""
        identity = f"{host}\0{self.rule_id}\0{self.instance}\0{self.subject}"
        return hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:16]
