"""Against servers that misbehave."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import paramiko
import pytest

from auditor import fleet
from auditor.errors import (
    AlgorithmsRefused,
    AuditorError,
    CollectionFailed,
    ConnectionFailed,
    HostKeyChanged,
    LoginRefused,
    TimedOut,
)
from auditor.model.host import Host, Privilege, Secret, Ssh
from tests.doubles import ssh_server
from tests.doubles.ssh_server import Account, Behaviour, Seen, Server
from tests.unit.connectors.conftest import host, keygen, run

CANARY = "canary-password"


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Host]]:
    """Starts a double and gives the host that leads to it."""
    servers: list[Server] = []

    def start(
        behaviour: Behaviour, *, connect_seconds: float = 2, privilege: Privilege | None = None, **values: Any
    ) -> Host:
        server = Server(behaviour)
        servers.append(server)
        known = tmp_path / "known_hosts"
        key = ssh_server.HOST_KEY
        known.write_text(f"[127.0.0.1]:{server.port} {key.get_name()} {key.get_base64()}\n")
        settings: dict[str, Any] = {"user": "auditor", "known_hosts": (str(known),), "ssh_config": "", "agent": False}
        return host(
            Ssh(address="127.0.0.1", port=server.port, **(settings | values)),
            connect_timeout=timedelta(seconds=connect_seconds),
            privilege=privilege or Privilege(mode="none"),
        )

    yield start
    for server in servers:
        server.close()


def secret(text: str = CANARY) -> Secret:
    return Secret(label="environment MX_PASSWORD", read=lambda: text)


def in_with_password(seen: Seen, shell: Callable[[paramiko.Channel], None]) -> Behaviour:
    return ssh_server.login_server(lambda: Account(seen, password=CANARY, shell=shell))


@pytest.mark.parametrize(
    ("behaviour", "error", "said"),
    [
        (ssh_server.silent, TimedOut, "did not finish the SSH handshake within 1 s"),
        (ssh_server.slow_banner, TimedOut, "did not finish the SSH handshake within 1 s"),
        (ssh_server.endless_banner, ConnectionFailed, "does not speak SSH"),
        (ssh_server.silent_after_banner, TimedOut, "did not finish the SSH handshake within 1 s"),
        (ssh_server.hang_up, ConnectionFailed, "sent no SSH banner before it closed the connection"),
        (ssh_server.smtp, TimedOut, "within 1 s: it sent no SSH banner"),
        (ssh_server.ssh_one, AlgorithmsRefused, "speaks another SSH"),
        (ssh_server.garbage_after_banner, ConnectionFailed, "broke off the SSH handshake"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_server_that_is_none_costs_no_more_than_the_connect_timeout(
    serve: Callable[..., Host], behaviour: Behaviour, error: type[AuditorError], said: str
) -> None:
    started = time.monotonic()
    with pytest.raises(error, match=said) as failure:
        run(serve(behaviour, connect_seconds=1))
    assert time.monotonic() - started < 2.5
    assert failure.value.advice


def test_another_key_than_the_known_one_ends_the_connection_before_any_login(serve: Callable[..., Host]) -> None:
    seen = Seen()
    behaviour = ssh_server.login_server(lambda: Account(seen, password=CANARY), paramiko.ECDSAKey.generate())
    with pytest.raises(HostKeyChanged):
        run(serve(behaviour, password=secret()))
    assert Seen() == seen


def test_a_refused_password_is_sent_exactly_once(serve: Callable[..., Host]) -> None:
    seen = Seen()
    target = serve(ssh_server.login_server(lambda: Account(seen, password="another")), password=secret())
    with pytest.raises(LoginRefused, match="was not accepted with the password") as failure:
        run(target)
    assert ([CANARY], [], []) == (seen.passwords, seen.keys, seen.interactive)
    assert CANARY not in f"{failure.value!r} {failure.value.advice}"


def test_a_refused_password_is_not_tried_again_by_keyboard_interactive(serve: Callable[..., Host]) -> None:
    seen = Seen()
    account = ssh_server.login_server(
        lambda: Account(seen, password="another", methods="publickey,password,keyboard-interactive")
    )
    with pytest.raises(LoginRefused):
        run(serve(account, password=secret()))
    assert ([CANARY], []) == (seen.passwords, seen.interactive)


def test_keyboard_interactive_is_used_where_it_is_the_only_way(serve: Callable[..., Host]) -> None:
    seen = Seen()
    account = ssh_server.login_server(
        lambda: Account(seen, password=CANARY, methods="keyboard-interactive", shell=ssh_server.answering(b"hello\n"))
    )
    assert b"hello\n" == run(serve(account, password=secret())).stdout
    assert ([], [[CANARY]]) == (seen.passwords, seen.interactive)


@pytest.mark.parametrize(
    "questions", [(("Password: ", False), ("Verification code: ", False)), (("Your colour: ", True),)]
)
def test_questions_that_are_no_password_are_not_answered_with_it(
    serve: Callable[..., Host], questions: tuple[tuple[str, bool], ...]
) -> None:
    seen = Seen()
    account = ssh_server.login_server(
        lambda: Account(seen, password=CANARY, methods="keyboard-interactive", questions=questions)
    )
    with pytest.raises(LoginRefused):
        run(serve(account, password=secret()))
    assert [] == seen.interactive


def test_a_password_that_cannot_be_had_is_an_error_with_its_label(serve: Callable[..., Host]) -> None:
    def read() -> str:
        raise AuditorError("environment MX_PASSWORD is not set", "export it")

    target = serve(ssh_server.login_server(lambda: Account(Seen())), password=Secret(label="x", read=read))
    with pytest.raises(ConnectionFailed, match="mx1: environment MX_PASSWORD is not set"):
        run(target)


def test_a_refused_key_is_offered_exactly_once(serve: Callable[..., Host], tmp_path: Path) -> None:
    seen = Seen()
    key = keygen(tmp_path / "key")
    with pytest.raises(LoginRefused, match="was not accepted with"):
        run(serve(ssh_server.login_server(lambda: Account(seen)), private_key_file=str(key), password=secret()))
    assert (["ssh-ed25519"], []) == (seen.keys, seen.passwords)


def test_one_run_is_one_connection_one_channel_one_command_and_no_terminal(serve: Callable[..., Host]) -> None:
    seen = Seen()
    target = serve(in_with_password(seen, ssh_server.answering(b"hello\n", b"oops\n", 3)), password=secret())
    output = run(target, "echo canary-script\n")
    assert (b"hello\n", b"oops\n", 3) == (output.stdout, output.stderr, output.status)
    assert (1, ["sh -s"], 0) == (seen.channels, seen.commands, seen.ptys)


@pytest.mark.parametrize("shell", [ssh_server.endless_output, ssh_server.endless_errors])
def test_endless_output_is_cut_off(serve: Callable[..., Host], shell: Callable[[paramiko.Channel], None]) -> None:
    with pytest.raises(CollectionFailed, match=r"sent more than (16|1) MB"):
        run(serve(in_with_password(Seen(), shell), password=secret()), seconds=60)


def test_a_connection_that_dies_in_the_middle_is_a_failure(serve: Callable[..., Host]) -> None:
    with pytest.raises(ConnectionFailed, match="the connection broke"):
        run(serve(in_with_password(Seen(), ssh_server.dies), password=secret()))


def test_a_shell_that_hangs_costs_no_more_than_the_deadline(serve: Callable[..., Host]) -> None:
    started = time.monotonic()
    with pytest.raises(TimedOut, match="after 11 bytes of output"):
        run(serve(in_with_password(Seen(), ssh_server.hangs), password=secret()), seconds=1.5)
    assert time.monotonic() - started < 3


def test_a_shell_that_reads_nothing_costs_no_more_than_the_deadline(serve: Callable[..., Host]) -> None:
    started = time.monotonic()
    with pytest.raises(TimedOut):
        run(serve(in_with_password(Seen(), ssh_server.reads_nothing), password=secret()), "x" * 10_000_000, seconds=2)
    assert time.monotonic() - started < 4


def test_a_server_that_runs_no_commands_is_told_so(serve: Callable[..., Host]) -> None:
    behaviour = ssh_server.login_server(lambda: Account(Seen(), password=CANARY, shell=None))
    with pytest.raises(ConnectionFailed, match="the server ran no shell") as failure:
        run(serve(behaviour, password=secret()))
    assert "ForceCommand" in failure.value.advice


def test_hostile_text_in_a_banner_does_not_reach_the_terminal(serve: Callable[..., Host]) -> None:
    def evil(connection: socket.socket) -> None:
        connection.sendall(b"SSH-1.5-\x1b]0;owned\x07<script>\r\n")
        time.sleep(5)

    with pytest.raises(AlgorithmsRefused) as failure:
        run(serve(evil))
    assert failure.value.message.isprintable()


def test_servers_that_misbehave_do_not_delay_those_that_do_not(serve: Callable[..., Host]) -> None:
    bad = [serve(behaviour, connect_seconds=3) for behaviour in (ssh_server.silent, ssh_server.slow_banner)]
    good = serve(in_with_password(Seen(), ssh_server.answering(b"hello\n")), password=secret())
    finished: list[tuple[str, float]] = []
    started = time.monotonic()

    def work(target: Host) -> bytes:
        try:
            return run(target).stdout
        finally:
            finished.append((str(target in bad), time.monotonic() - started))

    results = list(fleet.run([*bad, good], work, workers=3))
    assert ["timed out", "timed out", "ok"] == [result.state for result in results]
    assert "False" == finished[0][0]
    assert finished[0][1] < 2


def test_no_thread_is_left_behind(serve: Callable[..., Host]) -> None:
    target = serve(in_with_password(Seen(), ssh_server.hangs), password=secret())
    before = {thread for thread in threading.enumerate() if thread.name != "double"}
    with pytest.raises(TimedOut):
        run(target, seconds=1)
    time.sleep(0.5)
    clients = [
        thread
        for thread in threading.enumerate()
        if thread not in before and isinstance(thread, paramiko.Transport) and not thread.server_mode
    ]
    assert [] == clients


def test_sudo_gets_the_password_over_ssh_only_after_its_prompt(serve: Callable[..., Host]) -> None:
    heard: list[bytes] = []

    def sudo(channel: paramiko.Channel) -> None:
        line = channel.recv(65536)
        prompt = _between(line, b"-p ", b" /bin/sh")
        time.sleep(0.3)
        heard.append(b"" if not channel.recv_ready() else channel.recv(65536))
        channel.sendall_stderr(b"We trust you have received the usual lecture.\n" + prompt)
        heard.append(channel.recv(65536))
        channel.sendall_stderr(_between(line, b"printf '%s%s\\n' ", b" >&2", joined_by=b" ") + b"\n")
        heard.append(ssh_server.read_all(channel))
        channel.sendall(b"hello\n")
        channel.send_exit_status(0)
        channel.close()

    target = serve(
        in_with_password(Seen(), sudo),
        password=secret(),
        privilege=Privilege(mode="root", password=secret("sudo-password")),
    )
    output = run(target, "echo hello\n")
    assert [b"", b"sudo-password\n", b"echo hello\n"] == heard
    assert (b"hello\n", b"") == (output.stdout, output.stderr)


def _between(line: bytes, start: bytes, end: bytes, joined_by: bytes = b"") -> bytes:
    """The word of the line that is written in two quoted halves."""
    return line.partition(start)[2].partition(end)[0].replace(b"'" + joined_by + b"'", b"").strip(b"'")


@pytest.mark.parametrize(
    "old",
    [
        {"server_sig_algs": False},  # before OpenSSH 7.2: it does not say what it takes
        {"disabled_algorithms": {"pubkeys": ["rsa-sha2-512", "rsa-sha2-256"]}},
    ],
)
def test_a_server_that_takes_rsa_keys_only_with_sha1_is_named(
    serve: Callable[..., Host], tmp_path: Path, old: dict[str, Any]
) -> None:
    def behaviour(connection: socket.socket) -> None:
        transport = paramiko.Transport(connection, **old)
        transport.local_version = "SSH-2.0-OpenSSH_5.9"
        transport.add_server_key(ssh_server.HOST_KEY)
        transport.start_server(event=threading.Event(), server=Account(Seen()))
        time.sleep(5)

    key = keygen(tmp_path / "key", kind="rsa")
    with pytest.raises(AlgorithmsRefused, match=r"\(SSH-2\.0-OpenSSH_5\.9\) takes RSA keys only with SHA-1") as failure:
        run(serve(behaviour, private_key_file=str(key)))
    assert "use an ed25519 or ecdsa key" in failure.value.advice
