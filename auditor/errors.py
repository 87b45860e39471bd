"""What can go wrong, as one hierarchy, each with its advice.

`str(error)` says what failed and where; `.advice` is the next thing to try.
Library exceptions are wrapped where the library lives.
A part that is missing (a section, a setting, a rule) is a value, never an exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class AuditorError(Exception):
    """Every error that a person can do something about."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return self.message


class UsageError(AuditorError):
    """An option, a pattern or a name on the command line that cannot be used; nothing was contacted."""


@dataclass(frozen=True, slots=True)
class Where:
    """A place in a file, counted from 1 as editors do; column 0 means the whole line, line 0 the whole file."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join([self.file, *(str(number) for number in (self.line, self.column) if number)])


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file that a person wrote. `source_line` is the text of that line, for the caret."""

    where: Where
    message: str
    hint: str = ""
    source_line: str = ""

    def __str__(self) -> str:
        out = [f"{self.where}: {self.message}"]
        if self.source_line and self.where.column:
            # Tabs and control characters would move the caret or the terminal: one harmless character for each.
            shown = "".join(c if c.isprintable() else " " for c in self.source_line[: self.where.column + 160])
            gutter = f"{self.where.line} | "
            out += [gutter + shown, " " * (len(gutter) + self.where.column - 1) + "^"]
        if self.hint:
            out.append(f"  hint: {self.hint}")
        return "\n".join(out)


class InvalidFile(AuditorError):
    """A file that cannot be used, with every problem found in it (or in several files of one kind)."""

    def __init__(self, problems: Sequence[Problem], advice: str = "") -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)), advice)


class HostFailed(AuditorError):
    """One host could not be audited; the others go on. `state` is what the reports call it."""

    state: ClassVar[str] = "failed"

    def __init__(self, host: str, message: str, advice: str = "") -> None:
        super().__init__(f"{host}: {message}", advice)
        self.host = host


class ConnectionFailed(HostFailed):
    """There is no usable connection to the host."""

    state: ClassVar[str] = "connection failed"


class Unreachable(ConnectionFailed):
    """Name resolution, routing, refusal, or a command that could not be started."""

    state: ClassVar[str] = "unreachable"


class TimedOut(ConnectionFailed):
    """The connect timeout or the deadline of the host has passed."""

    state: ClassVar[str] = "timed out"


class HostKeyUnknown(ConnectionFailed):
    """The server's key is in no known-hosts file."""

    state: ClassVar[str] = "host key unknown"


class HostKeyChanged(ConnectionFailed):
    """The server's key differs from the one that is known."""

    state: ClassVar[str] = "host key changed"


class LoginRefused(ConnectionFailed):
    """The server did not accept the user's credentials; there is no second attempt."""

    state: ClassVar[str] = "login refused"


class PrivilegeRefused(ConnectionFailed):
    """sudo did not let the script run as root."""

    state: ClassVar[str] = "privilege refused"


class AlgorithmsRefused(ConnectionFailed):
    """Client and server share no key exchange, host key, cipher or signature algorithm."""

    state: ClassVar[str] = "algorithms refused"


class CollectionFailed(HostFailed):
    """The host did not answer in the format of the collection script."""

    state: ClassVar[str] = "collection failed"


class NoMailServer(HostFailed):
    """The host answered, and none of the mail servers that we know is there."""

    state: ClassVar[str] = "no mail server"
