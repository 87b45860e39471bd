"""What was collected from one mail server, section by section."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Missing:
    """A section that could not be read, and why."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One piece of a collection: a command's answer or a file.

    `content` is its standard output, `errors` its standard error, `status` the exit status of the command.
    A section is `Missing` when the command was not run, was cut off, or did not survive the transfer;
    a command that ran and failed has content, errors and a status other than 0.
    """

    name: str
    content: bytes | Missing
    errors: bytes = b""
    status: int = 0

    @property
    def text(self) -> str:
        """The content as text; bytes that are not UTF-8 survive as surrogates. Empty when missing."""
        return "" if isinstance(self.content, Missing) else self.content.decode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The collection of one platform on one host (or, after `Platform.instances`, of one instance).

    `sections` keeps the order of the wire. `taken_at` is the server's clock; None for a folder of files.
    `script_digest` is the SHA-256 (hex) of the script that collected it, empty for a folder of files.
    `incomplete` says why sections may be absent (the transfer was cut off); empty when all that was sent has arrived.
    """

    host: str
    platform: str
    instance: str = ""
    taken_at: datetime | None = None
    script_digest: str = ""
    incomplete: str = ""
    sections: Mapping[str, Section]

    def section(self, name: str) -> Section:
        """The section of that name, or one that is missing because it was not collected."""
        return self.sections.get(name) or Section(
            name=name, content=Missing(self.incomplete or f"{name} was not collected")
        )
