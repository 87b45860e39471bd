"""Where a value comes from, and what stands in its place when it cannot be known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

Layer = Literal["default", "file", "service", "table", "command", "property"]
"""default: compiled in · file: main.cf and the like · service: `-o` in master.cf · table: a lookup table's line ·
command: a command's answer · property: a property of an object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The file and line (from 1; None: no single line) where a value was written, and the layer that this place belongs to."""

    file: str
    line: int | None = None
    layer: Layer = "file"

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that could not be known. It is neither true nor false, and says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unsupported:
    """The server has no such parameter: too old or too new. `release` is the server's release."""

    release: str


SettingValue = str | bool | int | tuple[str, ...] | Unknown | Unsupported | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One effective setting: its typed value, the text it was read from, and where that text stands.

    `value` None: not set, and there is no default. `text` is the expanded text as the server uses it; a rule's evidence shows it.
    """

    name: str
    value: SettingValue
    text: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """A derived value, written once in the model, with the settings that it was derived from: they become a finding's evidence."""

    value: T | Unknown
    because: tuple[Setting, ...] = ()
