"""master.cf's services: which are on, what they are called, where they listen, and their `-o` options."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from auditor.model.origin import Fact, Origin, Unknown
from auditor.platforms.postfix import catalogue
from auditor.platforms.postfix.document import Entry
from auditor.platforms.postfix.logic import Truth
from auditor.platforms.postfix.model import ListeningSocket, Override, Service, ServiceSettings
from auditor.platforms.postfix.settings import COMPUTED, Configuration, Scope, without_password

_PORTS = {
    "smtp": 25,
    "submission": 587,
    "submissions": 465,
    "smtps": 465,
    "ssmtp": 465,
    "urd": 465,
    "lmtp": 24,
    "qmqp": 628,
}
# Read by trivial-rewrite (or by everybody but smtpd's own copy): an `-o` on an smtpd has no effect on relay control.
ADDRESS_CLASS = frozenset({
    "mydestination", "relay_domains", "virtual_alias_domains", "virtual_mailbox_domains", "proxy_interfaces", "inet_interfaces",
    "allow_percent_hack", "swap_bangpath", "resolve_dequoted_address", "resolve_null_domain", "resolve_numeric_domain",
    "transport_maps", "relayhost", "default_transport", "relay_transport", "local_transport", "virtual_transport",
})  # fmt: skip
_LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback", "loopback-only"})
REFERENCE = re.compile(r"\$[({]?\s*(\w+)")


@dataclass(frozen=True, slots=True)
class Place:
    """One service that is on: its entry, its settings, its name among services of its kind (smtpd, client, other) and among all."""

    entry: Entry
    name: str
    full_name: str
    scope: Scope


def places(configuration: Configuration) -> tuple[Place, ...]:
    """The services of master.cf that are on; of two entries for one name and type (or one port) the last is in force."""
    disabled = configuration.top.lookup("master_service_disable")
    patterns = disabled.value if isinstance(disabled.value, tuple) else ()
    last: dict[tuple[str, str, int | None], Entry] = {}
    for entry in configuration.master.entries:
        host, port = endpoint(entry)
        key = (host if port is not None else entry.service, entry.type, port)
        last.pop(key, None)
        last[key] = entry
    entries = [entry for entry in last.values() if not is_disabled(entry, patterns)]
    among_all = Counter(entry.service for entry in entries)
    among_its_kind = Counter((entry.service, _family(entry)) for entry in entries)
    return tuple(
        Place(
            entry,
            entry.service if among_its_kind[entry.service, _family(entry)] == 1 else f"{entry.service}/{entry.type}",
            entry.service if among_all[entry.service] == 1 else f"{entry.service}/{entry.type}",
            Scope(configuration, entry),
        )
        for entry in entries
    )


def _family(entry: Entry) -> str:
    return {"smtpd": "smtpd", "smtp": "client", "lmtp": "client"}.get(entry.command, "other")


def is_disabled(entry: Entry, patterns: Sequence[str]) -> bool:
    """master_service_disable: `type`, `name/type` (`name.type` of old), `!` before it for an exception; the first that matches wins."""
    for pattern in patterns:
        bare = pattern.lstrip("!")
        name, separator, kind = bare.rpartition("/" if "/" in bare else ".")
        if (kind if separator else bare) == entry.type and (not separator or name == entry.service):
            return not pattern.startswith("!")
    return False


def endpoint(entry: Entry) -> tuple[str, int | None]:
    """Host part (empty: inet_interfaces) and port of an inet service; port None when nobody can tell."""
    if entry.type == "pass":
        return "", 25
    if entry.type != "inet":
        return "", None
    host, _, port = entry.service.rpartition(":")
    number = int(port) if re.fullmatch(r"\d{1,5}", port) else _PORTS.get(port)
    return host.strip("[]"), number


def is_loopback(host: str) -> bool:
    """Whether an address or name is the loopback interface's."""
    bare = host.strip("[]").lower()
    if bare in _LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


def is_public(place: Place, all_places: Sequence[Place], sockets: tuple[ListeningSocket, ...] | Unknown) -> Fact[bool]:
    """Whether a service listens on more than loopback."""
    if place.entry.type == "pass":
        fronts = [p for p in all_places if p.entry.type == "inet" and p.entry.command == "postscreen"]
        return is_public(fronts[0], all_places, sockets) if fronts else Fact(False, ())
    if place.entry.type != "inet":
        return Fact(False, ())
    host, port = endpoint(place.entry)
    if host:
        return Fact(_host_is_public(host), ())
    setting = place.scope.lookup("inet_interfaces")
    if isinstance(setting.value, Unknown) and not setting.text:
        return Fact(_heard(port, sockets) if port is not None else setting.value, (setting,))
    hosts = setting.text.replace(",", " ").split()
    return Fact(any(_host_is_public(host) for host in hosts), (setting,))


def _host_is_public(host: str) -> bool:
    return not is_loopback(host)


def _heard(port: int, sockets: tuple[ListeningSocket, ...] | Unknown) -> Truth:
    if isinstance(sockets, Unknown):
        return sockets
    return any(socket.port == port and not socket.is_loopback for socket in sockets)


def services(
    configuration: Configuration, all_places: Sequence[Place], sockets: tuple[ListeningSocket, ...] | Unknown
) -> tuple[Service, ...]:
    """All services for the rules."""
    used = references(configuration)
    return tuple(_service(configuration, place, all_places, sockets, used) for place in all_places)


def references(configuration: Configuration) -> frozenset[str]:
    """The names that the files use as `$name` or as restriction classes."""
    texts = [a.value for a in configuration.main.assignments]
    texts += [option.value for entry in configuration.master.entries for option in entry.options]
    texts += [argument for entry in configuration.master.entries for argument in entry.arguments]
    names = {name for text in texts if "$" in text for name in REFERENCE.findall(text)}
    classes = configuration.assigned.get("smtpd_restriction_classes")
    return frozenset(names | set((classes.value if classes else "").replace(",", " ").split()))


def is_known(configuration: Configuration, name: str, used: frozenset[str]) -> Truth:
    """Whether Postfix has a parameter, or the configuration uses it as `$name`."""
    if name in used or name in COMPUTED or configuration.default(name) is not None:
        return True
    if not configuration.knows_defaults:
        return Unknown("the parameters of this release are not known")
    return False


def overrides(configuration: Configuration, place: Place, used: frozenset[str]) -> tuple[Override, ...]:
    """The `-o` options of a service."""
    options = place.entry.options
    last = {option.name: at for at, option in enumerate(options)}
    file = configuration.master_section.name
    return tuple(
        Override(
            name=option.name,
            value=without_password(option.name, option.value),
            is_duplicate=last[option.name] != at,
            is_known=is_known(configuration, option.name, used),
            has_effect=not (place.entry.command == "smtpd" and option.name in ADDRESS_CLASS)
            and last[option.name] == at,
            origin=Origin(file=file, line=option.line, layer="service"),
        )
        for at, option in enumerate(options)
    )


def origin(configuration: Configuration, entry: Entry) -> Origin:
    """Where an entry starts."""
    return Origin(file=configuration.master_section.name, line=entry.source.line, layer="service")


def _service(
    configuration: Configuration,
    place: Place,
    all_places: Sequence[Place],
    sockets: tuple[ListeningSocket, ...] | Unknown,
    used: frozenset[str],
) -> Service:
    entry = place.entry
    limit = entry.fields[6]
    return Service(
        name=place.full_name,
        service=entry.service,
        type=entry.type,
        command=entry.command,
        arguments=entry.arguments,
        is_public=is_public(place, all_places, sockets).value,
        is_verbose="-v" in entry.flags,
        is_chrooted=_is_chrooted(configuration, entry),
        is_privileged=entry.fields[3] == "n",
        process_limit=int(limit) if limit.isdigit() and len(limit) < 10 else None,
        overrides=overrides(configuration, place, used),
        settings=ServiceSettings(place.scope.lookup),
        origin=origin(configuration, entry),
    )


def _is_chrooted(configuration: Configuration, entry: Entry) -> Truth:
    """Field 5; `-` means no since 3.0, unless compatibility_level is below 1."""
    field = entry.fields[4]
    if field != "-":
        return field == "y"
    level = configuration.top.lookup("compatibility_level")
    if isinstance(level.value, Unknown):
        return level.value
    if isinstance(configuration.release, Unknown):
        return configuration.release
    return configuration.release.numbers < (3, 0) or level.text.split(".")[0] in {"", "0"}


def fatal_settings(configuration: Configuration, scope: Scope, daemon: str) -> list[str]:
    """The settings of the files that a daemon would die of, as texts."""
    found = []
    for name in dict.fromkeys((*configuration.assigned, *scope.overrides())):
        parameter = catalogue.parameters().get(name)
        if parameter is None or parameter.kind not in {"boolean", "integer", "time"}:
            continue
        if daemon in parameter.readers or "all" in parameter.readers:
            value = scope.lookup(name).value
            if isinstance(value, Unknown) and value.reason.endswith("dies"):
                found.append(name)
    return found
