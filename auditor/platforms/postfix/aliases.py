"""Lines of virtual_alias_maps that stand for every address of a domain."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.model.origin import Setting, Unknown
from auditor.platforms.postfix import lists, tables
from auditor.platforms.postfix.document import COMMA_BLANKS, tokens
from auditor.platforms.postfix.logic import Truth, either
from auditor.platforms.postfix.lookups import Lookups
from auditor.platforms.postfix.model import CatchAll
from auditor.platforms.postfix.settings import Scope

# `/@example\.org$/`, `/^.*@example\.org$/`, `/^(.+)@…`: nothing in front of the @ is asked for.
_PATTERN = re.compile(r".\^?\(?(?:\.[*+])?\)?@")


def catch_alls(scope: Scope, lookups: Lookups) -> tuple[CatchAll, ...] | Unknown:
    """The catch-all lines of every table; a table that nobody could read is one that is unknown."""
    setting = scope.lookup("virtual_alias_maps")
    if isinstance(setting.value, Unknown):
        return setting.value
    if not setting.text:
        return ()
    own = _own_domains(scope, lookups)
    return tuple(
        found for name in tokens(setting.text, COMMA_BLANKS) for found in _of_table(name, setting, lookups, own)
    )


def _of_table(name: str, setting: Setting, lookups: Lookups, own: frozenset[str] | Unknown) -> Iterator[CatchAll]:
    contents = lookups.contents(name)
    if isinstance(contents, Unknown):
        doubt = Unknown(f"{name}: {contents.reason}")
        yield CatchAll(name=name, key="", targets="", leaves=doubt, keeps_local_part=doubt, origin=setting.origin)
        return
    kind, path = tables.unwrap(name)
    for line in contents.lines:
        if not (_PATTERN.match(line.key) if kind in tables.PATTERNS else line.key.startswith("@") or kind == "static"):
            continue
        origin = lookups.origin(name, line.line, setting.origin)
        targets = tuple(tokens(line.value, COMMA_BLANKS))
        yield CatchAll(
            name=f"{origin.file}:{line.line} {line.key}" if line.line else f"{path} {line.key}",
            key=line.key,
            targets=line.value,
            leaves=either(*(_is_foreign(target, own) for target in targets)),
            keeps_local_part=any(target.startswith("@") for target in targets),
            origin=origin,
        )


def _own_domains(scope: Scope, lookups: Lookups) -> frozenset[str] | Unknown:
    entries = lists.domain_entries(scope, lookups)
    if isinstance(entries, Unknown):
        return entries
    found: set[str] = set()
    for entry in entries:
        if not entry.is_table:
            found.add(entry.text.lower())
            continue
        contents = lookups.contents(entry.text)
        kind, _ = tables.unwrap(entry.text)
        if isinstance(contents, Unknown) or kind in tables.PATTERNS:
            return contents if isinstance(contents, Unknown) else Unknown(f"{entry.text} holds patterns")
        found |= {line.key.lower() for line in contents.lines}
    return frozenset(found)


def _is_foreign(target: str, own: frozenset[str] | Unknown) -> Truth:
    domain = target.rpartition("@")[2].lower()
    if "@" not in target or (isinstance(own, frozenset) and domain in own):
        return False
    # An expression of a pattern, or a host name that only the machine knows, may be one of the own domains.
    if isinstance(own, Unknown) or "$" in domain:
        return own if isinstance(own, Unknown) else Unknown(f"where {target} leads is not known")
    return True
