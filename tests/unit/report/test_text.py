import pytest

from auditor.model.finding import Evidence
from auditor.model.origin import Origin
from auditor.report.text import encodable, lines, paragraphs, place, shorten, visible


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        ("smtpd_banner = $myhostname ESMTP", "smtpd_banner = $myhostname ESMTP"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\x9b31m", "\\x9b31m"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("gpj\u202e.exe", "gpj\\u202e.exe"),
        ("\udcff", "\\xff"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("Größe 日本", "Größe 日本"),
        (r"/^foo\.bar$/", r"/^foo\.bar$/"),
    ],
)
def test_what_does_not_print_is_shown_as_an_escape(raw: str, seen: str) -> None:
    assert seen == visible(raw)


def test_text_for_machines_keeps_everything_but_lone_surrogates() -> None:
    assert "a\x1b\u202e\\xff" == encodable("a\x1b\u202e\udcff")


def test_a_long_text_says_how_much_is_left_out() -> None:
    assert "abc… (1,997 more characters)" == shorten("abc" + "x" * 1997, 3)
    assert "abc" == shorten("abc", 3)


def test_line_breaks_in_prose_mean_nothing_but_empty_lines_do() -> None:
    assert ("one two", "three") == paragraphs("one\n  two\n\n  \nthree\n")


def test_lines_of_a_remedy_stay_lines_and_are_harmless() -> None:
    assert ("smtpd_tls_auth_only = yes", "  indented\\x1b") == lines("smtpd_tls_auth_only = yes\n  indented\x1b\n")


@pytest.mark.parametrize(
    ("origin", "seen"),
    [
        (None, "(computed)"),
        (Origin(file="postconf -d", layer="default"), "(default)"),
        (Origin(file="/etc/postfix/main.cf", line=12), "/etc/postfix/main.cf:12"),
        (Origin(file="postconf -n", layer="command"), "postconf -n"),
    ],
)
def test_a_value_says_where_it_was_written(origin: Origin | None, seen: str) -> None:
    assert seen == place(Evidence(path="x", value="y", origin=origin))
