"""A mail server that exists only here: `smtpd.conf` with one `listen NAME PUBLIC` line per service and `name value` settings.

Its model uses every kind of value that rules can read: settings of a catalogue, facts, unknown lists, networks, releases.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from auditor.interfaces import Platform
from auditor.model.host import Release, Shell
from auditor.model.network import Networks
from auditor.model.origin import Fact, Origin, Setting, SettingValue, Unknown, Unsupported
from auditor.model.snapshot import Missing, Section, Snapshot

TYPES: Mapping[str, Any] = {
    "auth": bool,
    "vrfy": bool,
    "banner": str,
    "options": tuple[str, ...],
    "limit": int,
    "newline": str,
}
DEFAULTS: Mapping[str, str] = {"auth": "no", "vrfy": "yes", "banner": "toy", "options": "noanonymous", "limit": "0"}


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of smtpd.conf."""

    lookup: Callable[[str], Setting]


class Catalogue:
    def names(self) -> Collection[str]:
        return TYPES.keys()

    def type_of(self, name: str) -> Any:
        return TYPES[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One listener."""

    name: str
    kind: Literal["mx", "submission"]
    is_public: bool | Unknown
    offers_auth: Fact[bool]
    clients: Networks | Unknown
    settings: Settings
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Toy:
    """The whole server."""

    release: Release | Unknown
    services: tuple[Service, ...] | Unknown
    words: tuple[str, ...]
    settings: Settings

    @property
    def banner_length(self) -> int:
        """A derived value that is no field."""
        return len(self.settings.lookup("banner").text)


def from_files(files: Mapping[str, bytes], release: Release | None) -> Snapshot:
    contents = {"smtpd.conf": b"", **files, "release": str(release or "2.0").encode()}
    sections = {name: Section(name=name, content=data) for name, data in contents.items()}
    return Snapshot(host="example", platform="toy", sections=sections)


def parse(snapshot: Snapshot) -> Toy:
    section = snapshot.section("smtpd.conf")
    missing = Unknown(section.content.reason) if isinstance(section.content, Missing) else None
    lines = [line.split(" ", 1) for line in section.text.splitlines() if line.strip()]
    written = {name: (rest, number) for number, (name, rest) in enumerate(lines, 1) if name != "listen"}
    try:
        release: Release | Unknown = Release.parse(snapshot.section("release").text)
    except ValueError:
        release = Unknown("the release was not collected")

    def lookup(name: str) -> Setting:
        text, line = written.get(name, (DEFAULTS.get(name, ""), None))
        origin = Origin(file="smtpd.conf", line=line, layer="file" if line else "default")
        return Setting(name=name, value=missing or _value(name, text, line, release), text=text, origin=origin)

    settings = Settings(lookup)
    services = tuple(
        _service(rest, number, settings) for number, (name, rest) in enumerate(lines, 1) if name == "listen"
    )
    words = tuple(written)
    return Toy(release=release, services=missing or services, words=words, settings=settings)


def _value(name: str, text: str, line: int | None, release: Release | Unknown) -> SettingValue:
    if name == "newline" and (isinstance(release, Unknown) or release < Release.parse("2.0")):
        return release if isinstance(release, Unknown) else Unsupported(str(release))
    if name not in DEFAULTS and line is None:
        return None
    if TYPES[name] is bool:
        known = {"yes": True, "no": False}
        return known.get(text, Unknown(f"{name} is neither yes nor no: the daemon would die of it"))
    if TYPES[name] is int:
        return int(text)
    return tuple(text.split()) if TYPES[name] == tuple[str, ...] else text


def _service(rest: str, number: int, settings: Settings) -> Service:
    name, public, *networks = rest.split()
    auth = settings.lookup("auth")
    return Service(
        name=name,
        kind="mx" if name == "smtp" else "submission",
        is_public={"public": True, "private": False}.get(public, Unknown(f"nobody knows who reaches {name}")),
        offers_auth=Fact(auth.value if isinstance(auth.value, (bool, Unknown)) else False, (auth,)),
        clients=Networks.of(*networks),
        settings=settings,
        origin=Origin(file="smtpd.conf", line=number),
    )


def _alone(snapshot: Snapshot) -> Sequence[Snapshot]:
    return [snapshot]


TOY: Platform[Toy] = Platform(
    name="toy",
    shell=Shell.SH,
    model=Toy,
    namespaces={Settings: Catalogue()},
    detect="false",
    collect="",
    privileged=lambda _: (),
    instances=_alone,
    recognise=lambda files: (files,),
    from_files=from_files,
    parse=parse,
    release=lambda toy: str(toy.release),
    addresses=lambda _: Networks(),
    problems=lambda _: (),
)
