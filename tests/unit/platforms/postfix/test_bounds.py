"""Hostile or huge configurations: reading them ends, and what was not followed is Unknown instead of passed."""

from collections.abc import Callable
from typing import Any

import pytest

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
