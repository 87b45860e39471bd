"""What Postfix's own tools complain about in main.cf and master.cf: their words where a server was asked, our reading otherwise."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from auditor.model.origin import Origin, Unknown
from auditor.model.snapshot import Missing
from auditor.platforms.postfix import catalogue
from auditor.platforms.postfix.document import LogicalLine
from auditor.platforms.postfix.model import ConfigurationWarning
from auditor.platforms.postfix.redaction import REDACTED
from auditor.platforms.postfix.services import REFERENCE, Place, is_known, references
from auditor.platforms.postfix.settings import Configuration

_SAID: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("unused parameter", re.compile(r"unused parameter: (\S+?)=")),
    ("overridden earlier", re.compile(r"overriding earlier entry: (\S+?)=")),
    ("undefined parameter", re.compile(r"undefined parameter: (\S+)")),
    ("deprecated", re.compile(r'support for parameter "?(\w+)"? (?:will be|has been) removed')),
    ("malformed line", re.compile(r"(?:missing|bad field count|invalid)()")),
)
# Parameters of a table named `hash:NAME` of old-style database configuration: NAME_server_host, …
_DATABASE = re.compile(r"(?:ldap|mysql|pgsql|sqlite|memcache):([A-Za-z]\w*)")

_MAX_SUGGESTIONS = 100


def warnings(configuration: Configuration, places: Sequence[Place]) -> tuple[ConfigurationWarning, ...]:
    """All complaints, in the order of the files, each once."""
    found = [*_malformed(configuration), *_duplicates(configuration), *_bad_values(configuration)]
    section = configuration.snapshot.section("postconf-n")
    if isinstance(section.content, Missing):
        found += _unused(configuration, places)
    else:
        known = {(warning.kind, warning.parameter) for warning in found}
        found += (w for w in _said(configuration, section.errors) if (w.kind, w.parameter) not in known)
    once = {(warning.kind, warning.parameter, warning.origin): warning for warning in found}
    return _with_suggestions(
        configuration, sorted(once.values(), key=lambda w: (w.origin.file, w.origin.line or 0, w.name))
    )


def _warning(
    configuration: Configuration, kind: str, parameter: str, text: str, line: LogicalLine | None
) -> ConfigurationWarning:
    return ConfigurationWarning(
        name=f"{kind} {parameter}".strip(),
        kind=kind,  # type: ignore[arg-type]  # the words of this module are those of the model
        parameter=parameter,
        text=text,
        suggestion="",
        origin=Origin(file=configuration.main_section.name, line=line.line if line else None),
    )


def _with_suggestions(
    configuration: Configuration, found: Sequence[ConfigurationWarning]
) -> tuple[ConfigurationWarning, ...]:
    """What the first misspelt parameters look like; where there are hundreds, it was no slip of the finger."""
    misspelt = [w for w in found if w.kind in {"unused parameter", "undefined parameter"}][:_MAX_SUGGESTIONS]
    known = frozenset(configuration.defaults or catalogue.parameters()) if misspelt else frozenset()
    suggestions = {id(w): _closest(w.parameter, known) for w in misspelt}
    return tuple(replace(w, suggestion=suggestions[id(w)]) if suggestions.get(id(w)) else w for w in found)


@lru_cache(maxsize=64)
def _closest(parameter: str, known: frozenset[str]) -> str:
    """The parameter that a misspelt one looks like. Comparing with all of them takes long, and a fleet shares its mistakes."""
    close = difflib.get_close_matches(parameter, known, n=1, cutoff=0.8)
    return close[0] if close else ""


def _malformed(configuration: Configuration) -> Iterator[ConfigurationWarning]:
    for line, problem in configuration.main.malformed:
        yield _warning(configuration, "malformed line", "", problem, line)
    for line, problem in configuration.master.malformed:
        origin = Origin(file=configuration.master_section.name, line=line.line, layer="service")
        yield ConfigurationWarning(
            name=f"malformed line {line.line}",
            kind="malformed line",
            parameter="",
            text=problem,
            suggestion="",
            origin=origin,
        )


def _duplicates(configuration: Configuration) -> Iterator[ConfigurationWarning]:
    for assignment in configuration.main.assignments:
        last = configuration.assigned[assignment.name]
        if last is not assignment:
            text = f"line {last.source.line} sets {assignment.name} again"
            yield _warning(configuration, "overridden earlier", assignment.name, text, assignment.source)


def _bad_values(configuration: Configuration) -> Iterator[ConfigurationWarning]:
    for name, assignment in configuration.assigned.items():
        if name in catalogue.parameters():
            value = configuration.top.lookup(name).value
            if isinstance(value, Unknown) and value.reason.endswith("dies"):
                yield _warning(configuration, "bad value", name, value.reason, assignment.source)


def _unused(configuration: Configuration, places: Sequence[Place]) -> Iterator[ConfigurationWarning]:
    used = references(configuration) | _classes_of(places)
    databases = {name for a in configuration.main.assignments for name in _DATABASE.findall(a.value)}
    for name, assignment in configuration.assigned.items():
        is_database = any(name[: end.start()] in databases for end in re.finditer("_", name))
        if not is_database and is_known(configuration, name, used) is False:
            yield _warning(configuration, "unused parameter", name, f"no such parameter: {name}", assignment.source)
    defined = set(configuration.assigned) | {o.name for e in configuration.master.entries for o in e.options}
    for assignment in configuration.main.assignments:
        for name in dict.fromkeys(REFERENCE.findall(assignment.value)):
            if name not in defined and is_known(configuration, name, frozenset()) is False:
                yield _warning(configuration, "undefined parameter", name, f"${name} is not defined", assignment.source)


def _classes_of(places: Sequence[Place]) -> frozenset[str]:
    values = (place.scope.lookup("smtpd_restriction_classes").value for place in places)
    return frozenset(name for value in values if isinstance(value, tuple) for name in value)


def _said(configuration: Configuration, errors: bytes) -> Iterator[ConfigurationWarning]:
    for line in errors.decode("utf-8", "surrogateescape").splitlines():
        text = line.partition("warning: ")[2] or line
        if not text.strip() or text.startswith(REDACTED):
            continue
        kind, parameter = "other", ""
        for name, pattern in _SAID:
            if match := pattern.search(text):
                kind, parameter = name, match[1]
                break
        assignment = configuration.assigned.get(parameter)
        yield _warning(configuration, kind, parameter, text.strip(), assignment.source if assignment else None)
