import csv
import io
import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from auditor import report
from auditor.model.finding import Severity, Verdict
from auditor.model.run import Run
from auditor.report.csv_report import COLUMNS, cell
from tests.unit.report import example_runs as runs


def table(run: Run) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(report.render("csv", run), newline="")))


def suites(run: Run) -> ET.Element:
    return ET.fromstring(report.render("junit", run).encode())  # noqa: S314 our own text


def log(run: Run) -> Any:
    return json.loads(report.render("sarif", run))["runs"][0]


def test_the_table_has_a_line_for_each_finding_and_each_missing_host() -> None:
    rows = table(runs.small())
    assert [
        "postfix-open-relay",
        "postfix-auth-without-tls",
        "postfix-auth-without-tls",
        "postfix-vrfy-enabled",
        "",
    ] == [row["rule"] for row in rows]
    assert {
        "host": "backup.example.org",
        "verdict": "not audited",
        "message": "login refused: the server refused the key and there is no password",
    }.items() <= rows[-1].items()
    assert {
        "file": "/etc/postfix/main.cf",
        "line": "73",
        "evidence": "/etc/postfix/main.cf:73 service.disable_vrfy_command = no",
    }.items() <= rows[-2].items()


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "|cmd", "\t=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert cell(text)[0] in "'\\"


def test_hostile_text_stays_in_its_cell() -> None:
    evil = replace(runs.VRFY, message='=HYPERLINK("http://x")\r\n"a",b', subject='","')
    rows = table(runs.run(runs.host("mx1.example.org", evil)))
    assert 1 == len(rows)
    assert set(COLUMNS) == set(rows[0])
    assert '\'=HYPERLINK("http://x")\\r\\n"a",b' == rows[0]["message"]


def test_a_build_server_sees_failures_from_the_threshold_on() -> None:
    suite = suites(runs.small())[0]
    assert "3" == suite.get("failures")
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert [
        "postfix-open-relay smtp",
        "postfix-auth-without-tls smtps",
        "postfix-auth-without-tls submission",
    ] == failed
    everything = suites(replace(runs.small(), fail_on=Severity.INFO))[0]
    assert "4" == everything.get("failures")
    assert "0" == suites(replace(runs.small(), fail_on=None))[0].get("failures")


def test_what_is_not_known_is_an_error_to_a_build_server() -> None:
    root = suites(runs.fleet())
    errors = {
        (case.get("classname"), case.get("name")) for case in root.iter("testcase") if case.find("error") is not None
    }
    assert errors == {
        ("app-relay2.example.org", "postfix-open-relay postfix-app smtp"),
        ("hpc-login.example.org", "postfix-table-writable-by-others"),
        ("backup.example.org", "host audited"),
        ("mx9.example.org", "host audited"),
    }


def test_hostile_text_is_text_in_xml() -> None:
    assert {"testsuites", "testsuite", "testcase", "failure", "error"} == {
        element.tag for element in suites(runs.hostile()).iter()
    }


def test_a_result_points_to_the_line_and_to_the_others() -> None:
    result = log(runs.small())["results"][0]
    assert ("postfix-open-relay", "fail", "error") == (result["ruleId"], result["kind"], result["level"])
    assert {
        "logicalLocations": [{"fullyQualifiedName": "mx3.example.org smtp"}],
        "physicalLocation": {"artifactLocation": {"uri": "/etc/postfix/main.cf"}, "region": {"startLine": 41}},
    } == result["locations"][0]
    assert 58 == result["relatedLocations"][0]["physicalLocation"]["region"]["startLine"]
    assert {"mailaudit/v1": runs.OPEN_RELAY.fingerprint("mx3.example.org")} == result["partialFingerprints"]


def test_an_unknown_verdict_is_an_open_result_without_a_level() -> None:
    opened = [r for r in log(runs.fleet())["results"] if r["kind"] == "open"]
    assert [("postfix-open-relay", "none"), ("postfix-table-writable-by-others", "none")] == [
        (r["ruleId"], r["level"]) for r in opened
    ]


def test_every_result_names_its_rule_by_index() -> None:
    run = log(runs.fleet())
    rules = run["tool"]["driver"]["rules"]
    assert [r["ruleId"] for r in run["results"]] == [rules[r["ruleIndex"]]["id"] for r in run["results"]]


def test_missing_hosts_make_an_execution_unsuccessful() -> None:
    invocation = log(runs.small())["invocations"][0]
    assert invocation["executionSuccessful"] is False
    assert ["backup.example.org: login refused: the server refused the key and there is no password"] == [
        note["message"]["text"] for note in invocation["toolExecutionNotifications"]
    ]


@pytest.mark.parametrize("name", ["csv", "junit", "sarif"])
def test_hostile_runs_give_printable_text_and_the_same_bytes(name: str) -> None:
    text = report.render(name, runs.hostile())
    assert text == report.render(name, runs.hostile())
    assert set() == {c for c in text if not c.isprintable()} - {"\r", "\n"}
    text.encode()


def test_every_verdict_is_a_test_case() -> None:
    run = runs.fleet()
    wanted = sum(len(h.findings) + (h.state != "ok") for h in run.hosts)
    assert wanted == len(list(suites(run).iter("testcase")))
    passed = [case for case in suites(run).iter("testcase") if len(case) == 0]
    assert sum(f.verdict is Verdict.PASS for h in run.hosts for f in h.findings) == len(passed)
