"""A snapshot of one instance becomes the model that rules see. It never raises for what a server or a file says."""

from __future__ import annotations

from typing import TypeVar

from auditor.model.host import Release
from auditor.model.network import Networks
from auditor.model.origin import Fact, Unknown
from auditor.model.snapshot import Missing, Snapshot
from auditor.platforms.postfix import access, aliases, blocklists, clients, hosts, lists, services, smtpd
from auditor.platforms.postfix.expand import level
from auditor.platforms.postfix.logic import Reader, Truth, both, negate
from auditor.platforms.postfix.lookups import Lookups
from auditor.platforms.postfix.model import FileState, MainSettings, Postfix, Service, SmtpdService
from auditor.platforms.postfix.restrictions import LISTS
from auditor.platforms.postfix.settings import Configuration, Scope
from auditor.platforms.postfix.smtpd import Instance, Smtpd
from auditor.platforms.postfix.states import States
from auditor.platforms.postfix.warnings import warnings

T = TypeVar("T")


def parse(snapshot: Snapshot) -> Postfix:
    """The instance's model; what could not be read or understood is Unknown with its reason."""
    configuration = Configuration(snapshot)
    states = States(snapshot)
    places = services.places(configuration)
    sockets = hosts.listening(snapshot)
    lookups = Lookups(configuration, states)
    instance = Instance(configuration, places, states, lookups, sockets, hosts.certificates(configuration, places))
    return _model(instance, _why_unread(configuration, "master.cf"), _why_unread(configuration, "main.cf"))


def _why_unread(configuration: Configuration, name: str) -> Unknown | None:
    section = configuration.main_section if name == "main.cf" else configuration.master_section
    return Unknown(f"{name}: {section.content.reason}") if isinstance(section.content, Missing) else None


def _model(instance: Instance, no_master: Unknown | None, no_main: Unknown | None) -> Postfix:
    configuration, places, snapshot = instance.configuration, instance.places, instance.configuration.snapshot
    servers = [Smtpd(instance, p) for p in places if p.entry.command == "smtpd" and p.entry.type in {"inet", "pass"}]
    scopes = tuple((p.name, p.scope) for p in places)
    unread = no_master or no_main
    tables = instance.lookups.all(scopes)
    smtpds = tuple(map(smtpd.build, servers))
    uses = [access.Service(s.place.name, s.scope, s.lists, s.stranger(False)) for s in servers]
    doubt = unread or next((s.lists.restrictions for s in servers if isinstance(s.lists.restrictions, Unknown)), None)
    unsure = doubt or _unsure_lists(servers)
    top = Reader(configuration.top)
    found = _or(no_master, services.services(configuration, places, instance.sockets))
    states = _or(unread, hosts.files(configuration, places, instance.states, tables))
    return Postfix(
        release=configuration.release,
        instance=snapshot.instance,
        config_directory=snapshot.section("directory").text.strip(),
        compatibility_level=_compatibility_level(configuration),
        main=MainSettings(configuration.top.lookup),
        services=found,
        qmqpd_services=_of_command(found, "qmqpd"),
        cleanup_services=_of_command(found, "cleanup"),
        smtpd_services=_or(no_master, smtpds),
        smtp_clients=_or(
            no_master, tuple(clients.build(configuration, p) for p in places if p.entry.command in {"smtp", "lmtp"})
        ),
        tables=_or(unread, tables),
        access_entries=_or(unsure, access.entries(uses, instance.lookups)),
        unreadable_access_tables=_or(unsure, access.unreadable(uses, instance.lookups)),
        block_lists=_or(unsure, blocklists.uses(uses, places)),
        trusted_network_entries=_or(
            unread, lists.network_entries([(s.place.name, s.scope, s.lists) for s in servers], instance.lookups)
        ),
        domain_entries=_or(no_main, lists.domain_entries(_rewriting(instance), instance.lookups)),
        catch_alls=_or(no_main, aliases.catch_alls(_rewriting(instance), instance.lookups)),
        files=states,
        configuration_files=_meant_for(states, "configuration", "configuration directory", "table", "daemon directory"),
        private_keys=_meant_for(states, "private key"),
        password_maps=_meant_for(states, "password map"),
        database_credentials=_meant_for(states, "database credentials"),
        sasl_databases=_meant_for(states, "sasl database"),
        setgid_programs=_meant_for(states, "setgid program"),
        own_directories=_meant_for(states, "queue directory", "data directory"),
        certificates=_or(unread, instance.certificates),
        warnings=_or(no_main, warnings(configuration, places)),
        sasl=hosts.sasl(configuration),
        listening=instance.sockets,
        addresses=hosts.addresses(snapshot),
        is_container=hosts.is_container(snapshot),
        has_postscreen=_or(no_master, any(p.entry.command == "postscreen" and p.entry.type == "inet" for p in places)),
        is_null_client=_is_null_client(top, smtpds, no_master),
        runs_commands_as_privileged=_privileged(top),
        message_exceeds_mailbox=_exceeds(top),
        problems=_problems(configuration, places),
    )


def _problems(configuration: Configuration, places: tuple[services.Place, ...]) -> tuple[str, ...]:
    """The notes of the snapshot and the parser, after every setting of the files was compared with postconf's answer."""
    for name in configuration.assigned:
        configuration.top.lookup(name)
    for place in places:
        for name in place.scope.overrides():
            place.scope.lookup(name)
    return (*filter(None, configuration.snapshot.section("notes").text.split("\n")), *configuration.problems)


def _of_command(found: tuple[Service, ...] | Unknown, command: str) -> tuple[Service, ...] | Unknown:
    return found if isinstance(found, Unknown) else tuple(each for each in found if each.command == command)


def _meant_for(states: tuple[FileState, ...] | Unknown, *purposes: str) -> tuple[FileState, ...] | Unknown:
    return states if isinstance(states, Unknown) else tuple(each for each in states if each.purpose in purposes)


def _or(unread: Unknown | None, value: T) -> T | Unknown:
    return unread if unread is not None else value


def _unsure_lists(servers: list[Smtpd]) -> Unknown | None:
    for server in servers:
        for name in LISTS:
            value = server.scope.lookup(name).value
            if isinstance(value, Unknown):
                return value
    return None


def _rewriting(instance: Instance) -> Scope:
    """The settings of trivial-rewrite, which decides about address classes."""
    for place in instance.places:
        if place.entry.command == "trivial-rewrite" and place.entry.service == "rewrite":
            return place.scope
    return instance.configuration.top


def _compatibility_level(configuration: Configuration) -> Fact[Release]:
    setting = configuration.top.lookup("compatibility_level")
    if isinstance(setting.value, Unknown):
        return Fact(setting.value, (setting,))
    numbers = level(setting.text) if setting.text else (0, 0, 0)
    if numbers is None:
        return Fact(Unknown(f"compatibility_level = {setting.text} is malformed"), (setting,))
    return Fact(Release(numbers, setting.text or "0"), (setting,))


def _is_null_client(top: Reader, smtpds: tuple[SmtpdService, ...], no_master: Unknown | None) -> Fact[bool]:
    relays = top.is_filled("relayhost")
    receives: Truth = no_master or next((s.is_public.value for s in smtpds if s.is_public.value is not False), False)
    return Fact(both(relays, negate(receives)), top.because("relayhost", "inet_interfaces"))


def _privileged(top: Reader) -> Fact[bool]:
    names = ("default_privs", "mail_owner")
    user, owner = (top.text(name) for name in names)
    if isinstance(user, Unknown) or isinstance(owner, Unknown):
        return top.fact(user if isinstance(user, Unknown) else owner if isinstance(owner, Unknown) else False, *names)
    return top.fact(user in {"root", "0", "toor", owner}, *names)


def _exceeds(top: Reader) -> Fact[bool]:
    names = ("message_size_limit", "mailbox_size_limit")
    message, mailbox = (top.scope.lookup(name).value for name in names)
    for value in (message, mailbox):
        if isinstance(value, Unknown):
            return top.fact(value, *names)
    if not isinstance(message, int) or not isinstance(mailbox, int):
        return top.fact(False, *names)
    return top.fact(mailbox != 0 and (message == 0 or message > mailbox), *names)


def release(model: Postfix) -> str:
    """What reports call the release."""
    return "unknown" if isinstance(model.release, Unknown) else str(model.release)


def addresses(model: Postfix) -> Networks:
    """The host's own addresses, as far as they are known."""
    return Networks() if isinstance(model.addresses, Unknown) else model.addresses


def problems(model: Postfix) -> tuple[str, ...]:
    """What the parser noticed and no rule judges."""
    return model.problems
