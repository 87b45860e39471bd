"""mynetworks and the lists of domains, entry by entry."""

from collections.abc import Callable
from typing import Any

import pytest

from auditor.model.network import Networks
from auditor.model.origin import Origin, Unknown
from auditor.platforms.postfix.model import NetworkEntry, Postfix

Build = Callable[..., Postfix]


def networks(postfix: Postfix) -> tuple[NetworkEntry, ...]:
    assert isinstance(postfix.trusted_network_entries, tuple)
    return postfix.trusted_network_entries


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("0.0.0.0/0", {"is_public", "is_everyone"}),
        ("128.0.0.0/1", {"is_public", "is_everyone"}),
        ("192.0.2.0/24", {"is_public"}),
        ("10.0.0.0/8", {"is_private"}),
        ("[fd00::]/8", {"is_private"}),
        ("127.0.0.0/8", {"is_loopback"}),
        ("[::ffff:127.0.0.0]/104", {"is_loopback"}),
        ("mail.example.org", {"is_host_name"}),
        ("unknown", {"is_host_name"}),
        ("203.0.113.9/24", {"is_broken"}),
        ("10.0.0.0/33", {"is_broken"}),
        ("fd00::/8", {"is_broken", "is_table"}),
        ("203.0.113", {"is_inert"}),
        ("10.*", {"is_inert"}),
        ("static:all", {"is_public", "is_everyone", "is_table"}),
    ],
)
def test_an_entry_of_mynetworks_is_what_smtpd_makes_of_it(build: Build, text: str, facts: set[str]) -> None:
    (entry,) = networks(build(f"mynetworks = {text}\n"))
    names = (
        "is_public",
        "is_everyone",
        "is_private",
        "is_loopback",
        "is_host_name",
        "is_table",
        "is_broken",
        "is_inert",
    )
    assert facts == {name for name in names if getattr(entry, name) is True}


def test_each_entry_knows_its_line(build: Build) -> None:
    entries = networks(build("mynetworks =\n  127.0.0.0/8\n  10.0.0.0/8\n"))
    assert [3, 4] == [entry.origin.line for entry in entries]


def test_a_negation_after_the_range_that_covers_it_is_shadowed(build: Build) -> None:
    after, before = (
        networks(build("mynetworks = 10.0.0.0/8 !10.1.0.0/16\n")),
        networks(build("mynetworks = !10.1.0.0/16 10.0.0.0/8\n")),
    )
    assert (True, False) == (after[1].is_shadowed, before[0].is_shadowed)


def test_a_file_of_networks_is_written_out_with_its_lines(build: Build) -> None:
    entries = networks(build("mynetworks = /etc/postfix/nets\n", **{"/etc/postfix/nets": "# ours\n10.0.0.0/8\n"}))
    assert [("10.0.0.0/8", Origin(file="/etc/postfix/nets", line=2, layer="table"))] == [
        (e.text, e.origin) for e in entries
    ]


def test_a_file_that_nobody_could_read_is_unknown(build: Build) -> None:
    (entry,) = networks(build("mynetworks = /etc/postfix/nets\n"))
    assert isinstance(entry.networks, Unknown)
    assert isinstance(entry.is_public, Unknown)


def test_the_keys_of_a_table_are_trusted_whatever_stands_beside_them(build: Build) -> None:
    (entry,) = networks(
        build("mynetworks = cidr:/etc/postfix/nets\n", **{"/etc/postfix/nets": "192.0.2.0/24 REJECT\n"})
    )
    assert (Networks.of("192.0.2.0/24"), True, True) == (entry.networks, entry.is_table, entry.is_public)


def test_an_override_has_entries_of_its_own(build: Build) -> None:
    master = "smtp inet n - y - - smtpd\n10025 inet n - y - - smtpd\n  -o mynetworks=10.0.0.0/8\n"
    entries = networks(build("mynetworks = 127.0.0.0/8\n", master))
    assert [("mynetworks 127.0.0.0/8", ("smtp",)), ("10025 mynetworks 10.0.0.0/8", ("10025",))] == [
        (e.name, e.services) for e in entries
    ]


def test_unset_mynetworks_of_style_host_trusts_nobody_else() -> None:
    from auditor.platforms.postfix import POSTFIX

    postfix = POSTFIX.parse(POSTFIX.from_files({"main.cf": b"compatibility_level = 3.6\n"}, None))
    assert [True, True] == [entry.is_loopback and entry.is_default for entry in networks(postfix)]


def test_unset_mynetworks_of_style_subnet_is_unknown_without_a_server() -> None:
    from auditor.platforms.postfix import POSTFIX

    (entry,) = networks(POSTFIX.parse(POSTFIX.from_files({"main.cf": b"mynetworks_style = subnet\n"}, None)))
    assert isinstance(entry.is_public, Unknown)


@pytest.mark.parametrize(
    ("main", "name", "fact"),
    [
        ("relay_domains = static:all\n", "relay_domains static:all", "matches_any_domain"),
        ("relay_domains = com\n", "relay_domains com", "is_top_level_domain"),
        ("relay_domains = *\n", "relay_domains *", "matches_nothing"),
        ("mydestination = .example.org\n", "mydestination .example.org", "matches_nothing"),
        (
            "virtual_mailbox_domains = regexp:/etc/postfix/d\n",
            "virtual_mailbox_domains regexp:/etc/postfix/d",
            "matches_any_domain",
        ),
    ],
)
def test_domain_entries_that_match_too_much_or_nothing_are_known(build: Build, main: str, name: str, fact: str) -> None:
    postfix = build(main, **{"/etc/postfix/d": "/.*/ x\n"})
    assert isinstance(postfix.domain_entries, tuple)
    found: dict[str, Any] = {entry.name: getattr(entry, fact) for entry in postfix.domain_entries}
    assert True is found[name]
