"""Lookup tables as text."""

import pytest

from auditor.model.network import Networks
from auditor.platforms.postfix.tables import (
    Line,
    clients_of,
    matches_anything,
    networks_of,
    read,
    read_index,
    read_inline,
    verdict,
)


def test_a_table_is_logical_lines_of_key_and_value() -> None:
    contents = read("hash", '# allow\n192.0.2 OK\n"a b" REJECT\n  no entry\n')
    assert (Line("192.0.2", "OK", 2), Line("a b", "REJECT  no entry", 3)) == contents.lines


def test_a_key_without_a_value_is_a_problem_of_its_line() -> None:
    contents = read("texthash", "example.org\nexample.net OK\n")
    assert (("line 1: expected a key and a value",), 1) == (contents.problems, len(contents.lines))


def test_a_pattern_table_keeps_flags_with_the_pattern() -> None:
    contents = read("regexp", "if /x/\n/^a\\/b$/i OK yes\n!/c/ REJECT\nendif\n")
    assert (Line("/^a\\/b$/i", "OK yes", 2), Line("!/c/", "REJECT", 3)) == contents.lines


def test_a_cidr_line_with_host_bits_cannot_be_read() -> None:
    contents = read("cidr", "192.0.2.9/24 OK\n192.0.2.0/24 OK\n")
    assert (("line 1: not a pattern and a value",), (Line("192.0.2.0/24", "OK", 2),)) == (
        contents.problems,
        contents.lines,
    )


def test_inline_tables_hold_their_entries() -> None:
    contents = read_inline("inline", "{a=OK, {b = REJECT no}}")
    assert contents is not None
    assert (Line("a", "OK", 0), Line("b", "REJECT no", 0)) == contents.lines
    assert read_inline("hash", "/etc/postfix/access") is None


def test_an_index_is_read_by_its_tabs() -> None:
    assert (Line("example.org", "OK", 0),) == read_index("example.org\tOK\n\n").lines


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("OK", "ok"),
        ("relay", "ok"),
        ("250", "ok"),
        ("DUNNO", "dunno"),
        ("HOLD for a look", "dunno"),
        ("REJECT", "reject"),
        ("550 no", "reject"),
        ("450 later", "defer"),
        ("550", "ok"),
        ("DISCARD", "discard"),
        ("OK, text", "restrictions"),
        ("permit_mynetworks, reject", "restrictions"),
        ("a:b", "error"),
        ("", "error"),
    ],
)
def test_a_right_hand_side_means_what_smtpd_makes_of_it(action: str, expected: str) -> None:
    assert expected == verdict(action)


def test_ok_is_an_error_where_the_client_could_arrange_it() -> None:
    assert ("error", "reject") == (verdict("OK", forbids_ok=True), verdict("REJECT", forbids_ok=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.0/24", Networks.of("192.0.2.0/24")),
        ("[2001:db8::]/32", Networks.of("2001:db8::/32")),
        ("[2001:db8::/32]", Networks.of("2001:db8::/32")),
        ("[::ffff:127.0.0.0]/104", Networks.of("127.0.0.0/8")),
        ("192.0.2.9/24", None),
        ("192.0.2.0/255.255.255.0", None),
        ("0/0", None),
        ("192.0.2", None),
        ("mail.example.org", None),
    ],
)
def test_networks_are_read_as_postfix_reads_them(text: str, expected: Networks | None) -> None:
    assert expected == networks_of(text)


@pytest.mark.parametrize(
    ("kind", "key", "expected"),
    [
        ("hash", "10", Networks.of("10.0.0.0/8")),
        ("hash", "203.0.113", Networks.of("203.0.113.0/24")),
        ("hash", "2001:db8", Networks.of("2001:db8::/32")),
        ("hash", "10.0.0.0/8", None),
        ("cidr", "10.0.0.0/8", Networks.of("10.0.0.0/8")),
        ("hash", "mail.example.org", None),
    ],
)
def test_a_key_covers_the_clients_that_it_is_asked_for(kind: str, key: str, expected: Networks | None) -> None:
    assert expected == clients_of(kind, key)


@pytest.mark.parametrize(
    ("kind", "key", "expected"),
    [
        ("regexp", "/.*/", True),
        ("pcre", "/./i", True),
        ("regexp", "/@/", True),
        ("regexp", "/^x/", False),
        ("cidr", "0.0.0.0/0", True),
        ("static", "*", True),
        ("hash", "*", False),
    ],
)
def test_catch_all_patterns_are_known(kind: str, key: str, expected: bool) -> None:
    assert expected is matches_anything(kind, key)
