"""The dialogue with sudo, without any I/O."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.errors import AuditorError, CollectionFailed, ConnectionFailed, PrivilegeRefused
from auditor.interfaces import Script
from auditor.model.host import Command, Host, Privilege, Secret, Shell
from auditor.shell import privilege
from auditor.shell.privilege import Session

SCRIPT = "echo canary-script\n"
CANARY = "canary-password"
LECTURE = b"\nWe trust you have received the usual lecture from the local System Administrator.\n\n"


def session(mode: str = "root", password: str | None = CANARY) -> Session:
    secret = None if password is None else Secret(label="environment SUDO", read=lambda: password)
    host = Host(
        name="mx1",
        connection=Command(argv=("sh",)),
        privilege=Privilege(mode=mode, password=secret),  # type: ignore[arg-type]
    )
    return Session(host, Script(shell=Shell.SH, text=SCRIPT))


def taken(running: Session) -> bytes:
    """What there is to send, sent."""
    out = bytes(running.outgoing)
    running.outgoing.clear()
    return out


def words(running: Session) -> tuple[bytes, bytes]:
    """Start a session and find the prompt and the ready sign in its first line, as the shell would join them."""
    line = taken(running)
    prompt = line.partition(b"-p ")[2].partition(b" /bin/sh")[0].replace(b"'", b"")
    ready = line.partition(b"printf '%s%s\\n' ")[2].partition(b" >&2")[0].replace(b"' '", b"").replace(b"'", b"")
    return prompt, ready + b"\n"


@pytest.mark.parametrize("mode", ["least", "none"])
def test_without_root_mode_the_script_is_all_that_is_sent(mode: str) -> None:
    running = session(mode)
    assert (SCRIPT.encode(), True) == (taken(running), running.complete)


def test_the_password_follows_the_prompt_and_the_script_the_ready_sign() -> None:
    running = session()
    prompt, ready = words(running)
    running.hear_stderr(LECTURE)
    assert b"" == taken(running)
    running.hear_stderr(prompt)
    assert (CANARY.encode() + b"\n", False) == (taken(running), running.complete)
    running.hear_stderr(ready)
    assert (SCRIPT.encode(), True) == (taken(running), running.complete)


def test_where_sudo_does_not_ask_the_password_is_never_sent() -> None:
    running = session()
    _, ready = words(running)
    running.hear_stderr(ready)
    assert SCRIPT.encode() == taken(running)


def test_what_sudo_says_before_the_script_is_not_the_script_s() -> None:
    running = session()
    prompt, ready = words(running)
    running.hear_stderr(LECTURE + prompt + b"\n")
    running.hear_stderr(ready + b"postconf: warning: unused parameter\n")
    running.hear_stdout(b"answer")
    output = running.output(0)
    assert (b"answer", b"postconf: warning: unused parameter\n", 0) == (output.stdout, output.stderr, output.status)


def test_a_second_prompt_ends_the_run_instead_of_a_second_attempt() -> None:
    running = session()
    prompt, _ = words(running)
    running.hear_stderr(prompt)
    taken(running)
    with pytest.raises(PrivilegeRefused, match="sudo did not accept the password") as failure:
        running.hear_stderr(b"Sorry, try again.\n" + prompt)
    assert b"" == taken(running)
    assert CANARY not in f"{failure.value!r} {failure.value.advice}"


def test_the_first_line_is_not_its_own_answer() -> None:
    running = session()
    line = taken(running)
    running.hear_stderr(line)
    assert (b"", False) == (taken(running), running.complete)


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        (b"sudo: a password is required\n", "sudo asks for a password and there is none"),
        (b"auditor is not in the sudoers file.\n", "the user is not in the sudoers file"),
        (
            b"Sorry, user auditor is not allowed to execute '/bin/sh -c ...' as root on mx1.\n",
            "sudo does not let the user run /bin/sh as root",
        ),
        (b"Sorry, user auditor may not run sudo on mx1.\n", "the user may not run sudo on this host"),
        (b"sudo: sorry, you must have a tty to run sudo\n", "sudo wants a terminal (requiretty)"),
        (b"sh: 1: exec: sudo: not found\n", "sudo is not installed"),
        (b"sudo: 1 incorrect password attempt\n", "sudo did not start the script: sudo: 1 incorrect password attempt"),
    ],
)
def test_what_sudo_refuses_with_is_explained(said: bytes, meaning: str) -> None:
    running = session()
    running.hear_stderr(said)
    with pytest.raises(PrivilegeRefused) as failure:
        running.output(1)
    assert f"mx1: {meaning}" == failure.value.message
    assert failure.value.advice


def test_a_shell_that_ends_before_the_script_is_no_refusal_of_sudo() -> None:
    running = session()
    running.hear_stdout(b"This account is currently not available.\n")
    with pytest.raises(CollectionFailed, match="This account is currently not available"):
        running.output(1)


def test_words_of_the_host_are_made_harmless() -> None:
    running = session()
    running.hear_stderr(b"sudo: \x1b[31mno\x1b]0;title\x07" + b"x" * 5000)
    with pytest.raises(PrivilegeRefused) as failure:
        running.output(1)
    assert failure.value.message.isprintable()
    assert len(failure.value.message) < 300


def test_a_password_that_cannot_be_had_is_an_error_with_its_label() -> None:
    def read() -> str:
        raise AuditorError("environment SUDO is not set", "export it")

    host = Host(
        name="mx1",
        connection=Command(argv=("sh",)),
        privilege=Privilege(mode="root", password=Secret(label="environment SUDO", read=read)),
    )
    running = Session(host, Script(shell=Shell.SH, text=SCRIPT))
    prompt, _ = words(running)
    with pytest.raises(ConnectionFailed, match="mx1: environment SUDO is not set"):
        running.hear_stderr(prompt)


@pytest.mark.parametrize(
    ("hear", "limit"), [("hear_stdout", privilege.STDOUT_LIMIT), ("hear_stderr", privilege.STDERR_LIMIT)]
)
def test_too_much_of_either_stream_is_an_error(hear: str, limit: int) -> None:
    running = session("none")
    getattr(running, hear)(bytes(limit))
    with pytest.raises(CollectionFailed, match=f"sent more than {limit // 2**20} MB"):
        getattr(running, hear)(b"x")


def test_what_was_too_much_is_not_kept() -> None:
    running = session("none")
    with pytest.raises(CollectionFailed):
        running.hear_stdout(bytes(privilege.STDOUT_LIMIT + 1))
    assert running.output(0).stdout == b""


@settings(deadline=None)  # how fast is no question here, and the machine may be busy
@given(data=st.data())
def test_how_the_bytes_are_cut_makes_no_difference(data: st.DataObject) -> None:
    running = session()
    prompt, ready = words(running)
    sent = b""
    for said in (LECTURE + prompt, b"\n" + ready + b"a warning\n"):  # sudo waits in between
        cuts = sorted(data.draw(st.lists(st.integers(0, len(said)), max_size=12)))
        for start, end in zip([0, *cuts], [*cuts, len(said)], strict=True):
            running.hear_stderr(said[start:end])
            sent += taken(running)
    assert CANARY.encode() + b"\n" + SCRIPT.encode() == sent
    assert b"a warning\n" == running.output(0).stderr


@pytest.mark.parametrize("shell", [("dash",), ("bash", "--posix"), ("sh",)])
@pytest.mark.parametrize("password", [None, CANARY])
def test_the_first_line_is_right_in_real_shells(shell: tuple[str, ...], password: str | None) -> None:
    running = session(password=password)
    done = subprocess.run(
        (*shell, "-s"), input=taken(running), capture_output=True, check=False, env={"PATH": "/usr/bin:/bin"}
    )
    # As root the shell says that it is ready; elsewhere sudo speaks, or is missing.
    running.hear_stderr(done.stderr)
    assert running.complete or b"sudo" in done.stderr
