"""SSH by paramiko: one connection, one channel and one exec per host.

`settings` says where, `transport` gets there and checks the host key, `login` logs in, this module runs the script.
Everything that could block is under a `Watchdog`, which closes the connection when its time is up.
"""

from __future__ import annotations

import base64
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import paramiko

from auditor.connectors.ssh import known_hosts
from auditor.connectors.ssh.known_hosts import Standing
from auditor.connectors.ssh.login import log_in
from auditor.connectors.ssh.settings import Target, resolve
from auditor.connectors.ssh.transport import Client, Link, connect, entries, record_key, said
from auditor.connectors.ssh.transport import log_in as guarded_login
from auditor.connectors.ssh.watchdog import Deadline, Watchdog
from auditor.errors import ConnectionFailed, HostFailed, HostKeyChanged, TimedOut
from auditor.interfaces import Output, Script
from auditor.model.host import Host, Shell, Ssh
from auditor.shell.privilege import SHELL_COMMAND, Session

__all__ = ["HostKey", "SshConnector", "host_key", "record"]

CHUNK = 32 * 1024
WINDOW_POLL = 0.05  # seconds; paramiko does not signal that a full send window has opened


class SshConnector:
    """A connection that is made at the first run and kept until `close`."""

    def __init__(self, host: Host, settings: Ssh) -> None:
        self._host = host
        self._settings = settings
        self._link = Link()
        self._transport: Client | None = None

    @property
    def shell(self) -> Shell:
        """A POSIX shell."""
        return Shell.SH

    def run(self, script: Script, *, timeout: timedelta) -> Output:
        """Connect if need be, and run the script. `timeout` is for all of it, and the host's connect timeout for each handshake."""
        deadline = Deadline(timeout.total_seconds())
        target = resolve(self._host, self._settings)
        if self._transport is None or not self._transport.is_active():
            self._transport = self._connect(target, deadline)
        session = Session(self._host, script)
        with Watchdog(deadline.remaining, self._link.close) as watchdog:
            try:
                status = _converse(self._transport, session)
            except Exception as error:  # paramiko raises whatever its parser trips over
                if watchdog.expired:
                    raise self._too_slow(deadline, session) from error
                if isinstance(error, HostFailed):
                    raise
                raise ConnectionFailed(
                    self._host.name,
                    f"the server ran no shell: {said(error)}",
                    "the account must be allowed to run commands over SSH (no ForceCommand, no nologin shell)",
                ) from error
            if watchdog.expired:
                raise self._too_slow(deadline, session)
        if status is None and not self._transport.is_active():
            raise ConnectionFailed(
                self._host.name,
                f"the connection broke: {session.waits_for}",
                "a reboot, or an unstable network? run again",
            )
        return session.output(status)

    def close(self) -> None:
        """Close the connection and those to the jump hosts."""
        self._link.close()

    def _connect(self, target: Target, deadline: Deadline) -> Client:
        self._link.close()
        self._link = Link()
        seconds = self._host.connect_timeout.total_seconds()
        transport = connect(target, self._link, deadline, connect_seconds=seconds, login=log_in)
        guarded_login(target, transport, self._link, deadline, log_in)
        return transport

    def _too_slow(self, deadline: Deadline, session: Session) -> TimedOut:
        return TimedOut(
            self._host.name,
            f"no end within {deadline.seconds:.0f} s: {session.waits_for}",
            "raise `deadline` in the inventory if the host is only slow",
        )


def _converse(transport: Client, session: Session) -> int | None:
    """Carry bytes between the session and one shell on one channel; its exit status, None if it told none."""
    channel = transport.open_session()
    channel.exec_command(SHELL_COMMAND)
    news = _News()
    channel.in_buffer.set_event(news)
    channel.in_stderr_buffer.set_event(news)
    while not channel.eof_received and not channel.closed:
        _send(channel, session)
        news.wait(WINDOW_POLL if session.outgoing else None)
        news.forget()
        _drain(channel, session)
    _drain(channel, session)
    status = channel.recv_exit_status()
    return None if status < 0 else status


class _News(threading.Event):
    """Set when a channel has something to read, or nothing more to come.

    paramiko clears the event of a buffer that it finds empty; with one event for two buffers that would lose news.
    """

    def clear(self) -> None:
        """Not for paramiko to say."""

    def forget(self) -> None:
        """Wait for later news; to be called before the buffers are read."""
        super().clear()


def _send(channel: paramiko.Channel, session: Session) -> None:
    """Send as much as the server takes without waiting; end the shell's input after the last byte."""
    while session.outgoing and channel.send_ready():
        sent = channel.send(bytes(session.outgoing[:CHUNK]))
        if not sent:
            return
        del session.outgoing[:sent]
    if session.complete and not session.outgoing and not channel.eof_sent:
        channel.shutdown_write()


def _drain(channel: paramiko.Channel, session: Session) -> None:
    while channel.recv_ready():
        session.hear_stdout(channel.recv(CHUNK))
    while channel.recv_stderr_ready():
        session.hear_stderr(channel.recv_stderr(CHUNK))


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKey:
    """The key that a server has shown. `known`: whether the known-hosts files hold it, another one ("changed"), or none."""

    type: str
    fingerprint_sha256: str  # as OpenSSH prints it, with SHA256: in front
    base64: str
    known: Literal["yes", "no", "changed"]


def host_key(host: Host) -> HostKey:
    """Fetch a server's host key without logging in to it (to its jump hosts, if any, we do). Raises a kind of ConnectionFailed."""
    settings = _ssh(host)
    target = resolve(host, settings)
    link = Link()
    try:
        key = _fetch(target, link, host)
    finally:
        link.close()
    standing = known_hosts.standing(entries(target), key.asbytes())
    return HostKey(
        type=key.get_name(),
        fingerprint_sha256=known_hosts.fingerprint(key.asbytes()),
        base64=key.get_base64(),
        known="yes"
        if standing is Standing.KNOWN
        else "changed"
        if standing in (Standing.CHANGED, Standing.REVOKED)
        else "no",
    )


def _fetch(target: Target, link: Link, host: Host) -> paramiko.PKey:
    deadline = Deadline(host.deadline.total_seconds())
    seconds = host.connect_timeout.total_seconds()
    return connect(target, link, deadline, connect_seconds=seconds, login=log_in, check=False).get_remote_server_key()


def record(host: Host, key: HostKey) -> str:
    """Add a key to the host's first known-hosts file and return the file's path. Raises ConnectionFailed.

    A key that contradicts a known one is not added: two would be trusted. The advice says how to remove the old one.
    """
    if key.known == "changed":
        raise HostKeyChanged(
            host.name,
            f"another key is known for it than {key.type} {key.fingerprint_sha256}",
            "if the change is right, remove the old key with `ssh-keygen -R`, then trust the new one",
        )
    return record_key(resolve(host, _ssh(host)), key.type, base64.b64decode(key.base64))


def _ssh(host: Host) -> Ssh:
    if not isinstance(host.connection, Ssh):
        raise ConnectionFailed(
            host.name, "has no SSH host key: it is not reached by SSH", "name a host with connection: ssh"
        )
    return host.connection
