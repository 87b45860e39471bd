"""Effective settings: layers, origins, types, and the comparison with postconf."""

from collections.abc import Callable

import pytest

from auditor.model.host import Release
from auditor.model.origin import Origin, Setting, Unknown, Unsupported
from auditor.model.snapshot import Missing, Section, Snapshot
from auditor.platforms.postfix.model import Postfix, SmtpdService
from auditor.platforms.postfix.settings import Configuration, Scope

MASTER = """\
smtp inet n - y - - smtpd
submission inet n - y - - smtpd
  -o smtpd_tls_auth_only=YES
  -o mua=x
  -o smtpd_banner=$mua-$alpha
"""


def snapshot(**texts: str | Missing) -> Snapshot:
    sections = {
        name: Section(
            name=f"/etc/postfix/{name}" if name.endswith("cf") else name,
            content=text if isinstance(text, Missing) else text.encode(),
        )
        for name, text in texts.items()
    }
    return Snapshot(host="mx1", platform="postfix", sections=sections)


def setting(name: str, **texts: str | Missing) -> Setting:
    texts.setdefault("release", "3.7.11")
    texts.setdefault("master.cf", "smtp inet n - y - - smtpd\n")
    return Configuration(snapshot(**texts)).top.lookup(name)


def test_main_cf_beats_the_default_and_says_where() -> None:
    found = setting("disable_vrfy_command", **{"main.cf": "# x\ndisable_vrfy_command = YES\n"})
    assert (True, "YES", Origin(file="/etc/postfix/main.cf", line=2)) == (found.value, found.text, found.origin)


def test_the_default_is_that_of_the_release() -> None:
    found = setting("smtpd_tls_protocols", **{"main.cf": ""})
    assert ((">=tlsv1",), Origin(file="Postfix 3.7.11 default", layer="default")) == (found.value, found.origin)


def test_the_last_of_two_assignments_wins() -> None:
    assert "b" == setting("myorigin", **{"main.cf": "myorigin = a\nmyorigin = b\n"}).value


def test_a_service_override_beats_main_cf() -> None:
    configuration = Configuration(
        snapshot(**{"main.cf": "smtpd_tls_auth_only = no\n", "master.cf": MASTER, "release": "3.7.11"})
    )
    found = Scope(configuration, configuration.master.entries[1]).lookup("smtpd_tls_auth_only")
    assert (True, Origin(file="/etc/postfix/master.cf", line=3, layer="service")) == (found.value, found.origin)


def test_a_name_is_expanded_with_the_overrides_of_the_service() -> None:
    configuration = Configuration(
        snapshot(**{"main.cf": "alpha = $mua!\nmua = y\n", "master.cf": MASTER, "release": "3.7.11"})
    )
    assert "x-x!" == Scope(configuration, configuration.master.entries[1]).lookup("smtpd_banner").text
    assert "y!" == configuration.top.lookup("alpha").text


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("smtpd_sasl_auth_enable", "yEs", True),
        ("message_size_limit", "0", 0),
        ("smtpd_timeout", "5min", 300),
        ("smtpd_timeout", "10", 10),
        ("maximal_queue_lifetime", "5", 5 * 86400),
        ("smtpd_tls_security_level", "MAY", "may"),
        ("smtpd_forbid_bare_newline", "Yes", "yes"),
        ("smtpd_sasl_security_options", "NOANONYMOUS, noplaintext", ("noanonymous", "noplaintext")),
        ("mydestination", "a.example, b.example", ("a.example", "b.example")),
        (
            "smtpd_recipient_restrictions",
            "check_client_access inline:{{a=b}, c=d}",
            ("check_client_access", "inline:{{a=b}, c=d}"),
        ),
        ("smtpd_reject_footer", r"\c. $client_name", r"\c. $client_name"),
    ],
)
def test_a_value_has_the_type_of_the_catalogue(name: str, text: str, value: object) -> None:
    assert value == setting(name, **{"main.cf": f"{name} = {text}\n"}).value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("smtpd_tls_auth_only", "true"),
        ("smtpd_tls_auth_only", ""),
        ("message_size_limit", "10k"),
        ("smtpd_timeout", "soon"),
    ],
)
def test_a_value_that_the_daemon_dies_of_is_unknown(name: str, text: str) -> None:
    value = setting(name, **{"main.cf": f"{name} = {text}\n"}).value
    assert isinstance(value, Unknown)
    assert value.reason.endswith("the daemon that reads it dies")


def test_a_parameter_that_the_release_lacks_is_unsupported_even_when_set() -> None:
    texts = {"main.cf": "smtpd_forbid_bare_newline = yes\n", "release": "3.7.8"}
    assert Unsupported("3.7.8") == setting("smtpd_forbid_bare_newline", **texts).value


def test_the_servers_own_defaults_decide_what_it_supports() -> None:
    texts = {"main.cf": "", "postconf-d": "mail_version = 3.7.8\nsmtpd_forbid_bare_newline = no\n"}
    assert "no" == setting("smtpd_forbid_bare_newline", **texts).value
    assert Unsupported("3.7.8") == setting("disable_vrfy_command", **texts).value


def test_without_release_and_defaults_only_what_is_written_is_known() -> None:
    configuration = Configuration(snapshot(**{"main.cf": "biff = no\n", "master.cf": ""}))
    assert isinstance(configuration.release, Unknown)
    assert False is configuration.top.lookup("biff").value
    assert isinstance(configuration.top.lookup("disable_vrfy_command").value, Unknown)


def test_without_main_cf_every_setting_is_unknown_with_that_reason() -> None:
    assert Unknown("permission denied") == setting("biff", **{"main.cf": Missing("permission denied")}).value


def test_a_cycle_is_unknown() -> None:
    value = setting("myorigin", **{"main.cf": "myorigin = $mydomain2\nmydomain2 = $myorigin\n"}).value
    assert isinstance(value, Unknown)
    assert "cannot expand" in value.reason


def test_a_host_name_that_only_the_server_knows_stays_readable() -> None:
    found = setting("smtpd_banner", **{"main.cf": ""})
    assert "$myhostname ESMTP Postfix" == found.text
    assert isinstance(found.value, Unknown)


def test_the_domain_follows_from_a_host_name_that_is_set() -> None:
    assert "example.org" == setting("mydomain", **{"main.cf": "myhostname = mx.example.org\n"}).value


def test_where_postconf_disagrees_the_value_is_unknown_and_noted() -> None:
    configuration = Configuration(
        snapshot(**{"main.cf": "biff = no\n", "master.cf": "", "release": "3.7.11", "postconf-n": "biff = yes\n"})
    )
    assert Unknown("postconf says biff = yes") == configuration.top.lookup("biff").value
    assert ["biff: postconf says 'yes', this tool reads 'no'"] == list(configuration.problems)


def test_an_override_is_compared_with_postconf_too() -> None:
    texts = {
        "main.cf": "",
        "master.cf": MASTER,
        "release": "3.7.11",
        "postconf-P": "submission/inet/smtpd_tls_auth_only = no\n",
    }
    configuration = Configuration(snapshot(**texts))
    value = Scope(configuration, configuration.master.entries[1]).lookup("smtpd_tls_auth_only").value
    assert Unknown("postconf says smtpd_tls_auth_only = no") == value


def test_a_redacted_value_is_not_compared() -> None:
    texts = {
        "main.cf": "smtp_sasl_password_maps = static:[redacted]\n",
        "postconf-n": "smtp_sasl_password_maps = static:[redacted] x\n",
    }
    assert ("static:[redacted]",) == setting("smtp_sasl_password_maps", **texts).value


def test_a_parameter_per_transport_follows_its_default(build: Callable[..., Postfix]) -> None:
    postfix = build("default_destination_rate_delay = 3s\n", "slow unix - - n - - smtp\n")
    assert (3, Unsupported("3.7.11")) == (
        postfix.main.lookup("slow_destination_rate_delay").value,
        postfix.main.lookup("fast_destination_rate_delay").value,
    )


def test_a_password_in_a_setting_is_never_shown(smtpd: Callable[..., SmtpdService]) -> None:
    master = (
        "smtp inet n - y - - smtpd\n  -o smtp_sasl_password_maps=inline:{x=geheim4711}\n  -o my_password=geheim4711\n"
    )
    service = smtpd("smtp_sasl_password_maps = hash:/etc/postfix/sasl static:alice:geheim4711\n", master)
    told = [service.settings.lookup(name) for name in ("smtp_sasl_password_maps", "my_password")]
    assert "geheim4711" not in repr((told, service.overrides))


def test_the_release_is_read_from_the_package_when_nothing_else_tells() -> None:
    configuration = Configuration(snapshot(**{"main.cf": "", "package": "postfix 3.7.11-0+deb12u1\n"}))
    assert Release((3, 7, 11)) == configuration.release


def test_a_process_number_is_no_disagreement() -> None:
    texts = {
        "main.cf": "debugger_command = gdb $process_id\n",
        "postconf-d": "process_id = 225\nmail_version = 3.7.11\n",
    }
    configuration = Configuration(snapshot(**texts, **{"postconf-x": "debugger_command = gdb 316\n", "master.cf": ""}))
    assert "gdb $process_id" == configuration.top.lookup("debugger_command").text
    assert {} == configuration.problems
