"""SSH servers that misbehave on purpose, and count what is asked of them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_SUCCEEDED,
)
from paramiko.server import InteractiveQuery

Behaviour = Callable[[socket.socket], None]


class Server:
    """Listens on a free loopback port and hands every connection to a behaviour, each in a thread of its own."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            self._behaviour(connection)

    def close(self) -> None:
        self._listener.close()


def silent(connection: socket.socket) -> None:
    """Accepts, and says nothing for a long time."""
    time.sleep(60)
    connection.close()


def slow_banner(connection: socket.socket) -> None:
    """One byte of a banner each second."""
    for byte in b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3 and a very long comment that never ends\r\n":
        connection.sendall(bytes([byte]))
        time.sleep(1)


def endless_banner(connection: socket.socket) -> None:
    """Lines before the banner, for ever."""
    while True:
        connection.sendall(b"Welcome to our server, please wait\r\n" * 50)
        time.sleep(0.01)


def hang_up(connection: socket.socket) -> None:
    """Closes at once, as hosts.deny and MaxStartups do."""
    connection.close()


def smtp(connection: socket.socket) -> None:
    """A mail server on the port: not SSH."""
    connection.sendall(b"220 mx1.example.org ESMTP Postfix\r\n")
    time.sleep(30)


def ssh_one(connection: socket.socket) -> None:
    """The protocol of the nineties."""
    connection.sendall(b"SSH-1.5-Cisco-1.25\r\n")
    time.sleep(30)


def garbage_after_banner(connection: socket.socket) -> None:
    """A banner, then noise in place of the key exchange."""
    connection.sendall(b"SSH-2.0-OpenSSH_9.2p1\r\n" + bytes(range(256)) * 40)
    time.sleep(30)


def silent_after_banner(connection: socket.socket) -> None:
    """A banner, then nothing."""
    connection.sendall(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    time.sleep(60)


@dataclass
class Seen:
    """What clients asked of a `login_server`."""

    passwords: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    interactive: list[list[str]] = field(default_factory=list)
    channels: int = 0
    commands: list[str] = field(default_factory=list)
    ptys: int = 0


class Account(paramiko.ServerInterface):
    """One account: which methods it offers, which password it takes, and what its shell does."""

    def __init__(
        self,
        seen: Seen,
        *,
        methods: str = "publickey,password",
        password: str | None = None,
        any_key: bool = False,
        shell: Callable[[paramiko.Channel], None] | None = None,
        questions: tuple[tuple[str, bool], ...] = (("Password: ", False),),
    ) -> None:
        self.seen = seen
        self.methods = methods
        self.password = password
        self.any_key = any_key
        self.shell = shell
        self.questions = questions

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002
        return self.methods

    def check_auth_password(self, username: str, password: str) -> int:  # noqa: ARG002
        if "password" not in self.methods.split(","):
            return AUTH_FAILED
        self.seen.passwords.append(password)
        return AUTH_SUCCESSFUL if password == self.password else AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:  # noqa: ARG002
        self.seen.keys.append(key.get_name())
        return AUTH_SUCCESSFUL if self.any_key else AUTH_FAILED

    def check_auth_interactive(self, username: str, submethods: str) -> InteractiveQuery | int:  # noqa: ARG002
        if "keyboard-interactive" not in self.methods:
            return AUTH_FAILED
        query = InteractiveQuery("", "")
        for question, echo in self.questions:
            query.add_prompt(question, echo)
        return query

    def check_auth_interactive_response(self, responses: list[str]) -> InteractiveQuery | int:
        self.seen.interactive.append(list(responses))
        return AUTH_SUCCESSFUL if responses == [self.password] else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002
        self.seen.channels += 1
        return OPEN_SUCCEEDED if kind == "session" else OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_pty_request(self, *args: object) -> bool:  # noqa: ARG002
        self.seen.ptys += 1
        return True

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self.seen.commands.append(command.decode())
        if self.shell is None:
            return False
        threading.Thread(target=self._run, args=(channel, self.shell), daemon=True).start()
        return True

    @staticmethod
    def _run(channel: paramiko.Channel, shell: Callable[[paramiko.Channel], None]) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            shell(channel)


HOST_KEY = paramiko.ECDSAKey.generate()


def login_server(account: Callable[[], Account], host_key: paramiko.PKey = HOST_KEY) -> Behaviour:
    """A server that speaks SSH properly up to the login, which the account decides."""

    def serve(connection: socket.socket) -> None:
        transport = paramiko.Transport(connection)
        transport.add_server_key(host_key)
        transport.start_server(event=threading.Event(), server=account())
        while transport.is_active():
            time.sleep(0.05)

    return serve


def read_all(channel: paramiko.Channel) -> bytes:
    """The script: everything until the client has no more to say."""
    data = b""
    while chunk := channel.recv(65536):
        data += chunk
    return data


def answering(output: bytes, errors: bytes = b"", status: int = 0) -> Callable[[paramiko.Channel], None]:
    """A shell that reads its script and gives a fixed answer."""

    def shell(channel: paramiko.Channel) -> None:
        read_all(channel)
        channel.sendall(output)
        channel.sendall_stderr(errors)
        channel.send_exit_status(status)
        channel.close()

    return shell


def endless_output(channel: paramiko.Channel) -> None:
    """Zeros, for ever."""
    while True:
        channel.sendall(bytes(65536))


def endless_errors(channel: paramiko.Channel) -> None:
    """Complaints, for ever."""
    while True:
        channel.sendall_stderr(b"out of memory\n" * 4096)


def dies(channel: paramiko.Channel) -> None:
    """Half an answer, then the machine is gone."""
    channel.sendall(b"half an ans")
    time.sleep(0.2)
    channel.get_transport().sock.close()


def hangs(channel: paramiko.Channel) -> None:
    """Half an answer, then nothing more."""
    channel.sendall(b"half an ans")
    time.sleep(60)


def reads_nothing(channel: paramiko.Channel) -> None:  # noqa: ARG001 - that is its fault
    """Never looks at what it is sent."""
    time.sleep(60)
