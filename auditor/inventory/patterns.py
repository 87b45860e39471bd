"""Ansible's host patterns: `web:&mx:!edge`, globs, `~regex`, `group[0]`, `group[1:3]`, `@file` for a limit.

Unlike Ansible, a pattern that matches nothing is an error, and so is each part of it that names nothing.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from auditor import yamltree
from auditor.errors import InvalidFile, UsageError
from auditor.inventory import ranges

_PART = re.compile(r"(?:[^\s:\[\]]|\[[^\]]*\])+")
_SUBSCRIPT = re.compile(r"(.+)\[(?:(-?[0-9]{1,6})|([0-9]{1,6}):([0-9]{0,6}))\]", re.DOTALL)
_GLOB = re.compile(r"[.?*\[]")
MAX_PATTERN = 100_000


class Named(Protocol):
    """What is needed to choose: every host's name, and every group's hosts."""

    @property
    def names(self) -> tuple[str, ...]:
        """All hosts in the order of the inventory."""
        ...

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """The hosts of every group, those of its child groups too."""
        ...


def select_names(inventory: Named, pattern: str = "all", limit: str | None = None) -> tuple[str, ...]:
    """The names that a pattern chooses, in Ansible's order. Raises UsageError when nothing is left."""
    chosen = _evaluate(inventory, _split(pattern))
    if limit is not None:
        allowed = frozenset(_evaluate(inventory, _limit_parts(limit)))
        chosen = tuple(name for name in chosen if name in allowed)
    if not chosen:
        within = f" within the limit {limit!r}" if limit is not None else ""
        advice = (
            "`mailaudit inventory list` shows hosts and groups" if inventory.names else "the inventory has no hosts"
        )
        raise UsageError(f"the pattern {pattern!r} matches no host{within}", advice)
    return chosen


def _limit_parts(limit: str) -> list[str]:
    """A limit may name files (`@failed.txt`) that hold one pattern per line."""
    parts: list[str] = []
    for part in _split(limit):
        if not part.startswith("@"):
            parts.append(part)
            continue
        try:
            text = yamltree.read(Path(part[1:]), max_bytes=MAX_PATTERN * 10).decode("utf-8")
        except (InvalidFile, UnicodeDecodeError) as error:
            reason = str(error) if isinstance(error, InvalidFile) else f"{part[1:]} is not UTF-8"
            raise UsageError(f"the limit {part!r}: {reason}", "the file holds one host or pattern per line") from None
        parts += [
            inner
            for line in text.splitlines()
            if line.strip() and not line.startswith("#")
            for inner in _split(line.strip())
        ]
    return parts


def _split(pattern: str) -> list[str]:
    if len(pattern) > MAX_PATTERN:
        raise UsageError(
            f"the pattern is longer than {MAX_PATTERN:,} characters", "write it into a file and use --limit @FILE"
        )
    if "," in pattern:
        parts = pattern.split(",")
    elif _is_one_name(pattern):
        parts = [pattern]
    else:
        parts = _PART.findall(pattern)
        if "".join(parts).count("[") != pattern.count("["):
            raise UsageError(
                f"the pattern {pattern!r} has a bracket without its other half", "write mx[0], mx[1:3] or mx[ab]"
            )
    parts = [part.strip() for part in parts if part.strip()]
    if empty := next((part for part in parts if part in ("~", "&", "!")), None):
        raise UsageError(f"nothing follows {empty!r} in the pattern {pattern!r}", "write ~REGEX, &GROUP or !GROUP")
    if not parts:
        raise UsageError(f"the pattern {pattern!r} names nothing", "write all for every host")
    return parts


def _is_one_name(pattern: str) -> bool:
    """An address with colons, or a host with a range or port, is not taken apart at its colons."""
    if pattern.startswith("@"):
        return True
    try:
        name, port = ranges.split_port(pattern)
    except ValueError:
        return False
    return port is not None or ranges.is_name(name)


def _evaluate(inventory: Named, parts: list[str]) -> tuple[str, ...]:
    """Plain parts first, then `&`, then `!`, whatever their order."""
    plain = [part for part in parts if part[0] not in "&!"] or ["all"]
    chosen: dict[str, None] = {}
    for part in plain:
        chosen.update(dict.fromkeys(_match(inventory, part)))
    for part in (part for part in parts if part[0] == "&"):
        wanted = frozenset(_match(inventory, part[1:]))
        chosen = {name: None for name in chosen if name in wanted}
    for part in (part for part in parts if part[0] == "!"):
        unwanted = frozenset(_match(inventory, part[1:]))
        chosen = {name: None for name in chosen if name not in unwanted}
    return tuple(chosen)


def _match(inventory: Named, part: str) -> tuple[str, ...]:
    if part in inventory.names and not part.startswith("~"):
        return (part,)
    expression, subscript = part, None
    if part and not part.startswith("~") and (match := _SUBSCRIPT.fullmatch(part)):
        expression, subscript = match.group(1), match
    found = _enumerate(inventory, expression)
    if found is None:
        known = [*inventory.groups, *inventory.names]
        hint = yamltree.suggest(expression, known, "`mailaudit inventory list` shows hosts and groups")
        raise UsageError(f"no host or group matches {part!r}", hint)
    return _subscripted(found, subscript, part) if subscript else found


def _subscripted(found: tuple[str, ...], subscript: re.Match[str], part: str) -> tuple[str, ...]:
    _expression, index, first, last = subscript.groups()
    if index is None:
        chosen = found[int(first) : int(last) + 1 if last else None]
    else:
        chosen = found[int(index) :][:1] if -len(found) <= int(index) < len(found) else ()
    if not chosen:
        raise UsageError(f"{part!r} is beyond the {len(found)} hosts there", "counting starts at 0")
    return chosen


def _enumerate(inventory: Named, expression: str) -> tuple[str, ...] | None:
    """The hosts of all groups that match, and matching hosts; None when neither a group nor a host has such a name."""
    groups = _matching(inventory.groups, expression)
    found = [name for group in groups for name in inventory.groups[group]]
    hosts: list[str] = []
    if not groups or expression.startswith("~") or _GLOB.search(expression):
        hosts = _matching(inventory.names, expression)
    return tuple(dict.fromkeys([*found, *hosts])) if groups or hosts else None


def _matching(names: Iterable[str], expression: str) -> list[str]:
    try:
        wanted = re.compile(expression[1:] if expression.startswith("~") else fnmatch.translate(expression))
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError(f"{expression!r} is no regular expression: {error}", "after ~ comes one of Python's") from None
    return [name for name in names if wanted.match(name)]
