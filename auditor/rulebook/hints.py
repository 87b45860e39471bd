"""The types of rule expressions, taken from the type hints of a platform's model."""

from __future__ import annotations

import enum
import functools
import types
import typing
from collections.abc import Callable, Collection, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Literal, Union

from auditor.model.host import Release
from auditor.model.network import Networks
from auditor.model.origin import Fact, Origin, Setting, Unknown, Unsupported

ABSENT = frozenset((Unknown, Unsupported, type(None)))
"""What may stand in a value's place: expressions are typed as if it were there."""


class Unusable:
    """The type of an expression with a mistake that has been told: whatever is said about it says nothing new."""


_NAMES = {"bool": "true/false", "number": "a number", "text": "text", "release": "a release", "networks": "networks"}


def plain(hint: Any) -> Any:
    """The hint of a value that is there: without None, Unknown and Unsupported, and a Fact's value instead of the Fact.

    A Setting of no stated type, and a union of several types, are `Any`: compared without a check.
    """
    origin: Any = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        rest = [each for each in typing.get_args(hint) if each not in ABSENT]
        return plain(rest[0]) if len(rest) == 1 else Any
    if origin is Fact:
        return plain(typing.get_args(hint)[0])
    return Any if hint is Setting else hint


def item_of(hint: Any) -> Any | None:
    """The type of a list's items; None when the hint is no list."""
    origin: Any = typing.get_origin(hint)
    if origin in (tuple, list, frozenset, Sequence, Collection):
        return plain(typing.get_args(hint)[0])
    return None


def words_of(hint: Any) -> tuple[str, ...] | None:
    """The words that a Literal or an enumeration allows; None for other types."""
    origin: Any = typing.get_origin(hint)
    if origin is Literal:
        return tuple(str(each) for each in typing.get_args(hint))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return tuple(str(each.value) for each in hint)
    return None


def family(hint: Any) -> str | None:
    """Which types may be compared: equal families. None: an object, which can only be read from; "any": not known."""
    if hint is Any or hint is Unusable:
        return "any"
    if (item := item_of(hint)) is not None:
        return f"list of {family(item)}"
    if words_of(hint) is not None:
        return "text"
    return {bool: "bool", int: "number", float: "number", str: "text", Release: "release", Networks: "networks"}.get(
        hint
    )


def alike(one: Any, other: Any) -> bool:
    """Whether values of the two types can be equal."""
    if Unusable in (one, other):
        return True
    families = family(one), family(other)
    if any(each is not None and each.endswith("any") for each in families):
        return None not in families
    return families[0] == families[1] is not None


def label(hint: Any) -> str:
    """A type in the words of error messages."""
    if (item := item_of(hint)) is not None:
        return f"a list of {label(item)}"
    known = family(hint)
    return _NAMES.get(known or "", "anything" if known == "any" else str(getattr(hint, "__name__", hint)))


@functools.cache
def attributes(cls: Any) -> dict[str, Any]:
    """The readable attributes of a model class with their hints: dataclass fields and properties."""
    if not isinstance(cls, type) or family(cls) is not None or cls is Origin:
        return {}
    hints = typing.get_type_hints(cls)
    found = {each.name: hints[each.name] for each in fields(cls)} if is_dataclass(cls) else {}
    for name in dir(cls):
        member = getattr(cls, name)
        getter: Callable[..., Any] | None = getattr(member, "fget", None) or getattr(member, "func", None)
        if getter is not None and not name.startswith("_"):
            found[name] = typing.get_type_hints(getter).get("return", Any)
    return found


@functools.cache
def subject_of(cls: Any) -> str | None:
    """The attribute that names an object of this class in findings: `subject` or `name`; None when it has neither."""
    return next((name for name in ("subject", "name") if name in attributes(cls)), None)


def is_object(hint: Any) -> bool:
    """Whether this is an object (or a list of objects): read from, never shown as a value."""
    return family(item_of(hint) or hint) is None
