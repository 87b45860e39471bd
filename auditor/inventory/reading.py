"""What reading an inventory has met: the lines of each file, for carets, and every problem and warning so far."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field

from auditor import yamltree
from auditor.errors import InvalidFile, Problem, Where

# A line that may hold a password is never quoted, not even for an error elsewhere in it.
_SECRETIVE = re.compile(r"pass|pw|secret|token|credential|vault", re.IGNORECASE)


class Outside(Exception):
    """The inventory uses something of Ansible's that only Ansible reads. Carries the place and what it is."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(slots=True)
class Reading:
    """Collects while it reads; `finish` raises InvalidFile when there was an error."""

    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    lines: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def compose(self, name: str, source: bytes) -> yamltree.Node | None:
        """The nodes of a YAML text; None when it is empty. Raises InvalidFile."""
        try:
            self.lines[name] = yamltree.lines_of(name, source)
            return yamltree.compose(name, source, anchors=True, tags=True)
        except InvalidFile as error:
            raise InvalidFile([_discreet(problem) for problem in error.problems], error.advice) from None

    def problem(self, where: Where, message: str, hint: str = "") -> Problem:
        """A problem with the text of its line."""
        lines = self.lines.get(where.file, ())
        text = lines[where.line - 1] if 0 < where.line <= len(lines) else ""
        return _discreet(Problem(where, message, hint, text))

    def error(self, where: Where, message: str, hint: str = "") -> None:
        """Record a mistake; reading goes on to find the others."""
        self.errors.append(self.problem(where, message, hint))

    def warn(self, where: Where, message: str, hint: str = "") -> None:
        """Record something that works and should not stay."""
        self.warnings.append(self.problem(where, message, hint))

    def outside(self, where: Where, what: str) -> Outside:
        """To raise where only Ansible knows the answer."""
        return Outside(self.problem(where, what))

    def finish(self) -> None:
        """Raise InvalidFile with all errors, in the order of files and lines."""
        if self.errors:
            raise InvalidFile(in_order(self.errors))


def in_order(problems: list[Problem]) -> tuple[Problem, ...]:
    """Each problem once, by file, line and column."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda p: (p.where.file, p.where.line, p.where.column, p.message)))


def _discreet(problem: Problem) -> Problem:
    return dataclasses.replace(problem, source_line="") if _SECRETIVE.search(problem.source_line) else problem
