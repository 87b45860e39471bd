"""What the settings of an smtpd service come to: each fact of `model.SmtpdService`, with the settings that it was read from.

One thing, though long: every fact is a few lines, and together they are the meaning of one service.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from auditor.model.network import Networks
from auditor.model.origin import Fact, Setting, Unknown
from auditor.platforms.postfix import access, lists, services, tls
from auditor.platforms.postfix.logic import Reader, Truth, both, either, negate
from auditor.platforms.postfix.lookups import Lookups
from auditor.platforms.postfix.model import Certificate, ListeningSocket, Restriction, SmtpdService, SmtpdSettings
from auditor.platforms.postfix.restrictions import BINDINGS, GATES, RELAY_STAGE, Lists, Stranger, admits, outcome
from auditor.platforms.postfix.services import Place
from auditor.platforms.postfix.settings import Configuration
from auditor.platforms.postfix.states import States

_LEVELS = frozenset({"none", "may", "encrypt", "verify", "secure", "fingerprint", "dane", "dane-only"})
_SYSTEMS = re.compile(r"debian|ubuntu|gnu|linux|centos|red ?hat|fedora|suse|bsd|raspbian|darwin|macos", re.IGNORECASE)
_CHECKS_OF_SERVERS = frozenset({
    "reject_non_fqdn_helo_hostname", "reject_non_fqdn_hostname", "reject_unknown_helo_hostname", "reject_unknown_hostname",
    "reject_rbl", "reject_rbl_client", "reject_rhsbl_client", "reject_rhsbl_reverse_client", "reject_rhsbl_helo",
    "reject_unknown_client", "reject_unknown_client_hostname", "reject_unknown_reverse_client_hostname",
    "reject_unknown_forward_client_hostname",
})  # fmt: skip
_STAGES = ("smtpd_client_restrictions", "smtpd_helo_restrictions", "smtpd_sender_restrictions", *RELAY_STAGE)


@dataclass(frozen=True, slots=True)
class Instance:
    """What is shared by the services of one instance."""

    configuration: Configuration
    places: tuple[Place, ...]
    states: States
    lookups: Lookups
    sockets: tuple[ListeningSocket, ...] | Unknown
    certificates: tuple[Certificate, ...] | Unknown


class Smtpd:
    """One smtpd service while its facts are worked out."""

    def __init__(self, instance: Instance, place: Place) -> None:
        self.instance = instance
        self.place = place
        self.scope = place.scope
        self.reader = Reader(place.scope)
        self.lists = Lists(instance.configuration, place.scope)
        self.offers_tls = self._offers_tls()
        self.trusts_strangers = lists.trusts_strangers(place.scope, instance.lookups)

    # --- who is talking ---

    def stranger(self, is_local_recipient: bool) -> Stranger:
        """A client without any right."""
        lookups = self.instance.lookups
        return Stranger(
            is_local_recipient,
            self.trusts_strangers,
            self.offers_tls.value,
            self.instance.configuration.release,
            lambda restriction: access.stranger_outcome(lookups, restriction, is_local_recipient),
        )

    def _restrictions(self, *names: str) -> tuple[Restriction, ...] | Unknown:
        found: list[Restriction] = []
        for name in names:
            listed = self.lists.of(name)
            if isinstance(listed, Unknown):
                return listed
            found += listed
        return tuple(found)

    def _some(self, names: tuple[str, ...], test: Callable[[Restriction], bool]) -> Truth:
        listed = self._restrictions(*names)
        return listed if isinstance(listed, Unknown) else any(map(test, listed))

    # --- starting ---

    def starts(self) -> dict[str, Any]:
        """Whether smtpd gets past its own checks."""
        reason, settings = self._death()
        gate = self._has_gate()
        if not reason and gate.value is False:
            reason, settings = (
                "no restriction that rejects relaying in smtpd_relay_restrictions or smtpd_recipient_restrictions",
                gate.because,
            )
        if reason:
            return {"starts": Fact(False, settings), "does_not_start_because": Fact(reason, settings)}
        doubt = gate.value if isinstance(gate.value, Unknown) else None
        return {"starts": Fact(doubt or True, gate.because), "does_not_start_because": Fact(doubt or "", gate.because)}

    def _death(self) -> tuple[str, tuple[Setting, ...]]:
        configuration, scope = self.instance.configuration, self.scope
        for document, name in ((configuration.main, "main.cf"), (configuration.master, "master.cf")):
            for line, problem in document.malformed:
                return f"{name} line {line.line}: {problem}: every Postfix program stops", ()
        for problem in self.place.entry.problems:
            return problem, ()
        if self.place.entry.arguments:
            return f"smtpd takes no argument {self.place.entry.arguments[0]!r} (a blank inside an -o?)", ()
        for name in self.lists.undefined:
            return f"the restriction class {name} is not defined, empty, or part of itself", self.reader.because(
                "smtpd_restriction_classes"
            )
        for name in services.fatal_settings(configuration, scope, "smtpd"):
            setting = scope.lookup(name)
            return f"{name} = {setting.text}: a value that it cannot read", (setting,)
        level = scope.lookup("smtpd_tls_security_level")
        if isinstance(level.value, str) and level.value not in _LEVELS | {""}:
            return f"smtpd_tls_security_level = {level.text} is no level", (level,)
        return "", ()

    def _has_gate(self) -> Fact[bool]:
        values = [self.lists.has_required(name) for name in RELAY_STAGE]
        return Fact(either(*values), self.reader.because(*RELAY_STAGE))

    # --- relaying ---

    def relaying(self) -> dict[str, Any]:
        """Who may relay, and through what."""
        because = self.reader.because
        stage = because(*RELAY_STAGE)
        relay_gate = self._some(("smtpd_relay_restrictions",), _is_gate)
        return {
            "restrictions": self.lists.restrictions,
            "has_relay_gate": self._has_gate(),
            "relay_gate_only_warns": Fact(self._only_warns(), stage),
            "has_relay_restrictions": Fact(self.reader.is_filled("smtpd_relay_restrictions"), stage[:1]),
            "relay_is_decided_by_recipient_list": Fact(
                both(negate(relay_gate), self._some(("smtpd_recipient_restrictions",), _is_gate)), stage
            ),
            "relay_gate_is_default": Fact(
                both(
                    "smtpd_relay_restrictions" not in self.scope,
                    negate(self._some(("smtpd_recipient_restrictions",), _is_gate)),
                ),
                stage,
            ),
            "rejects_relay_with": Fact(self._first_gate(), stage),
            "relays_for_strangers": Fact(admits(self.lists, self.stranger(False)), because(*self._evidence())),
            "accepts_unauthenticated": Fact(admits(self.lists, self.stranger(True)), because(*self._evidence())),
            "demands_login": Fact(self._demands_login(), because(*self._evidence())),
            "trusted_networks": self._networks("mynetworks"),
            "trusts_by_style": Fact("mynetworks" not in self.scope, because("mynetworks_style")),
            "has_own_trust": any(n == "mynetworks" or n.endswith("_restrictions") for n in self.scope.overrides()),
            "xclient_networks": self._networks("smtpd_authorized_xclient_hosts"),
            "xforward_networks": self._networks("smtpd_authorized_xforward_hosts"),
            "reads_proxy_protocol": self._reads_proxy_protocol(),
            "delays_reject": self.reader.fact(self.reader.flag("smtpd_delay_reject"), "smtpd_delay_reject"),
        }

    def _evidence(self) -> tuple[str, ...]:
        """The lists that are not empty, and mynetworks where one of them trusts it."""
        filled = tuple(name for name in _STAGES if self.scope.lookup(name).text)
        trusting = any("permit_mynetworks" in self.scope.lookup(name).text.lower() for name in filled)
        return (*(filled or RELAY_STAGE), *(("mynetworks",) if trusting else ()))

    def _demands_login(self) -> Truth:
        client = replace(self.stranger(True), is_in_mynetworks=True)
        answers: list[Truth] = []
        for name in _STAGES:
            listed = self.lists.of(name)
            if isinstance(listed, Unknown):
                return listed
            permits = {r.name for r in listed if r.is_before_relay_check and r.name.startswith(("permit", "check_"))}
            met = outcome(listed, client) if permits == {"permit_sasl_authenticated"} else "accept"
            answers.append(met if isinstance(met, Unknown) else met == "reject")
        return either(*answers)

    def _networks(self, name: str) -> Fact[Networks]:
        setting = self.scope.lookup(name)
        return Fact(lists.networks(setting, self.instance.lookups), (setting,))

    def _only_warns(self) -> Truth:
        listed = self._restrictions(*RELAY_STAGE)
        if isinstance(listed, Unknown):
            return listed
        gates = [r for r in listed if r.name in GATES]
        return bool(gates) and all(r.is_only_a_warning for r in gates)

    def _first_gate(self) -> str | Unknown:
        listed = self._restrictions(*RELAY_STAGE)
        if isinstance(listed, Unknown):
            return listed
        return next((r.name for r in listed if _is_gate(r)), "")

    def _reads_proxy_protocol(self) -> Fact[bool]:
        name = "smtpd_upstream_proxy_protocol"
        if self.place.entry.type == "pass":
            name = "postscreen_upstream_proxy_protocol"
        return Fact(self.reader.is_filled(name), self.reader.because(name))

    # --- recipients ---

    def recipients(self) -> dict[str, Any]:
        """Whether unknown recipients are refused while the sender is still there."""
        reader = self.reader
        verifies = self._some(_STAGES, lambda r: r.name == "reject_unverified_recipient" and not r.is_only_a_warning)
        unlisted = self._some(_STAGES, lambda r: r.name == "reject_unlisted_recipient" and not r.is_only_a_warning)
        parameter = reader.flag("smtpd_reject_unlisted_recipient")

        def validated(maps: str, domains: str) -> Fact[bool]:
            listed = reader.is_filled(maps)
            wildcard = reader.scope.lookup(maps).text.startswith("static:")
            none = negate(reader.is_filled(domains)) if domains else False
            return reader.fact(
                either(none, verifies, both(listed, not wildcard)), maps, *([domains] if domains else [])
            )

        return {
            "validates_local_recipients": validated("local_recipient_maps", ""),
            "validates_relay_recipients": validated("relay_recipient_maps", "relay_domains"),
            "validates_virtual_recipients": validated("virtual_mailbox_maps", "virtual_mailbox_domains"),
            "rejects_unlisted_recipients": reader.fact(
                either(parameter, unlisted, verifies), "smtpd_reject_unlisted_recipient", "smtpd_recipient_restrictions"
            ),
        }

    # --- TLS ---

    def _wrapper(self) -> Truth:
        return self.reader.flag("smtpd_tls_wrappermode")

    def _level(self) -> str | Unknown:
        wrapper = self._wrapper()
        if wrapper is True:
            return "encrypt"
        level = tls.level(self.reader, "smtpd", _LEVELS)
        if isinstance(level, str) and level not in {"none", "may"}:
            return "encrypt"
        return wrapper if isinstance(wrapper, Unknown) else level

    def _offers_tls(self) -> Fact[bool]:
        level = self._level()
        return Fact(level if isinstance(level, Unknown) else level != "none", self._level_evidence())

    def _level_evidence(self) -> tuple[Setting, ...]:
        names = ["smtpd_tls_wrappermode"] if self._wrapper() is not False else []
        if not names:
            names = ["smtpd_tls_security_level"]
            if not self.scope.lookup(names[0]).text:
                names += [n for n in ("smtpd_enforce_tls", "smtpd_use_tls") if n in self.scope]
        return self.reader.because(*names)

    def _requires_tls(self) -> Truth:
        level = self._level()
        return level if isinstance(level, Unknown) else level == "encrypt"

    def tls(self) -> dict[str, Any]:
        """Whether and how the service speaks TLS."""
        reader, release = self.reader, self.instance.configuration.release
        required, evidence = self._requires_tls(), self._level_evidence()
        mandatory = tls.versions(reader, "smtpd_tls_mandatory_protocols", release)
        opportunistic = tls.versions(reader, "smtpd_tls_protocols", release)
        chosen: Fact[tuple[str, ...]] = mandatory if required is True else opportunistic
        if isinstance(required, Unknown):
            chosen = Fact(required, evidence)
        in_force = "smtpd_tls_mandatory_protocols" if required is True else "smtpd_tls_protocols"
        grade = "smtpd_tls_mandatory_ciphers" if required is True else "smtpd_tls_ciphers"
        versions = chosen.value
        level = self._level()
        configured = tls.has_certificate(reader, "smtpd")
        own = self._certificates()
        return {
            "tls_level": Fact(level, evidence),
            "offers_tls": self.offers_tls,
            "requires_tls": Fact(required, evidence),
            "is_wrappermode": reader.fact(self._wrapper(), "smtpd_tls_wrappermode"),
            "has_certificate": reader.fact(configured, "smtpd_tls_chain_files", "smtpd_tls_cert_file"),
            "has_usable_certificate": reader.fact(
                both(configured, _usable(own)), "smtpd_tls_chain_files", "smtpd_tls_cert_file", "smtpd_tls_key_file"
            ),
            "certificates": own,
            "tls_versions": chosen,
            "mandatory_tls_versions": mandatory,
            "opportunistic_tls_versions": opportunistic,
            "allows_tls_below_1_2": tls.allows_old(chosen),
            "allows_ssl": Fact(
                versions if isinstance(versions, Unknown) else not {"SSLv2", "SSLv3"}.isdisjoint(versions),
                chosen.because,
            ),
            "lacks_newest_tls": Fact(
                versions if isinstance(versions, Unknown) else "TLSv1.3" not in versions, chosen.because
            ),
            "tls_protocols_problem": tls.problem(reader, in_force, release),
            "tls_cipher_grade": Fact(reader.text(grade), reader.because(grade)),
        }

    def _certificates(self) -> tuple[Certificate, ...] | Unknown:
        known = self.instance.certificates
        if isinstance(known, Unknown):
            return known
        paths = [path for path, _, _ in tls.certificate_files(self.scope, "smtpd")]
        return tuple(c for c in known if c.path in paths and c.role == "server")

    # --- AUTH ---

    def auth(self) -> dict[str, Any]:
        """Whether and how passwords are taken."""
        reader = self.reader
        enabled, discarded = reader.flag("smtpd_sasl_auth_enable"), reader.has("smtpd_discard_ehlo_keywords", "auth")
        offers = both(enabled, negate(discarded))
        only_tls = either(reader.flag("smtpd_tls_auth_only"), self._requires_tls())
        in_clear = both(offers, negate(only_tls))
        plain = negate(reader.has("smtpd_sasl_security_options", "noplaintext"))
        evidence = ("smtpd_sasl_auth_enable", "smtpd_tls_auth_only", "smtpd_tls_security_level")
        anonymous = either(
            both(in_clear, negate(reader.has("smtpd_sasl_security_options", "noanonymous"))),
            negate(reader.has("smtpd_sasl_tls_security_options", "noanonymous")),
        )
        return {
            "offers_auth": reader.fact(offers, "smtpd_sasl_auth_enable"),
            "offers_auth_without_tls": reader.fact(in_clear, *evidence),
            "accepts_passwords_in_clear": reader.fact(both(in_clear, plain), *evidence, "smtpd_sasl_security_options"),
            "allows_anonymous_auth": reader.fact(
                both(offers, anonymous), "smtpd_sasl_security_options", "smtpd_sasl_tls_security_options"
            ),
            "permits_authenticated": Fact(self._permits_authenticated(), reader.because(*RELAY_STAGE)),
            "lets_logins_relay_by_table": Fact(
                self._some(RELAY_STAGE, lambda r: r.name == "check_sasl_access"), reader.because(*RELAY_STAGE)
            ),
            **self._binding(offers),
            **self._backend(),
        }

    def _permits_authenticated(self) -> Truth:
        answers: list[Truth] = []
        for name in RELAY_STAGE:
            listed = self.lists.of(name)
            if isinstance(listed, Unknown):
                answers.append(listed)
            elif any(_is_gate(r) for r in listed):
                answers.append(any(r.name == "permit_sasl_authenticated" and r.is_before_relay_check for r in listed))
        return both(*answers) if answers else False

    def _binding(self, offers: Truth) -> dict[str, Any]:
        reader = self.reader
        evidence = tuple(n for n in _STAGES if _names_binding(self.scope.lookup(n).text)) or (
            "smtpd_sender_restrictions",
        )
        bound, bypassed = self._bound()
        maps = reader.is_filled("smtpd_sender_login_maps")
        strict = self._some(
            _STAGES,
            lambda r: (
                r.name in {"reject_sender_login_mismatch", "reject_authenticated_sender_login_mismatch"}
                and not r.is_only_a_warning
            ),
        )
        return {
            "binds_senders_to_logins": reader.fact(bound, *evidence),
            "sender_binding_is_bypassed": reader.fact(bypassed, *evidence, "smtpd_delay_reject"),
            "sender_binding_rejects_everybody": reader.fact(
                both(offers, strict, negate(maps)), *evidence, "smtpd_sender_login_maps"
            ),
            "has_sender_login_maps": reader.fact(maps, "smtpd_sender_login_maps"),
        }

    def _bound(self) -> tuple[Truth, Truth]:
        """Whether a binding for authenticated clients is there, and whether a permit in front of each defeats it."""
        delayed = self.reader.flag("smtpd_delay_reject")
        effective: list[Truth] = []
        for name in _STAGES:
            listed = self.lists.of(name)
            if isinstance(listed, Unknown):
                return listed, listed
            for at, restriction in enumerate(listed):
                if (
                    restriction.name not in BINDINGS
                    or restriction.name == "reject_unauthenticated_sender_login_mismatch"
                ):
                    continue
                early = name in {"smtpd_client_restrictions", "smtpd_helo_restrictions"}
                permits = any(r.name in {"permit_sasl_authenticated", "permit"} for r in listed[:at])
                effective.append(both(not permits, not restriction.is_only_a_warning, delayed if early else True))
        return bool(effective), both(bool(effective), negate(either(*effective)))

    def _backend(self) -> dict[str, Any]:
        kind, path = self.reader.text("smtpd_sasl_type"), self.reader.text("smtpd_sasl_path")
        names = ("smtpd_sasl_type", "smtpd_sasl_path")
        if isinstance(kind, Unknown) or isinstance(path, Unknown):
            doubt = kind if isinstance(kind, Unknown) else path
            truth: Truth = doubt if isinstance(doubt, Unknown) else False
            return {
                "sasl_backend_is_remote": self.reader.fact(truth, *names),
                "sasl_backend_is_missing": self.reader.fact(truth, *names),
            }
        remote: Truth = False
        missing: Truth = False
        if kind == "dovecot" and path.startswith("inet:"):
            remote = not services.is_loopback(path[5:].rpartition(":")[0])
        elif kind == "dovecot":
            missing = negate(self.instance.states.exists(self._socket(path)))
        return {
            "sasl_backend_is_remote": self.reader.fact(remote, *names),
            "sasl_backend_is_missing": self.reader.fact(missing, *names),
        }

    def _socket(self, path: str) -> str:
        bare = path.removeprefix("unix:")
        return bare if bare.startswith("/") else f"{self.scope.lookup('queue_directory').text}/{bare}"

    # --- smuggling, leaks, limits ---

    def manners(self) -> dict[str, Any]:
        """Smuggling, information leaks, limits."""
        reader = self.reader
        newline = reader.text("smtpd_forbid_bare_newline")
        pipelining = self._some(("smtpd_data_restrictions",), lambda r: r.name == "reject_unauth_pipelining")
        rate = self.scope.lookup("smtpd_client_auth_rate_limit").value
        return {
            "forbids_bare_newline": reader.fact(
                newline if isinstance(newline, Unknown) else newline in {"yes", "normalize", "reject"},
                "smtpd_forbid_bare_newline",
            ),
            "forbids_unauthorized_pipelining": reader.fact(
                either(reader.flag("smtpd_forbid_unauth_pipelining"), pipelining),
                "smtpd_forbid_unauth_pipelining",
                "smtpd_data_restrictions",
            ),
            "bare_newline_exclusions": self._networks("smtpd_forbid_bare_newline_exclusions"),
            **self._banner(),
            "answers_vrfy": reader.fact(negate(reader.flag("disable_vrfy_command")), "disable_vrfy_command"),
            "answers_etrn": self._answers_etrn(),
            "has_helo_checks": reader.fact(self._has_helo_checks(), "smtpd_helo_restrictions"),
            "checks_users_as_servers": self._checks_users_as_servers(),
            "limits_auth_attempts": reader.fact(
                rate if isinstance(rate, Unknown) else isinstance(rate, int) and rate > 0,
                "smtpd_client_auth_rate_limit",
            ),
            "unlimited_clients": self._networks("smtpd_client_event_limit_exceptions"),
        }

    def _banner(self) -> Mapping[str, Fact[bool]]:
        setting = self.scope.lookup("smtpd_banner")
        because = (setting,)
        # A host name that only the machine knows stays in the text as `$myhostname`.
        text, hostname = setting.text, self.scope.lookup("myhostname").text or "$myhostname"
        if not text and isinstance(setting.value, Unknown):
            unread: Fact[bool] = Fact(setting.value, because)
            return dict.fromkeys(
                ("banner_reveals_product", "banner_reveals_version", "banner_starts_with_hostname"), unread
            )
        rest = text.removeprefix(hostname)
        product, version = self.scope.lookup("mail_name").text, self.scope.lookup("mail_version").text
        reveals = "postfix" in rest.lower() or (bool(product) and product.lower() in rest.lower())
        return {
            "banner_reveals_product": Fact(reveals, because),
            "banner_reveals_version": Fact((bool(version) and version in rest) or bool(_SYSTEMS.search(rest)), because),
            "banner_starts_with_hostname": Fact(rest != text, because),
        }

    def _answers_etrn(self) -> Fact[bool]:
        names = ("smtpd_etrn_restrictions", "fast_flush_domains", "smtpd_discard_ehlo_keywords")
        listed = self.lists.of("smtpd_etrn_restrictions")
        open_to: Truth
        if isinstance(listed, Unknown):
            open_to = listed
        else:
            met = outcome(listed, self.stranger(True))
            open_to = met if isinstance(met, Unknown) else met == "accept"
        flushable = self.reader.is_filled("fast_flush_domains")
        discarded = self.reader.has("smtpd_discard_ehlo_keywords", "etrn")
        return self.reader.fact(both(open_to, flushable, negate(discarded)), *names)

    def _has_helo_checks(self) -> Truth:
        return either(self.reader.is_filled("smtpd_helo_restrictions"), self._some(_STAGES, lambda r: "helo" in r.name))

    def _checks_users_as_servers(self) -> Fact[bool]:
        delayed = self.reader.flag("smtpd_delay_reject")
        answers: dict[str, Truth] = {}
        for name in _STAGES:
            listed = self.lists.of(name)
            if isinstance(listed, Unknown):
                return self.reader.fact(listed, name)
            at = [r.position for r in listed if r.name in _CHECKS_OF_SERVERS and not r.is_only_a_warning]
            permits = [r.position for r in listed if r.name in {"permit_sasl_authenticated", "permit"}]
            if at:
                # Without the delay these two lists run before AUTH: the permit has nothing to act on.
                early = name in {"smtpd_client_restrictions", "smtpd_helo_restrictions"}
                first = not permits or min(at) < min(permits)
                answers[name] = either(first, both(early, negate(delayed)))
        return self.reader.fact(
            either(*answers.values()), *(answers or ("smtpd_helo_restrictions",)), "smtpd_delay_reject"
        )


def _is_gate(restriction: Restriction) -> bool:
    return restriction.name in GATES and not restriction.is_only_a_warning


def _names_binding(text: str) -> bool:
    return "_login_mismatch" in text.lower()


def _usable(certificates: tuple[Certificate, ...] | Unknown) -> Truth:
    if isinstance(certificates, Unknown):
        return certificates
    return both(bool(certificates), *(both(c.is_readable, c.fits_key) for c in certificates))


def build(smtpd: Smtpd) -> SmtpdService:
    """The service for the rules."""
    instance, place, entry = smtpd.instance, smtpd.place, smtpd.place.entry
    configuration = instance.configuration
    _, port = services.endpoint(entry)
    return SmtpdService(
        name=place.name,
        origin=services.origin(configuration, entry),
        type="pass" if entry.type == "pass" else "inet",
        port=port,
        is_public=services.is_public(place, instance.places, instance.sockets),
        is_mx=port == 25,
        is_submission=port in {465, 587},
        is_implicit_tls_port=port == 465,
        is_behind_postscreen=entry.type == "pass",
        is_special_port=port not in {25, 465, 587},
        is_verbose="-v" in entry.flags,
        stray_arguments=entry.arguments,
        overrides=services.overrides(configuration, place, services.references(configuration)),
        settings=SmtpdSettings(place.scope.lookup),
        **smtpd.starts(),
        **smtpd.relaying(),
        **smtpd.recipients(),
        **smtpd.tls(),
        **smtpd.auth(),
        **smtpd.manners(),
    )
