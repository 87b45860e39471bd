"""The command line as a user meets it: what is printed, how it ends, and that no mistake is a traceback."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from auditor import cli
from tests.unit import frames

ROOT = Path(__file__).parent.parent.parent
DEMO = ROOT / "tests" / "snapshots" / "demo"
EXAMPLE = str(ROOT / "inventory.example.yaml")


def mailaudit(*arguments: str, cwd: Path | None = None, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "auditor", *arguments], input=stdin, capture_output=True, text=True, check=False, cwd=cwd
    )


def ends(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = cli.run(arguments)
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err + captured.out
    assert code != 70, captured.err
    return code, captured.out, captured.err


def test_the_example_inventory_is_scanned_and_never_fails_when_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ends(["scan", "-i", EXAMPLE, "--fail-on", "never"], capsys)
    assert (code, err) == (0, "")
    assert "4 of 4 hosts audited" in out


def test_findings_at_the_threshold_end_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert ends(["scan", "--demo", "mx-old*"], capsys)[0] == 1


def test_the_same_snapshots_give_the_same_bytes_but_for_the_declared_time_fields(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in ("1", "2"):
        targets = [f"--report=json:{tmp_path / number}.json", f"--report=text:{tmp_path / number}.txt"]
        ends(["scan", "--demo", "--fail-on", "never", *targets], capsys)
    assert (tmp_path / "1.txt").read_bytes() == (tmp_path / "2.txt").read_bytes()
    first, second = (json.loads((tmp_path / f"{number}.json").read_text()) for number in ("1", "2"))
    for report in (first, second):
        for field in ("started_at", "finished_at"):
            del report[field]
        for host in report["hosts"]:
            del host["seconds"]
    assert first == second


def test_several_reports_are_written_at_once_and_only_for_their_owner(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    html, data = tmp_path / "report.html", tmp_path / "report.json"
    code, out, err = ends(
        ["scan", "--demo", "--fail-on=never", f"--report=html:{html}", f"--report=json:{data}"], capsys
    )
    assert (code, out) == (0, "")
    assert str(html) in err
    assert [stat.S_IMODE(path.stat().st_mode) for path in (html, data)] == [0o600, 0o600]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.json"]


def test_an_inventory_judges_the_snapshots_of_its_hosts_with_their_site_facts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from_inventory = ends(["scan", "-i", EXAMPLE, "--report=json", "--fail-on=never"], capsys)[1]
    from_folder = ends(["scan", "-i", EXAMPLE, "--snapshots", str(DEMO), "--report=json", "--fail-on=never"], capsys)[1]
    findings = [
        {host["host"]: host["findings"] for host in json.loads(text)["hosts"]} for text in (from_inventory, from_folder)
    ]
    assert findings[0] == findings[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["scan"], "nothing to audit was named"),
        (["scna"], "Did you mean 'scan'?"),
        (["scan", "--demo", "--local"], "exclude each other"),
        (["scan", "mx:!edge"], "no inventory to look it up in"),
        (["scan", "--demo", "nosuch*"], "nosuch"),
        (["scan", "--demo", "--report", "htlm:x"], "did you mean html"),
        (["scan", "--demo", "--report", "html:/nonexistent/x.html"], "/nonexistent"),
        (["scan", "--demo", "--report", "json", "--report", "text"], "standard output"),
        (["scan", "--demo", "--unreachable", "lots"], "5%"),
        (["scan", "--demo", "--profile", "nosuch"], "nosuch"),
        (["scan", "--demo", "--rules", "/nonexistent"], "/nonexistent"),
        (["scan", "--files", "/nonexistent"], "no such folder"),
        (["scan", "--files", "/tmp", "--release", "new"], "3.7"),
        (["scan", "--snapshots", "/nonexistent"], "no such file"),
        (["scan", "-i", "/nonexistent.yaml"], "/nonexistent.yaml"),
        (["scan", "--demo", "--platform", "postfx"], "postfx"),
        (["scan", "-oProxyCommand=id@host"], "-o"),
        (["collect", "--demo"], "-o DIR"),
        (["collect", "--print-script", "exim"], "exim"),
        (["explain", "postfix-vrfy-enable", "--demo"], "postfix-vrfy-enabled"),
        (["rules", "show", "nosuch"], "rules list"),
        (["inventory", "show", "x@y"], "-i INVENTORY"),
    ],
)  # fmt: skip
def test_a_mistake_ends_with_2_and_says_what_to_do(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = ends(arguments, capsys)
    assert (code, out) == (2, "")
    assert says in err


@pytest.mark.parametrize(
    "content",
    [
        b"all: {hosts: {mx: {ansible_port: many}}}",
        b"all:\n\thosts: {}\n",
        b"all: {hosts: {a: {}, a: {}}}",
        b"\x00\x01\x02",
        b"\xff\xfe\xfd: [",
        b"[" * 20_000,
        b"a: &a [x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\nall: [*c,*c,*c,*c]",
        b"all: {hosts: {mx: {trusted_networks: [10.0.0.1/8]}}}",
        b"all: !!python/object/apply:os.system [id]",
    ],
)  # fmt: skip
def test_a_broken_inventory_ends_with_2_and_its_place(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "broken.yaml"
    path.write_bytes(content)
    code, out, err = ends(["scan", "-i", str(path)], capsys)
    assert (code, out) == (2, "")
    assert f"{path}" in err


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 100_000,
        b"mailaudit-snapshot 9 - 1\n",
        b"<html>not a snapshot</html>",
        b"mailaudit-snapshot 1 - 1\n@ 0 99999999999 0 0 x\n",
        b"\x1b[2J" * 50,
    ],
)  # fmt: skip
def test_a_damaged_snapshot_is_a_failed_host_beside_the_good_ones(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.snap").write_bytes(content)
    (tmp_path / "good.snap").write_bytes((DEMO / "debian12.example.org.snap").read_bytes())
    code, out, err = ends(["scan", "--snapshots", str(tmp_path)], capsys)
    assert (code, err) == (3, "")
    assert "collection failed" in out
    assert "1 of 2 hosts" in out
    assert "\x1b" not in out


def test_a_cut_snapshot_is_unknown_never_a_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = (DEMO / "debian12.example.org.snap").read_bytes()
    (tmp_path / "cut.snap").write_bytes(whole[: whole.index(b"/main.cf\n") + 20])
    report = json.loads(ends(["scan", "--snapshots", str(tmp_path), "--report=json"], capsys)[1])
    verdicts = {finding["verdict"] for finding in report["hosts"][0]["findings"]}
    assert "unknown" in verdicts
    assert "fail" not in verdicts


def test_the_printed_script_is_the_whole_script_and_its_output_is_a_snapshot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, script, err = ends(["collect", "--print-script", "postfix"], capsys)
    assert (code, err) == (0, "")
    saved = tmp_path / "here.snap"
    saved.write_bytes(subprocess.run(["sh"], input=script.encode(), capture_output=True, check=True).stdout)
    code, out, _ = ends(["scan", "--snapshots", str(saved), "--fail-on=never"], capsys)
    assert code in (0, 3)
    assert "here" in out


def test_collecting_writes_one_private_file_per_host_and_nothing_for_a_failed_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inventory = tmp_path / "i.yaml"
    good = DEMO / "debian12.example.org.snap"
    inventory.write_text(
        f"all: {{hosts: {{good: {{snapshot: {good}}}, bad: {{connection: command, command: 'echo no'}}}}}}\n"
    )
    code, out, err = ends(["collect", "-i", str(inventory), "-o", str(tmp_path / "out")], capsys)
    assert code == 3
    assert out.splitlines() == [str(tmp_path / "out" / "good.snap")]
    assert "bad:" in err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.snap"]
    assert (tmp_path / "out" / "good.snap").read_bytes() == good.read_bytes()
    assert stat.S_IMODE((tmp_path / "out" / "good.snap").stat().st_mode) == 0o600


def test_explain_shows_values_and_where_they_were_written(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ends(["explain", "postfix-vrfy-enabled", "debian12*", "--demo"], capsys)
    assert (code, err) == (0, "")
    assert "disable_vrfy_command" in out


def test_rules_are_listed_shown_and_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert "postfix-auth-without-tls" in ends(["rules", "list"], capsys)[1]
    assert "## Condition" in ends(["rules", "show", "postfix-auth-without-tls"], capsys)[1]


def test_a_site_rule_with_mistakes_is_told_with_all_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "postfix-site.yaml").write_text(
        "id: postfix-site\ntitle: x\nseverity: hihg\nwhy: y\ncheck:\n  require: postfix.main.no_such == 'x'\n  message: m\n"
        "examples:\n  - {name: a, given: {main.cf: ''}, expect: fail}\n  - {name: b, given: {main.cf: ''}, expect: pass}\n"
    )
    code, out, err = ends(["rules", "check", str(tmp_path)], capsys)
    assert (code, out) == (2, "")
    assert f"{tmp_path / 'postfix-site.yaml'}:3:11" in err
    assert "did you mean 'high'" in err
    assert "no_such" in err


def test_a_hanging_host_does_not_hold_up_the_report_of_an_interrupted_run(tmp_path: Path) -> None:
    inventory = tmp_path / "i.yaml"
    good = DEMO / "debian12.example.org.snap"
    hangs = "connection: command, command: 'sleep 60'"
    inventory.write_text(f"all: {{hosts: {{good: {{snapshot: {good}}}, hangs: {{{hangs}}}}}}}\n")
    report = tmp_path / "report.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "auditor", "scan", "-v", "-i", str(inventory), f"--report=json:{report}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert any("good: read in" in line for line in process.stderr)
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130, out + err
    assert time.monotonic() - started < 10
    told = json.loads(report.read_text())
    assert told["complete"] is False
    assert [(host["host"], host["state"]) for host in told["hosts"]] == [("good", "ok"), ("hangs", "interrupted")]


def test_a_pipe_that_closes_early_is_no_error() -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m auditor rules list | head -1"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_help_imports_none_of_the_heavy_libraries() -> None:
    heavy = "{'paramiko', 'rich', 'jinja2', 'ruamel', 'winrm'}"
    code = f"import sys; from auditor import cli; cli.run(['--help']); print(sorted(set(sys.modules) & {heavy}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_no_secret_of_the_environment_or_inventory_is_shown(tmp_path: Path) -> None:
    inventory = tmp_path / "i.yaml"
    secrets = "ansible_password: C4nary1, become_password: {env: C4NARY_VARIABLE}"
    inventory.write_text(f"all: {{hosts: {{mx: {{ansible_host: 127.0.0.1, ansible_port: 1, {secrets}}}}}}}\n")
    environment = {**os.environ, "C4NARY_VARIABLE": "C4nary2"}
    for arguments in (
        ["inventory", "show", "mx"],
        ["inventory", "check"],
        ["inventory", "list"],
        ["scan", "-vv", "--report=json"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "auditor", *arguments, "-i", str(inventory)],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        assert "C4nary" not in done.stdout + done.stderr


def test_a_report_that_cannot_be_written_does_not_lose_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    html = tmp_path / "report.html"
    code, _, err = ends(
        ["scan", "--demo", "--fail-on=never", "--report=json:/dev/full", f"--report=html:{html}"], capsys
    )
    assert (code, html.exists()) == (74, True)
    assert "/dev/full" in err


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-", "2>&-"])
def test_an_output_that_is_full_or_closed_is_no_fault_of_the_tool(redirection: str) -> None:
    command = f"{sys.executable} -m auditor rules list {redirection}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 74)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("pattern", ["~[", "[", "*[", "~", ":", "&", "!"])
def test_a_pattern_that_says_nothing_never_means_all(pattern: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ends(["inventory", "list", "--demo", pattern], capsys)[0] == 2


def test_a_folder_of_files_has_nothing_to_collect(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "main.cf").write_text("")
    code, out, err = ends(["collect", "--files", str(tmp_path), "-o", str(tmp_path / "out")], capsys)
    assert (code, out) == (2, "")
    assert "scan" in err
    assert not (tmp_path / "out").exists()


def test_the_first_interruption_while_reports_are_written_waits_for_them(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "from auditor import cli\n"
        "with cli.patient():\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    print('still writing', flush=True)\n"
        "    try:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    except KeyboardInterrupt:\n"
        "        print('given up', flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines() == ["still writing", "given up"]
    assert "interrupt again" in done.stderr


def test_an_interrupted_collection_ends_with_130(tmp_path: Path) -> None:
    inventory = tmp_path / "i.yaml"
    good = DEMO / "debian12.example.org.snap"
    inventory.write_text(
        f"all: {{hosts: {{good: {{snapshot: {good}}}, hangs: {{connection: command, command: 'sleep 60'}}}}}}\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "auditor", "collect", "-v", "-i", str(inventory), "-o", str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert any("good: read in" in line for line in process.stderr)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.snap"]


def test_very_many_subjects_are_counted_not_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "main.cf").write_text(
        "compatibility_level = 3.6\nsmtpd_recipient_restrictions = check_client_access cidr:/etc/postfix/access\n"
    )
    lines = "".join(f"10.{i // 250}.{i % 250}.0/24 DUNNO\n" for i in range(3000))
    (tmp_path / "access").write_text(lines)
    report = json.loads(ends(["scan", "--files", str(tmp_path), "--report=json", "--fail-on=never"], capsys)[1])
    subjects = [f["subject"] for f in report["hosts"][0]["findings"] if f["rule"] == "postfix-access-entry-error"]
    assert len(subjects) == 1001
    assert "(2,000 more)" in subjects


def test_sudoers_lines_are_for_a_user_who_was_named_and_can_be_one(capsys: pytest.CaptureFixture[str]) -> None:
    snapshot = str(DEMO / "mx1.example.org.snap")
    code, out, _ = ends(["inventory", "privileges", "--snapshots", snapshot, "-u", "audit"], capsys)
    lines = [line for line in out.splitlines() if not line.startswith(("#", "Defaults"))]
    assert code == 0
    assert len(lines) > 5
    assert all(line.startswith("audit ALL=(root) NOPASSWD: /usr/") for line in lines)
    for user in ([], ["-u", "x\nALL ALL=(ALL) NOPASSWD: ALL"], ["-u", "x;id"]):
        assert ends(["inventory", "privileges", "--snapshots", snapshot, *user], capsys)[:2] == (2, "")


def test_what_has_the_shape_of_a_secret_is_not_kept_by_collect_either(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    canary = b"root@example.org {SHA512-CRYPT}$6$saltsalt$" + b"C4nary" * 10 + b"\n"
    sections = [
        frames.frame("host/platforms", b"postfix found\n"),
        frames.frame("postfix[/etc/postfix]/file /etc/postfix/users", canary),
    ]
    (tmp_path / "leaky.snap").write_bytes(frames.HEADER + b"".join(sections) + b"@end 2\n")
    code, out, err = ends(["collect", "--snapshots", str(tmp_path / "leaky.snap"), "-o", str(tmp_path / "out")], capsys)
    assert (code, out) == (3, "")
    assert "shape of a secret" in err
    assert "C4nary" not in err
    assert list((tmp_path / "out").iterdir()) == []
