"""The lines of access tables in the lists that use them."""

from collections.abc import Callable

import pytest

from auditor.model.network import Networks
from auditor.model.origin import Origin, Unknown
from auditor.platforms.postfix.model import AccessEntry, Postfix

Build = Callable[..., Postfix]
ACCESS = "/etc/postfix/access"


def entries(postfix: Postfix) -> tuple[AccessEntry, ...]:
    assert isinstance(postfix.access_entries, tuple)
    return postfix.access_entries


def test_an_entry_says_where_it_stands_and_what_it_covers(build: Build) -> None:
    main = f"smtpd_relay_restrictions = check_client_access hash:{ACCESS}, reject_unauth_destination\n"
    (entry,) = entries(build(main, **{ACCESS: "# trusted\n192.0.2 OK\n"}))
    assert (f"{ACCESS}:2 192.0.2", "192.0.2", "OK", "ok", "client", Networks.of("192.0.2.0/24"), True, True, ("smtp",)) == (
        entry.name, entry.key, entry.action, entry.verdict, entry.keyed_by, entry.clients, entry.is_before_relay_check,
        entry.opens_relay, entry.services,
    )  # fmt: skip
    assert Origin(file=ACCESS, line=2, layer="table") == entry.origin


@pytest.mark.parametrize(
    ("main", "opens"),
    [
        ("smtpd_relay_restrictions = check_sender_access {t}, reject_unauth_destination\n", True),
        ("smtpd_relay_restrictions = reject_unauth_destination, check_sender_access {t}\n", False),
        ("smtpd_recipient_restrictions = check_sender_access {t}\n", False),
        ("smtpd_sender_restrictions = check_sender_access {t}\n", False),
        ("smtpd_relay_restrictions = reject_unauth_destination\nsmtpd_recipient_restrictions = {t}, reject\n", False),
        ("smtpd_relay_restrictions =\nsmtpd_recipient_restrictions = {t}, reject\n", True),
    ],
)
def test_an_ok_opens_the_relay_only_before_the_gate_of_a_list_that_decides(
    build: Build, main: str, opens: bool
) -> None:
    (entry,) = entries(build(main.format(t="inline:{a@b.example=OK}")))
    assert opens is entry.opens_relay


def test_services_that_use_a_table_alike_share_its_entries(build: Build) -> None:
    master = "smtp inet n - y - - smtpd\nsubmission inet n - y - - smtpd\n"
    (entry,) = entries(build("smtpd_client_restrictions = check_client_access inline:{192.0.2.7=REJECT}\n", master))
    assert ("smtp", "submission") == entry.services


def test_a_table_used_twice_has_entries_with_names_of_their_own(build: Build) -> None:
    main = "smtpd_client_restrictions = inline:{a=REJECT}\nsmtpd_helo_restrictions = inline:{a=REJECT}\n"
    names = [entry.name for entry in entries(build(main))]
    assert 2 == len(set(names))


def test_a_table_that_nobody_could_read_is_one_unknown_entry(build: Build) -> None:
    postfix = build(
        "smtpd_relay_restrictions = check_sender_access mysql:/etc/postfix/s.cf, reject_unauth_destination\n"
    )
    (entry,) = entries(postfix)
    assert isinstance(entry.opens_relay, Unknown)
    assert ("mysql:/etc/postfix/s.cf",) == postfix.unreadable_access_tables


@pytest.mark.parametrize(
    ("table", "key", "nothing"),
    [
        ("hash", "10.0.0.0/8", True),
        ("cidr", "10.0.0.0/8", False),
        ("hash", ".example.org", True),
        ("hash", "example.org", False),
        ("hash", "*.example.org", True),
    ],
)
def test_keys_whose_form_is_never_asked_for_match_nothing(build: Build, table: str, key: str, nothing: bool) -> None:
    main = f"smtpd_client_restrictions = check_client_access {table}:{ACCESS}\n"
    (entry,) = entries(build(main, **{ACCESS: f"{key} OK\n"}))
    assert nothing is entry.matches_nothing


def test_an_action_of_unknown_words_is_an_error(build: Build) -> None:
    (entry,) = entries(build("smtpd_client_restrictions = inline:{{192.0.2.7 = OKAY}}\n"))
    assert "error" == entry.verdict
