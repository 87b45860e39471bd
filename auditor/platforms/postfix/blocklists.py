"""Where block lists in the DNS are asked, and what their answers do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from auditor.model.origin import Unknown
from auditor.platforms.postfix.access import Service
from auditor.platforms.postfix.model import BlockListUse, ListName, Restriction
from auditor.platforms.postfix.services import Place

_SITES = "postscreen_dnsbl_sites"
_ACTION = "postscreen_dnsbl_action"


def uses(services: Sequence[Service], places: Sequence[Place]) -> tuple[BlockListUse, ...] | Unknown:
    """Each block list once per restriction and list that asks it, and each site of postscreen's."""
    asked: dict[tuple[str, str, ListName, bool], list[tuple[Service, Restriction]]] = {}
    for service in services:
        if isinstance(service.lists.restrictions, Unknown):
            return service.lists.restrictions
        for restriction in service.lists.restrictions:
            if restriction.name.startswith(("reject_rbl", "reject_rhsbl_")) and restriction.argument:
                key = (restriction.name, restriction.argument, restriction.list, restriction.is_only_a_warning)
                asked.setdefault(key, []).append((service, restriction))
    found = [_by_smtpd(using) for using in asked.values()]
    for place in places:
        if place.entry.command == "postscreen":
            sites = place.scope.lookup(_SITES).value
            if isinstance(sites, Unknown):
                return sites
            found += _by_postscreen(place, sites)
    count = Counter(use.name for use in found)
    return tuple(use if count[use.name] == 1 else replace(use, name=f"{use.name} ({use.list})") for use in found)


def _by_smtpd(using: Sequence[tuple[Service, Restriction]]) -> BlockListUse:
    restriction = using[0][1]
    zone, _, answers = restriction.argument.partition("=")
    return BlockListUse(
        name=f"{restriction.name} {zone}",
        zone=zone.lower(),
        answers=answers,
        list=restriction.list,
        services=tuple(dict.fromkeys(service.name for service, _ in using)),
        is_postscreen=False,
        refuses=not restriction.is_only_a_warning,
        origin=restriction.origin,
    )


def _by_postscreen(place: Place, sites: object) -> Iterator[BlockListUse]:
    setting = place.scope.lookup(_SITES)
    action = place.scope.lookup(_ACTION)
    for site in sites if isinstance(sites, tuple) else ():
        listed, _, weight = site.partition("*")
        zone, _, answers = listed.partition("=")
        counts = not weight.startswith("-")
        yield BlockListUse(
            name=f"{_SITES} {zone}",
            zone=zone.lower(),
            answers=answers,
            list=_SITES,
            services=(place.name,),
            is_postscreen=True,
            refuses=action.value
            if isinstance(action.value, Unknown)
            else counts and action.text.lower() in {"enforce", "drop"},
            origin=setting.origin,
        )
