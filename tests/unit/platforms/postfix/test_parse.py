"""A snapshot becomes a model: clients, certificates, files, warnings, what is missing."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from auditor.interfaces import STATED
from auditor.model.host import Release
from auditor.model.origin import Unknown
from auditor.model.snapshot import Missing, Section, Snapshot
from auditor.platforms.postfix import POSTFIX, catalogue
from auditor.platforms.postfix.model import Postfix

Build = Callable[..., Postfix]


def warnings(postfix: Postfix) -> list[tuple[str, str, int | None]]:
    assert isinstance(postfix.warnings, tuple)
    return [(w.kind, w.parameter, w.origin.line) for w in postfix.warnings]


def test_a_misspelt_parameter_is_unused_and_the_right_one_is_suggested(build: Build) -> None:
    postfix = build("smtpd_tls_auth_onyl = yes\n")
    assert isinstance(postfix.warnings, tuple)
    (warning,) = postfix.warnings
    assert ("unused parameter", "smtpd_tls_auth_onyl", "smtpd_tls_auth_only") == (
        warning.kind,
        warning.parameter,
        warning.suggestion,
    )


@pytest.mark.parametrize(
    ("main", "expected"),
    [
        ("biff = no\nbiff = yes\n", [("overridden earlier", "biff", 3)]),
        ("smtpd_banner = $nosuch\n", [("undefined parameter", "nosuch", 3)]),
        ("mua = x\nsmtpd_banner = $mua\n", []),
        ("biff = 2\n", [("bad value", "biff", 3)]),
        ("a b = c\n", [("malformed line", "", 3)]),
        ("virtual_alias_maps = ldap:users\nusers_server_host = ldap.example.org\n", []),
    ],
)
def test_main_cf_is_checked_as_postconf_checks_it(
    build: Build, main: str, expected: list[tuple[str, str, int]]
) -> None:
    assert expected == warnings(build(main))


def test_what_postconf_said_is_taken_where_it_was_asked() -> None:
    said = b"postconf: warning: /etc/postfix/main.cf: unused parameter: biffx=no\n"
    snapshot = Snapshot(
        host="mx1",
        platform="postfix",
        sections={
            "main.cf": Section(name="/etc/postfix/main.cf", content=b"biff = no\nbiffx = no\n"),
            "master.cf": Section(name="/etc/postfix/master.cf", content=b"smtp inet n - y - - smtpd\n"),
            "postconf-n": Section(name="postconf-n", content=b"biff = no\n", errors=said),
            "release": Section(name="release", content=b"3.7.11"),
        },
    )
    assert [("unused parameter", "biffx", 2)] == warnings(POSTFIX.parse(snapshot))


@pytest.mark.parametrize(
    ("main", "in_clear"),
    [
        ("", False),
        (
            "smtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/etc/postfix/p\nsmtp_sasl_security_options =\n",
            True,
        ),
        ("smtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/etc/postfix/p\n", False),
        (
            (
                "smtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/etc/postfix/p\n"
                "smtp_sasl_security_options =\nsmtp_tls_security_level = encrypt\n"
            ),
            False,
        ),
    ],
)
def test_a_client_sends_passwords_in_clear_only_where_nothing_forbids_it(
    build: Build, main: str, in_clear: bool
) -> None:
    postfix = build(main)
    assert isinstance(postfix.smtp_clients, tuple)
    assert {in_clear} == {
        client.sends_passwords_in_clear.value for client in postfix.smtp_clients if client.protocol == "smtp"
    }


def test_a_password_in_a_map_is_known_and_not_shown(build: Build) -> None:
    postfix = build("smtp_sasl_password_maps = static:alice:geheim4711\n")
    assert isinstance(postfix.smtp_clients, tuple)
    client = postfix.smtp_clients[0]
    assert (True, ("static:…",)) == (client.has_password_in_configuration.value, client.password_maps)


TLS = """\
myhostname = mx.example.org
smtpd_tls_security_level = may
smtpd_tls_cert_file = /etc/ssl/mx.pem
smtpd_tls_key_file = /etc/ssl/mx.key
"""


@pytest.mark.parametrize(
    ("facts", "usable", "days", "matches"),
    [
        ('{"names": ["*.example.org"], "days_left": 3, "key": "/etc/ssl/mx.key"}', True, 3, True),
        (
            '{"names": ["other.example"], "days_left": -3, "key": "/etc/ssl/mx.key", "fits_key": false}',
            False,
            -3,
            False,
        ),
    ],
)
def test_a_certificate_is_read_with_its_key(build: Build, facts: str, usable: bool, days: int, matches: bool) -> None:
    postfix = build(TLS, **{STATED + "certificates": f'{{"/etc/ssl/mx.pem": {facts}}}'})
    assert isinstance(postfix.certificates, tuple)
    assert isinstance(postfix.smtpd_services, tuple)
    (certificate,) = postfix.certificates
    assert (days, matches, 2048, "rsa") == (
        certificate.days_left,
        certificate.matches_hostname,
        certificate.key_bits,
        certificate.key_type,
    )
    assert usable is postfix.smtpd_services[0].has_usable_certificate.value


def test_a_certificate_that_is_not_there_is_not_usable(build: Build) -> None:
    postfix = build(TLS, **{STATED + "certificates": '{"/etc/ssl/mx.pem": null}'})
    assert isinstance(postfix.smtpd_services, tuple)
    assert False is postfix.smtpd_services[0].has_usable_certificate.value


def test_files_are_known_by_what_they_are_for(build: Build) -> None:
    main = "smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\n" + TLS
    states = {"/etc/postfix/sasl_passwd.db": "0644", "/etc/ssl/mx.key": "0600", "/etc/postfix/main.cf": "0666"}
    stated = json.dumps({path: {"mode": mode} for path, mode in states.items()})
    postfix = build(main, **{STATED + "files": stated})
    assert isinstance(postfix.files, tuple)
    assert [
        ("/etc/postfix/sasl_passwd.db", "password map", "0644", True, False),
        ("/etc/ssl/mx.key", "private key", "0600", False, False),
        ("/etc/postfix/main.cf", "configuration", "0666", True, True),
    ] == [(f.path, f.purpose, f.mode, f.is_readable_by_others, f.is_writable_by_others) for f in postfix.files]


def test_an_index_older_than_its_source_is_stale(build: Build) -> None:
    main = "smtpd_client_restrictions = check_client_access hash:/etc/postfix/access\n"
    stated = '{"/etc/postfix/access": {"age": 10}, "/etc/postfix/access.db": {"age": 60}}'
    postfix = build(main, **{STATED + "files": stated})
    assert isinstance(postfix.tables, tuple)
    (table,) = postfix.tables
    assert ("hash:/etc/postfix/access", True, False) == (table.name, table.is_stale, table.is_missing)


@pytest.mark.parametrize("name", ["main.cf", "master.cf"])
def test_a_file_that_could_not_be_read_makes_what_it_says_unknown(name: str) -> None:
    sections = dict(
        POSTFIX.from_files(
            {"main.cf": b"compatibility_level = 2\n", "master.cf": b"smtp inet n - y - - smtpd\n"}, None
        ).sections
    )
    sections[name] = Section(name=name, content=Missing("permission denied"))
    postfix = POSTFIX.parse(Snapshot(host="x", platform="postfix", sections=sections))
    doubtful = postfix.smtpd_services if name == "master.cf" else postfix.warnings
    assert Unknown(f"{name}: permission denied") == doubtful


def test_the_time_of_the_snapshot_counts_not_that_of_the_report(build: Build) -> None:
    postfix = build(TLS, **{STATED + "certificates": '{"/etc/ssl/mx.pem": {"names": [], "days_left": 10}}'})
    assert isinstance(postfix.certificates, tuple)
    assert datetime(2026, 1, 11, 0, 1, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ") == postfix.certificates[0].not_after


def test_the_compatibility_level_defaults_to_the_oldest(build: Build) -> None:
    assert Release((0, 0, 0)) == POSTFIX.parse(POSTFIX.from_files({"main.cf": b""}, None)).compatibility_level.value
    assert Release((3, 6, 0)) == build("").compatibility_level.value


@pytest.mark.parametrize(
    ("release", "name", "expected"),
    [
        ("3.8.3", "smtpd_forbid_bare_newline", None),
        ("3.8.4", "smtpd_forbid_bare_newline", "no"),
        ("3.9.0", "smtpd_forbid_bare_newline", "normalize"),
        ("3.11.0", "smtpd_forbid_bare_newline", "normalize"),
        ("3.7.5", "smtpd_forbid_unauth_pipelining", None),
        ("3.7.6", "smtpd_forbid_unauth_pipelining", "no"),
        ("2.9.6", "smtpd_relay_restrictions", None),
        ("3.5.25", "smtpd_relay_before_recipient_restrictions", None),
        ("3.10", "milter_default_action", "shutdown"),
        ("3.10.1", "milter_default_action", "tempfail"),
    ],
)
def test_the_catalogue_knows_defaults_between_the_releases_it_was_made_from(
    release: str, name: str, expected: str | None
) -> None:
    assert expected == catalogue.defaults(Release.parse(release)).get(name)


def test_every_type_of_the_catalogue_has_a_hint() -> None:
    assert set(catalogue.HINTS) == {parameter.kind for parameter in catalogue.parameters().values()}


def test_what_services_read_is_only_reachable_per_service() -> None:
    main, smtpd = catalogue.Names(per_service=False).names(), catalogue.Names(per_service=True).names()
    assert {"smtpd_banner", "mynetworks", "smtp_tls_security_level", "disable_vrfy_command"} <= set(smtpd) - set(main)
    assert {"relay_domains", "message_size_limit", "default_privs", "compatibility_level"} <= set(main)
