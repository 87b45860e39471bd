"""The format of a rule file, as dataclasses. The docstrings and comments are the rule author's reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from auditor.model.finding import Severity, Verdict
from auditor.yamltree import Node, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What is judged. `applies` says whether there is anything to judge, `require` judges."""

    for_each: Text | None = None  # `NAME in LIST`: one verdict per item; the item's name is the finding's subject
    applies: Text | None = None  # false: not applicable
    require: Text  # true: pass; false: fail; unknown: unknown
    message: Text  # what is wrong, in terms of the subject; `{expression}` is filled in, `{{` is a brace


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A configuration and what the rule says about it. It is documentation and a test."""

    name: Text
    given: Mapping[str, Node]  # file texts; `release`, `host`, `snapshot`; a mapping or a list is handed over as JSON
    expect: Verdict
    subject: str | tuple[str, ...] | None = None  # exactly the subjects with that verdict; left out: not compared
    platform: Text | None = None  # needed when the rule is for several platforms
    not_in_lab: str = ""  # why this failing example cannot be shown failing on a real server


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule, one file: `ID.yaml`."""

    id: Text  # kebab-case, the file's stem; starts with the platform or `mail`
    title: str  # what is wrong, as a sentence without a full stop
    severity: Severity
    platforms: tuple[Text, ...] = ()  # left out: the one in the id; of a `mail-` rule all
    why: str  # what an attacker or a mistake does with it
    check: Check
    effect: str = ""  # what the cure may break
    remedy: Text | None = None  # the setting that cures it, in the platform's syntax; placeholders as in `message`
    references: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    aliases: tuple[Text, ...] = ()  # former ids, so that waivers and history follow
    known_false_positives: tuple[str, ...] = ()
    examples: tuple[Example, ...] = field(default=())  # at least one that fails and one that does not
