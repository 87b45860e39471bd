"""Effective settings: `-o` of the service, then main.cf, then the default; expanded, typed, and compared with postconf's own answer.

Nothing is expanded before it is asked for. Each answer is kept, so a configuration is cheap to open and to ask.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from auditor.model.host import Release
from auditor.model.origin import Origin, Setting, SettingValue, Unknown, Unsupported
from auditor.model.snapshot import Missing, Snapshot
from auditor.platforms.postfix import answers, catalogue
from auditor.platforms.postfix.document import Assignment, Entry, MainCf, MasterCf, words
from auditor.platforms.postfix.expand import BadExpression, expand
from auditor.platforms.postfix.redaction import REDACTED

ONLY_A_SERVER = "only a running server could tell"
_BLANKS = re.compile(r"[ \t\r\n]+")
_TIME = re.compile(r"\s*(\d+)([smhdw]?)", re.IGNORECASE)
_SECRET = re.compile(r"passw|secret|credential", re.IGNORECASE)
_TABLE = re.compile(r"(proxy:)?\w+:[/$]")
_PASSWORD = re.compile(r"\b(static:|inline:).*", re.DOTALL)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
COMPUTED = {
    "process_id": "the process",
    "mail_version": "the release",
    "config_directory": "the configuration directory",
    "myhostname": "the host's name",
    "mydomain": "the host's domain",
    "mynetworks": "mynetworks, which Postfix computes from mynetworks_style and the host's addresses",
}
_DECIDES_MYNETWORKS = ("mynetworks_style", "inet_interfaces", "inet_protocols")
_COMPUTED_FROM = {"mydomain": ("myhostname",), "mynetworks": _DECIDES_MYNETWORKS}
_NAMED = re.compile(r"\$[({]?\s*([A-Za-z0-9_]+)")
_MEMORABLE = 500
_SEARCHABLE = 20_000  # characters; what is longer is searched for whole words alone, once


def plain(text: str) -> str:
    """White space as postconf prints it: one blank between words."""
    return " ".join(filter(None, _BLANKS.split(text)))


@lru_cache(maxsize=4096)
def _remembered(name: str, text: str, default: str) -> SettingValue:
    return _typed(name, text, default)


def typed(name: str, text: str, default: str) -> SettingValue:
    """A parameter's text as the catalogue's type. `default` gives times their unit. Short texts, as most hosts share, are remembered."""
    return (_remembered if len(text) <= _MEMORABLE else _typed)(name, text, default)


def _typed(name: str, text: str, default: str) -> SettingValue:
    kind = catalogue.kind(name)
    if kind == "boolean":
        value = {"yes": True, "no": False}.get(text.lower())
        return (
            Unknown(f"{name} = {text}: neither yes nor no, so the daemon that reads it dies")
            if value is None
            else value
        )
    if kind == "integer":
        if re.fullmatch(r"\s*[-+]?\d{1,18}", text):
            return int(text)
        return Unknown(f"{name} = {text}: not a whole number, so the daemon that reads it dies")
    if kind == "time":
        match = _TIME.match(text)
        if match is None:
            return Unknown(f"{name} = {text}: not a time, so the daemon that reads it dies")
        unit = match[2] or default[-1:]
        return int(match[1][:18]) * _SECONDS.get(unit.lower(), 1)
    if kind == "list":
        return words(text)
    if kind == "folded":
        return words(text.lower())
    return text.lower() if kind == "word" else text


@lru_cache(maxsize=4096)
def _default_setting(name: str, text: str, file: str) -> Setting:
    """A default without `$`, the same on all hosts of a release."""
    shown = without_password(name, text.strip())
    origin = Origin(file=file, layer="default")
    return Setting(name=name, value=typed(name, shown, text), text=plain(shown), origin=origin)


def without_password(name: str, text: str) -> str:
    """A value as it may be shown: what `static:` and `inline:` hold in a parameter for passwords is left out."""
    if not _SECRET.search(name):
        return text
    if name not in catalogue.parameters() and not _TABLE.match(text):
        return REDACTED
    return _PASSWORD.sub(rf"\1{REDACTED}", text)


class Configuration:
    """One instance's configuration files and what the server said about them."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.main_section = snapshot.section("main.cf")
        self.master_section = snapshot.section("master.cf")
        self.main = MainCf.parse(self.main_section.text)
        self.master = MasterCf.parse(self.master_section.text)
        self.assigned: dict[str, Assignment] = {a.name: a for a in self.main.assignments}
        self.own_defaults = answers.own_defaults(snapshot.section("postconf-d"))
        self.release = _release(snapshot, self.own_defaults)
        self.defaults = self._defaults()
        self.transports = frozenset((entry.service, entry.fields[7]) for entry in self.master.entries)
        self.explicit = answers.name_value_lines(snapshot.section("postconf-n"))
        self.expanded = answers.Answers(snapshot.section("postconf-x"))
        self.has_level = not isinstance(self.release, Release) or self.release.numbers >= (3, 6)
        self.problems: dict[str, None] = {}
        self.top = Scope(self, None)
        self.default_origin = Origin(
            file="Postfix default" if isinstance(self.release, Unknown) else f"Postfix {self.release} default",
            layer="default",
        )
        self._rests_on: dict[str, frozenset[str]] = {}
        self.words_written_out = 0  # of all services' restriction lists
        self._lines: dict[str, dict[str, int]] = {}
        self._words: dict[str, frozenset[str]] = {}
        self._service_answers: tuple[dict[str, str], dict[str, str]] | None = None

    def _defaults(self) -> Mapping[str, str]:
        """The server's own defaults, else the catalogue's; empty where not even the release is known."""
        if self.own_defaults:
            return self.own_defaults
        return {} if isinstance(self.release, Unknown) else catalogue.defaults(self.release)

    @property
    def knows_defaults(self) -> bool:
        """Whether an absent name means that the server has no such parameter."""
        return bool(self.defaults)

    def service_answers(self) -> tuple[dict[str, str], dict[str, str]]:
        """`service/type/name` → value as `postconf -P` and `postconf -Px` print it."""
        if self._service_answers is None:
            self._service_answers = (
                answers.name_value_lines(self.snapshot.section("postconf-P")),
                answers.name_value_lines(self.snapshot.section("postconf-Px")),
            )
        return self._service_answers

    def default(self, name: str) -> str | None:
        """The default's text; None: the server has no such parameter."""
        found = self.defaults.get(name)
        return catalogue.transport_default(name, self.transports) if found is None else found

    def rests_on(self, name: str) -> frozenset[str]:
        """The names that may be read for a setting of main.cf, itself included: more than are read, never fewer."""
        found = self._rests_on.get(name)
        if found is None:
            seen, waiting = {name}, [name]
            while waiting:
                each = waiting.pop()
                text = self.top.raw(each)
                if (isinstance(text, str) and "$" in text) or each in _COMPUTED_FROM:
                    named = _NAMED.findall(text) if isinstance(text, str) else []
                    new = {*named, *_COMPUTED_FROM.get(each, ())} - seen
                    seen |= new
                    waiting += new
            found = self._rests_on[name] = frozenset(seen)
        return found

    def line_of(self, assignment: Assignment, word: str) -> int | None:
        """The physical line of a setting that a word stands in; a word of its own before a part of another."""
        lines = self._lines.get(assignment.name)
        if lines is None:
            lines = self._lines[assignment.name] = {}
            for number, text in assignment.source.parts:
                for each in words(text):
                    lines.setdefault(each, number)
        found = lines.get(word)
        if found is None and len(assignment.value) <= _SEARCHABLE:
            found = next((number for number, text in assignment.source.parts if word in text), None)
        return found

    def names(self, text: str, word: str) -> bool:
        """Whether an expanded text holds a word."""
        if len(text) <= _SEARCHABLE:
            return word in text
        held = self._words.get(text)
        if held is None:
            held = self._words[text] = frozenset(words(text))
        return word in held

    def note(self, problem: str) -> None:
        """Keep a note that no rule judges, once."""
        self.problems[problem] = None


def _release(snapshot: Snapshot, own_defaults: Mapping[str, str]) -> Release | Unknown:
    package = snapshot.section("package").text.split()
    texts = [
        own_defaults.get("mail_version", ""),
        snapshot.section("release").text,
        package[1] if len(package) > 1 else "",
    ]
    for text in texts:
        try:
            return Release.parse(text)
        except ValueError:
            continue
    content = snapshot.section("postconf-d").content
    return Unknown(content.reason if isinstance(content, Missing) else "postconf -d names no mail_version")


class Scope:
    """The settings as one service sees them (`entry`), or as every daemon without own options does (None)."""

    def __init__(self, configuration: Configuration, entry: Entry | None) -> None:
        self._configuration = configuration
        self._entry = entry
        self._overrides = {} if entry is None else {option.name: option for option in entry.options}
        self._found: dict[str, Setting] = {}
        self._given = {} if entry is None else {"process_name": entry.command, "service_name": entry.service}
        self._computing: set[str] = set()
        self._own = frozenset((*self._overrides, *self._given))

    @property
    def snapshot(self) -> Snapshot:
        """The collection that the settings were read from."""
        return self._configuration.snapshot

    def __contains__(self, name: str) -> bool:
        """Whether a file sets it, rather than the default."""
        return name in self._overrides or name in self._configuration.assigned

    def is_overridden(self, name: str) -> bool:
        """Whether an `-o` of the service sets it."""
        return name in self._overrides

    def overrides(self) -> tuple[str, ...]:
        """The parameters that an `-o` of the service sets."""
        return tuple(self._overrides)

    def lookup(self, name: str) -> Setting:
        """The effective setting of that name. Never fails: what cannot be known is Unknown or Unsupported."""
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._common(name) or self._setting(name)
        return found

    def _common(self, name: str) -> Setting | None:
        """The setting of main.cf or the default, where it rests on nothing that is the service's own."""
        if self._entry is None or name in self._own or not self._own.isdisjoint(self._configuration.rests_on(name)):
            return None
        setting = self._configuration.top.lookup(name)
        return None if isinstance(setting.value, Unknown) else setting

    def raw(self, name: str) -> str | Unknown | None:
        """The text before expansion; None: undefined."""
        if name in self._given:
            return self._given[name]
        option = self._overrides.get(name)
        if option is not None:
            return option.value
        configuration = self._configuration
        assignment = configuration.assigned.get(name)
        if assignment is not None:
            return assignment.value
        if isinstance(configuration.main_section.content, Missing):
            return Unknown(configuration.main_section.content.reason)
        if name not in COMPUTED:
            return self._default(name)
        if name in self._computing:
            return Unknown(f"{name} depends on itself")
        self._computing.add(name)
        try:
            return self._computed(name)
        finally:
            self._computing.discard(name)

    def _default(self, name: str) -> str | Unknown | None:
        default = self._configuration.default(name)
        if default is None and not self._configuration.knows_defaults:
            release = self._configuration.release
            return release if isinstance(release, Unknown) else Unknown("the defaults of this release are not known")
        return default

    def _computed(self, name: str) -> str | Unknown | None:
        configuration = self._configuration
        if name == "mail_version":
            return configuration.release if isinstance(configuration.release, Unknown) else str(configuration.release)
        if name == "config_directory":
            return configuration.snapshot.section("directory").text.strip() or Unknown(
                "the configuration directory is not known"
            )
        if name == "process_id":
            return Unknown("every process has its own number")
        if name == "mydomain" and "myhostname" in self:
            setting = self.lookup("myhostname")
            hostname = setting.text
            if isinstance(setting.value, Unknown) and "$" in hostname:
                return setting.value
            return hostname.partition(".")[2] if "." in hostname else "localdomain"
        answer = configuration.expanded.get(name)
        if answer is not None and not (name == "mynetworks" and any(map(self.is_overridden, _DECIDES_MYNETWORKS))):
            return answer.replace("$", "$$")
        if name in {"myhostname", "mydomain"} and name in configuration.own_defaults:
            # postconf -d computes these two, and nothing in main.cf changes them.
            return configuration.own_defaults[name].replace("$", "$$")
        if name == "mynetworks" and self.lookup("mynetworks_style").value == "host":
            # The host itself, by definition; its other addresses add nobody else.
            return "127.0.0.0/8 [::1]/128"
        section = configuration.snapshot.section("postconf-x").content
        reason = section.reason if isinstance(section, Missing) else ONLY_A_SERVER
        return Unknown(f"{COMPUTED[name]}: {reason}")

    def origin(self, name: str) -> Origin:
        """Where the effective value is written."""
        configuration = self._configuration
        option = self._overrides.get(name)
        if option is not None:
            return Origin(file=configuration.master_section.name, line=option.line, layer="service")
        assignment = configuration.assigned.get(name)
        if assignment is not None:
            return Origin(file=configuration.main_section.name, line=assignment.source.line)
        if name in COMPUTED:
            return Origin(file="computed by Postfix", layer="command")
        return configuration.default_origin

    def _is_unsupported(self, name: str) -> bool:
        configuration = self._configuration
        if name in configuration.defaults:
            return False
        if not configuration.knows_defaults or name in self._given or name in COMPUTED:
            return False
        if configuration.default(name) is not None:
            return False
        return name in catalogue.parameters() or name not in self

    def _setting(self, name: str) -> Setting:
        origin = self.origin(name)
        raw = self.raw(name)
        if self._is_unsupported(name):
            unsupported = Unsupported(str(self._configuration.release))
            return Setting(name=name, value=unsupported, text=raw if isinstance(raw, str) else "", origin=origin)
        if not isinstance(raw, str):
            unknown = raw if isinstance(raw, Unknown) else Unknown(f"{name} is not set")
            return Setting(name=name, value=unknown, text="", origin=origin)
        if catalogue.kind(name) == "raw":
            return Setting(name=name, value=raw, text=plain(raw), origin=origin)
        if origin is self._configuration.default_origin and "$" not in raw and name not in self._given:
            return self._constant(name, raw, origin)
        return self._expanded(name, raw, origin)

    def _constant(self, name: str, raw: str, origin: Origin) -> Setting:
        """A default that refers to nothing else."""
        setting = (_default_setting if len(raw) <= _MEMORABLE else _default_setting.__wrapped__)(name, raw, origin.file)
        doubt = self._disagreement(name, raw, setting.text)
        return setting if doubt is None else replace(setting, value=doubt)

    def _expanded(self, name: str, raw: str, origin: Origin) -> Setting:
        try:
            expanded = expand(raw, self.raw, self._configuration.has_level)
        except BadExpression as error:
            broken = Unknown(f"{name}: Postfix cannot expand it: {error}")
            return Setting(name=name, value=broken, text=plain(raw), origin=origin)
        text = expanded.text.strip()
        if _SECRET.search(name):
            text = without_password(name, text)
        value: SettingValue
        if expanded.unknown:
            value = Unknown(f"{name} depends on {expanded.unknown}")
        else:
            value = self._disagreement(name, raw, text) or typed(name, text, self._configuration.default(name) or "")
        return Setting(name=name, value=value, text=plain(text), origin=origin)

    def _disagreement(self, name: str, raw: str, text: str) -> Unknown | None:
        """What postconf says otherwise, where it was asked."""
        configuration = self._configuration
        literal: Mapping[str, str] = configuration.explicit
        full: Mapping[str, str] | answers.Answers = configuration.expanded
        key = name
        if name in self._overrides and self._entry is not None:
            literal, full = configuration.service_answers()
            key = f"{self._entry.service}/{self._entry.type}/{name}"
        elif self._overrides:
            # postconf answers for main.cf alone; what a service's overrides make of it is not to be asked before 3.11.
            full = {}
        if isinstance(full, answers.Answers) and full.says(key, text):
            full = {}
        for said, ours in ((literal.get(key), raw), (full.get(key), text)):
            if said is None or said == ours or REDACTED in said or REDACTED in ours or plain(said) == plain(ours):
                continue
            where = "" if self._entry is None else f" of {self._entry.service}/{self._entry.type}"
            configuration.note(f"{name}{where}: postconf says {plain(said)!r}, this tool reads {plain(ours)!r}")
            return Unknown(f"postconf says {name} = {plain(said)}")
        return None
