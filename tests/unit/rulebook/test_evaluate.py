"""Verdicts and their evidence."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from auditor.model.finding import Evidence, Finding, Severity, Verdict
from auditor.model.host import HostVariables
from auditor.model.network import Networks
from auditor.model.origin import Origin
from tests.unit.rulebook.judging import findings, model, requiring, rule

PER_SERVICE = """\
  for_each: service in toy.services
  applies: service.is_public
  require: not service.settings.vrfy or within(service.clients, host.trusted_networks)
  message: "{service.name} answers VRFY ({service.settings.vrfy}) to {service.clients}"
"""


def evidence(expression: str, configuration: str) -> list[str]:
    """What a verdict rests on, as `path = value (place)`."""
    (found,) = findings(requiring(expression), model(configuration))
    return [f"{each.path} = {each.value} ({each.origin})" for each in found.evidence]


def test_a_failing_subject_has_its_message_and_evidence_with_file_and_line() -> None:
    (found,) = findings(
        rule(PER_SERVICE),
        model("vrfy yes\nlisten smtp public 192.0.2.0/24\n"),
        HostVariables(trusted_networks=Networks.of("10.0.0.0/8")),
        "out",
    )
    assert found == Finding(
        rule_id="toy-rule",
        platform="toy",
        verdict=Verdict.FAIL,
        severity=Severity.HIGH,
        instance="out",
        subject="smtp",
        message="smtp answers VRFY (yes) to 192.0.2.0/24",
        evidence=(
            Evidence(path="service.settings.vrfy", value="yes", origin=Origin(file="smtpd.conf", line=1)),
            Evidence(path="service.clients", value="192.0.2.0/24", origin=Origin(file="smtpd.conf", line=2)),
            Evidence(path="host.trusted_networks", value="10.0.0.0/8"),
            Evidence(path="service.is_public", value="true", origin=Origin(file="smtpd.conf", line=2)),
        ),
    )


def test_each_item_has_its_own_verdict() -> None:
    server = model("listen a public 192.0.2.0/24\nlisten b private\nlisten c who\nlisten d public 10.1.0.0/16\n")
    trusted = HostVariables(trusted_networks=Networks.of("10.0.0.0/8"))
    assert [(f.subject, str(f.verdict), f.reason) for f in findings(rule(PER_SERVICE), server, trusted)] == [
        ("a", "fail", ""),
        ("b", "not-applicable", "it applies only if service.is_public"),
        ("c", "unknown", "nobody knows who reaches c"),
        ("d", "pass", ""),
    ]


def test_nothing_to_judge_is_not_applicable() -> None:
    (found,) = findings(rule(PER_SERVICE), model("vrfy yes\n"))
    assert (found.verdict, found.reason) == (Verdict.NOT_APPLICABLE, "toy.services is empty")


def test_a_list_that_nobody_knows_is_one_unknown_verdict() -> None:
    from auditor.model.snapshot import Missing, Section, Snapshot
    from tests.unit.rulebook.toy import parse

    missing = Section(name="smtpd.conf", content=Missing("permission denied"))
    server = parse(Snapshot(host="h", platform="toy", sections={"smtpd.conf": missing}))
    (found,) = findings(rule(PER_SERVICE), server)
    assert (found.verdict, found.subject, found.reason) == (Verdict.UNKNOWN, "", "permission denied")


def test_only_what_decided_is_evidence() -> None:
    configuration = "auth yes\nlimit 3\n"
    assert evidence("toy.settings.vrfy and toy.settings.limit == 0", configuration) == [
        "toy.settings.limit = 3 (smtpd.conf:2)"
    ]
    assert evidence("toy.settings.limit == 0 or toy.settings.auth", configuration) == [
        "toy.settings.auth = yes (smtpd.conf:1)"
    ]
    assert evidence("toy.settings.auth or toy.settings.limit == 0", configuration) == [
        "toy.settings.auth = yes (smtpd.conf:1)"
    ]
    assert evidence("toy.settings.limit == 0 or not toy.settings.auth", configuration) == [
        "toy.settings.limit = 3 (smtpd.conf:2)",
        "toy.settings.auth = yes (smtpd.conf:1)",
    ]


def test_what_is_unknown_is_its_own_evidence() -> None:
    assert evidence("toy.settings.vrfy and toy.settings.auth and toy.settings.limit == 0", "auth maybe\n") == [
        "toy.settings.auth = unknown (auth is neither yes nor no: the daemon would die of it) (smtpd.conf:1)"
    ]


def test_the_item_that_decides_is_named_in_the_evidence() -> None:
    configuration = "listen smtp private\nlisten submission public\n"
    assert evidence("all(not s.is_public for s in toy.services)", configuration) == [
        "s[submission].is_public = true (smtpd.conf:2)"
    ]


def test_a_fact_is_shown_as_the_settings_it_was_derived_from() -> None:
    assert evidence("all(not s.offers_auth for s in toy.services)", "auth yes\nlisten smtp public\n") == [
        "auth = yes (smtpd.conf:1)"
    ]


def test_a_value_read_twice_is_told_once() -> None:
    assert evidence('toy.settings.banner == "a" or toy.settings.banner == "b"', "banner c\n") == [
        "toy.settings.banner = c (smtpd.conf:1)"
    ]


def test_a_fault_in_a_rule_is_an_unknown_verdict_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    broken = rule(PER_SERVICE)
    server = replace(model(""), services=(object(),))  # type: ignore[arg-type]  # a model that breaks its own types
    with caplog.at_level(logging.ERROR):
        (found,) = findings(broken, server)
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason.startswith("the rule itself failed (AttributeError)")
    assert [record.getMessage() for record in caplog.records] == ["rule toy-rule failed"]


def test_a_message_shows_values_as_people_write_them() -> None:
    check = (
        "  require: 'False'\n"
        '  message: "{toy.settings.options}|{toy.settings.newline}|{toy.release}|{toy.services}|{host.role}|{{x}}|{toy.words}"\n'
    )
    (found,) = findings(rule(check), model("listen smtp public\n", "1.9"))
    assert found.message == "noanonymous|not supported by release 1.9|1.9|smtp|not set|{x}|(empty)"
