"""Postfix's parameters: their types, who reads them, and their defaults per release.

`parameters.tsv` is generated from real installations (docs/generate_postfix_catalogue.py); `history.tsv` holds, by hand, the defaults and
parameters that changed between the releases listed there (from the release tags of mail_params.h).
What a server itself says (`postconf -d`) wins over all this.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal

from auditor.model.host import Release

Kind = Literal["boolean", "integer", "time", "word", "text", "raw", "list", "folded"]
"""time: seconds · word: one word, lower case · raw: text with its own `$` macros, not expanded · list: words, `{…}` kept together ·
folded: such a list in lower case."""

HINTS: Mapping[Kind, Any] = {
    "boolean": bool,
    "integer": int,
    "time": int,
    "word": str,
    "text": str,
    "raw": str,
    "list": tuple[str, ...],
    "folded": tuple[str, ...],
}

NEWEST = Release((3, 10, 13), "3.10.13")
"""The newest release that the catalogue knows: assumed where nothing tells."""

# Suffix → the parameter that the default refers to: registered for every delivery transport in master.cf (postconf_service.c).
PER_TRANSPORT: Mapping[str, str] = {
    "_time_limit": "command_time_limit",
    "_recipient_limit": "default_recipient_limit",
    "_extra_recipient_limit": "default_extra_recipient_limit",
    "_recipient_refill_limit": "default_recipient_refill_limit",
    "_recipient_refill_delay": "default_recipient_refill_delay",
    "_delivery_slot_cost": "default_delivery_slot_cost",
    "_delivery_slot_loan": "default_delivery_slot_loan",
    "_delivery_slot_discount": "default_delivery_slot_discount",
    "_minimum_delivery_slots": "default_minimum_delivery_slots",
    "_initial_destination_concurrency": "initial_destination_concurrency",
    "_destination_concurrency_limit": "default_destination_concurrency_limit",
    "_destination_recipient_limit": "default_destination_recipient_limit",
    "_destination_concurrency_positive_feedback": "default_destination_concurrency_positive_feedback",
    "_destination_concurrency_negative_feedback": "default_destination_concurrency_negative_feedback",
    "_destination_concurrency_failed_cohort_limit": "default_destination_concurrency_failed_cohort_limit",
    "_destination_rate_delay": "default_destination_rate_delay",
    "_transport_rate_delay": "default_transport_rate_delay",
}
_DELIVERY_DAEMONS = frozenset({"local", "error", "virtual", "smtp", "lmtp", "pipe"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `defaults`: the default's text per catalogued release, None where the release has no such parameter.

    `since`: the releases that brought it, one per branch that got it; empty: always there. `readers`: daemons; "all" reads it anywhere.
    `is_computed`: the default comes from the machine (host name, networks), not from a table.
    """

    name: str
    kind: Kind
    readers: frozenset[str]
    since: tuple[tuple[int, ...], ...]
    defaults: tuple[str | None, ...]
    is_computed: bool


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def _rows(name: str) -> list[list[str]]:
    text = files(__package__).joinpath(name).read_text("utf-8")
    return [line.split("\t") for line in text.split("\n") if line]


@cache
def _catalogue() -> tuple[tuple[tuple[int, ...], ...], Mapping[str, Parameter]]:
    head, *rows = _rows("parameters.tsv")
    parameters = {}
    for name, kind, readers, since, *defaults in rows:
        parameters[name] = Parameter(
            name,
            kind,  # type: ignore[arg-type]  # generated with these words only; a test compares
            frozenset(readers.split(",")) if readers else frozenset(),
            tuple(map(_numbers, since.split())),
            tuple(None if value in ("\\N", "\\C") else value for value in defaults),
            defaults[0] == "\\C",
        )
    return tuple(map(_numbers, head[4:])), parameters


def parameters() -> Mapping[str, Parameter]:
    """All parameters that one of the catalogued releases has."""
    return _catalogue()[1]


@cache
def _history() -> Mapping[str, tuple[tuple[tuple[int, ...], str | None], ...]]:
    found: dict[str, list[tuple[tuple[int, ...], str | None]]] = {}
    for name, release, default in _rows("history.tsv")[1:]:
        found.setdefault(name, []).append((_numbers(release), None if default == "\\N" else default))
    return {name: tuple(sorted(rows)) for name, rows in found.items()}


def _exists(since: tuple[tuple[int, ...], ...], release: tuple[int, ...]) -> bool:
    """Whether a release has what these releases brought: `3.9 3.8.4` is there from 3.8.4 in branch 3.8, and from 3.9 on."""
    if not since:
        return True
    branch = [start for start in since if start[:2] == release[:2]]
    return (
        release >= branch[0] if branch else any(release >= start for start in since if len(start) < 3 or start[2] == 0)
    )


def _from_history(rows: tuple[tuple[tuple[int, ...], str | None], ...], release: tuple[int, ...]) -> str | None:
    here = [default for start, default in rows if start[:2] == release[:2] and start <= release]
    before = [default for start, default in rows if start[2] == 0 and start <= release]
    return here[-1] if here else before[-1] if before else None


@cache
def _defaults(release: tuple[int, ...]) -> Mapping[str, str]:
    columns, known = _catalogue()
    base = max((i for i, column in enumerate(columns) if column <= release[:2]), default=0)
    history = _history()
    found: dict[str, str] = {}
    for name, parameter in known.items():
        if name in history:
            default = _from_history(history[name], release)
        elif not _exists(parameter.since, release):
            default = None
        else:
            later = parameter.defaults[base + 1 :] if parameter.since else ()
            default = next((value for value in (parameter.defaults[base], *later) if value is not None), None)
        if default is not None:
            found[name] = default
    return found


def defaults(release: Release) -> Mapping[str, str]:
    """Name → default text for a release; between two catalogued releases the older one, mended by history."""
    numbers = release.numbers if len(release.numbers) > 2 else (*release.numbers, *NEWEST.numbers[2:])
    return _defaults(numbers)


@lru_cache(maxsize=4096)
def kind(name: str) -> Kind:
    """The type of a parameter; text when nobody knows it."""
    known = _catalogue()[1].get(name)
    if known is not None:
        return known.kind
    for suffix, reference in PER_TRANSPORT.items():
        if name.endswith(suffix) and name != reference:
            return kind(reference)
    return "text"


def transport_default(name: str, transports: frozenset[tuple[str, str]]) -> str | None:
    """The default of a per-transport parameter (`$default_…`), if one of `transports` (service, command) brings it; else None."""
    for suffix, reference in PER_TRANSPORT.items():
        if name.endswith(suffix):
            transport = name[: -len(suffix)]
            commands = {"pipe", "spawn"} if suffix == "_time_limit" else _DELIVERY_DAEMONS
            if any((transport, command) in transports for command in commands):
                return f"${reference}"
    return None


# Read by smtpd together with other daemons, yet it is smtpd's copy that decides.
_DECIDED_BY_SMTPD = frozenset({"mynetworks", "strict_rfc821_envelopes", "parent_domain_matches_subdomains"})
_PER_SERVICE = ("smtpd_", "smtp_", "lmtp_")


def is_per_service(name: str) -> bool:
    """Whether smtpd, smtp or lmtp alone reads it, so that an `-o` of a service may set it."""
    readers = _catalogue()[1][name].readers
    return (
        name.startswith(_PER_SERVICE)
        or name in _DECIDED_BY_SMTPD
        or (bool(readers) and readers <= {"smtpd", "smtp", "lmtp", "postscreen", "tlsproxy", "tlsmgr"})
    )


@dataclass(frozen=True, slots=True)
class Names:
    """A namespace for the rule language: all catalogued parameters, or only those that no service overrides."""

    per_service: bool

    def names(self) -> Collection[str]:
        """The parameters that rules may name."""
        return _names(self.per_service)

    def type_of(self, name: str) -> Any:
        """The type of a parameter's value."""
        return HINTS[kind(name)]


@cache
def _names(per_service: bool) -> tuple[str, ...]:
    return tuple(name for name in parameters() if per_service or not is_per_service(name))
