"""A rule compiled for one platform: its expressions checked against that platform's model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from auditor.errors import Problem
from auditor.interfaces import Platform
from auditor.model.host import HostVariables
from auditor.rulebook import hints
from auditor.rulebook.closures import Expression, Run, truth
from auditor.rulebook.expression import Scope, compile_condition, compile_loop, whole
from auditor.rulebook.message import Message, compile_message
from auditor.rulebook.rule import Check
from auditor.yamltree import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The compiled expressions of a rule. `variable` and `items` of `for_each`; `does_not_apply` is the reason then."""

    platform: str
    model: type
    variable: str
    items: Expression | None
    subject: str | None  # the attribute that names an item; None: the item is a text
    applies: Expression | None
    require: Expression
    message: Message
    remedy: Message | None
    applies_run: Run | None
    require_run: Run
    does_not_apply: str

    def repeated_reads(self) -> tuple[str, ...]:
        """The paths that both `applies` and `require` read: a predicate there may hide servers that should fail."""
        both = paths(self.applies) & paths(self.require) if self.applies else set()
        return tuple(sorted(both))


def paths(expression: Expression | None) -> set[str]:
    """The paths that an expression reads values of."""
    if expression is None:
        return set()
    own = {expression.text} if expression.kind == "attribute" and not hints.is_object(expression.type) else set()
    return own.union(*(paths(part) for part in expression.parts))


def roots(platform: Platform[Any]) -> dict[str, Any]:
    """The names that every expression for this platform may use, with their types."""
    return {platform.name: platform.model, "host": HostVariables}


def compile_rule(
    check: Check, remedy: Text | None, platform: Platform[Any]
) -> tuple[Program | None, tuple[Problem, ...]]:
    """The program of a rule for a platform, or else every problem of its expressions."""
    scope = Scope(roots(platform), platform.namespaces)
    problems: list[Problem] = []
    variable, items = "", None
    if check.for_each is not None:
        variable, items, found = compile_loop(whole(check.for_each), scope)
        problems += found
        item = hints.item_of(items.type) if items else hints.Unusable
        if items and hints.is_object(item) and hints.subject_of(item) is None:
            problems.append(check.for_each.problem(f"{hints.label(item)} has no name that could be the subject"))
        if variable:
            scope = scope.within(variable, item)
    applies = None
    if check.applies is not None:
        applies, found = compile_condition(whole(check.applies), scope)
        problems += found
    require, found = compile_condition(whole(check.require), scope)
    problems += found
    message, found = compile_message(check.message, scope)
    problems += found
    cure, found = compile_message(remedy, scope) if remedy else (None, ())
    problems += found
    if check.for_each and variable and require and not _uses(require, variable):
        problems.append(
            check.require.problem(f"{variable!r} is never used here", "judge the item, or leave for_each out")
        )
    if problems or require is None:
        return None, tuple(problems)
    subject = hints.subject_of(hints.item_of(items.type)) if items else None
    return Program(
        platform=platform.name,
        model=platform.model,
        variable=variable,
        items=items,
        subject=subject,
        applies=applies,
        require=require,
        message=message,
        remedy=cure,
        applies_run=truth(applies) if applies else None,
        require_run=truth(require),
        does_not_apply=f"it applies only if {applies.text}" if applies else "",
    ), ()


def _uses(expression: Expression, name: str) -> bool:
    return expression.root == name or any(_uses(part, name) for part in expression.parts)
