"""What the examples of a rule file must satisfy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from auditor.model.origin import Fact, Unknown
from auditor.model.snapshot import Missing, Snapshot
from auditor.rulebook import examples
from auditor.rulebook.load import CompiledRule
from tests.unit.rulebook.judging import REGISTRY, rule
from tests.unit.rulebook.toy import TOY, Toy, parse

CHECK = """\
  for_each: service in toy.services
  applies: service.is_public
  require: not service.settings.vrfy or within(service.clients, host.trusted_networks)
  message: "{service.name} answers VRFY"
"""
FAILS = """\
  - name: as shipped
    given: {smtpd.conf: "listen smtp public 192.0.2.0/24\\nlisten smtps public 10.0.0.0/8\\n"}
    expect: fail
    subject: [smtp, smtps]
"""
PASSES = """\
  - name: trusted
    given:
      smtpd.conf: |
        listen smtp public 10.0.0.0/8
      host: {trusted_networks: [10.0.0.0/8]}
      release: "2.1"
    expect: pass
"""


def told(text: str, check: str = CHECK) -> list[str]:
    """The problems of a rule with these examples, without their place."""
    return [problem.message for problem in examples.check(with_examples(text, check), REGISTRY)]


def with_examples(text: str, check: str = CHECK) -> CompiledRule:
    return rule(check, more=f"examples:\n{text}")


def test_examples_that_say_what_they_should_are_fine() -> None:
    assert told(FAILS + PASSES) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PASSES, ["no example fails"]),
        (FAILS, ["every example fails"]),
        (
            FAILS.replace("expect: fail", "expect: pass"),
            ["no example fails", "toy-rule[as shipped] expects pass, it is fail"],
        ),
        (
            FAILS.replace("[smtp, smtps]", "smtp") + PASSES,
            ["toy-rule[as shipped] expects fail for smtp, it is for smtp, smtps"],
        ),
        (FAILS + PASSES.replace("10.0.0.0/8]", "10.0.0.1/8]"), ["10.0.0.1/8 has host bits set"]),
        (FAILS + PASSES.replace('"2.1"', "2.1"), ["a release is a text of dotted numbers"]),
        (FAILS + PASSES.replace("trusted_networks", "trusted_network"), ["unknown key 'trusted_network'"]),
        (FAILS + PASSES.replace('release: "2.1"', "snapshot: nothing"), ["there is no recorded snapshot 'nothing'"]),
        (
            FAILS + PASSES.replace('release: "2.1"', "snapshot: ../x"),
            ["the name of a recorded snapshot, without folder and .snap"],
        ),
        (FAILS + PASSES + PASSES, ["there is already an example 'trusted'"]),
    ],
)
def test_an_example_that_is_wrong_is_told(text: str, expected: list[str]) -> None:
    assert expected == told(text)


def test_a_wrong_example_is_told_at_its_name_with_what_was_read() -> None:
    text = FAILS + PASSES.replace("expect: pass", "expect: fail") + PASSES.replace("trusted\n", "again\n")
    (problem,) = examples.check(with_examples(text), REGISTRY)
    assert (problem.where.line, problem.source_line) == (15, "  - name: trusted")
    assert "service.clients = 10.0.0.0/8" in problem.hint


def test_without_trusted_networks_loopback_is_trusted() -> None:
    text = PASSES.replace("      host: {trusted_networks: [10.0.0.0/8]}\n", "").replace("10.0.0.0/8", "127.0.0.0/8")
    assert told(FAILS + text) == []


def test_an_example_of_an_unregistered_platform_is_skipped() -> None:
    assert told(FAILS + PASSES + "  - {name: other, platform: exchange, given: {x: y}, expect: fail}\n") == []


def test_facts_reach_the_platform_as_json_under_a_name_that_no_file_has() -> None:
    judged = with_examples("  - name: a table\n    given: {connectors: [{Enabled: true, n: 1}]}\n    expect: pass\n")
    case = examples.prepare(judged, judged.examples[0], REGISTRY)
    assert case is not None
    assert b'[{"Enabled": true, "n": 1}]' == case.snapshot.sections["\0connectors"].content


def knocked_out(parse_toy: Callable[[Snapshot], Toy]) -> Sequence[str]:
    """What knocking out sections tells about a platform with this parser."""
    platform: Any = replace(TOY, parse=parse_toy)
    judged = with_examples(FAILS + PASSES)
    return [p.message for e in judged.examples for p in examples.knock_out(judged, e, {"toy": platform})]


def test_a_pass_that_did_not_read_what_it_needs_is_found() -> None:
    def guessing(snapshot: Snapshot) -> Toy:
        missing = isinstance(snapshot.section("smtpd.conf").content, Missing)
        honest = parse(snapshot)
        return replace(honest, services=parse(_filled(snapshot)).services if missing else honest.services)

    assert knocked_out(guessing) == [
        "toy-rule[trusted] without smtpd.conf: still pass for smtp, on values that were not there before: service.settings.vrfy = no"
    ]


def test_a_fact_that_is_sure_of_itself_without_any_known_value_is_found() -> None:
    def sure(snapshot: Snapshot) -> Toy:
        missing = isinstance(snapshot.section("smtpd.conf").content, Missing)
        seen = parse(_filled(snapshot)) if missing else parse(snapshot)
        unread = parse(snapshot).settings.lookup("auth")
        services = seen.services if isinstance(seen.services, tuple) else ()
        guess = tuple(replace(each, offers_auth=Fact(False, (unread,))) for each in services)
        return replace(seen, services=guess)

    check = CHECK.replace(
        "not service.settings.vrfy or within(service.clients, host.trusted_networks)", "not service.offers_auth"
    )
    check = check.replace("  applies: service.is_public\n", "")
    judged = with_examples("  - name: no AUTH\n    given: {smtpd.conf: listen smtp public}\n    expect: pass\n", check)
    platform: Any = replace(TOY, parse=sure)
    (problem,) = examples.knock_out(judged, judged.examples[0], {"toy": platform})
    assert problem.message == "toy-rule[no AUTH] without smtpd.conf: still pass for smtp, and every value is unknown"


def test_a_subject_that_silently_disappears_is_found() -> None:
    def forgetful(snapshot: Snapshot) -> Toy:
        honest = parse(snapshot)
        return replace(honest, services=()) if isinstance(honest.services, Unknown) else honest

    assert knocked_out(forgetful) == [
        "toy-rule[trusted] without smtpd.conf: not-applicable, it was not judged",
    ]


def test_a_predicate_in_both_applies_and_require_is_a_warning() -> None:
    check = CHECK.replace(
        "require: not service.settings.vrfy", "require: service.is_public or not service.settings.vrfy"
    )
    (warning,) = examples.warnings(rule(check))
    assert "warning: `applies` and `require` both read service.is_public" == warning.message
    assert () == examples.warnings(rule(CHECK))


def _filled(snapshot: Snapshot) -> Snapshot:
    from auditor.model.snapshot import Section

    guess = Section(name="smtpd.conf", content=b"vrfy no\nlisten smtp public 10.0.0.0/8\n")
    return replace(snapshot, sections={**snapshot.sections, "smtpd.conf": guess})
