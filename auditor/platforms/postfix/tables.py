"""Lookup tables as text: their lines, what an access table's right-hand side does, and which clients a key covers.

After access(5), cidr_table(5), regexp_table(5), postmap(1), smtpd_check.c and reference/postfix.md 2.5, 2.7 and 2.10.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache

from auditor.model.network import Networks
from auditor.platforms.postfix.document import SPACE, logical_lines, tokens
from auditor.platforms.postfix.model import Action

INDEXED = {"hash": ".db", "btree": ".db", "lmdb": ".lmdb", "cdb": ".cdb", "dbm": ".pag", "sdbm": ".pag"}
PATTERNS = frozenset({"regexp", "pcre"})
DATABASES = frozenset({"mysql", "pgsql", "ldap", "sqlite", "memcache"})
TYPES = frozenset({*INDEXED, *PATTERNS, *DATABASES, "texthash", "cidr", "inline", "static", "proxy", "unix", "tcp", "socketmap"}) | {
    "environ", "nis", "nisplus", "netinfo", "fail", "internal", "pipemap", "unionmap", "randmap", "debug", "sockmap", "mongodb",
}  # fmt: skip
_BLANKS = re.compile(r"[ \t\n\v\f\r]+")
_WRAPPERS = re.compile(r"(?:(?:proxy|debug):(?=[A-Za-z0-9_-]+:))+")


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of a table. `line` 0: the table has no lines (inline)."""

    key: str
    value: str
    line: int


@dataclass(frozen=True, slots=True)
class Contents:
    """A table's entries, and the lines that cannot be read."""

    lines: tuple[Line, ...]
    problems: tuple[str, ...] = ()


def unwrap(name: str) -> tuple[str, str]:
    """Type and path of a table; `proxy:` and `debug:` in front are left out."""
    wrapped = _WRAPPERS.match(name)
    kind, _, path = name[wrapped.end() if wrapped else 0 :].partition(":")
    return kind.lower(), path


def is_table(word: str) -> bool:
    """Whether smtpd takes a word of a match list for `type:name` (any colon outside of brackets)."""
    return ":" in word and not word.startswith("[")


def read(kind: str, text: str) -> Contents:
    """The entries of a table's source text."""
    if kind == "cidr" or kind in PATTERNS:
        return _read_patterns(kind, text)
    found, problems = [], []
    for line in logical_lines(text):
        key, value = _split(line.text)
        if not value:
            problems.append(f"line {line.line}: expected a key and a value")
            continue
        found.append(Line(key, value, line.line))
    return Contents(tuple(found), tuple(problems))


def _split(text: str) -> tuple[str, str]:
    """Key and value; a key in double quotes may hold blanks (postmap, 3.2)."""
    if text.startswith('"'):
        end = text.find('"', 1)
        if end > 0:
            return text[1:end], text[end + 1 :].strip(SPACE)
    key, *value = _BLANKS.split(text.strip(SPACE), maxsplit=1)
    return key, value[0] if value else ""


def _read_patterns(kind: str, text: str) -> Contents:
    found, problems = [], []
    for line in logical_lines(text):
        word = _split(line.text)[0].lower()
        if word in {"endif", "if"} or (word.startswith(("if/", "if!"))):
            # Conditions narrow what stands inside them; the entries are listed all the same.
            continue
        key, value = _pattern(line.text) if kind in PATTERNS else _split(line.text)
        if not value or (kind == "cidr" and networks_of(key.lstrip("!")) is None):
            problems.append(f"line {line.line}: not a pattern and a value")
            continue
        found.append(Line(key, value, line.line))
    return Contents(tuple(found), tuple(problems))


def _pattern(text: str) -> tuple[str, str]:
    """`/pattern/flags` and the result."""
    body = text.removeprefix("!")
    delimiter, at = body[:1], 1
    if delimiter.isalnum() or delimiter in SPACE:  # an empty text too
        return text, ""
    while at < len(body) and body[at] != delimiter:
        at += 2 if body[at] == "\\" else 1
    rest = body[at + 1 :]
    flags = _split(rest)[0] if rest and rest[0] not in SPACE else ""
    end = len(text) - len(rest) + len(flags)
    return text[:end], text[end:].strip(SPACE)


def read_inline(kind: str, path: str) -> Contents | None:
    """The entries of `inline:{k=v, {k = v w}}` and `cidr:{{pattern result}, …}`; None for other tables."""
    if not path.startswith("{") or not path.endswith("}"):
        return None
    found, problems = [], []
    for word in tokens(path[1:-1]):
        inner = word[1:-1].strip(SPACE) if word.startswith("{") and word.endswith("}") else word
        if kind == "inline":
            key, _, value = inner.partition("=")
            key, value = key.strip(SPACE), value.strip(SPACE)
        else:
            key, value = _pattern(inner) if kind in PATTERNS else _split(inner)
        if key and value:
            found.append(Line(key, value, 0))
        else:
            problems.append(f"{inner}: expected a key and a value")
    return Contents(tuple(found), tuple(problems))


def read_index(text: str) -> Contents:
    """`postmap -s`: key, a tab, value."""
    found = []
    for line in text.split("\n"):
        key, tab, value = line.partition("\t")
        if tab:
            found.append(Line(key, value, 0))
    return Contents(tuple(found))


_CODE = re.compile(r"([45])\d\d$")
_VERDICTS: dict[str, Action] = {
    **dict.fromkeys(("ok", "relay", "permit"), "ok"),
    **dict.fromkeys(
        ("dunno", "info", "warn", "hold", "filter", "prepend", "redirect", "bcc", "defer_if_reject"), "dunno"
    ),
    **dict.fromkeys(("reject", "hangup"), "reject"),
    **dict.fromkeys(("defer", "defer_if_permit"), "defer"),
    "discard": "discard",
}


def verdict(action: str, forbids_ok: bool = False) -> Action:
    """What smtpd makes of a right-hand side. `forbids_ok`: the restriction turns OK into an error (check_sender_mx_access and its kin)."""
    first, _, rest = action.partition(" ")
    word = first.lower()
    known = _VERDICTS.get(word)
    code = _CODE.match(word)
    if known is not None:
        return "error" if known == "ok" and forbids_ok else known
    if code and rest.strip():
        return "reject" if code[1] == "5" else "defer"
    if word.isdigit():
        return "error" if forbids_ok else "ok"
    return "error" if not word or ":" in word else "restrictions"


_ADDRESS_CHARACTERS = frozenset("0123456789abcdefABCDEF.:[]/")
_LONGEST_ADDRESS = 60  # generous: longer ones are malformed in all likelihood, and not worth remembering


def networks_of(text: str) -> Networks | None:
    """An address or network as Postfix writes it (`[2001:db8::]/32`, `[2001:db8::/32]`); None: malformed, or host bits are set."""
    return _known_networks(text) if len(text) <= _LONGEST_ADDRESS else _networks(text)


_IPV4 = re.compile(
    r"(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})(?:/([12]?\d|3[0-2]))?", re.ASCII
)


def _ipv4(text: str) -> Networks | None:
    """The usual way to write an IPv4 network, ten times as fast as the standard library; None: it must decide."""
    match = _IPV4.fullmatch(text)
    if match is None:
        return None
    a, b, c, d = (int(octet) for octet in match.groups()[:4])
    first = a << 24 | b << 16 | c << 8 | d
    hosts = (1 << 32 - int(match[5] or 32)) - 1
    return Networks(((4, first, first | hosts),)) if max(a, b, c, d) < 256 and not first & hosts else None


def _networks(text: str) -> Networks | None:
    usual = _ipv4(text)
    if usual is not None:
        return usual
    bare = text.replace("[", "").replace("]", "")
    if not bare or not set(text) <= _ADDRESS_CHARACTERS or (not bare.partition("/")[2].isalnum() and "/" in bare):
        return None
    try:
        network = ipaddress.ip_network(bare)
    except ValueError:
        return None
    if (
        isinstance(network, ipaddress.IPv6Network)
        and network.network_address.ipv4_mapped is not None
        and network.prefixlen >= 96
    ):
        # Clients with a mapped address are IPv4 clients to Postfix.
        network = ipaddress.ip_network((network.network_address.ipv4_mapped, network.prefixlen - 96))
    return Networks.from_networks((network,))


_known_networks = lru_cache(maxsize=2048)(_networks)


def clients_of(kind: str, key: str) -> Networks | None:
    """The client addresses that a key of an access table covers; None: the key is a name or a pattern."""
    if kind == "cidr":
        return networks_of(key)
    if kind in PATTERNS:
        return None
    if re.fullmatch(r"\d{1,3}(\.\d{1,3}){0,3}", key):
        parts = key.split(".")
        return networks_of(".".join([*parts, *["0"] * (4 - len(parts))]) + f"/{8 * len(parts)}")
    if ":" in key and set(key) <= _ADDRESS_CHARACTERS:
        groups = key.split(":")
        if "" not in groups and len(groups) < 8:
            return networks_of(":".join(groups) + f"::/{16 * len(groups)}")
        return networks_of(key)
    return None


_ANY = re.compile(r"\^?\(?\.?[*+]?\)?\$?|\^?\.[*+]\$?|@|\^\.\*@\.\*\$|\.\*@\.\*")


def matches_anything(kind: str, key: str) -> bool:
    """Whether a pattern matches everything that it is asked: the common ways to write that."""
    if kind == "static":
        return True
    if kind == "cidr":
        return key in {"0.0.0.0/0", "::/0", "[::]/0"}
    if kind in PATTERNS and not key.startswith("!") and len(key) > 1:
        body = key[1 : key.rfind(key[0])] if key.rfind(key[0]) > 0 else key[1:]
        return _ANY.fullmatch(body) is not None
    return False
