"""Which tables and files the configuration names, and what could be read of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from auditor.model.origin import Origin, Unknown
from auditor.model.snapshot import Missing
from auditor.platforms.postfix import tables
from auditor.platforms.postfix.document import SPACE
from auditor.platforms.postfix.model import Table
from auditor.platforms.postfix.settings import Configuration, Scope
from auditor.platforms.postfix.states import States

T = TypeVar("T")

_SECRETS = ("password_maps", "password")
_NOT_TABLES = (
    "_cache_database",
    "_cache_map",
    "address_verify_map",
    "_transport",
    "relayhost",
    "_milters",
    "_banner",
    "_service_name",
)


class Lookups:
    """The tables of one instance; each is read once."""

    def __init__(self, configuration: Configuration, states: States) -> None:
        self._configuration = configuration
        self._states = states
        self._read: dict[str, tables.Contents | Unknown] = {}
        self._remembered: dict[tuple[str, str], object] = {}

    def once(self, question: str, text: str, answer: Callable[[], T]) -> T:
        """What a list of that text comes to, worked out once however many services share it."""
        key = (question, text)
        if key not in self._remembered:
            self._remembered[key] = answer()
        return cast("T", self._remembered[key])

    def contents(self, name: str) -> tables.Contents | Unknown:
        """The entries of `type:path`: of the index where the snapshot holds it, else of the source text."""
        found = self._read.get(name)
        if found is None:
            found = self._read[name] = self._contents(name)
        return found

    def _contents(self, name: str) -> tables.Contents | Unknown:
        kind, path = tables.unwrap(name)
        if kind == "static":
            value = path[1:-1].strip(SPACE) if path.startswith("{") and path.endswith("}") else path
            return tables.Contents((tables.Line("*", value, 0),))
        inline = tables.read_inline(kind, path)
        if inline is not None:
            return inline
        if kind not in tables.TYPES:
            return Unknown(f"{kind} is no type of table that we know")
        if kind in tables.DATABASES or not path.startswith("/"):
            return Unknown(f"{kind}:{path} is answered by another program")
        index = self._configuration.snapshot.section(f"index {kind}:{path}")
        if not isinstance(index.content, Missing) and index.status == 0:
            return tables.read_index(index.text)
        text = self.text(path)
        return text if isinstance(text, Unknown) else tables.read(kind, text[0])

    def text(self, path: str) -> tuple[str, str] | Unknown:
        """The text of a file that the configuration names, and the path to show for it."""
        section = self._configuration.snapshot.section(f"file {path}")
        if isinstance(section.content, Missing):
            return Unknown(f"{path}: {section.content.reason}")
        return section.text, section.name

    def origin(self, name: str, line: int, otherwise: Origin) -> Origin:
        """The table's own line, or where the configuration names it."""
        _, path = tables.unwrap(name)
        section = self._configuration.snapshot.section(f"file {path}")
        if not line or isinstance(section.content, Missing):
            return otherwise
        return Origin(file=section.name, line=line, layer="table")

    def all(self, scopes: tuple[tuple[str, Scope], ...]) -> tuple[Table, ...]:
        """Every table that main.cf or a service's `-o` names."""
        named: dict[str, tuple[list[str], Origin]] = {}
        for name in self._configuration.assigned:
            self._collect(name, self._configuration.top, named)
        for _, scope in scopes:
            for name in scope.overrides():
                self._collect(name, scope, named)
        return tuple(self._table(name, parameters, origin) for name, (parameters, origin) in named.items())

    def _collect(self, parameter: str, scope: Scope, named: dict[str, tuple[list[str], Origin]]) -> None:
        if parameter.endswith(_NOT_TABLES):
            return
        setting = scope.lookup(parameter)
        for word in setting.text.replace(",", " ").split():
            bare = word.strip("{}!")
            kind, path = tables.unwrap(bare)
            if kind not in tables.TYPES or kind in {"inline", "static"} or not path.startswith("/"):
                continue
            parameters, _ = named.setdefault(f"{kind}:{path}", ([], setting.origin))
            if parameter not in parameters:
                parameters.append(parameter)

    def _table(self, name: str, parameters: list[str], origin: Origin) -> Table:
        kind, path = tables.unwrap(name)
        suffix = tables.INDEXED.get(kind)
        source, index = self._states.exists(path), self._states.exists(path + suffix) if suffix else True
        contents = self.contents(name)
        if source is not True and not isinstance(contents, Unknown) and not suffix:
            source = True
        return Table(
            name=name,
            type=kind,
            path=path,
            parameters=tuple(parameters),
            is_indexed=suffix is not None,
            has_source=source,
            has_index=index,
            is_stale=self._states.is_newer(path, path + suffix) if suffix else False,
            is_missing=_not(index if suffix else source),
            holds_secrets=kind in tables.DATABASES or any(part in p for p in parameters for part in _SECRETS),
            problems=() if isinstance(contents, Unknown) else contents.problems,
            origin=origin,
        )


def _not(value: bool | Unknown) -> bool | Unknown:
    return value if isinstance(value, Unknown) else not value
