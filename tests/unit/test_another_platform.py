"""A mail server that the tool does not know becomes one by a value and a rule: nothing else is touched."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from auditor import pipeline, report
from auditor.interfaces import Platform
from auditor.model.finding import Severity, Verdict
from auditor.model.host import Command, Files, Host, Release, Shell
from auditor.model.network import Networks
from auditor.model.origin import Origin, Setting, Unknown
from auditor.model.run import HostReport
from auditor.model.snapshot import Missing, Section, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Hermes:
    """A toy server with one setting."""

    open_to_all: Setting  # whether strangers may relay


def parse(snapshot: Snapshot) -> Hermes:
    section = snapshot.section("hermes/conf")
    origin = Origin(file="hermes.conf", line=1)
    if isinstance(section.content, Missing) or section.status:
        unknown = Unknown("hermes.conf could not be read")
        return Hermes(open_to_all=Setting(name="open", value=unknown, text="", origin=origin))
    text = section.text.partition("=")[2].strip()
    return Hermes(open_to_all=Setting(name="open", value=text == "yes", text=text, origin=origin))


def from_files(files: Mapping[str, bytes], _: Release | None) -> Snapshot:
    content = next((content for path, content in files.items() if path.endswith("hermes.conf")), b"")
    return Snapshot(host="", platform="hermes", sections={"hermes/conf": Section(name="hermes/conf", content=content)})


def recognise(files: Mapping[str, bytes]) -> Sequence[Mapping[str, bytes]]:
    return [{path: content} for path, content in files.items() if path.endswith("hermes.conf")]


def hermes(path: Path) -> Platform[Hermes]:
    quoted = shlex.quote(str(path))
    return Platform(
        name="hermes",
        shell=Shell.SH,
        model=Hermes,
        namespaces={},
        detect=f"[ -e {quoted} ]",
        collect=f"section hermes/conf cat {quoted}",
        privileged=lambda _: (),
        instances=lambda snapshot: (snapshot,),
        recognise=recognise,
        from_files=from_files,
        parse=parse,
        release=lambda _: "1.0",
        addresses=lambda _: Networks(),
        problems=lambda _: (),
    )


RULE = """\
id: hermes-open-to-all
title: Strangers may relay
severity: critical
why: An open relay is on every block list tomorrow.
check:
  require: not hermes.open_to_all
  message: "open = {hermes.open_to_all}"
examples:
  - {name: open, given: {hermes.conf: "open = yes\\n"}, expect: fail}
  - {name: closed, given: {hermes.conf: "open = no\\n"}, expect: pass}
"""


@pytest.fixture
def toy(tmp_path: Path) -> tuple[pipeline.Pipeline, Path]:
    (tmp_path / "rules" / "hermes").mkdir(parents=True)
    (tmp_path / "rules" / "profiles").mkdir()
    (tmp_path / "rules" / "profiles" / "default.yaml").write_text("title: all\n")
    (tmp_path / "rules" / "hermes" / "hermes-open-to-all.yaml").write_text(RULE)
    (tmp_path / "etc").mkdir()
    configuration = tmp_path / "etc" / "hermes.conf"
    configuration.write_text("open = yes\n")
    return pipeline.Pipeline(platforms=(hermes(configuration),), rules_folder=tmp_path / "rules"), configuration


def verdicts(reports: Sequence[HostReport]) -> list[tuple[str, str, Verdict]]:
    return [(each.state, finding.rule_id, finding.verdict) for each in reports for finding in each.findings]


def test_it_is_scanned_through_a_command_and_from_files_with_the_same_findings(
    toy: tuple[pipeline.Pipeline, Path],
) -> None:
    tool, configuration = toy
    hosts = [
        Host(name="live", connection=Command(argv=("sh",))),
        Host(name="folder", connection=Files(folder=str(configuration.parent))),
    ]
    live, folder = tool.scan(hosts, tool.load_rules())
    assert verdicts([live]) == verdicts([folder]) == [("ok", "hermes-open-to-all", Verdict.FAIL)]
    assert live.findings == folder.findings
    assert live.findings[0].evidence[0].origin == Origin(file="hermes.conf", line=1)


def test_its_rule_examples_are_checked_and_its_findings_reported(toy: tuple[pipeline.Pipeline, Path]) -> None:
    tool, configuration = toy
    assert tool.check_rules([]) == pipeline.RulesChecked(rules=1, examples=2, problems=(), warnings=())
    rules = tool.load_rules()
    host = Host(name="folder", connection=Files(folder=str(configuration.parent)))
    run = pipeline.conclude(
        tuple(tool.scan([host], rules)),
        rules,
        started=pipeline.now(),
        finished=pipeline.now(),
        fail_on=Severity.HIGH,
        tolerance=pipeline.Tolerance(),
    )
    assert (run.exit_code, run.exit_reason) == (1, "1 finding at or above high")
    assert "hermes-open-to-all" in report.render("text", run)
    assert json.loads(report.render("json", run))["hosts"][0]["host"] == "folder"
    assert "Strangers may relay" in report.render("html", run)


def test_a_host_without_it_says_what_was_looked_for(toy: tuple[pipeline.Pipeline, Path]) -> None:
    tool, configuration = toy
    configuration.unlink()
    (report_of_host,) = tool.scan([Host(name="bare", connection=Command(argv=("sh",)))], tool.load_rules())
    assert (report_of_host.state, "hermes" in report_of_host.error) == ("no mail server", True)
