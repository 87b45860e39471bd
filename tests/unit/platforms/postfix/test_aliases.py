"""Lines of virtual_alias_maps that stand for every address of a domain."""

from __future__ import annotations

import pytest

from auditor.model.origin import Unknown
from auditor.platforms.postfix.model import CatchAll
from tests.unit.platforms.postfix.conftest import Build

MAIN = (
    "mydestination = mx.example.org, example.org\nvirtual_alias_domains = example.com\nvirtual_alias_maps = {table}\n"
)


def only(build: Build, table: str, **files: str) -> CatchAll:
    found = build(MAIN.format(table=table), **files).catch_alls
    assert isinstance(found, tuple)
    (entry,) = found
    return entry


@pytest.mark.parametrize(
    ("targets", "leaves", "keeps"),
    [
        ("boss", False, False),
        ("boss@example.org", False, False),
        ("boss@EXAMPLE.org", False, False),
        ("boss@example.net", True, False),
        ("boss@example.org, copy@example.net", True, False),
        ("@example.org", False, True),
    ],
)
def test_where_a_catch_all_leads(build: Build, targets: str, leaves: bool, keeps: bool) -> None:
    entry = only(build, "hash:/etc/postfix/virtual", virtual=f"info@example.com boss\n@example.com {targets}\n")
    assert ("virtual:2 @example.com", leaves, keeps) == (entry.name, entry.leaves, entry.keeps_local_part)


@pytest.mark.parametrize("pattern", [r"/@example\.com$/", r"/^.*@example\.com$/", r"/^(.+)@example\.com$/"])
def test_a_pattern_that_asks_for_nothing_before_the_at_sign_is_a_catch_all(build: Build, pattern: str) -> None:
    entry = only(build, "regexp:/etc/postfix/virtual", virtual=f"/^info@/ boss\n{pattern} boss@example.net\n")
    assert (pattern, True) == (entry.key, entry.leaves)


def test_where_a_pattern_s_own_text_leads_is_not_known(build: Build) -> None:
    assert isinstance(only(build, "regexp:/etc/postfix/virtual", virtual="/^(.*)@(.*)$/ $1@$2.test\n").leaves, Unknown)


def test_a_database_proves_nothing(build: Build) -> None:
    entry = only(build, "proxy:mysql:/etc/postfix/virtual.cf")
    assert ("proxy:mysql:/etc/postfix/virtual.cf", True) == (entry.name, isinstance(entry.leaves, Unknown))


def test_domains_that_a_database_lists_may_be_the_target_s(build: Build) -> None:
    main = "virtual_mailbox_domains = mysql:/etc/postfix/domains.cf\nvirtual_alias_maps = inline:{@example.com=x@example.net}\n"
    found = build(main).catch_alls
    assert isinstance(found, tuple)
    assert [True] == [isinstance(entry.leaves, Unknown) for entry in found]


def test_without_a_map_there_is_none(build: Build) -> None:
    assert () == build("mydestination = example.org\n").catch_alls
