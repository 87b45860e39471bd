"""Profiles: which rules, and with which severities. A profile cannot change a condition."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from pathlib import Path

from auditor.errors import Problem, UsageError
from auditor.model.finding import Severity
from auditor.yamltree import Text, load, read, suggest

ALL = "all"
"""The profile that needs no file: every rule, with the severity of its file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A profile file. Ids may be former ids, or globs such as `postfix-tls-*`."""

    title: str
    rules: tuple[Text, ...] | None = None  # left out: every rule
    without: tuple[Text, ...] = ()
    severities: Mapping[Text, Severity] = field(default_factory=dict)


def read_profile(name: str, folders: Sequence[Path | Traversable]) -> tuple[Profile, bytes]:
    """The profile of that name in a folder's `profiles/`, or of that file. Raises InvalidFile, or UsageError for a name unknown."""
    if "/" in name or name.endswith((".yaml", ".yml")):
        source = read(Path(name))
        return load(Path(name), Profile, source=source), source
    known: dict[str, Path | Traversable] = {}
    for folder in folders:
        home = folder / "profiles"
        if home.is_dir():
            found = {each.name.removesuffix(".yaml"): each for each in home.iterdir() if each.name.endswith(".yaml")}
            known |= {stem: each for stem, each in found.items() if stem not in known}
    if name not in known:
        raise UsageError(
            f"there is no profile {name!r}", suggest(name, known, f"profiles: {', '.join(sorted({*known, ALL}))}")
        )
    source = read(known[name])
    return load(known[name], Profile, source=source), source


def select(
    profile: Profile, ids: Mapping[str, str], severities: Mapping[str, Severity]
) -> tuple[dict[str, Severity], tuple[Problem, ...]]:
    """The chosen ids with their severity. `ids` maps ids and former ids to ids, `severities` has each rule's own.

    An entry that matches no rule is a problem.
    """
    problems: list[Problem] = []

    def matching(entry: Text) -> set[str]:
        found = {ids[known] for known in ids if fnmatch.fnmatchcase(known, entry.value)}
        if not found:
            problems.append(entry.problem(f"there is no rule {entry.value!r}", suggest(entry.value, ids)))
        return found

    chosen = set(severities) if profile.rules is None else set[str]().union(*(matching(each) for each in profile.rules))
    chosen -= set[str]().union(*(matching(each) for each in profile.without))
    own = dict(severities)
    for entry, severity in profile.severities.items():
        own |= dict.fromkeys(matching(entry), severity)
    return {each: own[each] for each in sorted(chosen)}, tuple(problems)
