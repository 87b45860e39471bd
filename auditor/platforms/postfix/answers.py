"""What postconf printed: `name = value` lines, a thousand of them for each of `-d` and `-x`."""

from __future__ import annotations

from functools import lru_cache

from auditor.model.snapshot import Section

# What postconf -d computes from the machine; all else is the same for every host with that build.
_MACHINE = ("mydomain", "myhostname", "mynetworks")
_LARGE = 200_000  # four times what postconf -d prints


def name_value_lines(section: Section) -> dict[str, str]:
    """`name = value` lines of postconf's output."""
    return _name_values(section.text)


def _name_values(text: str) -> dict[str, str]:
    found = {}
    for line in text.split("\n"):
        name, equals, value = line.partition(" =")
        if equals:
            found[name] = value.strip()
    return found


class Answers:
    """What `postconf -x` prints for all thousand parameters: few of them are asked for, and most are what we say too."""

    def __init__(self, section: Section) -> None:
        self._text = f"\n{section.text}\n"
        self._lines = frozenset(self._text.split("\n"))

    def get(self, name: str) -> str | None:
        """The value; None when there is none."""
        start = self._text.find(f"\n{name} =")
        if start < 0:
            return None
        start += len(name) + 3
        return self._text[start : self._text.index("\n", start)].strip()

    def says(self, name: str, value: str) -> bool:
        """Whether the value is printed exactly so."""
        return (f"{name} = {value}" if value else f"{name} =") in self._lines


_of_build = lru_cache(maxsize=16)(_name_values)


def own_defaults(section: Section) -> dict[str, str]:
    """The lines of `postconf -d`, read once per build."""
    text, machine = section.text, ""
    for name in _MACHINE:
        before, line, after = text.partition(f"\n{name} =")
        own, end, rest = after.partition("\n")
        text, machine = before + end + rest, machine + line + own
    return {**(_of_build if len(text) < _LARGE else _name_values)(text), **_name_values(machine)}
