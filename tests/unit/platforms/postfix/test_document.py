"""main.cf and master.cf as text."""

import pytest

from auditor.platforms.postfix.document import MainCf, MasterCf, Option, logical_lines, split_nameval, words


def values(text: str) -> dict[str, str]:
    return {a.name: a.value for a in MainCf.parse(text).assignments}


def test_a_line_that_starts_with_a_blank_continues_the_one_before() -> None:
    assert {"mynetworks": "127.0.0.0/8    10.0.0.0/8", "biff": "no"} == values(
        "mynetworks = 127.0.0.0/8\n    10.0.0.0/8\nbiff = no\n"
    )


def test_comments_and_empty_lines_do_not_end_a_value() -> None:
    assert {"a": "1  2  3"} == values("a = 1\n# comment\n  2\n\n   # indented\n  3\n")


def test_a_number_sign_inside_a_line_is_part_of_the_value() -> None:
    assert {"relay_domains": "example.org # ours"} == values("relay_domains = example.org # ours\n")


def test_a_continuation_without_a_line_before_it_is_dropped() -> None:
    assert {"b": "2"} == values("  a = 1\n   more\nb = 2\n")


def test_each_assignment_knows_the_lines_it_is_written_on() -> None:
    (assignment,) = MainCf.parse("# head\nmynetworks =\n  127.0.0.0/8\n# x\n  10.0.0.0/8\n").assignments
    assert (2, 3, 5, 2) == (
        assignment.source.line,
        assignment.source.line_of("127.0.0.0/8"),
        assignment.source.line_of("10.0.0.0/8"),
        assignment.source.line_of("elsewhere"),
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("weird name = x", "missing '=' after attribute name"),
        ("= x", "missing attribute name"),
        ("alone", "missing '=' after attribute name"),
    ],
)
def test_a_line_that_is_no_assignment_is_malformed(text: str, problem: str) -> None:
    main = MainCf.parse(f"a = 1\n{text}\n")
    assert [(2, problem)] == [(line.line, said) for line, said in main.malformed]


def test_blanks_around_the_equals_sign_do_not_matter() -> None:
    assert ("smtpd_banner", "$myhostname ESMTP") == split_nameval("smtpd_banner\t=  $myhostname ESMTP \r")


def test_braces_keep_a_word_of_a_list_together() -> None:
    expected = ("check_client_access", "inline:{{203.0.113.9 = OK}, x=y}", "reject")
    assert expected == words("check_client_access, inline:{{203.0.113.9 = OK}, x=y},reject")


def test_text_after_a_null_byte_is_ignored() -> None:
    assert {"a": "1"} == values("a = 1\0 2\n")


def test_a_file_without_a_last_newline_is_read_whole() -> None:
    assert {"a": "1"} == values("a = 1")
    assert () == logical_lines("")


MASTER = """\
smtp      inet  n  -  y  -  -  smtpd
  -o smtpd_tls_security_level=may
# between
    -o { smtpd_client_restrictions = permit_mynetworks, reject } -v
submission inet n - y - - smtpd
  -osmtpd_sasl_auth_enable=yes -vo smtpd_tls_auth_only=yes
"""


def test_options_are_read_in_all_their_forms() -> None:
    smtp, submission = MasterCf.parse(MASTER).entries
    assert (
        Option("smtpd_tls_security_level", "may", 2),
        Option("smtpd_client_restrictions", "permit_mynetworks, reject", 4),
    ) == smtp.options
    assert (Option("smtpd_sasl_auth_enable", "yes", 6), Option("smtpd_tls_auth_only", "yes", 6)) == submission.options
    assert (("-v",), ("-v",)) == (smtp.flags, submission.flags)


def test_a_blank_inside_an_option_makes_the_rest_an_argument() -> None:
    (entry,) = MasterCf.parse("smtp inet n - y - - smtpd -o smtpd_x=a, b -o mynetworks=127.0.0.0/8\n").entries
    assert ("a,", ("b", "-o", "mynetworks=127.0.0.0/8")) == (entry.options[0].value, entry.arguments)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("smtp inet n - y -", "bad field count"),
        ("smtp tcp n - y - - smtpd", 'invalid type field "tcp"'),
        ("smtp inet x - y - - smtpd", 'invalid private field "x"'),
        ("smtp inet n - y x - smtpd", 'invalid wakeup field "x"'),
        ("smtp inet n - y - x smtpd", 'invalid process_limit field "x"'),
    ],
)
def test_a_master_line_that_postfix_refuses_is_malformed(line: str, problem: str) -> None:
    assert [problem] == [said for _, said in MasterCf.parse(line).malformed]


def test_the_daemon_is_the_last_part_of_its_path() -> None:
    (entry,) = MasterCf.parse("smtp inet n - y - - /usr/lib/postfix/sbin/smtpd\n").entries
    assert "smtpd" == entry.command
