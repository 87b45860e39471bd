"""What happens when an expression runs: closures over Kleene's three-valued logic, and the memory of what was read.

A closure takes a `Frame` and gives a value. Conditions give True, False or `Unknown`, nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from auditor.model.origin import Fact, Setting, Unknown, Unsupported
from auditor.rulebook.functions import Function
from auditor.rulebook.hints import ABSENT

Run = Callable[["Frame"], Any]


@dataclass(slots=True)
class Frame:
    """One evaluation: the values of the names, and what has been read. `thorough` reads on when the answer is known already."""

    names: dict[str, Any]
    reads: list[Read] = field(default_factory=list)
    thorough: bool = False


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression or part of one, ready to run. `variable` is the loop variable of any() and all(),
    `raw` gives a setting or fact itself instead of its value; `root` is the name that a path begins with."""

    kind: str  # name, attribute, constant, list, compare, and, or, not, any, all, call
    text: str
    type: Any
    run: Run
    parts: tuple[Expression, ...] = ()
    raw: Run | None = None
    root: str = ""
    variable: str = ""
    value: Any = None  # of a constant


Read = tuple[Expression, Any, Any, Any]
"""Attribute, the object that it was read from, the raw value, and the item that a loop variable stood for (else None)."""


def absent(value: Any, text: str) -> Unknown:
    """Why a value that is not there makes a comparison unknown."""
    if isinstance(value, Unknown):
        return value
    if isinstance(value, Unsupported):
        return Unknown(f"{text}: release {value.release} has no such parameter")
    return Unknown(f"{text} is not set")


def truth(part: Expression) -> Run:
    """The part as exactly True, False or Unknown."""
    run, text = part.run, part.text
    if part.kind in ("compare", "and", "or", "not", "any", "all"):
        return run

    def as_truth(frame: Frame) -> Any:
        value = run(frame)
        if value is True or value is False:
            return value
        return absent(value, text) if value.__class__ in ABSENT else Unknown(f"{text} is neither true nor false")

    return as_truth


def negated(part: Run) -> Run:
    """Kleene's not."""

    def run(frame: Frame) -> Any:
        value = part(frame)
        return value if value.__class__ is Unknown else not value

    return run


def decide(parts: Sequence[Run], deciding: bool) -> Run:
    """Kleene's and (deciding False) and or (deciding True)."""

    def run(frame: Frame) -> Any:
        return _settle(frame, parts, deciding)

    return run


def quantify(items: Run, text: str, variable: str, condition: Run, deciding: bool) -> Run:
    """any() (deciding True) and all() (deciding False) over a list."""

    def each(frame: Frame, found: Sequence[Any]) -> Iterator[Run]:
        for item in found:
            frame.names[variable] = item
            yield condition

    def run(frame: Frame) -> Any:
        found = items(frame)
        return absent(found, text) if found.__class__ in ABSENT else _settle(frame, each(frame, found), deciding)

    return run


def _settle(frame: Frame, parts: Iterable[Run], deciding: bool) -> Any:
    """The deciding value as soon as it comes; else unknown if any value is; else the opposite. `parts` are run one by one.

    The reads of what did not decide are dropped, so that evidence is what the answer rests on.
    """
    reads, thorough, unknown, decided = frame.reads, frame.thorough, None, False
    start = mark = len(reads)
    for part in parts:
        value = part(frame)
        if value is deciding:
            if not thorough:
                del reads[start:mark]
                return value
            decided = True
        elif not thorough and value.__class__ is Unknown:
            if unknown is None:
                del reads[start:mark]
        elif not thorough and unknown is not None:
            del reads[mark:]
        if value.__class__ is Unknown:
            unknown = unknown or value
        mark = len(reads)
    return deciding if decided else unknown or (not deciding)


def contains(value: Any, container: Any) -> Any:
    if value in container:
        return True
    if container.__class__ is tuple:
        return next((item for item in container if item.__class__ is Unknown), False)
    return False


def contains_not(value: Any, container: Any) -> Any:
    found = contains(value, container)
    return found if found.__class__ is Unknown else not found


# Constants hold nothing unknown.
_FIXED: Mapping[Callable[[Any, Any], Any], Callable[[Any, Any], Any]] = {
    contains: lambda value, container: value in container,
    contains_not: lambda value, container: value not in container,
}


def attribute_closures(
    owner: Expression, name: str, is_namespace: bool, is_object: bool, loop: str, box: list[Expression]
) -> tuple[Run, Run]:
    """Two closures of an attribute: the setting, fact or value itself, and its value, which is remembered."""
    holder_of, root = owner.run, owner.root if owner.kind == "name" else ""

    def raw(frame: Frame) -> Any:
        holder = holder_of(frame)
        if holder.__class__ in ABSENT:
            return holder
        return holder.lookup(name) if is_namespace else getattr(holder, name)

    def run(frame: Frame) -> Any:
        holder = frame.names[root] if root else holder_of(frame)
        if holder.__class__ in ABSENT:
            return holder
        found = holder.lookup(name) if is_namespace else getattr(holder, name)
        if not is_object or found.__class__ in ABSENT or found == ():
            frame.reads.append((box[0], holder, found, frame.names[loop] if loop else None))
        return found.value if found.__class__ is Setting or found.__class__ is Fact else found

    return raw, run


def comparison(compare: Callable[[Any, Any], Any], left: Expression, right: Expression) -> Run:
    one, other, one_text, other_text = left.run, right.run, left.text, right.text
    if right.kind in ("constant", "list"):
        return _comparison_with(_FIXED.get(compare, compare), left, right.value)

    def run(frame: Frame) -> Any:
        a = one(frame)
        if a.__class__ in ABSENT:
            return absent(a, one_text)
        b = other(frame)
        return absent(b, other_text) if b.__class__ in ABSENT else compare(a, b)

    return run


def _comparison_with(compare: Callable[[Any, Any], Any], left: Expression, constant: Any) -> Run:
    run_left, text = left.run, left.text

    def run(frame: Frame) -> Any:
        value = run_left(frame)
        return absent(value, text) if value.__class__ in ABSENT else compare(value, constant)

    return run


def called(function: Function, parts: tuple[Expression, ...]) -> Run:
    call = function.call
    tolerant = "value" in function.parameters

    def run(frame: Frame) -> Any:
        values = []
        for part in parts:
            value = part.run(frame)
            if value.__class__ in ABSENT and not tolerant:
                return absent(value, part.text)
            values.append(value)
        return call(*values)

    return run
