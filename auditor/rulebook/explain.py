"""Why a verdict: a rule's expressions as trees with the value at each place, and where each value was written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auditor.model.host import HostVariables
from auditor.model.origin import Fact, Origin, Setting, Unknown
from auditor.rulebook.closures import Expression, Frame, truth
from auditor.rulebook.evaluate import frames, judge
from auditor.rulebook.load import CompiledRule
from auditor.rulebook.message import show
from auditor.rulebook.program import Program

MAX_ITEMS = 20
"""How many items of an any() or all() are told one by one."""


def explain(rule: CompiledRule, model: Any, variables: HostVariables, instance: str = "") -> str:
    """The whole story of a rule about one model, as plain text: per subject its verdict and the tree of each expression."""
    program = next((each for each in rule.programs.values() if isinstance(model, each.model)), None)
    if program is None:
        return f"{rule.id} does not judge this kind of server"
    lines = [f"{rule.id}: {rule.rule.title}", f"severity {rule.severity}"]
    if instance:
        lines.append(f"instance {instance}")
    verdicts = {each.subject: each for each in judge(rule, program, model, variables, instance)}
    subjects = frames(program, model, variables)
    if program.items is not None:
        lines.append(f"for each {program.variable} in {program.items.text}")
    if isinstance(subjects, Unknown):
        return "\n".join([*lines, f"  unknown: {subjects.reason}"])
    empty = True
    for subject, frame in subjects:
        empty = False
        verdict = verdicts.get(subject)
        if verdict is None:  # one of very many, that evaluate only counts
            continue
        says = verdict.message or verdict.reason
        lines += ["", f"{subject or 'the whole server'}: {verdict.verdict}{f': {says}' if says else ''}"]
        lines += _subject(program, frame)
    if empty:
        lines.append("  not-applicable: there is none")
    return "\n".join([*lines, *_page(rule)])


def _subject(program: Program, frame: Frame) -> Iterator[str]:
    item = frame.names.get(program.variable)
    origin = getattr(item, "origin", None)
    if isinstance(origin, Origin):
        yield f"  written in {origin}"
    for name, expression in (("applies", program.applies), ("require", program.require)):
        if expression is None:
            continue
        value = truth(expression)(frame)
        yield f"  {name}: {show(value)}"
        yield from _tree(expression, frame, 2)
        if name == "applies" and value is not True:
            return


def _tree(expression: Expression, frame: Frame, depth: int) -> Iterator[str]:
    """One line per node that has something to tell, its parts below it."""
    indent = "  " * depth
    if expression.kind in ("constant", "list", "name"):
        return
    if expression.kind == "attribute":
        yield from _attribute(expression, frame, indent)
        return
    value = expression.run(frame)
    head = expression.kind if expression.kind in ("and", "or") else expression.text
    yield f"{indent}{head}: {show(value)}"
    if expression.kind in ("any", "all"):
        yield from _items(expression, frame, depth + 1)
        return
    for part in expression.parts:
        yield from _tree(part, frame, depth + 1)


def _attribute(expression: Expression, frame: Frame, indent: str) -> Iterator[str]:
    raw = expression.raw(frame) if expression.raw else expression.run(frame)
    yield f"{indent}{expression.text} = {show(raw)}{_place(raw, expression, frame)}"
    if isinstance(raw, Fact):
        for setting in dict.fromkeys(raw.because):
            yield f"{indent}  because {setting.name} = {show(setting)}  ({_where(setting.origin)})"


def _items(expression: Expression, frame: Frame, depth: int) -> Iterator[str]:
    items, condition = expression.parts
    found = items.run(frame)
    indent = "  " * depth
    if not isinstance(found, tuple):
        yield f"{indent}{items.text} = {show(found)}"
        return
    if not found:
        yield f"{indent}{items.text} is empty"
    for item in found[:MAX_ITEMS]:
        frame.names[expression.variable] = item
        yield f"{indent}{expression.variable} = {show(item)}: {show(truth(condition)(frame))}"
        yield from _tree(condition, frame, depth + 1)
    if len(found) > MAX_ITEMS:
        yield f"{indent}… and {len(found) - MAX_ITEMS} more"


def _place(raw: Any, expression: Expression, frame: Frame) -> str:
    if isinstance(raw, Setting):
        return f"  ({_where(raw.origin)})"
    origin = getattr(expression.parts[0].run(frame), "origin", None) if expression.parts else None
    return f"  ({_where(origin)})" if isinstance(origin, Origin) else ""


def _where(origin: Origin) -> str:
    return "default" if origin.layer == "default" else str(origin)


def _page(rule: CompiledRule) -> Iterator[str]:
    summary = rule.summary
    yield ""
    yield f"why: {' '.join(summary.why.split())}"
    if summary.remedy:
        yield f"fix: {summary.remedy}"
    if summary.effect:
        yield f"the fix may break: {' '.join(summary.effect.split())}"
    for known in rule.rule.known_false_positives:
        yield f"known false positive: {' '.join(known.split())}"
