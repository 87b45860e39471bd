"""What rules say about a model: verdicts with their evidence. Pure, but for the log of a rule that fails itself."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from auditor.interfaces import Platform
from auditor.model.finding import Evidence, Finding, Severity, Verdict
from auditor.model.host import HostVariables
from auditor.model.origin import Fact, Layer, Origin, Setting, Unknown
from auditor.rulebook.closures import Frame, Read, absent
from auditor.rulebook.hints import ABSENT
from auditor.rulebook.message import show
from auditor.rulebook.program import Program

if TYPE_CHECKING:
    from auditor.rulebook.load import CompiledRule, Rulebook

Shown = dict[int, tuple[Setting, Evidence]]
"""Settings (by identity) that some rule's evidence has shown already: many rules rest on the same few."""

MAX_SUBJECTS = 1000
"""How many subjects with the same verdict a rule tells one by one: a table may have 100,000 lines. Arbitrary; the rest are counted."""

_SHARED = 300  # characters; arbitrary: longer values are seldom the same on two hosts

_log = logging.getLogger(__name__)


def evaluate(
    rulebook: Rulebook, platform: Platform[Any], model: Any, variables: HostVariables, instance: str = ""
) -> tuple[Finding, ...]:
    """All verdicts of all rules for this platform, worst severity first, then by rule id and subject."""
    findings: list[Finding] = []
    shown: Shown = {}
    for rule, program in rulebook.programs(platform.name):
        found = judge(rule, program, model, variables, instance, shown)
        if len(found) > 1:
            found.sort(key=_by_subject)
        findings += found
    return tuple(findings)


_by_subject = attrgetter("subject")


def judge(
    rule: CompiledRule,
    program: Program,
    model: Any,
    variables: HostVariables,
    instance: str = "",
    shown: Shown | None = None,
) -> list[Finding]:
    """The verdicts of one rule. A rule that fails itself gives one unknown verdict; the traceback is logged.

    `shown` is shared by the rules that judge one model.
    """
    try:
        return _Judge(rule, program, instance, {} if shown is None else shown).findings(model, variables)
    except Exception as error:  # noqa: BLE001 one rule must not end the host (DESIGN section 12)
        _log.exception("rule %s failed", rule.id)
        reason = f"the rule itself failed ({type(error).__name__}); this is a fault of mailaudit, please report it"
        return [_unseen(rule.id, program.platform, Verdict.UNKNOWN, rule.severity, instance, "", reason)]


def frames(program: Program, model: Any, variables: HostVariables) -> Iterator[tuple[str, Frame]] | Unknown:
    """A frame for each subject, with the subject's name; Unknown when nobody knows what the subjects are.

    The frame is the same one each time: what was read for a subject is gone with the next.
    """
    names = {program.platform: model, "host": variables}
    if program.items is None:
        return iter([("", Frame(names))])
    items = program.items.run(Frame(names))
    if items.__class__ in ABSENT:
        return absent(items, program.items.text)
    return _each(program, items, Frame(names))


def _each(program: Program, items: Iterable[Any], frame: Frame) -> Iterator[tuple[str, Frame]]:
    for item in items:
        frame.names[program.variable] = item
        frame.reads = []
        yield _subject(item, program.subject), frame


class _Judge:
    def __init__(self, rule: CompiledRule, program: Program, instance: str, shown: Shown) -> None:
        self.id, self.severity = rule.id, rule.severity
        self.program, self.instance, self.shown = program, instance, shown

    def findings(self, model: Any, variables: HostVariables) -> list[Finding]:
        subjects = frames(self.program, model, variables)
        if isinstance(subjects, Unknown):
            return [self.unseen(Verdict.UNKNOWN, "", subjects.reason)]
        found: list[Finding] = []
        told: Counter[Verdict] = Counter()
        for subject, frame in subjects:
            finding = self.verdict(subject, frame)
            if len(found) < MAX_SUBJECTS:
                found.append(finding)
                continue
            told = told or Counter(each.verdict for each in found)
            told[finding.verdict] += 1
            if told[finding.verdict] <= MAX_SUBJECTS:
                found.append(finding)
        if not found and self.program.items is not None:
            return [self.unseen(Verdict.NOT_APPLICABLE, "", f"{self.program.items.text} is empty")]
        return [*found, *(self.more(verdict, number) for verdict, number in told.items() if number > MAX_SUBJECTS)]

    def more(self, verdict: Verdict, number: int) -> Finding:
        """One finding for the subjects beyond those that are told one by one."""
        said = f"{number:,} subjects of this verdict; the first {MAX_SUBJECTS:,} are told one by one"
        rest = self.unseen(verdict, f"({number - MAX_SUBJECTS:,} more)", "" if verdict is Verdict.FAIL else said)
        return replace(rest, message=said) if verdict is Verdict.FAIL else rest

    def verdict(self, subject: str, frame: Frame) -> Finding:
        program = self.program
        scope: list[Read] = []
        if program.applies_run is not None:
            applies = program.applies_run(frame)
            if applies is False:
                return self.unseen(Verdict.NOT_APPLICABLE, subject, program.does_not_apply)
            if applies is not True:
                return self.seen(Verdict.UNKNOWN, subject, frame, reason=applies.reason)
            scope, frame.reads = frame.reads, []
        answer = program.require_run(frame)
        frame.reads += scope
        if answer is True:
            return self.seen(Verdict.PASS, subject, frame)
        if answer is False:
            return self.seen(Verdict.FAIL, subject, frame, message=program.message.render(frame))
        return self.seen(Verdict.UNKNOWN, subject, frame, reason=answer.reason)

    def unseen(self, verdict: Verdict, subject: str, reason: str) -> Finding:
        return _unseen(self.id, self.program.platform, verdict, self.severity, self.instance, subject, reason)

    def seen(self, verdict: Verdict, subject: str, frame: Frame, *, message: str = "", reason: str = "") -> Finding:
        return Finding(
            rule_id=self.id,
            platform=self.program.platform,
            verdict=verdict,
            severity=self.severity,
            instance=self.instance,
            subject=subject,
            message=message,
            reason=reason,
            evidence=self.evidence(frame),
        )

    def evidence(self, frame: Frame) -> tuple[Evidence, ...]:
        """What was read and decided, in the order of reading, each once; then the place of the subject itself."""
        found = evidence_of(frame.reads, self.shown)
        item = frame.names.get(self.program.variable)
        origin = getattr(item, "origin", None)
        if origin.__class__ is Origin and _place(origin) not in [_place(each.origin) for each in found if each.origin]:
            found.append(_evidence(self.program.variable, _subject(item, self.program.subject), origin))
        return tuple(found)


@lru_cache(maxsize=16_384)
def _unseen(
    rule: str, platform: str, verdict: Verdict, severity: Severity, instance: str, subject: str, reason: str
) -> Finding:
    """A verdict without evidence: most are `not-applicable`, and the same object on every host."""
    return Finding(
        rule_id=rule,
        platform=platform,
        verdict=verdict,
        severity=severity,
        instance=instance,
        subject=subject,
        reason=reason,
    )


def _subject(item: Any, attribute: str | None) -> str:
    return str(item) if attribute is None else str(getattr(item, attribute))


def evidence_of(reads: list[Read], shown: Shown) -> list[Evidence]:
    """Reads as evidence: a setting with its place, a fact as the settings that it was derived from, each once."""
    found: list[Evidence] = []
    for expression, holder, raw, item in reads:
        kind = raw.__class__
        if kind is Fact and raw.because:
            found += [_of_setting(each, shown) for each in raw.because]
            continue
        path = expression.text if item is None else _path(expression.text, expression.root, item)
        origin = raw.origin if kind is Setting else getattr(holder, "origin", None)
        found.append(_evidence(path, show(raw), origin if origin.__class__ is Origin else None))
    # Hashing evidence costs more than making it: only where a path occurs twice.
    if len(found) > 1 and len({each.path for each in found}) < len(found):
        return list(dict.fromkeys(found))
    return found


def _evidence(path: str, value: str, origin: Origin | None) -> Evidence:
    """Hosts that are alike share their evidence: a fleet's findings must fit in memory."""
    if len(path) + len(value) > _SHARED:
        return Evidence(path=path, value=value, origin=origin)
    return _shared(path, value) if origin is None else _placed(path, value, origin.file, origin.line, origin.layer)


@lru_cache(maxsize=16_384)
def _shared(path: str, value: str) -> Evidence:
    return Evidence(path=path, value=value)


@lru_cache(maxsize=16_384)
def _placed(path: str, value: str, file: str, line: int | None, layer: Layer) -> Evidence:
    return Evidence(path=path, value=value, origin=Origin(file=file, line=line, layer=layer))


def _of_setting(setting: Setting, shown: Shown) -> Evidence:
    known = shown.get(id(setting))
    if known is None:
        evidence = _evidence(setting.name, show(setting), setting.origin)
        known = shown[id(setting)] = setting, evidence
    return known[1]


def _place(origin: Origin) -> tuple[str, int | None, Layer]:
    """Origins are compared often: as tuples that is done in C."""
    return origin.file, origin.line, origin.layer


def _path(text: str, root: str, item: Any) -> str:
    """The path as the rule wrote it, with the item that its loop variable stood for."""
    return f"{root}[{show(item)}]{text[len(root) :]}"
