"""The functions of the rule language. Each is total: it answers for every value of its parameters' types."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass
from typing import Any, Literal

from auditor.model.network import Networks
from auditor.model.origin import Unknown, Unsupported

Parameter = Literal["networks", "text", "pattern", "countable", "value"]
"""networks: a set of addresses, or constant CIDR texts · pattern: a constant regular expression ·
countable: a list, text or networks · value: any value, also one that is not there."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function of rules. With a parameter of kind "value" it is handed None, Unknown and Unsupported as well."""

    parameters: tuple[Parameter, ...]
    returns: type
    call: Callable[..., Any]
    explanation: str


_NESTED_REPEAT = re.compile(r"[*+}][^()]*\)[*+{]")  # (a+)+ : exponential time on text that an attacker chooses
MAX_PATTERN = 300


def pattern(text: str) -> re.Pattern[str]:
    """A regular expression of a rule. Raises ValueError when it is malformed, too long or could take for ever."""
    if len(text) > MAX_PATTERN:
        raise ValueError(f"longer than {MAX_PATTERN} characters")
    if _NESTED_REPEAT.search(text):
        raise ValueError("a repetition inside a repeated group can take for ever")
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _within(inner: Networks, outer: Networks) -> bool:
    return inner.within(outer)


def _overlaps(one: Networks, other: Networks) -> bool:
    return one.overlaps(other)


def _public(networks: Networks) -> bool:
    return bool(networks.public())


def _size(value: Networks | Sized) -> int:
    return value.size() if isinstance(value, Networks) else len(value)


def _matches(text: str, regex: re.Pattern[str]) -> bool:
    return regex.search(text[:10_000]) is not None


def _starts_with(text: str, start: str) -> bool:
    return text.startswith(start)


def _is_set(value: Any) -> bool | Unknown:
    if isinstance(value, Unknown):
        return value
    return not (value is None or isinstance(value, Unsupported) or value in ("", ()))


def _is_supported(value: Any) -> bool | Unknown:
    return value if isinstance(value, Unknown) else not isinstance(value, Unsupported)


FUNCTIONS: Mapping[str, Function] = {
    "within": Function(("networks", "networks"), bool, _within, "Every address of the first is in the second."),
    "overlaps": Function(("networks", "networks"), bool, _overlaps, "The two share an address."),
    "public": Function(("networks",), bool, _public, "There is an address among them that a stranger can have."),
    "size": Function(("countable",), int, _size, "The number of items, characters or addresses."),
    "matches": Function(
        ("text", "pattern"), bool, _matches, "The regular expression is found in the text; `^` and `$` anchor it."
    ),
    "starts_with": Function(("text", "text"), bool, _starts_with, "The first text begins with the second."),
    "is_set": Function(
        ("value",), bool, _is_set, "There is a value, and it is not empty. Ask before comparing what may be unset."
    ),
    "is_supported": Function(("value",), bool, _is_supported, "This server's release has such a parameter."),
}
