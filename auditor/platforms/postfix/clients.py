"""What the settings of an smtp or lmtp client service come to."""

from __future__ import annotations

from typing import Literal

from auditor.model.origin import Fact, Unknown
from auditor.platforms.postfix import services, tls
from auditor.platforms.postfix.document import words
from auditor.platforms.postfix.logic import Reader, Truth, both, either, negate
from auditor.platforms.postfix.model import ClientService, ClientSettings
from auditor.platforms.postfix.services import Place
from auditor.platforms.postfix.settings import Configuration

_LEVELS = frozenset({"none", "may", "encrypt", "dane", "dane-only", "fingerprint", "verify", "secure"})
_REQUIRED = _LEVELS - {"none", "may", "dane"}
_VERIFIED = frozenset({"dane-only", "fingerprint", "verify", "secure"})


def build(configuration: Configuration, place: Place) -> ClientService:
    """The service for the rules."""
    entry, scope, reader = place.entry, place.scope, Reader(place.scope)
    protocol: Literal["smtp", "lmtp"] = "lmtp" if entry.command == "lmtp" else "smtp"
    release = configuration.release
    level = tls.level(reader, protocol, _LEVELS)
    because = reader.because(*_level_names(reader, protocol))
    required: Truth = level if isinstance(level, Unknown) else level in _REQUIRED
    mandatory = f"{protocol}_tls_mandatory_protocols" if required is True else f"{protocol}_tls_protocols"
    versions: Fact[tuple[str, ...]] = tls.versions(reader, mandatory, release)
    if isinstance(required, Unknown):
        versions = Fact(required, because)
    sends = both(reader.flag(f"{protocol}_sasl_auth_enable"), reader.is_filled(f"{protocol}_sasl_password_maps"))
    options = f"{protocol}_sasl_security_options"
    sasl = (f"{protocol}_sasl_auth_enable", f"{protocol}_sasl_password_maps")
    return ClientService(
        name=place.name,
        protocol=protocol,
        origin=services.origin(configuration, entry),
        overrides=services.overrides(configuration, place, services.references(configuration)),
        settings=ClientSettings(scope.lookup),
        is_default=_is_default(configuration, entry.service),
        has_fixed_next_hop=reader.fact(reader.is_filled("relayhost"), "relayhost"),
        tls_level=Fact(level, because),
        offers_tls=Fact(level if isinstance(level, Unknown) else level != "none", because),
        requires_tls=Fact(required, because),
        verifies_certificate=Fact(level if isinstance(level, Unknown) else level in _VERIFIED, because),
        has_policy_per_destination=reader.fact(
            reader.is_filled(f"{protocol}_tls_policy_maps"), f"{protocol}_tls_policy_maps"
        ),
        sends_passwords=reader.fact(sends, *sasl),
        sends_passwords_in_clear=Fact(
            both(sends, negate(required), negate(reader.has(options, "noplaintext"))),
            (*reader.because(*sasl, options), *because),
        ),
        password_maps=_password_maps(reader, protocol),
        has_password_in_configuration=reader.fact(_has_password(reader, protocol), f"{protocol}_sasl_password_maps"),
        tls_versions=versions,
        allows_tls_below_1_2=tls.allows_old(versions),
        tls_protocols_problem=tls.problem(reader, mandatory, release),
        has_trust_anchors=reader.fact(
            either(
                reader.is_filled(f"{protocol}_tls_CAfile"),
                reader.is_filled(f"{protocol}_tls_CApath"),
                reader.flag("tls_append_default_CA"),
            ),
            f"{protocol}_tls_CAfile",
            f"{protocol}_tls_CApath",
            "tls_append_default_CA",
        ),
    )


def _level_names(reader: Reader, protocol: str) -> list[str]:
    names = [f"{protocol}_tls_security_level"]
    if not reader.scope.lookup(names[0]).text:
        names += [n for n in (f"{protocol}_enforce_tls", f"{protocol}_use_tls") if n in reader.scope]
    return names


def _is_default(configuration: Configuration, service: str) -> Truth:
    """Whether default_transport or relay_transport names the service."""
    settings = [configuration.top.lookup(name) for name in ("default_transport", "relay_transport")]
    named: list[Truth] = [
        s.value if isinstance(s.value, Unknown) else s.text.partition(":")[0] == service for s in settings
    ]
    return either(*named)


def _password_maps(reader: Reader, protocol: str) -> tuple[str, ...] | Unknown:
    setting = reader.scope.lookup(f"{protocol}_sasl_password_maps")
    if isinstance(setting.value, Unknown):
        return setting.value
    return tuple(_without_password(word) for word in words(setting.text))


def _without_password(word: str) -> str:
    kind, colon, _ = word.partition(":")
    return f"{kind}:…" if colon and kind in {"static", "inline"} else word


def _has_password(reader: Reader, protocol: str) -> Truth:
    setting = reader.scope.lookup(f"{protocol}_sasl_password_maps")
    if isinstance(setting.value, Unknown):
        return setting.value
    return any(word.startswith(("static:", "inline:")) for word in words(setting.text))
