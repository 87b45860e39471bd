"""Match lists: mynetworks and the lists of domains that Postfix accepts mail for, entry by entry.

After match_list.c and match_ops.c, and reference/postfix.md 2.7 and 2.10.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from auditor.model.network import LOOPBACK, Networks
from auditor.model.origin import Origin, Setting, Unknown, Unsupported
from auditor.platforms.postfix import tables
from auditor.platforms.postfix.document import COMMA_BLANKS, tokens
from auditor.platforms.postfix.lookups import Lookups
from auditor.platforms.postfix.model import DomainEntry, NetworkEntry
from auditor.platforms.postfix.restrictions import Lists
from auditor.platforms.postfix.settings import Scope

DomainList = Literal["mydestination", "relay_domains", "virtual_alias_domains", "virtual_mailbox_domains"]
DOMAIN_LISTS: tuple[DomainList, ...] = (
    "mydestination",
    "relay_domains",
    "virtual_alias_domains",
    "virtual_mailbox_domains",
)
_LOOPBACK = Networks.of(*LOOPBACK)
_EVERYONE = Networks.of("0.0.0.0/0", "::/0")
_HOST_NAME = re.compile(
    r"\.?[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?"
)
_MAX_DEPTH = 20
_MAX_RUNS = 200  # of entries, then exceptions, then entries: each costs a walk through all before it
_MAX_FILES = 100  # of one list: files that name each other twice double it at every level


@dataclass(frozen=True, slots=True)
class Item:
    """One word of a match list, `/file` written out. `unread`: why a `/file` could not be read."""

    text: str
    is_negated: bool
    origin: Origin
    unread: Unknown | None = None


@dataclass(slots=True)
class _Files:
    """How many `/file` entries of one list were opened so far."""

    opened: int = 0


def items(setting: Setting, lookups: Lookups, lists: Lists | None = None) -> Iterator[Item]:
    """The words of a match list; a word that starts with `#` ends it."""
    files = _Files()
    for word in tokens(setting.text, COMMA_BLANKS):
        if word.startswith("#"):
            return
        origin = setting.origin
        if lists is not None and origin.layer == "file":
            origin = lists.place(setting.name, word)
        yield from _item(word, origin, lookups, files, 0)


def _dropped(setting: Setting, lists: Lists | None = None) -> Iterator[Item]:
    """A `#` and all that stands behind it, as one item: what smtpd drops with a warning."""
    words = tuple(tokens(setting.text, COMMA_BLANKS))
    at = next((at for at, word in enumerate(words) if word.startswith("#")), None)
    if at is not None:
        origin = setting.origin
        if lists is not None and origin.layer == "file":
            origin = lists.place(setting.name, words[at])
        yield Item(" ".join(words[at:]), False, origin)


def _item(word: str, origin: Origin, lookups: Lookups, files: _Files, depth: int) -> Iterator[Item]:
    bare = word.lstrip("!")
    negated = (len(word) - len(bare)) % 2 == 1
    if not bare.startswith("/"):
        yield Item(bare, negated, origin)
        return
    read = lookups.text(bare)
    if depth > _MAX_DEPTH or files.opened >= _MAX_FILES:
        read = Unknown(
            f"{bare}: not read, for files that name files are followed {_MAX_DEPTH} deep and {_MAX_FILES} in all"
        )
    if isinstance(read, Unknown):
        yield Item(bare, negated, origin, read)
        return
    files.opened += 1
    text, path = read
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith("#"):
            continue
        for inner in tokens(line, COMMA_BLANKS):
            for item in _item(inner, Origin(file=path, line=number, layer="table"), lookups, files, depth + 1):
                yield replace(item, is_negated=item.is_negated != negated)


@dataclass(frozen=True, slots=True)
class _Meaning:
    networks: Networks | Unknown
    is_host_name: bool = False
    is_table: bool = False
    is_broken: bool | Unknown = False
    is_inert: bool | Unknown = False
    problem: str = ""


def _meaning(item: Item, lookups: Lookups) -> _Meaning:
    """What one word of a list of clients covers."""
    text = item.text
    if item.unread is not None:
        return _Meaning(item.unread, is_broken=item.unread, is_inert=item.unread, problem=item.unread.reason)
    if tables.is_table(text):
        return _table(text, lookups)
    networks = tables.networks_of(text)
    if networks is not None:
        return _Meaning(networks)
    looks_like_address = set(text) <= set("0123456789abcdefABCDEF.:[]/") and not re.search(
        r"[a-fA-F]", text.split(":")[0]
    )
    if looks_like_address and ("/" in text or text.startswith("[")):
        reason = "host bits are set, or the mask is malformed" if "/" in text else "not an address"
        return _Meaning(Networks(), is_broken=True, problem=f"{text}: {reason}: every later client gets 451")
    if _HOST_NAME.fullmatch(text) and not re.fullmatch(r"[0-9.]+", text):
        return _Meaning(Networks(), is_host_name=True)
    return _Meaning(
        Networks(), is_inert=True, problem=f"{text}: neither an address nor a network nor a name, it matches nobody"
    )


def _table(text: str, lookups: Lookups) -> _Meaning:
    kind, _ = tables.unwrap(text)
    if kind == "static":
        return _Meaning(_EVERYONE, is_table=True, problem="static: matches every client")
    if kind not in tables.TYPES:
        return _Meaning(
            Networks(),
            is_table=True,
            is_broken=True,
            problem=f"{kind} is no type of table: IPv6 networks need brackets",
        )
    contents = lookups.contents(text)
    if isinstance(contents, Unknown):
        return _Meaning(contents, is_table=True, is_broken=contents, is_inert=contents)
    if kind in tables.PATTERNS:
        everyone = any(tables.matches_anything(kind, line.key) for line in contents.lines)
        return _Meaning(_EVERYONE if everyone else Unknown(f"{text} holds patterns"), is_table=True)
    networks = lookups.once("table", text, lambda: _covered(kind, contents))
    return _Meaning(networks, is_table=True, is_inert=not networks and not any(map(_is_name, contents.lines)))


def _covered(kind: str, contents: tables.Contents) -> Networks:
    keys = (line.key for line in contents.lines if kind == "cidr" or "/" not in line.key)
    return Networks.union_of(filter(None, map(tables.networks_of, keys)))


def _is_name(line: tables.Line) -> bool:
    return _HOST_NAME.fullmatch(line.key) is not None


def networks(setting: Setting, lookups: Lookups) -> Networks | Unknown:
    """The clients that a list of networks matches; Unknown when a name or an unreadable table is in it."""
    if not isinstance(setting.value, tuple):
        return setting.value if isinstance(setting.value, Unknown) else Networks()
    return lookups.once("networks", setting.text, lambda: _first_match(items(setting, lookups), lookups))


def _first_match(listed: Iterator[Item], lookups: Lookups) -> Networks | Unknown:
    """The first entry that covers a client decides. Neighbours that say the same are merged together: lists can be very long."""
    runs: list[tuple[bool, list[Networks]]] = []
    for item in listed:
        meaning = _meaning(item, lookups)
        if isinstance(meaning.networks, Unknown):
            return meaning.networks
        if meaning.is_host_name:
            return Unknown(f"{item.text} is a host name")
        if not runs or runs[-1][0] != item.is_negated:
            runs.append((item.is_negated, []))
        runs[-1][1].append(meaning.networks)
    if len(runs) > _MAX_RUNS:
        return Unknown(f"entries and exceptions take turns more than {_MAX_RUNS} times")
    covered = Networks()
    for is_negated, sets in reversed(runs):
        these = Networks.union_of(sets)
        covered = covered.without(these) if is_negated else covered.union(these)
    return covered


def trusts_strangers(scope: Scope, lookups: Lookups) -> bool | Unknown:
    """Whether mynetworks covers a large part of the Internet, or everybody without a name in the reverse zone."""
    setting = scope.lookup("mynetworks")
    if isinstance(setting.value, Unknown):
        # Networks that Postfix computes itself are the host's own or its neighbours'.
        return setting.value if "mynetworks" in scope else False
    return lookups.once("strangers", setting.text, lambda: _covers_strangers(setting, lookups))


def _covers_strangers(setting: Setting, lookups: Lookups) -> bool | Unknown:
    doubt: bool | Unknown = False
    for item in items(setting, lookups):
        meaning = _meaning(item, lookups)
        if meaning.is_broken is True:
            return False
        if isinstance(meaning.networks, Unknown):
            doubt = doubt or meaning.networks
        elif item.is_negated and _is_everyone(meaning.networks):
            return doubt
        elif not item.is_negated and (_is_everyone(meaning.networks) or item.text.lower() == "unknown"):
            return True
    return doubt


def network_entries(scopes: Sequence[tuple[str, Scope, Lists]], lookups: Lookups) -> tuple[NetworkEntry, ...] | Unknown:
    """The entries of mynetworks; services with the same list share them."""
    grouped: dict[tuple[Origin, str], list[tuple[str, Scope, Lists]]] = {}
    for name, scope, lists in scopes:
        setting = scope.lookup("mynetworks")
        grouped.setdefault((setting.origin, setting.text), []).append((name, scope, lists))
    found: list[NetworkEntry] = []
    for sharing in grouped.values():
        name, scope, lists = sharing[0]
        setting = scope.lookup("mynetworks")
        label = f"{name} " if setting.origin.layer == "service" else ""
        services = tuple(name for name, _, _ in sharing)
        if "mynetworks" not in scope:
            found += _by_style(scope, setting, services, lookups)
        elif isinstance(setting.value, Unknown):
            return setting.value
        else:
            found += _written(setting, services, label, lookups, lists)
    return tuple(found)


def _written(
    setting: Setting, services: tuple[str, ...], label: str, lookups: Lookups, lists: Lists
) -> Iterator[NetworkEntry]:
    before, pending, runs = Networks(), list[Networks](), 0
    for item in items(setting, lookups, lists):
        if item.is_negated and pending and runs <= _MAX_RUNS:
            before, pending, runs = Networks.union_of((before, *pending)), [], runs + 1
        entry = _network_entry(item, services, label, _meaning(item, lookups), before)
        if isinstance(entry.networks, Networks) and not item.is_negated:
            pending.append(entry.networks)
        elif runs > _MAX_RUNS:
            doubt = Unknown(f"entries and exceptions take turns more than {_MAX_RUNS} times")
            entry = replace(entry, is_shadowed=doubt)
        yield entry
    for item in _dropped(setting, lists):
        meaning = _Meaning(Networks(), is_inert=True, problem="smtpd drops a `#` and all that follows it")
        yield _network_entry(item, services, label, meaning, before)


def _network_entry(
    item: Item, services: tuple[str, ...], label: str, meaning: _Meaning, before: Networks, is_default: bool = False
) -> NetworkEntry:
    covered = meaning.networks
    known = isinstance(covered, Networks)
    public = bool(covered.public()) if isinstance(covered, Networks) else covered
    return NetworkEntry(
        name=f"{label}mynetworks {'!' if item.is_negated else ''}{item.text}",
        text=item.text,
        services=services,
        networks=covered,
        is_public=public,
        is_everyone=_is_everyone(covered) if isinstance(covered, Networks) else covered,
        is_private=(bool(covered) and not public and not covered.overlaps(_LOOPBACK))
        if isinstance(covered, Networks)
        else covered,
        is_loopback=(bool(covered) and covered.within(_LOOPBACK)) if isinstance(covered, Networks) else covered,
        is_negated=item.is_negated,
        is_host_name=meaning.is_host_name,
        is_table=meaning.is_table,
        is_broken=meaning.is_broken,
        is_inert=meaning.is_inert,
        is_shadowed=item.is_negated and known and bool(covered) and before.overlaps(covered)
        if isinstance(covered, Networks)
        else covered,
        is_default=is_default,
        problem=meaning.problem,
        origin=item.origin,
    )


def _is_everyone(covered: Networks) -> bool:
    return any(n.prefixlen <= (7 if n.version == 4 else 16) for n in covered.public().ranges)


def _by_style(scope: Scope, setting: Setting, services: tuple[str, ...], lookups: Lookups) -> Iterator[NetworkEntry]:
    """mynetworks as Postfix computes it."""
    if isinstance(setting.value, tuple):
        for item in items(setting, lookups):
            yield _network_entry(item, services, "", _meaning(item, lookups), Networks(), is_default=True)
        return
    style = scope.lookup("mynetworks_style")
    reason = setting.value if isinstance(setting.value, Unknown) else Unknown("mynetworks is not known")
    item = Item(f"(mynetworks_style = {style.text})", False, style.origin)
    unread = _Meaning(reason, is_broken=False, is_inert=False)
    yield _network_entry(item, services, "", unread, Networks(), is_default=True)


def domain_entries(scope: Scope, lookups: Lookups) -> tuple[DomainEntry, ...] | Unknown:
    """The entries of the four lists of domains, as trivial-rewrite reads them."""
    parents = scope.lookup("parent_domain_matches_subdomains").value
    has_parents = isinstance(parents, tuple) and "relay_domains" in parents
    found: list[DomainEntry] = []
    for name in DOMAIN_LISTS:
        setting = scope.lookup(name)
        # Host names that only the machine knows stay in the text as `$myhostname`: every other entry is still known.
        if isinstance(setting.value, Unknown) and not setting.text:
            return setting.value
        if isinstance(setting.value, Unsupported):
            continue
        found += (
            _domain_entry(item, name, name not in scope, has_parents and name == "relay_domains", lookups)
            for item in (*items(setting, lookups), *_dropped(setting))
        )
    return tuple(found)


def _domain_entry(item: Item, name: DomainList, is_default: bool, has_parents: bool, lookups: Lookups) -> DomainEntry:
    text = item.text
    table = tables.is_table(text)
    return DomainEntry(
        name=f"{name} {'!' if item.is_negated else ''}{text}",
        text=text,
        list=name,
        is_negated=item.is_negated,
        is_table=table,
        is_default=is_default,
        matches_any_domain=item.unread or (_is_catch_all(text, lookups) if table else False),
        is_top_level_domain=has_parents
        and not table
        and "." not in text.strip(".")
        and text.isalpha()
        and text != "localhost",
        matches_nothing=item.unread or (not table and _is_inert_domain(text, name, has_parents)),
        origin=item.origin,
    )


def _is_catch_all(text: str, lookups: Lookups) -> bool | Unknown:
    kind, _ = tables.unwrap(text)
    if kind == "static":
        return True
    contents = lookups.contents(text)
    if isinstance(contents, Unknown):
        return contents
    return any(tables.matches_anything(kind, line.key) for line in contents.lines)


def _is_inert_domain(text: str, name: DomainList, has_parents: bool) -> bool:
    if "*" in text or text.endswith(".") or text.startswith("#"):
        return True
    return text.startswith(".") and (has_parents or name != "relay_domains")
