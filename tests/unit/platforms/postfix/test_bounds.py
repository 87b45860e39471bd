"""Hostile or huge configurations: reading them ends, and what was not followed is Unknown instead of passed."""

from collections.abc import Callable
from typing import Any

import pytest

from auditor.model.network import Networks
from auditor.model.origin import Unknown
from auditor.platforms.postfix import tables
from auditor.platforms.postfix.model import Postfix, SmtpdService

First = Callable[..., SmtpdService]
Build = Callable[..., Postfix]
SMTP = "smtp inet n - y - - smtpd\n"


def classes(levels: int, times: int, last: str) -> str:
    """Restriction classes that name the next one so many times."""
    names = [f"c{level}" for level in range(levels)]
    lines = [
        f"{name} = {', '.join([following] * times)}" for name, following in zip(names, [*names[1:], last], strict=True)
    ]
    return "\n".join(
        [f"smtpd_restriction_classes = {' '.join(names)}", *lines, "smtpd_relay_restrictions = c0, reject", ""]
    )


def reason(value: Any) -> str:
    assert isinstance(value, Unknown)
    return value.reason


@pytest.mark.parametrize("last", ["permit", "", "check_client_access hash:/etc/postfix/access", "permit_mynetworks"])
def test_classes_that_double_at_each_level_make_the_restrictions_unknown(smtpd: First, last: str) -> None:
    service = smtpd(classes(30, 2, last), SMTP)
    assert reason(service.restrictions) == (
        "smtpd_relay_restrictions: more than 10,000 words with its restriction classes written out"
    )
    assert isinstance(service.relays_for_strangers.value, Unknown)


def test_classes_nested_deeper_than_smtpd_follows_make_the_restrictions_unknown(smtpd: First) -> None:
    service = smtpd(classes(3000, 1, "permit"), SMTP)
    assert reason(service.restrictions) == (
        "smtpd_relay_restrictions: restriction classes within classes, more than 100 deep"
    )


def test_a_hundred_nested_classes_are_written_out(smtpd: First) -> None:
    service = smtpd(classes(100, 1, "permit_mynetworks"), SMTP)
    assert isinstance(service.restrictions, tuple)
    assert ["permit_mynetworks", "reject"] == [
        r.name for r in service.restrictions if r.list == "smtpd_relay_restrictions"
    ]


@pytest.mark.parametrize(("last", "required"), [("reject", True), ("permit", True), ("permit_mynetworks", True)])
def test_smtpds_test_for_a_gate_looks_through_each_class_once(smtpd: First, last: str, required: bool) -> None:
    assert required is smtpd(classes(40, 3, last), SMTP).has_relay_gate.value


def test_a_class_without_a_gate_is_no_gate(smtpd: First) -> None:
    main = classes(40, 3, "permit").replace("c0, reject", "c0") + "smtpd_recipient_restrictions = c1\n"
    assert False is smtpd(main, SMTP).starts.value


def test_files_that_name_each_other_twice_are_not_followed_for_ever(build: Build) -> None:
    names = [f"/etc/postfix/nets{level}" for level in range(25)]
    files = {
        f"nets{level}": f"{names[level + 1]}\n{names[level + 1]}\n" if level < 24 else "192.0.2.0/24\n"
        for level in range(25)
    }
    found = build("mynetworks = /etc/postfix/nets0\n", SMTP, **files).trusted_network_entries
    assert isinstance(found, tuple)
    assert {"/etc/postfix/nets21: not read, for files that name files are followed 20 deep and 100 in all"} <= {
        reason(entry.networks) for entry in found if isinstance(entry.networks, Unknown)
    }


def test_a_table_type_wrapped_a_hundred_thousand_times_is_unwrapped_at_once() -> None:
    assert ("hash", "/etc/aliases") == tables.unwrap("proxy:debug:" * 100_000 + "hash:/etc/aliases")
    assert ("proxy", "/etc/aliases") == tables.unwrap("debug:proxy:/etc/aliases")


def entries(found: Postfix) -> Any:
    assert isinstance(found.trusted_network_entries, tuple)
    return found.trusted_network_entries


def test_an_exception_is_shadowed_by_entries_before_it_alone(build: Build) -> None:
    main = "mynetworks = 10.0.0.0/9, !10.1.0.0/16, !10.128.0.0/16, 10.128.0.0/9, !10.129.0.0/16\n"
    assert [False, True, False, False, True] == [entry.is_shadowed for entry in entries(build(main, SMTP))]


def test_the_first_entry_of_a_list_of_networks_decides(smtpd: First) -> None:
    main = "smtpd_client_event_limit_exceptions = 192.0.2.1, !192.0.2.0/25, 192.0.2.0/24, !192.0.2.128/25\n"
    setting = smtpd(main, SMTP).unlimited_clients.value
    assert Networks.of("192.0.2.1", "192.0.2.128/25") == setting


def test_entries_and_exceptions_that_take_turns_without_end_are_unknown(build: Build, smtpd: First) -> None:
    turns = " ".join(f"10.{at // 250}.{at % 250}.0/24 !10.{at // 250}.{at % 250}.0/25" for at in range(1_000))
    expected = "entries and exceptions take turns more than 200 times"
    assert expected == reason(entries(build(f"mynetworks = {turns}\n", SMTP))[-1].is_shadowed)
    assert expected == reason(smtpd(f"smtpd_client_event_limit_exceptions = {turns}\n", SMTP).unlimited_clients.value)


def test_a_word_of_its_own_is_found_before_a_part_of_another(build: Build) -> None:
    main = "mynetworks = 127.0.0.0/8\n  110.0.0.0/8\n  10.0.0.0/8\n"
    assert [2, 3, 4] == [entry.origin.line for entry in entries(build(main, SMTP))]


def test_an_entry_of_a_long_list_behind_a_reference_keeps_its_line(build: Build) -> None:
    own = "".join(f"  10.{at // 250}.{at % 250}.0/24\n" for at in range(2_000))
    found = entries(build(f"own =\n{own}mynetworks = 127.0.0.0/8 $own\n", SMTP))
    assert (2003, 3, 2002) == (found[0].origin.line, found[1].origin.line, found[-1].origin.line)


def test_only_the_first_hundred_misspelt_parameters_get_a_suggestion(build: Build) -> None:
    found = build("".join(f"smtpd_bannr{at:03} = x\n" for at in range(150)), SMTP).warnings
    assert isinstance(found, tuple)
    assert [bool(warning.suggestion) for warning in found] == [True] * 100 + [False] * 50


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0/0",
        "192.0.2.1",
        "192.0.2.0/24",
        "255.255.255.255/32",
        "10.0.0.1/8",
        "10.0.0.256",
        "010.0.0.1",
        "10.0.0.0/33",
        "10.0.0/8",
    ],
)
def test_an_ipv4_network_is_what_the_standard_library_reads(text: str) -> None:
    try:
        expected = Networks.of(text)
    except ValueError:
        expected = None
    assert expected == tables.networks_of(text)


def test_long_lists_in_very_many_services_become_unknown(build: Build) -> None:
    main = classes(12, 2, "permit_mynetworks")
    services = "".join(f"{port} inet n - y - - smtpd\n" for port in range(2000, 2050))
    found = build(main, services).smtpd_services
    assert isinstance(found, tuple)
    assert isinstance(found[0].restrictions, tuple)
    assert reason(found[-1].restrictions) == (
        "smtpd_relay_restrictions: the lists of all services have more than 300,000 words"
    )
