"""main.cf and master.cf as text: logical lines with their physical line numbers, without losing a byte.

The rules are those of Postfix's readllines(), split_nameval() and mystrtokq() (reference: main.cf in postconf(5), master(5)).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SPACE = " \t\n\v\f\r"
_NAME_END = re.compile(r"[ \t\n\v\f\r=]")
BLANKS = " \t\r\n"
COMMA_BLANKS = ", \t\r\n"
_BLANKS = re.compile(r"[ \t\r\n]+")
_COMMA_BLANKS = re.compile(r"[, \t\r\n]+")


def tokens(text: str, separators: str = COMMA_BLANKS) -> Iterator[str]:
    """The words of a list; `{…}` stays together (mystrtokq)."""
    level, start = 0, -1
    for at, char in enumerate(text):
        if start < 0:
            if char in separators:
                continue
            start = at
        if char == "{":
            level += 1
        elif level and char == "}":
            level -= 1
        elif not level and char in separators:
            yield text[start:at]
            start = -1
    if start >= 0:
        yield text[start:]


def words(text: str, separators: str = COMMA_BLANKS) -> tuple[str, ...]:
    """As `tokens`, quickly where there are no braces."""
    if "{" in text:
        return tuple(tokens(text, separators))
    # Not str.split(): to Postfix a form feed or a no-break space is part of a word.
    split = _COMMA_BLANKS.split(text) if separators is COMMA_BLANKS else _BLANKS.split(text)
    return tuple(filter(None, split))


@dataclass(frozen=True, slots=True)
class LogicalLine:
    """One logical line: its text joined without newlines, and the physical lines (number from 1, text) that carry it."""

    text: str
    parts: tuple[tuple[int, str], ...]

    @property
    def line(self) -> int:
        """The number of its first physical line."""
        return self.parts[0][0]

    def line_of(self, word: str) -> int:
        """The physical line that holds a word as written; the first line when none does."""
        for number, text in self.parts:
            if word in text:
                return number
        return self.line


def logical_lines(text: str) -> tuple[LogicalLine, ...]:
    """Lines that start with white space continue the one before; empty and comment lines end nothing; a leading continuation is dropped."""
    found: list[LogicalLine] = []
    parts: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.lstrip(SPACE)
        if not stripped or stripped[0] == "#":
            continue
        if line[0] in SPACE and (parts or not found):
            parts.append((number, line))
            continue
        if parts:
            found.append(_join(parts))
        parts = [(number, line)]
    if parts:
        found.append(_join(parts))
    return tuple(line for line in found if line.text[:1] not in SPACE or not line.text)


def _join(parts: list[tuple[int, str]]) -> LogicalLine:
    return LogicalLine("".join(text for _, text in parts).partition("\0")[0], tuple(parts))


@dataclass(frozen=True, slots=True)
class Assignment:
    """`name = value` of main.cf; the value as written, trimmed, continuation lines joined."""

    name: str
    value: str
    source: LogicalLine


def split_nameval(text: str) -> tuple[str, str] | str:
    """Name and value of `name = value`, or what Postfix says is wrong with it."""
    text = text.lstrip(SPACE)
    match = _NAME_END.search(text)
    end = match.start() if match else len(text)
    name, rest = text[:end], text[end:].lstrip(SPACE)
    if not name:
        return "missing attribute name"
    if not rest.startswith("="):
        return "missing '=' after attribute name"
    return name, rest[1:].strip(SPACE)


@dataclass(frozen=True, slots=True)
class MainCf:
    """A main.cf. `malformed`: lines that make every Postfix program stop, with the reason."""

    text: str
    assignments: tuple[Assignment, ...]
    malformed: tuple[tuple[LogicalLine, str], ...]

    @classmethod
    def parse(cls, text: str) -> MainCf:
        """Never fails."""
        assignments, malformed = [], []
        for line in logical_lines(text):
            split = split_nameval(line.text)
            if isinstance(split, str):
                malformed.append((line, split))
            else:
                assignments.append(Assignment(*split, line))
        return cls(text, tuple(assignments), tuple(malformed))

    def emit(self) -> str:
        """The file's text, byte for byte."""
        return self.text


@dataclass(frozen=True, slots=True)
class Option:
    """One `-o name=value`; `line` is the physical line that it stands in."""

    name: str
    value: str
    line: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One service of master.cf. `fields`: the first eight; `flags`: options without a value; `arguments`: what follows the options."""

    fields: tuple[str, ...]
    options: tuple[Option, ...]
    flags: tuple[str, ...]
    arguments: tuple[str, ...]
    problems: tuple[str, ...]
    source: LogicalLine

    @property
    def service(self) -> str:
        """The first field: a service name, a port, host:port, or a path."""
        return self.fields[0]

    @property
    def type(self) -> str:
        """inet, unix, fifo, pass or unix-dgram."""
        return self.fields[1]

    @property
    def command(self) -> str:
        """The daemon's file name."""
        return self.fields[7].rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class MasterCf:
    """A master.cf. `malformed`: lines that make master and postconf stop, with the reason."""

    text: str
    entries: tuple[Entry, ...]
    malformed: tuple[tuple[LogicalLine, str], ...]

    @classmethod
    def parse(cls, text: str) -> MasterCf:
        """Never fails."""
        entries, malformed = [], []
        for line in logical_lines(text):
            fields = words(line.text, BLANKS)
            problem = _field_problem(fields)
            if problem:
                malformed.append((line, problem))
            else:
                entries.append(_entry(fields, line))
        return cls(text, tuple(entries), tuple(malformed))

    def emit(self) -> str:
        """The file's text, byte for byte."""
        return self.text


def _field_problem(fields: tuple[str, ...]) -> str:
    if len(fields) < 8:
        return "bad field count"
    if fields[1] not in {"unix", "fifo", "inet", "pass", "unix-dgram"}:
        return f'invalid type field "{fields[1]}"'
    for name, value in zip(("private", "unprivileged", "chroot"), fields[2:5], strict=True):
        if value not in {"y", "n", "-"}:
            return f'invalid {name} field "{value}"'
    if fields[5] != "-" and not _digits(fields[5].removesuffix("?")):
        return f'invalid wakeup field "{fields[5]}"'
    if fields[6] != "-" and not _digits(fields[6]):
        return f'invalid process_limit field "{fields[6]}"'
    return ""


def _digits(text: str) -> bool:
    return all(char in "0123456789" for char in text)


def _brace(word: str) -> tuple[str, str]:
    """The text inside `{…}`, trimmed, and what is wrong with the braces (extpar)."""
    if not word.startswith("{"):
        return word, ""
    level = 0
    for at, char in enumerate(word):
        level += (char == "{") - (char == "}")
        if level == 0:
            return word[1:at].strip(SPACE), "" if at == len(word) - 1 else f"syntax error after '}}' in \"{word}\""
    return word[1:].strip(SPACE), f"missing '}}' in \"{word}\""


def _entry(fields: Sequence[str], line: LogicalLine) -> Entry:
    """Options up to the first word that is none, as getopt sees them; `-oname=value` and `-vo name=value` are options too."""
    options, flags, problems = [], [], []
    rest = list(fields[8:])
    while rest and rest[0].startswith("-") and rest[0] != "--":
        word = rest.pop(0)
        letters, o, attached = word[1:].partition("o")
        flags += [f"-{letter}" for letter in letters]
        if not o:
            continue
        if not attached and not rest:
            problems.append("option requires an argument -- 'o'")
            break
        text = attached or rest.pop(0)
        inner, problem = _brace(text)
        split = split_nameval(inner)
        if problem:
            problems.append(problem)
        if isinstance(split, str):
            problems.append(f'{split}: "{inner}"')
        else:
            options.append(Option(*split, _line_of_option(line, text, split[0])))
    arguments = tuple(_brace(word)[0] for word in rest)
    return Entry(tuple(fields[:8]), tuple(options), tuple(flags), arguments, tuple(problems), line)


def _line_of_option(line: LogicalLine, text: str, name: str) -> int:
    number = line.line_of(text)
    return number if any(text in part for _, part in line.parts) else line.line_of(name)
