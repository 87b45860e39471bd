"""Texts with `{expression}` in them, and values as people read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from auditor.errors import Problem
from auditor.model.origin import Fact, Setting, Unknown, Unsupported
from auditor.rulebook.closures import Expression, Frame
from auditor.rulebook.expression import Fragment, Scope, compile_value
from auditor.rulebook.hints import ABSENT
from auditor.yamltree import Text

UNKNOWN_VALUE = "unknown "
"""How the text of a value begins that could not be known; its reason follows in brackets."""


@dataclass(frozen=True, slots=True)
class Message:
    """A text with placeholders, checked and compiled."""

    parts: tuple[str | Expression, ...]

    def render(self, frame: Frame) -> str:
        """The text with the values of this evaluation."""
        return "".join(part if isinstance(part, str) else show((part.raw or part.run)(frame)) for part in self.parts)

    def placeholders(self) -> Iterator[Expression]:
        """The expressions in it."""
        return (part for part in self.parts if isinstance(part, Expression))

    def generic(self) -> str:
        """The text as it reads for any subject: `<service.name>` where a value belongs."""
        return "".join(part if isinstance(part, str) else f"<{part.text}>" for part in self.parts)


def compile_message(text: Text, scope: Scope) -> tuple[Message, tuple[Problem, ...]]:
    """The text with its placeholders compiled, and what is wrong with them. `{{` and `}}` are braces."""
    parts: list[str | Expression] = []
    problems: list[Problem] = []
    for piece in _pieces(text):
        if isinstance(piece, Fragment):
            expression, found = compile_value(piece, scope)
            problems += found
            parts += [expression] if expression else []
        elif isinstance(piece, Problem):
            problems.append(piece)
        else:
            parts.append(piece)
    return Message(tuple(parts)), tuple(problems)


def _pieces(text: Text) -> Iterator[str | Fragment | Problem]:
    """Literal text, expressions, and braces that do not belong."""
    value, at, literal = text.value, 0, ""
    while at < len(value):
        two, one = value[at : at + 2], value[at]
        if two in ("{{", "}}"):
            literal, at = literal + one, at + 2
        elif one == "{" and (end := value.find("}", at)) > 0:
            yield literal
            yield Fragment(text, value[at + 1 : end], *_place(value, at + 1))
            literal, at = "", end + 1
        elif one in "{}":
            line, column = _place(value, at)
            yield text.problem(f"a single {one!r}", f"write {one * 2} for a brace that is meant as text", line, column)
            at += 1
        else:
            literal, at = literal + one, at + 1
    yield literal


def _place(value: str, at: int) -> tuple[int, int]:
    before = value[:at]
    return before.count("\n") + 1, at - (before.rfind("\n") + 1)


def show(value: Any) -> str:
    """A value as people read it; of a setting, its text as the server uses it."""
    kind = value.__class__
    if kind is Setting:
        return show(value.value) if value.value.__class__ in ABSENT else value.text or "(empty)"
    if kind is Fact:
        return show(value.value)
    if kind is bool:
        return "true" if value else "false"
    if kind in ABSENT:
        return _absence(value)
    if kind in (tuple, list, frozenset):
        return ", ".join(show(item) for item in value) or "(empty)"
    named = getattr(value, "subject", None) or getattr(value, "name", None)
    return str(named if isinstance(named, str) else value) or "(empty)"


def _absence(value: Any) -> str:
    if isinstance(value, Unknown):
        return f"{UNKNOWN_VALUE}({value.reason})"
    return f"not supported by release {value.release}" if isinstance(value, Unsupported) else "not set"
