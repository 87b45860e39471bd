"""Text that came from a host, a file or a rule, made harmless and short enough for people."""

from __future__ import annotations

import re
from functools import lru_cache

from auditor.model.finding import Evidence, Finding

_NAMED = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
_SURROGATE = re.compile("[\ud800-\udfff]")


def visible(text: str) -> str:
    """The text with every character that does not print written as an escape: controls, ESC, bidi marks, newlines, undecodable bytes.

    What is returned cannot move a cursor, reverse a line or end it: `a\\x1b[2J`, `a\\u202eb`, `a\\nb`.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else escaped(c) for c in text)


def escaped(character: str) -> str:
    """One character as `\\n`, `\\x1b`, `\\u202e` or `\\U000e0001`; a surrogate that stands for a byte as that byte, `\\xff`."""
    if character in _NAMED:
        return _NAMED[character]
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # PEP 383: bytes that were not UTF-8
        code -= 0xDC00
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def encodable(text: str) -> str:
    """The text with lone surrogates escaped, so that it can be written as UTF-8; everything else as it is, for machines."""
    return _SURROGATE.sub(lambda match: escaped(match.group()), text) if not text.isascii() else text


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, and how many are left out."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit:,} more characters)"


@lru_cache(maxsize=4096)  # the prose of a rule is asked for once per finding
def paragraphs(text: str) -> tuple[str, ...]:
    """Prose as its paragraphs, each one line: rules are written with line breaks that mean nothing."""
    return tuple(" ".join(map(visible, part.split())) for part in re.split(r"\n\s*\n", text) if part.strip())


@lru_cache(maxsize=4096)
def lines(text: str) -> tuple[str, ...]:
    """A text whose lines matter (a remedy, an error with a caret), line by line."""
    return tuple(visible(line) for line in text.strip("\n").split("\n")) if text.strip() else ()


def place(evidence: Evidence) -> str:
    """Where a value was written, for people: `/etc/postfix/main.cf:12`, `(default)`, or `(computed)` when no text says it."""
    if evidence.origin is None:
        return "(computed)"
    return "(default)" if evidence.origin.layer == "default" else str(evidence.origin)


def shown(evidence: Evidence) -> str:
    """The value as an assignment: `smtpd_tls_auth_only = no`."""
    return f"{evidence.path} = {evidence.value}" if evidence.path else evidence.value


def about(finding: Finding) -> str:
    """What a finding is about within its host: the instance and the subject; empty for the whole server."""
    return " ".join(part for part in (finding.instance, finding.subject) if part)


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 host`, `1,200 hosts`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
