"""What the settings of an smtpd service come to."""

from collections.abc import Callable
from typing import Any

import pytest

from auditor.model.network import Networks
from auditor.model.origin import Unknown
from auditor.platforms.postfix.model import Postfix, SmtpdService

First = Callable[..., SmtpdService]
NO_GATE = "no restriction that rejects relaying in smtpd_relay_restrictions or smtpd_recipient_restrictions"
SUBMISSION = "submission inet n - y - - smtpd\n"


def value(service: SmtpdService, name: str) -> Any:
    return getattr(service, name).value


@pytest.mark.parametrize(
    ("service", "port", "roles"),
    [
        ("smtp inet", 25, "is_mx"),
        ("submission inet", 587, "is_submission"),
        ("465 inet", 465, "is_submission is_implicit_tls_port"),
        ("127.0.0.1:10025 inet", 10025, "is_special_port"),
        ("smtpd pass", 25, "is_mx is_behind_postscreen"),
    ],
)
def test_the_port_says_what_a_service_is_for(smtpd: First, service: str, port: int, roles: str) -> None:
    found = smtpd("", f"{service} n - y - - smtpd\n")
    names = ("is_mx", "is_submission", "is_implicit_tls_port", "is_special_port", "is_behind_postscreen")
    assert (port, set(roles.split())) == (found.port, {name for name in names if getattr(found, name)})


@pytest.mark.parametrize(
    ("main", "service", "public"),
    [
        ("", "smtp inet", True),
        ("inet_interfaces = loopback-only\n", "smtp inet", False),
        ("inet_interfaces = localhost, 192.0.2.25\n", "smtp inet", True),
        ("inet_interfaces = $myhostname, localhost\n", "smtp inet", True),
        ("", "127.0.0.1:smtp inet", False),
        ("", "[::1]:10025 inet", False),
        ("", "192.0.2.25:smtp inet", True),
        ("", "smtpd pass", False),
        ("", "smtp inet n - y - 1 postscreen\nsmtpd pass", True),
    ],
)
def test_a_service_is_public_if_more_than_loopback_reaches_it(
    smtpd: First, main: str, service: str, public: bool
) -> None:
    assert public is value(smtpd(main, f"{service} n - y - - smtpd\n"), "is_public")


@pytest.mark.parametrize(
    ("main", "reason"),
    [
        (
            "smtpd_relay_restrictions =\n",
            NO_GATE,
        ),
        (
            "compatibility_level = 0\n",
            NO_GATE,
        ),
        (
            "smtpd_relay_restrictions = permit, reject\n",
            NO_GATE,
        ),
        ("smtpd_tls_auth_only = on\n", "smtpd_tls_auth_only = on: a value that it cannot read"),
        ("smtpd_tls_security_level = always\n", "smtpd_tls_security_level = always is no level"),
        (
            "smtpd_restriction_classes = gone\nsmtpd_client_restrictions = gone\n",
            "the restriction class gone is not defined, empty, or part of itself",
        ),
        ("weird name = x\n", "main.cf line 3: missing '=' after attribute name: every Postfix program stops"),
    ],
)
def test_a_service_that_does_not_start_says_why(smtpd: First, main: str, reason: str) -> None:
    service = smtpd(main)
    assert (False, reason) == (value(service, "starts"), value(service, "does_not_start_because"))


@pytest.mark.parametrize(
    "main",
    [
        "",
        "smtpd_relay_restrictions =\nsmtpd_recipient_restrictions = permit_sasl_authenticated, reject\n",
        "smtpd_restriction_classes = last\nlast = reject\nsmtpd_relay_restrictions = permit_mynetworks, last\n",
    ],
)
def test_a_gate_in_either_list_lets_smtpd_start(smtpd: First, main: str) -> None:
    assert True is value(smtpd(main), "starts")


@pytest.mark.parametrize(
    ("main", "relays"),
    [
        ("", False),
        ("mynetworks = 0.0.0.0/0\n", True),
        (
            "smtpd_relay_restrictions = permit, reject_unauth_destination\nsmtpd_recipient_restrictions = defer_if_permit\n",
            False,
        ),
        ("smtpd_relay_restrictions = check_sender_access static:OK, reject_unauth_destination\n", True),
        ("smtpd_relay_restrictions = check_sender_access inline:{a@b.example=OK}, reject\n", True),
        (
            "smtpd_relay_restrictions = reject_unauth_destination\nsmtpd_recipient_restrictions = check_sender_access static:OK\n",
            False,
        ),
        ("smtpd_relay_restrictions = warn_if_reject reject_unauth_destination, defer_if_permit\n", False),
        (
            (
                "smtpd_relay_restrictions = warn_if_reject reject_unauth_destination\n"
                "smtpd_recipient_restrictions = check_client_access static:OK, reject\n"
            ),
            True,
        ),
        (
            "smtpd_relay_restrictions = permit_sasl_authenticated, check_client_access inline:{192.0.2.7=OK}, reject\n",
            False,
        ),
    ],
)
def test_the_simple_cases_of_relaying_are_decided(smtpd: First, main: str, relays: bool) -> None:
    assert relays is value(smtpd(main), "relays_for_strangers")


@pytest.mark.parametrize(
    "restriction", ["check_policy_service inet:127.0.0.1:10023", "check_sender_access hash:/etc/postfix/senders"]
)
def test_what_another_program_or_file_decides_is_unknown(smtpd: First, restriction: str) -> None:
    main = f"smtpd_relay_restrictions = permit_mynetworks, {restriction}, reject_unauth_destination\n"
    assert isinstance(value(smtpd(main), "relays_for_strangers"), Unknown)


@pytest.mark.parametrize(
    ("main", "accepts"),
    [
        ("", True),
        ("smtpd_client_restrictions = permit_mynetworks, permit_sasl_authenticated, reject\n", False),
        ("smtpd_recipient_restrictions = reject_rbl_client zen.example.net, reject_unknown_sender_domain\n", True),
        ("smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject\n", False),
    ],
)
def test_a_service_accepts_strangers_if_no_list_refuses_all_of_them(smtpd: First, main: str, accepts: bool) -> None:
    assert accepts is value(smtpd(main), "accepts_unauthenticated")


@pytest.mark.parametrize(
    ("main", "level"),
    [
        ("", "none"),
        ("smtpd_tls_security_level = may\n", "may"),
        ("smtpd_tls_security_level = verify\n", "encrypt"),
        ("smtpd_use_tls = yes\n", "may"),
        ("smtpd_enforce_tls = yes\n", "encrypt"),
        ("smtpd_tls_security_level = none\nsmtpd_enforce_tls = yes\n", "none"),
        ("smtpd_tls_security_level = none\nsmtpd_tls_wrappermode = yes\n", "encrypt"),
    ],
)
def test_the_tls_level_follows_from_new_and_old_parameters(smtpd: First, main: str, level: str) -> None:
    service = smtpd(main)
    assert (level, level != "none", level == "encrypt") == tuple(
        value(service, n) for n in ("tls_level", "offers_tls", "requires_tls")
    )


@pytest.mark.parametrize(
    ("main", "in_clear"),
    [
        ("", False),
        ("smtpd_sasl_auth_enable = yes\n", True),
        ("smtpd_sasl_auth_enable = yes\nsmtpd_tls_auth_only = yes\n", False),
        ("smtpd_sasl_auth_enable = yes\nsmtpd_tls_security_level = encrypt\n", False),
        ("smtpd_sasl_auth_enable = yes\nsmtpd_sasl_security_options = noanonymous, noplaintext\n", False),
        ("smtpd_sasl_auth_enable = yes\nsmtpd_discard_ehlo_keywords = AUTH\n", False),
    ],
)
def test_passwords_are_taken_in_clear_only_where_nothing_forbids_it(smtpd: First, main: str, in_clear: bool) -> None:
    assert in_clear is value(smtpd(main), "accepts_passwords_in_clear")


BIND = "smtpd_sasl_auth_enable = yes\nsmtpd_sender_login_maps = hash:/etc/postfix/logins\n"


@pytest.mark.parametrize(
    ("main", "bound", "bypassed"),
    [
        ("", False, False),
        ("smtpd_sender_restrictions = reject_sender_login_mismatch, permit_sasl_authenticated\n", True, False),
        ("smtpd_sender_restrictions = permit_sasl_authenticated, reject_sender_login_mismatch\n", True, True),
        ("smtpd_client_restrictions = reject_sender_login_mismatch\nsmtpd_delay_reject = no\n", True, True),
        ("smtpd_sender_restrictions = reject_unauthenticated_sender_login_mismatch\n", False, False),
        (
            (
                "smtpd_relay_restrictions = permit_sasl_authenticated, reject\n"
                "smtpd_sender_restrictions = reject_known_sender_login_mismatch\n"
            ),
            True,
            False,
        ),
    ],
)
def test_a_sender_binding_counts_where_no_permit_precedes_it(
    smtpd: First, main: str, bound: bool, bypassed: bool
) -> None:
    service = smtpd(BIND + main)
    assert (bound, bypassed) == (
        value(service, "binds_senders_to_logins"),
        value(service, "sender_binding_is_bypassed"),
    )


def test_a_strict_binding_without_maps_rejects_everybody(smtpd: First) -> None:
    main = "smtpd_sasl_auth_enable = yes\nsmtpd_sender_restrictions = reject_sender_login_mismatch\n"
    assert True is value(smtpd(main), "sender_binding_rejects_everybody")
    assert False is value(
        smtpd(main + "smtpd_sender_login_maps = hash:/etc/postfix/l\n"), "sender_binding_rejects_everybody"
    )


@pytest.mark.parametrize(
    ("release", "text", "forbids"),
    [
        ("3.8.4", "", False),
        ("3.8.3", "yes", False),
        ("3.9.1", "", True),
        ("3.7.11", "Normalize", True),
        ("3.10.0", "no", False),
    ],
)
def test_bare_newlines_are_judged_by_release_and_value(smtpd: First, release: str, text: str, forbids: bool) -> None:
    main = f"smtpd_forbid_bare_newline = {text}\n" if text else ""
    assert forbids is value(smtpd(main, release=release), "forbids_bare_newline")


@pytest.mark.parametrize(
    ("banner", "facts"),
    [
        ("$myhostname ESMTP", (False, False, True)),
        ("$myhostname ESMTP $mail_name (Debian/GNU)", (True, True, True)),
        ("ESMTP ready", (False, False, False)),
        ("$myhostname ESMTP $mail_version", (False, True, True)),
    ],
)
def test_the_banner_tells_what_it_tells(smtpd: First, banner: str, facts: tuple[bool, ...]) -> None:
    service = smtpd(f"smtpd_banner = {banner}\n")
    names = ("banner_reveals_product", "banner_reveals_version", "banner_starts_with_hostname")
    assert facts == tuple(value(service, name) for name in names)


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        ("10.0.0.0/8, !10.1.0.0/16", Networks.of("10.0.0.0/8")),
        ("!10.0.0.0/9, 10.0.0.0/8", Networks.of("10.128.0.0/9")),
        ("[2001:db8::]/32 192.0.2.7", Networks.of("192.0.2.7", "2001:db8::/32")),
    ],
)
def test_the_first_match_decides_in_a_list_of_networks(smtpd: First, text: str, networks: Networks) -> None:
    assert networks == value(smtpd(f"mynetworks = {text}\n"), "trusted_networks")


def test_a_dovecot_socket_that_is_not_there_is_missing(smtpd: First) -> None:
    from auditor.interfaces import STATED

    main = "smtpd_sasl_type = dovecot\nsmtpd_sasl_path = private/auth\n"
    files = {STATED + "files": '{"/var/spool/postfix/private/auth": null}'}
    assert True is value(smtpd(main, **files), "sasl_backend_is_missing")
    assert isinstance(value(smtpd(main), "sasl_backend_is_missing"), Unknown)


@pytest.mark.parametrize(
    ("path", "remote"),
    [("inet:127.0.0.1:12345", False), ("inet:auth.example.org:12345", True), ("private/auth", False)],
)
def test_dovecot_on_another_host_is_remote(smtpd: First, path: str, remote: bool) -> None:
    assert remote is value(smtpd(f"smtpd_sasl_type = dovecot\nsmtpd_sasl_path = {path}\n"), "sasl_backend_is_remote")


def test_two_services_of_one_name_are_told_apart(build: Callable[..., Postfix]) -> None:
    postfix = build("", "smtp inet n - y - - smtpd\nsmtp pass - - y - - smtpd\nsmtp unix - - y - - smtp\n")
    assert isinstance(postfix.smtpd_services, tuple)
    assert isinstance(postfix.smtp_clients, tuple)
    assert ["smtp/inet", "smtp/pass"] == [s.name for s in postfix.smtpd_services]
    assert ["smtp"] == [c.name for c in postfix.smtp_clients]


def test_of_one_port_twice_the_last_entry_is_in_force(build: Callable[..., Postfix]) -> None:
    postfix = build("", "smtp inet n - y - - smtpd\n25 inet n - y - - smtpd\n  -o mynetworks=10.0.0.0/8\n")
    assert isinstance(postfix.smtpd_services, tuple)
    assert ["25"] == [s.name for s in postfix.smtpd_services]


def test_a_disabled_service_is_not_there(build: Callable[..., Postfix]) -> None:
    postfix = build("master_service_disable = inet\n", SUBMISSION)
    assert () == postfix.smtpd_services
