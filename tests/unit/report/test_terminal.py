import io
import re
from dataclasses import replace

import pytest

from auditor.model.finding import Severity, Verdict
from auditor.report import terminal
from tests.unit.report import example_runs as runs

SMALL = """\
mx3.example.org  postfix 3.5.18  ssh audit@mx3.example.org

FAIL  critical  postfix-open-relay   mx3.example.org  smtp
      Strangers can send mail through this server to anywhere
      anyone may relay to any domain through smtp: mynetworks holds 0.0.0.0/0 and permit_mynetworks
      comes first
        /etc/postfix/main.cf:41   service.mynetworks = 127.0.0.0/8 203.0.113.0/24 0.0.0.0/0
        /etc/postfix/main.cf:58   service.smtpd_relay_restrictions = permit_mynetworks, defer_unauth_destination
      why: An open relay is found within hours and used for spam; the address is then listed and
      your own mail is refused.
      the fix may break: Clients outside trusted_networks that relied on it can no longer relay.
      fix: smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination
      mailaudit explain postfix-open-relay mx3.example.org

FAIL  high  postfix-auth-without-tls   mx3.example.org
      Passwords are accepted on unencrypted connections
      smtps offers AUTH before STARTTLS
        /etc/postfix/master.cf:35   service.smtpd_tls_auth_only = no
        /etc/postfix/main.cf:12     service.smtpd_sasl_auth_enable = yes
      submission offers AUTH before STARTTLS
        /etc/postfix/master.cf:31   service.smtpd_tls_auth_only = no
        /etc/postfix/main.cf:12     service.smtpd_sasl_auth_enable = yes
      why: Whoever can read the network between a client and this server reads the password, and
      sends spam with it.
      Clients that use port 587 with STARTTLS or port 465 do not notice the fix.
      the fix may break: Clients that log in without TLS are refused.
      fix:
        smtpd_tls_auth_only = yes
        smtpd_tls_security_level = may
      mailaudit explain postfix-auth-without-tls mx3.example.org

FAIL  low  postfix-vrfy-enabled   mx3.example.org  smtp
      VRFY tells strangers which mailboxes exist
      VRFY is answered
        /etc/postfix/main.cf:73   service.disable_vrfy_command = no
      why: It saves a spammer the guessing.
      fix: disable_vrfy_command = yes
      mailaudit explain postfix-vrfy-enabled mx3.example.org

null.example.org  postfix 3.7.11  ssh audit@null.example.org
  nothing found by the rules that could be judged

NOT AUDITED  backup.example.org  login refused  ssh audit@backup.example.org
      the server refused the key and there is no password
      next: try ssh audit@backup.example.org; then check `ansible_user` in inventory.yaml:14

Recap
  mx3.example.org     critical=1  high=2  medium=0  low=1  unknown=0  pass=4  n/a=0
  null.example.org    critical=0  high=0  medium=0  low=0  unknown=0  pass=6  n/a=1
  backup.example.org  not audited: login refused

2 of 3 hosts audited with 7 rules: 1 critical, 2 high, 1 low
exit 3: 1 of 3 hosts could not be audited
"""


def test_a_few_hosts_are_told_one_after_another() -> None:
    assert SMALL == terminal.text(runs.small())


def test_a_fleet_is_told_by_rule_and_identical_evidence_once() -> None:
    seen = terminal.text(runs.fleet())
    assert "FAIL  high  postfix-smtp-smuggling   3 hosts\n" in seen
    assert "      mx1.example.org smtp, mx2.example.org smtp, mx3.example.org smtp: smtp accepts a bare" in seen
    assert 1 == seen.count("(default)   service.smtpd_forbid_bare_newline = no")


def test_by_overrides_the_size_of_the_fleet() -> None:
    assert "\nmx2.example.org  postfix 3.7.11" in terminal.text(runs.fleet(), "host")
    assert "mx3.example.org  postfix 3.5.18" not in terminal.text(runs.small(), "rule")


def test_a_rule_that_fails_on_two_hosts_is_explained_once() -> None:
    run = runs.run(runs.host("mx1.example.org", runs.VRFY), runs.host("mx2.example.org", runs.VRFY))
    seen = terminal.text(run)
    assert 1 == seen.count("It saves a spammer the guessing.")
    assert "why and remedy: above\n      mailaudit explain postfix-vrfy-enabled mx2.example.org" in seen


def test_unknown_verdicts_are_grouped_by_what_could_not_be_read() -> None:
    unknown = replace(runs.VRFY, verdict=Verdict.UNKNOWN, message="", reason="main.cf could not be read")
    worse = replace(runs.OPEN_RELAY, verdict=Verdict.UNKNOWN, message="", reason="main.cf could not be read")
    seen = terminal.text(runs.run(runs.host("mx1.example.org", worse, unknown)))
    assert (
        "UNKNOWN  critical  main.cf could not be read\n"
        "      critical  postfix-open-relay: mx1.example.org smtp\n"
        "      low       postfix-vrfy-enabled: mx1.example.org smtp\n"
    ) in seen


def test_an_interrupted_run_says_so() -> None:
    seen = terminal.text(replace(runs.small(), complete=False, exit_code=130, exit_reason="interrupted"))
    assert "INTERRUPTED: this report holds only what was done until then.\nexit 130: interrupted\n" in seen


def test_nothing_hostile_reaches_the_terminal() -> None:
    seen = terminal.text(runs.hostile())
    assert set() == {c for c in seen if not c.isprintable()} - {"\n"}
    assert "[bold]" in seen


def test_long_values_and_many_values_are_cut_and_say_so() -> None:
    many = replace(runs.VRFY, evidence=tuple(runs.evidence(f"p{n}", "x" * 5000) for n in range(20)))
    seen = terminal.text(runs.run(runs.host("mx1.example.org", many)))
    assert "(4,405 more characters)" in seen
    assert "… and 8 more values: --report json has all" in seen


def test_the_severity_shown_is_the_finding_s_which_a_profile_may_have_changed() -> None:
    seen = terminal.text(runs.run(runs.host("mx1.example.org", replace(runs.VRFY, severity=Severity.HIGH))))
    assert "FAIL  high  postfix-vrfy-enabled" in seen


def test_the_same_run_gives_the_same_bytes() -> None:
    assert terminal.text(runs.fleet()) == terminal.text(runs.fleet())


def test_a_pipe_gets_plain_text() -> None:
    stream = io.StringIO()
    terminal.show(runs.small(), stream)
    assert SMALL == stream.getvalue()


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_colour_around_the_same_words() -> None:
    screen = Screen()
    terminal.show(runs.small(), screen)
    assert "\x1b[" in screen.getvalue()
    assert "postfix-open-relay" in screen.getvalue()


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen()
    terminal.show(runs.small(), screen)
    assert [] == [
        code
        for code in re.findall(r"\x1b\[([\d;]*)m", screen.getvalue())
        if not set(code.split(";")) <= {"0", "1", "2"}
    ]
