import json
import re
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from auditor import fleet, report
from auditor.errors import HostFailed
from auditor.model.finding import Verdict
from auditor.model.run import Run
from auditor.report import document
from tests.unit.report import example_runs as runs

SCHEMA = json.loads((files("auditor.report") / "mailaudit-report-1.schema.json").read_text())


def decoded(run: Run) -> Any:
    return json.loads(report.render("json", run))


@pytest.mark.parametrize("run", [runs.small(), runs.fleet(), runs.hostile(), runs.run()])
def test_the_report_keeps_its_schema(run: Run) -> None:
    assert [] == [*jsonschema.Draft202012Validator(SCHEMA).iter_errors(decoded(run))]


def test_the_schema_refuses_a_report_without_its_findings() -> None:
    broken = decoded(runs.small())
    del broken["hosts"][0]["findings"]
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(broken)


def test_the_top_has_the_documented_fields_in_order() -> None:
    assert list(document.Document.__dataclass_fields__) == list(decoded(runs.small()))


def test_a_finding_is_told_whole() -> None:
    assert {
        "fingerprint": runs.VRFY.fingerprint("mx3.example.org"),
        "rule": "postfix-vrfy-enabled",
        "platform": "postfix",
        "instance": "",
        "subject": "smtp",
        "verdict": "fail",
        "severity": "low",
        "message": "VRFY is answered",
        "reason": "",
        "evidence": [
            {
                "path": "service.disable_vrfy_command",
                "value": "no",
                "file": "/etc/postfix/main.cf",
                "line": 73,
                "layer": "file",
            }
        ],
    } == next(f for f in decoded(runs.small())["hosts"][0]["findings"] if f["rule"] == "postfix-vrfy-enabled")


def test_the_summary_counts_the_findings_and_the_hosts() -> None:
    assert {
        "hosts": 3,
        "hosts_audited": 2,
        "hosts_missing": 1,
        "findings": {
            "failed": {"critical": 1, "high": 2, "medium": 0, "low": 1, "info": 0},
            "unknown": 0,
            "passed": 10,
            "not_applicable": 1,
        },
    } == decoded(runs.small())["summary"]


def test_every_finding_of_every_verdict_is_there() -> None:
    run = runs.fleet()
    verdicts = [f["verdict"] for h in decoded(run)["hosts"] for f in h["findings"]]
    assert [f.verdict.value for h in run.hosts for f in h.findings] == verdicts
    assert {v.value for v in Verdict} == set(verdicts)


def test_only_the_declared_time_fields_differ_between_two_runs_over_the_same_data() -> None:
    run = runs.fleet()
    hour = timedelta(hours=1)
    later = replace(
        run,
        started_at=run.started_at + hour,
        finished_at=run.finished_at + hour,
        hosts=tuple(replace(h, seconds=h.seconds + 1, taken_at=h.taken_at and h.taken_at + hour) for h in run.hosts),
    )

    def timeless(of: Run) -> Any:
        out = decoded(of)
        for name in document.TIME_FIELDS:
            for holder in [out] if "." not in name else out["hosts"]:
                del holder[name.rpartition(".")[2]]
        return out

    assert decoded(run) != decoded(later)
    assert timeless(run) == timeless(later)


def test_the_text_is_ascii_whatever_a_host_answers() -> None:
    seen = report.render("json", runs.hostile())
    assert seen.isascii()
    assert "\\udc" not in seen
    assert "\\xff" in json.loads(seen)["hosts"][0]["findings"][0]["message"]


def test_one_finding_is_one_line() -> None:
    assert 1 == sum(
        '"fingerprint": "' + runs.VRFY.fingerprint("mx3.example.org") in line
        for line in report.render("json", runs.small()).splitlines()
    )


def test_the_shipped_schema_is_the_one_of_the_dataclasses() -> None:
    from docs.report_schema import FILE, schema

    assert schema() == FILE.read_text()


DOCUMENT = (Path(__file__).parents[3] / "docs" / "json-report.md").read_text()


def test_every_field_is_documented() -> None:
    kinds = (
        document.Document,
        document.Rule,
        document.Host,
        document.Server,
        document.Entry,
        document.Value,
        document.Counts,
        document.Summary,
    )
    names = {name for kind in kinds for name in kind.__dataclass_fields__}
    assert set() == names - set(re.findall(r"`(\w+)(?:\[\])?`", DOCUMENT))


def test_every_state_of_a_host_is_documented() -> None:
    def below(kind: type[HostFailed]) -> set[type[HostFailed]]:
        return {kind}.union(*map(below, kind.__subclasses__()))

    states = {kind.state for kind in below(HostFailed) if not kind.__subclasses__()} | {
        fleet.INTERRUPTED,
        fleet.INTERNAL_ERROR,
    }
    assert set() == {state for state in states if f"`{state}`" not in DOCUMENT}


def test_the_example_in_the_document_is_true() -> None:
    failed = [
        "\t".join((host["host"], finding["severity"], finding["rule"], finding["subject"]))
        for host in decoded(runs.small())["hosts"]
        for finding in host["findings"]
        if finding["verdict"] == "fail"
    ]
    assert sorted(failed) == sorted(re.findall(r"^mx3.*$", DOCUMENT, re.MULTILINE))
