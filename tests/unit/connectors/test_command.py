from __future__ import annotations

import os
import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest

from auditor import connectors
from auditor.errors import CollectionFailed, TimedOut, Unreachable
from auditor.interfaces import Script
from auditor.model.host import Command, Files, Host, Shell
from tests.unit.connectors.conftest import host, run


def command(*argv: str) -> Host:
    return host(Command(argv=argv))


def fake(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_a_script_comes_back_with_output_errors_and_status() -> None:
    output = run(command("sh"), "echo out; echo err >&2; exit 7\n")
    assert (b"out\n", b"err\n", 7) == (output.stdout, output.stderr, output.status)


def test_a_script_and_an_answer_larger_than_all_buffers_pass_at_the_same_time() -> None:
    script = "head -c 8000000 /dev/zero\n" + "# filler that nobody reads\n" * 200_000 + "echo end\n"
    output = run(command("sh"), script)
    assert (8_000_004, b"end\n") == (len(output.stdout), output.stdout[-4:])


def test_a_shell_that_stops_reading_still_has_its_answer_heard() -> None:
    output = run(command("sh"), "echo early; exit 3\n" + "# filler\n" * 100_000)
    assert (b"early\n", 3) == (output.stdout, output.status)


def test_the_deadline_kills_everything_that_the_command_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    started = time.monotonic()
    with pytest.raises(
        TimedOut, match="`sh` did not end within 1 s: the script was still running, after 3 bytes of output"
    ):
        run(command("sh"), f"echo hi; sleep 60 & echo $! > {pids}; echo $$ >> {pids}; wait\n", seconds=1)
    assert time.monotonic() - started < 3
    time.sleep(0.2)
    for pid in pids.read_text().split():
        assert not _runs(int(pid))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_what_the_shell_leaves_running_does_not_hold_up_the_answer() -> None:
    started = time.monotonic()
    output = run(command("sh"), "sleep 20 & echo $!\n")
    os.kill(int(output.stdout), signal.SIGKILL)
    assert time.monotonic() - started < 5


def test_endless_output_is_cut_off() -> None:
    with pytest.raises(CollectionFailed, match="sent more than 16 MB of output"):
        run(command("sh"), "cat /dev/zero\n", seconds=60)


def test_a_command_that_is_not_there_is_unreachable() -> None:
    with pytest.raises(
        Unreachable, match="`nosuchcommand -i sh` could not be started: No such file or directory"
    ) as failure:
        run(command("nosuchcommand", "-i", "sh"))
    assert "is nosuchcommand installed" in failure.value.advice


@pytest.mark.parametrize(
    ("said", "status", "advice"),
    [
        ("Error response from daemon: No such container: mail", 1, "`docker ps` lists"),
        ("Error response from daemon: container 4f2a is not running", 1, "start the container"),
        ('Error: no container with name or ID "mail" found: no such container', 125, "`podman ps` lists"),
        ('Error from server (NotFound): pods "mail-0" not found', 1, "`kubectl get pods -A`"),
        ('OCI runtime exec failed: exec: "sh": executable file not found in $PATH: unknown', 126, "has no shell"),
        ("root@192.0.2.1: Permission denied (publickey,password).", 255, "try the same command by hand"),
        ("Host key verification failed.", 255, "check the host key by hand"),
        ("sh: 1: exec: mksh: not found", 127, "was not found"),
        ("something new", 4, "run it by hand"),
    ],
)
def test_the_usual_failures_come_with_advice(tmp_path: Path, said: str, status: int, advice: str) -> None:
    docker = fake(tmp_path, "docker", f"cat > /dev/null; echo '{said}' >&2; exit {status}")
    with pytest.raises(Unreachable, match=f"ended with status {status}: ") as failure:
        run(command(docker, "exec", "-i", "mail", "sh"))
    assert said in failure.value.message
    assert advice in failure.value.advice


def test_folders_of_files_run_no_scripts(tmp_path: Path) -> None:
    with (
        pytest.raises(TypeError, match="read_folder"),
        connectors.open(host(Files(folder=str(tmp_path)))) as connector,
    ):
        connector.run(Script(shell=Shell.SH, text=""), timeout=timedelta(seconds=1))
