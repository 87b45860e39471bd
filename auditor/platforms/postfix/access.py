"""The lines of access tables, in the restriction lists that use them, and what they let a stranger do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from auditor.model.origin import Unknown
from auditor.platforms.postfix import tables
from auditor.platforms.postfix.document import words
from auditor.platforms.postfix.logic import Truth, either
from auditor.platforms.postfix.lookups import Lookups
from auditor.platforms.postfix.model import AccessEntry, Action, Restriction
from auditor.platforms.postfix.restrictions import (
    LISTS,
    RELAY_STAGE,
    Lists,
    Outcome,
    Stranger,
    is_table_check,
    outcome,
    split,
)
from auditor.platforms.postfix.settings import Scope

KeyedBy = Literal["client", "reverse client", "helo", "sender", "recipient", "login", "certificate", "etrn"]
_KEYS: tuple[tuple[str, KeyedBy], ...] = (
    ("check_reverse_client", "reverse client"),
    ("check_client", "client"),
    ("check_helo", "helo"),
    ("check_sender", "sender"),
    ("check_recipient", "recipient"),
    ("check_sasl", "login"),
    ("check_ccert", "certificate"),
)
# check_sender_mx_access and its kin, and reverse names: the client or his DNS could answer anything, so OK is an error there.
_OK_IS_AN_ERROR = ("_a_access", "_mx_access", "_ns_access", "check_reverse_client_hostname_access")
_DOMAIN_KEYS = frozenset({"client", "reverse client", "helo", "sender", "recipient"})
# An allow-list that covers so much of the Internet lets strangers in.
_EVERYBODY = 1 << 25


@dataclass(frozen=True, slots=True)
class Service:
    """What is needed of one smtpd service."""

    name: str
    scope: Scope
    lists: Lists
    stranger: Stranger


def keyed_by(restriction: str) -> KeyedBy:
    """What a restriction looks up."""
    return next((key for prefix, key in _KEYS if restriction.startswith(prefix)), "etrn")


def forbids_ok(restriction: str) -> bool:
    """Whether OK is an error in this restriction."""
    return restriction.endswith(_OK_IS_AN_ERROR)


def stranger_outcome(lookups: Lookups, restriction: Restriction, is_local_recipient: bool) -> Outcome | Unknown:
    """What a table check does to a stranger who says what helps him."""
    by = keyed_by(restriction.name)
    if by in {"login", "certificate", "etrn"}:
        return "continue"
    question = f"{restriction.name} {'local' if is_local_recipient else 'remote'}"
    return lookups.once(question, restriction.argument, lambda: _look_up(lookups, restriction, by, is_local_recipient))


def _look_up(lookups: Lookups, restriction: Restriction, by: KeyedBy, is_local_recipient: bool) -> Outcome | Unknown:
    contents = lookups.contents(restriction.argument)
    if isinstance(contents, Unknown):
        return Unknown(f"{restriction.name} {restriction.argument}: {contents.reason}")
    kind, _ = tables.unwrap(restriction.argument)
    forbidden = forbids_ok(restriction.name)
    for line in contents.lines:
        verdict = tables.verdict(line.value, forbidden)
        if tables.matches_anything(kind, line.key):
            return _met(verdict, restriction)
        if verdict == "ok" and _helps(line, kind, by, is_local_recipient):
            return "ok"
        if verdict == "restrictions" and by in {"helo", "sender"} and "permit" in line.value.lower():
            return Unknown(f"{restriction.argument}: what {line.value!r} comes to is not followed")
    return "continue"


def _met(verdict: Action, restriction: Restriction) -> Outcome | Unknown:
    if verdict == "restrictions":
        return Unknown(f"{restriction.argument}: its right-hand side is a restriction list")
    if verdict == "ok":
        return "ok"
    return "reject" if verdict in {"reject", "defer", "error"} else "continue"


def _helps(line: tables.Line, kind: str, by: KeyedBy, is_local_recipient: bool) -> bool:
    """Whether an OK is one that a stranger can reach."""
    if by in {"helo", "sender"}:
        return True
    if by == "recipient":
        return is_local_recipient
    clients = tables.clients_of(kind, line.key)
    return line.key.lower() == "unknown" or (clients is not None and clients.size() >= _EVERYBODY)


def entries(services: Sequence[Service], lookups: Lookups) -> tuple[AccessEntry, ...]:
    """Each line of each readable table per use of it; services that share a use are named together."""
    uses: dict[tuple[str, str, str, bool], list[tuple[Service, Restriction]]] = {}
    for service, restriction in _checks(services):
        key = (restriction.name, restriction.argument, restriction.list, restriction.is_before_relay_check)
        uses.setdefault(key, []).append((service, restriction))
    found = [entry for using in uses.values() for entry in _lines(using, lookups)]
    count = Counter(entry.name for entry in found)
    return tuple(e if count[e.name] == 1 else replace(e, name=f"{e.name} ({e.list}: {e.restriction})") for e in found)


def unreadable(services: Sequence[Service], lookups: Lookups) -> tuple[str, ...]:
    """The access tables whose lines could not be read."""
    names = dict.fromkeys(restriction.argument for _, restriction in _checks(services))
    return tuple(name for name in names if isinstance(lookups.contents(name), Unknown))


def _checks(services: Sequence[Service]) -> Iterator[tuple[Service, Restriction]]:
    for service in services:
        if isinstance(service.lists.restrictions, Unknown):
            continue
        for restriction in service.lists.restrictions:
            if is_table_check(restriction.name) and restriction.argument:
                yield service, restriction


def _lines(using: Sequence[tuple[Service, Restriction]], lookups: Lookups) -> Iterable[AccessEntry]:
    restriction = using[0][1]
    kind, path = tables.unwrap(restriction.argument)
    use = _use(using)
    contents = lookups.contents(restriction.argument)
    if isinstance(contents, Unknown):
        yield _unread(use, Unknown(f"{restriction.argument}: {contents.reason}"))
        return
    parents = using[0][0].scope.lookup("parent_domain_matches_subdomains").value
    matches_parents = isinstance(parents, tuple) and "smtpd_access_maps" in parents
    for line in contents.lines:
        action = tables.verdict(line.value, forbids_ok(restriction.name))
        if action == "restrictions" and not _is_list(line.value, restriction.list, using[0][0].lists):
            action = "error"
        origin = lookups.origin(restriction.argument, line.line, restriction.origin)
        place = f"{origin.file}:{line.line}" if line.line else path
        by_client = use.keyed_by in {"client", "reverse client"}
        yield replace(
            use,
            name=f"{place} {line.key}",
            key=line.key,
            action=line.value,
            verdict=action,
            clients=tables.clients_of(kind, line.key) if by_client else None,
            opens_relay=_opens_relay(action, line.value, use),
            matches_anything=tables.matches_anything(kind, line.key),
            matches_nothing=_matches_nothing(kind, line.key, use.keyed_by, matches_parents),
            origin=origin,
        )


def _use(using: Sequence[tuple[Service, Restriction]]) -> AccessEntry:
    """What the lines of a table have in common in one restriction; `opens_relay`: what an OK would do."""
    restriction = using[0][1]
    by = keyed_by(restriction.name)
    before = restriction.list in RELAY_STAGE and restriction.is_before_relay_check and not restriction.is_after_permit
    return AccessEntry(
        name=restriction.argument,
        table=restriction.argument,
        key="",
        action="",
        verdict="dunno",
        keyed_by=by,
        restriction=restriction.name,
        list=restriction.list,
        services=tuple(dict.fromkeys(service.name for service, _ in using)),
        clients=None,
        is_before_relay_check=before,
        opens_relay=either(*(_opens(service, restriction) for service, _ in using)) if before else False,
        is_spoofable=by in {"helo", "sender"},
        matches_anything=False,
        matches_nothing=False,
        origin=restriction.origin,
    )


def _unread(use: AccessEntry, reason: Unknown) -> AccessEntry:
    """A table that nobody could read proves nothing, not even where another list would stop what it lets through."""
    return replace(
        use, verdict=reason, clients=reason, opens_relay=reason, matches_anything=reason, matches_nothing=reason
    )


def _opens_relay(action: Action, value: str, use: AccessEntry) -> Truth:
    if use.keyed_by in {"login", "certificate", "etrn"} or use.opens_relay is False:
        return False
    if action == "ok":
        return use.opens_relay
    if action == "restrictions" and "permit" in value.lower():
        return Unknown(f"what {value!r} comes to is not followed")
    return False


def _opens(service: Service, restriction: Restriction) -> bool | Unknown:
    """Whether no other list of the service would stop the relay that an OK of this restriction lets through."""
    doubt: Unknown | None = None
    for name in LISTS:
        if name in {restriction.list, "smtpd_etrn_restrictions"}:
            continue
        listed = service.lists.of(name)
        met = listed if isinstance(listed, Unknown) else outcome(listed, service.stranger)
        if met == "reject":
            return False
        if isinstance(met, Unknown):
            doubt = doubt or met
    return True if doubt is None else doubt


def _is_list(value: str, list_name: str, lists: Lists) -> bool:
    """Whether every word of a right-hand side is a restriction or a class."""
    return not any(problem for _, (_, _, problem) in split(words(value), list_name, lists.classes))


def _matches_nothing(kind: str, key: str, by: KeyedBy, matches_parents: bool) -> bool:
    """Keys whose form is never asked for."""
    if kind in tables.PATTERNS or kind in {"cidr", "static"}:
        return False
    if by in {"client", "reverse client"} and "/" in key and tables.networks_of(key) is not None:
        return True
    if by in _DOMAIN_KEYS and "@" not in key and not key.startswith("<"):
        return key.endswith(".") or "*" in key or (key.startswith(".") and matches_parents)
    return False
