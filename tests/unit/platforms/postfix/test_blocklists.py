"""Where block lists in the DNS are asked."""

from __future__ import annotations

import pytest

from auditor.platforms.postfix.model import BlockListUse
from tests.unit.platforms.postfix.conftest import Build

POSTSCREEN = "smtp inet n - y - 1 postscreen\nsmtpd pass - - y - - smtpd\n"


def uses(build: Build, main: str, master: str | None = None) -> tuple[BlockListUse, ...]:
    found = build(main, master).block_lists
    assert isinstance(found, tuple)
    return found


def test_zone_and_answers_are_told_apart(build: Build) -> None:
    (use,) = uses(build, "smtpd_client_restrictions = reject_rbl_client Zen.spamhaus.org=127.0.0.[2..11]\n")
    assert ("zen.spamhaus.org", "127.0.0.[2..11]", True) == (use.zone, use.answers, use.refuses)


def test_a_list_behind_warn_if_reject_refuses_nobody(build: Build) -> None:
    (use,) = uses(build, "smtpd_client_restrictions = warn_if_reject reject_rbl_client bl.example.net\n")
    assert use.refuses is False


def test_services_that_share_a_list_are_one_use(build: Build) -> None:
    master = "smtp inet n - y - - smtpd\n2525 inet n - y - - smtpd\n"
    (use,) = uses(build, "smtpd_client_restrictions = reject_rbl_client bl.example.net\n", master)
    assert ("smtp", "2525") == use.services


def test_the_same_zone_in_two_lists_has_two_names(build: Build) -> None:
    main = (
        "smtpd_client_restrictions = reject_rbl_client bl.example.net\n"
        "smtpd_recipient_restrictions = reject_rbl_client bl.example.net\n"
    )
    assert [
        "reject_rbl_client bl.example.net (smtpd_client_restrictions)",
        "reject_rbl_client bl.example.net (smtpd_recipient_restrictions)",
    ] == [use.name for use in uses(build, main)]


@pytest.mark.parametrize(
    ("site", "action", "refuses"),
    [
        ("bl.example.net", "enforce", True),
        ("bl.example.net*2", "DROP", True),
        ("bl.example.net*2", "ignore", False),
        ("list.example.net*-5", "enforce", False),
    ],
)
def test_a_site_of_postscreen_counts_when_it_adds_to_a_score_that_is_acted_on(
    build: Build, site: str, action: str, refuses: bool
) -> None:
    main = f"postscreen_dnsbl_sites = {site}\npostscreen_dnsbl_action = {action}\n"
    (use,) = uses(build, main, POSTSCREEN)
    assert (refuses, "postscreen_dnsbl_sites", ("smtp",)) == (use.refuses, use.list, use.services)


def test_sites_without_postscreen_are_asked_by_nobody(build: Build) -> None:
    assert () == uses(build, "postscreen_dnsbl_sites = bl.example.net\n", "smtp inet n - y - - smtpd\n")
