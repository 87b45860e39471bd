"""Three-valued logic for derived facts: what is unknown matters only where it could change the answer (Kleene)."""

from __future__ import annotations

from auditor.model.origin import Fact, Setting, Unknown
from auditor.platforms.postfix.settings import Scope

Truth = bool | Unknown


def negate(value: Truth) -> Truth:
    """Not."""
    return value if isinstance(value, Unknown) else not value


def both(*values: Truth) -> Truth:
    """And: false if one is false, else unknown if one is unknown."""
    if any(value is False for value in values):
        return False
    return next((value for value in values if isinstance(value, Unknown)), True)


def either(*values: Truth) -> Truth:
    """Or: true if one is true, else unknown if one is unknown."""
    if any(value is True for value in values):
        return True
    return next((value for value in values if isinstance(value, Unknown)), False)


class Reader:
    """Reads the settings of one scope as the facts need them."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def flag(self, name: str) -> Truth:
        """A boolean; false where the release has no such parameter."""
        value = self.scope.lookup(name).value
        return value if isinstance(value, (bool, Unknown)) else False

    def text(self, name: str) -> str | Unknown:
        """A text, lower case where it is one word; empty where the release has no such parameter."""
        value = self.scope.lookup(name).value
        return value if isinstance(value, (str, Unknown)) else ""

    def list(self, name: str) -> tuple[str, ...] | Unknown:
        """A list of words; empty where the release has no such parameter."""
        value = self.scope.lookup(name).value
        return value if isinstance(value, (tuple, Unknown)) else ()

    def has(self, name: str, word: str) -> Truth:
        """Whether a word is in a list."""
        words = self.list(name)
        return words if isinstance(words, Unknown) else word in words

    def is_filled(self, name: str) -> Truth:
        """Whether a setting has a text."""
        setting = self.scope.lookup(name)
        if isinstance(setting.value, Unknown) and not setting.text:
            return setting.value
        return bool(setting.text)

    def because(self, *names: str) -> tuple[Setting, ...]:
        """These settings, as evidence."""
        return tuple(self.scope.lookup(name) for name in names)

    def fact(self, value: Truth, *names: str) -> Fact[bool]:
        """A true-or-false fact with its evidence."""
        return Fact(value, self.because(*names))
