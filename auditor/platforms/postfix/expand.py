"""`$name` expansion as Postfix does it: a transcription of mac_parse() and mac_expand(), faults and warnings included.

One bend: a name whose value depends on the machine and is not known here stays in the text as `$name`, and the result says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import takewhile

from auditor.model.origin import Unknown

_SPACE = " \t\r\n"
_CLOSE = {"(": ")", "{": "}"}
_OPERATORS = {"==", "!=", "<", "<=", ">=", ">"}
_MAX_LEVEL = 100
# Ours: Postfix itself runs out of stack or time on such text.
_MAX_DEPTH = 130
_MAX_STEPS = 20_000
_MAX_LENGTH = 1_000_000
_MEMORABLE = 500
_NAME = re.compile(r"[A-Za-z0-9_]+")

Lookup = Callable[[str], "str | Unknown | None"]
"""Name → unexpanded text; Unknown: only the machine knows; None: undefined."""


class BadExpression(Exception):
    """Text that Postfix cannot expand: the program that reads it stops."""


@dataclass(slots=True)
class _State:
    lookup: Lookup
    has_level: bool
    out: list[str] = field(default_factory=list)
    length: int = 0
    level: int = 0
    depth: int = 0
    steps: int = 0
    unknown: str = ""
    undefined: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Expanded:
    """The expanded text; `unknown` says why it is not complete (or is empty); `undefined` are names that nobody set."""

    text: str
    unknown: str = ""
    undefined: tuple[str, ...] = ()


def expand(text: str, lookup: Lookup, has_level: bool = True) -> Expanded:
    """Expand recursively. `has_level`: the release knows `<level` (3.6). Raises BadExpression."""
    if "$" not in text:
        return Expanded(text)
    state = _State(lookup, has_level)
    _expand(text, state)
    return Expanded("".join(state.out), state.unknown, tuple(state.undefined))


def _parse(text: str) -> Iterator[tuple[bool, str]]:
    """Pairs (is an expression, text): mac_parse. Hosts share most texts, their defaults; long ones are not worth remembering."""
    parts, broken = _remembered(text) if len(text) <= _MEMORABLE else _parts(text)
    yield from parts
    if broken:
        raise BadExpression(broken)


def _parts(text: str) -> tuple[tuple[tuple[bool, str], ...], str]:
    """The pairs up to a mistake, and the mistake."""
    found: list[tuple[bool, str]] = []
    try:
        for piece in _pieces(text):
            found.append(piece)  # noqa: PERF402 what came before a mistake counts
    except BadExpression as error:
        return tuple(found), str(error)
    return tuple(found), ""


_remembered = lru_cache(maxsize=2048)(_parts)


def _pieces(text: str) -> Iterator[tuple[bool, str]]:
    literal: list[str] = []
    at = 0
    while at < len(text):
        dollar = text.find("$", at)
        if dollar < 0:
            literal.append(text[at:])
            break
        literal.append(text[at:dollar])
        if text[dollar + 1 : dollar + 2] == "$":
            literal.append("$")
            at = dollar + 2
            continue
        if "".join(literal):
            yield False, "".join(literal)
        literal = []
        name, at = _expression(text, dollar + 1)
        if not name:
            raise BadExpression(f'empty macro name: "{text}"')
        yield True, name
    if "".join(literal):
        yield False, "".join(literal)


def _expression(text: str, at: int) -> tuple[str, int]:
    """The inside of `$name`, `$(…)` or `${…}` from just after the dollar, and where it ends."""
    opening = text[at : at + 1]
    if opening not in _CLOSE or not opening:
        match = _NAME.match(text, at)
        return (match[0], match.end()) if match else ("", at)
    level, start = 1, at + 1
    for end in range(start, len(text)):
        if text[end] == opening:
            level += 1
        elif text[end] == _CLOSE[opening]:
            level -= 1
        if level == 0:
            return text[start:end], end + 1
    raise BadExpression(f'truncated macro reference: "{text}"')


def _is_name(char: str) -> bool:
    return char == "_" or (char.isascii() and char.isalnum())


def _expand(text: str, state: _State) -> None:
    for is_expression, part in _parse(text):
        state.level += 1
        state.steps += 1
        if state.level > _MAX_LEVEL or state.depth > _MAX_DEPTH or state.steps > _MAX_STEPS:
            raise BadExpression(f'unreasonable macro call nesting: "{part[:80]}"')
        if is_expression:
            state.depth += 1
            _evaluate(part, state)
            state.depth -= 1
        else:
            state.length += len(part)
            if state.length > _MAX_LENGTH:
                raise BadExpression("the expanded text is too long")
            state.out.append(part)
        state.level -= 1


def _evaluate(expression: str, state: _State) -> None:
    """One `${…}`: a name or a relation, then `?` and `:` with their results."""
    rest = expression.lstrip(_SPACE)
    name = ""
    value: str | Unknown | None
    if rest.startswith("{"):
        value, rest = _relation(rest, state)
        operator, rest = rest[:1], rest[1:]
        if operator and operator not in "?:":
            raise BadExpression(f'"?" or ":" expected at: "...}}>>>{operator}{rest[:19]}"')
    else:
        name, operator, rest = _name(rest, expression)
        value = state.lookup(name)
    if operator:
        _conditional(operator, rest, value, state)
    elif value is None:
        state.undefined.append(name)
    elif isinstance(value, Unknown):
        state.unknown = state.unknown or value.reason
        state.out.append(f"${name}")
    elif name:
        _expand(value, state)
    else:
        state.out.append(value)


def _name(text: str, expression: str) -> tuple[str, str, str]:
    if _NAME.fullmatch(text):
        return text, "", ""
    for at, char in enumerate(text):
        rest = text[at:].lstrip(_SPACE)
        if not rest:
            return text[:at], "", ""
        if rest[0] in "?:":
            return text[:at], rest[0], rest[1:]
        if not _is_name(char):
            raise BadExpression(f'attribute name syntax error at: "...{expression[:20]}"')
    return text, "", ""


def _conditional(operator: str, rest: str, value: str | Unknown | None, state: _State) -> None:
    # What the machine fills in (a host name, networks) is never empty.
    is_set = isinstance(value, Unknown) or bool(value)
    if operator == "?":
        result, rest = _operand(rest)
        if is_set:
            _expand(result, state)
        if not rest:
            return
        if not rest.startswith(":"):
            raise BadExpression(f'":" expected at: "...{result}}}>>>{rest[:20]}"')
        rest = rest[1:]
    result, rest = _operand(rest)
    if not is_set:
        _expand(result, state)
    if rest:
        raise BadExpression(f'unexpected input at: "...{result}}}>>>{rest[:20]}"')


def _operand(text: str) -> tuple[str, str]:
    inner = text.lstrip(_SPACE)
    return _curly(inner) if inner.startswith("{") else (text, "")


def _curly(text: str) -> tuple[str, str]:
    """What `{…}` at the start holds, and what follows it without leading blanks."""
    level = 0
    for at, char in enumerate(text):
        level += (char == "{") - (char == "}")
        if level == 0:
            return text[1:at], text[at + 1 :].lstrip(_SPACE)
    raise BadExpression(f'unbalanced {{}} in attribute expression: "{text}"')


def _relation(text: str, state: _State) -> tuple[str, str]:
    left, rest = _curly(text)
    operator = "".join(takewhile(lambda char: char in "<>!=?+-*/~&|%", rest))
    if operator not in _OPERATORS:
        raise BadExpression(f'"==" or "!=" or … expected at: "...{left}}}>>>{rest[:20]}"')
    rest = rest[len(operator) :]
    suffix = "".join(takewhile(lambda char: char.isascii() and char.isalnum(), rest)) if state.has_level else ""
    if suffix and suffix != "level":
        raise BadExpression(f'bad operator suffix at: "...{operator}>>>{suffix}"')
    rest = rest[len(suffix) :].lstrip(_SPACE)
    if not rest.startswith("{"):
        raise BadExpression(f'"{{expression}}" expected at: "...{{{left}}} {operator}>>>{rest[:20]}"')
    right, rest = _curly(rest)
    sides = []
    for side in (left, right):
        inner = _State(state.lookup, state.has_level, depth=state.depth, steps=state.steps)
        _expand(side, inner)
        state.steps = inner.steps
        state.unknown = state.unknown or inner.unknown
        state.undefined += inner.undefined
        sides.append("".join(inner.out))
    return ("true" if _compare(sides[0], operator, sides[1], bool(suffix)) else ""), rest


def _compare(left: str, operator: str, right: str, by_level: bool) -> bool:
    a: object
    b: object
    if by_level:
        a, b = level(left), level(right)
        if a is None or b is None:
            raise BadExpression(f'malformed compatibility level syntax: "{left if a is None else right}"')
    elif _all_digits(left) and _all_digits(right):
        a, b = int(left), int(right)
    else:
        a, b = left.encode("utf-8", "surrogateescape"), right.encode("utf-8", "surrogateescape")
    return {
        "==": a == b,
        "!=": a != b,
        "<": a < b,  # type: ignore[operator]  # both sides have one type
        "<=": a <= b,  # type: ignore[operator]
        ">=": a >= b,  # type: ignore[operator]
        ">": a > b,  # type: ignore[operator]
    }[operator]


def _all_digits(text: str) -> bool:
    return bool(text) and len(text) < 19 and text.isascii() and text.isdigit()


def level(text: str) -> tuple[int, int, int] | None:
    """A compatibility level as three numbers, or None when it is malformed."""
    parts = text.split(".")
    if len(parts) > 3 or not all(map(_all_digits, parts)):
        return None
    major, minor, patch = (*map(int, parts), 0, 0)[:3]
    return (major, minor, patch)
