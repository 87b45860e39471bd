"""Whole scans of real servers, through the command line and the pipeline."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from auditor import pipeline
from auditor.model.host import Host, Privilege, Secret, Ssh
from auditor.model.run import HostReport
from tests.lab.hosts import CANARIES
from tests.lab.lab import Lab
from tests.lab.running import RunningHost


def login(lab: Lab, running: RunningHost, user: str = "root") -> Ssh:
    return Ssh(
        address=running.address,
        user=user,
        private_key_file=str(lab.key),
        agent=False,
        known_hosts=(str(lab.known_hosts),),
        ssh_config="",
    )


def ssh(lab: Lab, running: RunningHost, user: str = "root", privilege: Privilege | None = None) -> Host:
    return Host(name=running.name, connection=login(lab, running, user), privilege=privilege or Privilege())


def mailaudit(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-m", "auditor", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, stdin=subprocess.DEVNULL
    )


def inventory(lab: Lab, path: Path, *hosts: RunningHost, variables: str = "") -> Path:
    lines = [
        "all:",
        "  vars:",
        "    ansible_user: root",
        f"    ansible_ssh_private_key_file: {lab.key}",
        f"    known_hosts: [{lab.known_hosts}]",
    ]
    lines += [f"    {variables}", "  hosts:", *(f"    {host.name}: {{ansible_host: {host.address}}}" for host in hosts)]
    path.write_text("\n".join(lines) + "\n")
    return path


def without_time(report: HostReport) -> HostReport:
    return replace(report, source="", seconds=0.0)


def test_a_snapshot_gives_exactly_the_findings_of_the_live_scan(lab: Lab, tmp_path: Path) -> None:
    hosts = lab.up("debian-default", "vulnerable-mx", "multi-instance")
    file = inventory(lab, tmp_path / "i.yaml", *hosts)
    collected = mailaudit("collect", "-i", str(file), "-o", str(tmp_path / "snaps"), home=tmp_path)
    assert (collected.returncode, collected.stderr) == (0, "")
    live = json.loads(mailaudit("scan", "-i", str(file), "--report=json", home=tmp_path).stdout)
    replayed = json.loads(
        mailaudit("scan", "--snapshots", str(tmp_path / "snaps"), "--report=json", home=tmp_path).stdout
    )
    by_host = [{host["host"]: host["findings"] for host in report["hosts"]} for report in (live, replayed)]
    assert set(by_host[0]) == {"debian-default", "vulnerable-mx", "multi-instance"}
    assert by_host[0] == by_host[1]


def test_each_state_is_told_and_none_holds_up_the_others(lab: Lab, tmp_path: Path) -> None:
    good, bare = lab.up("debian-default", "no-mail-server")
    hosts = [
        ssh(lab, good),
        ssh(lab, bare),
        replace(ssh(lab, good, user="nobody-here"), name="stranger"),
        Host(name="silent", connection=Ssh(address="203.0.113.250", user="root", ssh_config="")),
        Host(name="unknown-key", connection=replace(login(lab, good), known_hosts=(str(tmp_path / "none"),))),
    ]  # fmt: skip
    started = time.monotonic()
    reports = tuple(pipeline.SHIPPED.scan(hosts, pipeline.SHIPPED.load_rules()))
    assert [report.state for report in reports] == [
        "ok",
        "no mail server",
        "login refused",
        "unreachable",
        "host key unknown",
    ]
    assert all(report.advice for report in reports if report.state != "ok")
    assert time.monotonic() - started < 40


def test_root_and_least_agree_on_every_verdict_that_both_can_give(lab: Lab) -> None:
    running = lab.host("hardened-mx")
    rules = pipeline.SHIPPED.load_rules()
    root = ssh(
        lab,
        running,
        user="auditor",
        privilege=Privilege(mode="root", password=Secret("the lab's password", lambda: lab.password)),
    )
    least = ssh(lab, running, user="auditor", privilege=Privilege(mode="least"))
    whole, partial = pipeline.SHIPPED.audit(root, rules), pipeline.SHIPPED.audit(least, rules)
    verdicts = [{(f.rule_id, f.subject): str(f.verdict) for f in report.findings} for report in (whole, partial)]
    different = {
        key: (verdict, verdicts[1].get(key)) for key, verdict in verdicts[0].items() if verdicts[1].get(key) != verdict
    }
    assert {seen for _, seen in different.values()} <= {"unknown"}, different
    assert "unknown" not in verdicts[0].values()


def test_a_new_host_key_is_shown_recorded_and_then_trusted(lab: Lab, tmp_path: Path) -> None:
    running = lab.host("debian-default")
    known = tmp_path / "known_hosts"
    file = tmp_path / "i.yaml"
    connection = f"ansible_host: {running.address}, ansible_user: root, ansible_ssh_private_key_file: {lab.key}"
    file.write_text(f"all: {{hosts: {{mx: {{{connection}, known_hosts: [{known}]}}}}}}\n")
    refused = mailaudit("scan", "-i", str(file), home=tmp_path)
    assert refused.returncode == 3
    assert "inventory trust mx" in refused.stdout
    trusted = mailaudit("inventory", "trust", "mx", "-i", str(file), "--yes", home=tmp_path)
    assert trusted.returncode == 0
    shown = running.run("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").stdout.split()[1]
    assert shown in trusted.stdout
    assert "known already" in mailaudit("inventory", "trust", "mx", "-i", str(file), home=tmp_path).stdout
    assert mailaudit("scan", "-i", str(file), "--fail-on=never", home=tmp_path).returncode == 0


def test_ctrl_c_ends_with_a_valid_report_of_what_is_done(lab: Lab, tmp_path: Path) -> None:
    good = lab.host("debian-default")
    file = inventory(lab, tmp_path / "i.yaml", good)
    with file.open("a") as text:
        text.write("    hangs: {connection: command, command: sleep 60}\n")
    report = tmp_path / "report.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "auditor", "scan", "-v", "-i", str(file), f"--report=json:{report}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
    )
    assert process.stderr is not None
    assert any("debian-default: read in" in line for line in process.stderr)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 130
    told = json.loads(report.read_text())
    assert (told["complete"], [host["state"] for host in told["hosts"]]) == (False, ["ok", "interrupted"])


@pytest.mark.parametrize("name", ["postfix-3.5", "postfix-3.10"])
def test_other_releases_are_read_without_anything_unknown(lab: Lab, name: str) -> None:
    report = pipeline.SHIPPED.audit(ssh(lab, lab.host(name)), pipeline.SHIPPED.load_rules())
    assert report.audited[0].release.startswith(name.removeprefix("postfix-"))
    assert [(f.rule_id, f.reason) for f in report.findings if f.verdict == "unknown"] == []
    assert report.audited[0].problems == ()


def test_a_whole_audit_is_one_connection_and_one_session_also_with_platform_auto(lab: Lab) -> None:
    with lab.fresh("debian-default", sshd_options=("LogLevel VERBOSE",)) as running:
        host = ssh(lab, running)
        assert host.platform == "auto"
        report = pipeline.SHIPPED.audit(host, pipeline.SHIPPED.load_rules())
        log = running.run("cat /var/log/syslog").stdout
    assert report.audited[0].platform == "postfix"
    assert [log.count(said) for said in ("Connection from", "Accepted publickey", "Starting session:")] == [1, 1, 1]


def test_no_planted_secret_is_in_any_output_of_a_scan(lab: Lab, tmp_path: Path) -> None:
    running = lab.host("vulnerable-mx")
    file = inventory(lab, tmp_path / "i.yaml", running)
    reports = [f"--report={form}:{tmp_path / form}" for form in ("text", "json", "html", "csv", "junit", "sarif")]
    scanned = mailaudit("scan", "-vv", "-i", str(file), "--fail-on=never", *reports, home=tmp_path)
    kept = mailaudit("collect", "-vv", "-i", str(file), "-o", str(tmp_path / "snaps"), home=tmp_path)
    assert (scanned.returncode, kept.returncode) == (0, 0)
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path != file]
    said = [each.encode() for done in (scanned, kept) for each in (done.stdout, done.stderr)]
    assert len(written) >= 7
    assert [canary for canary in CANARIES for text in (*written, *said) if canary.encode() in text] == []
