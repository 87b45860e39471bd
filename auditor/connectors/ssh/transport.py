"""The SSH handshake: which algorithms, whose host key, through which hops."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import paramiko
from paramiko.kex_curve25519 import KexCurve25519
from paramiko.message import Message

from auditor.connectors.ssh import known_hosts
from auditor.connectors.ssh.dial import ProxyCommand, dial
from auditor.connectors.ssh.known_hosts import Entry, Standing
from auditor.connectors.ssh.settings import Target
from auditor.connectors.ssh.watchdog import Deadline, Watchdog
from auditor.errors import (
    AlgorithmsRefused,
    ConnectionFailed,
    HostFailed,
    HostKeyChanged,
    HostKeyUnknown,
    TimedOut,
    Unreachable,
)

HANDSHAKES_PER_JUMP_HOST = 10  # sshd's MaxStartups starts to drop connections above ten that are not logged in

# What a tool that judges others does not offer itself.
DISABLED = {
    "ciphers": ["aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"],
    "macs": ["hmac-sha1-96", "hmac-md5", "hmac-md5-96"],
}

# paramiko logs tracebacks of what we translate into errors.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)

_jump_slots: dict[tuple[str, int], threading.BoundedSemaphore] = {}
_making_slots = threading.Lock()


class Client(paramiko.Transport):
    """paramiko's transport that remembers the server's offer, for the message when there is no agreement."""

    # RFC 8731 gave curve25519-sha256@libssh.org its final name; paramiko knows only the old one, some servers only the new.
    _kex_info = {**paramiko.Transport._kex_info, "curve25519-sha256": KexCurve25519}  # type: ignore[attr-defined]  # noqa: RUF012, SLF001
    _preferred_kex = tuple(
        name
        for known in paramiko.Transport._preferred_kex  # type: ignore[attr-defined]  # noqa: SLF001
        for name in ([known, "curve25519-sha256"] if known == "curve25519-sha256@libssh.org" else [known])
    )

    def __init__(self, connection: socket.socket | paramiko.Channel, known_types: Iterable[str]) -> None:
        super().__init__(connection, disabled_algorithms=DISABLED)
        self.offer: dict[str, list[str]] = {}
        # The server shows the key of the first type that both know: ask for the type that we can compare.
        options = self.get_security_options()
        wanted = [name for known in known_types for name in _signatures(known) if name in options.key_types]
        options.key_types = tuple(dict.fromkeys([*wanted, *options.key_types]))

    def _really_parse_kex_init(self, m: Message, ignore_first_byte: bool = False) -> dict[str, list[str]]:
        parsed: dict[str, list[str]] = super()._really_parse_kex_init(m, ignore_first_byte)  # type: ignore[misc]
        if not ignore_first_byte:
            self.offer = parsed
        return parsed

    def wait_at_most(self, seconds: float) -> None:
        """Set all of paramiko's own time limits."""
        self.banner_timeout = self.auth_timeout = seconds
        self.handshake_timeout = self.channel_timeout = seconds


def _signatures(key_type: str) -> tuple[str, ...]:
    return ("rsa-sha2-512", "rsa-sha2-256") if key_type == "ssh-rsa" else (key_type,)


class Link:
    """The way to a server: its transport and whatever it runs through. `close` may come from any thread, at any time."""

    def __init__(self) -> None:
        self._closers: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._closed = False

    def add(self, close: Callable[[], None]) -> None:
        """Close this too, before what was added earlier. On a link that is closed already, at once."""
        with self._lock:
            if not self._closed:
                self._closers.append(close)
                return
        close()

    def close(self) -> None:
        """Close everything, the server's own transport first."""
        with self._lock:
            self._closed = True
            closers, self._closers = self._closers, []
        for close in reversed(closers):
            close()


Login = Callable[[Client, Target], None]


def connect(
    target: Target, link: Link, deadline: Deadline, *, connect_seconds: float, login: Login, check: bool = True
) -> Client:
    """Reach the target, through its hops, and check its host key (if `check`); the caller logs in there.

    Raises a kind of ConnectionFailed."""
    through = None
    for hop in target.hops:
        with _jump_slot(hop, deadline):
            through = handshake(hop, link, deadline, connect_seconds=connect_seconds, through=through)
            check_host_key(hop, through)
            log_in(hop, through, link, deadline, login)
    transport = handshake(target, link, deadline, connect_seconds=connect_seconds, through=through)
    if check:
        check_host_key(target, transport)
    return transport


@contextmanager
def _jump_slot(hop: Target, deadline: Deadline) -> Iterator[None]:
    with _making_slots:
        slot = _jump_slots.setdefault((hop.address, hop.port), threading.BoundedSemaphore(HANDSHAKES_PER_JUMP_HOST))
    if not slot.acquire(timeout=deadline.remaining):
        raise TimedOut(
            hop.host, f"no turn at the jump host {hop} within {deadline.seconds:.0f} s", "use fewer forks (-f)"
        )
    try:
        yield
    finally:
        slot.release()


def handshake(
    target: Target, link: Link, deadline: Deadline, *, connect_seconds: float, through: Client | None = None
) -> Client:
    """Connect and exchange keys, within the connect timeout and the deadline. The host key is not yet checked."""
    seconds = min(connect_seconds, deadline.remaining)
    with Watchdog(seconds, link.close) as watchdog:
        started = Deadline(seconds)
        connection = _stream(target, link, started, through)
        transport = Client(connection, [entry.type for entry in entries(target) if not entry.marker])
        link.add(transport.close)
        transport.wait_at_most(deadline.remaining + 1)
        try:
            transport.start_client()
        except Exception as error:  # paramiko raises whatever its parser trips over
            if watchdog.expired:
                silent = "" if transport.remote_version else ": it sent no SSH banner"
                raise TimedOut(
                    target.host,
                    f"{_where(target)} did not finish the SSH handshake within {seconds:.0f} s{silent}",
                    "is this an SSH server, and not overloaded? `connect_timeout` in the inventory is the limit",
                ) from error
            raise _handshake_failed(target, transport, error) from error
    return transport


def _stream(target: Target, link: Link, deadline: Deadline, through: Client | None) -> socket.socket | paramiko.Channel:
    """The byte stream to the server: through a hop, through the ProxyCommand, or by TCP."""
    if through is not None:
        try:
            return through.open_channel(
                "direct-tcpip", (target.address, target.port), ("127.0.0.1", 0), timeout=max(0.1, deadline.remaining)
            )
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise Unreachable(
                target.host,
                f"the jump host has no connection to {_where(target)}: {said(error)}",
                "can it reach the host, and does its sshd allow it (AllowTcpForwarding)?",
            ) from error
    if target.proxy_command:
        proxy = ProxyCommand(target.host, target.proxy_command)
        link.add(proxy.close)
        return proxy.socket
    connection = dial(target.host, target.address, target.port, family=target.family, seconds=deadline.remaining)
    link.add(connection.close)
    return connection


def log_in(target: Target, transport: Client, link: Link, deadline: Deadline, login: Login) -> None:
    """Run `login`, whatever the server does, within the deadline."""
    with Watchdog(deadline.remaining, link.close) as watchdog:
        try:
            login(transport, target)
        except Exception as error:  # paramiko raises whatever its parser trips over
            if watchdog.expired:
                raise TimedOut(
                    target.host,
                    f"{target} was not logged in within {deadline.seconds:.0f} s",
                    "is the host overloaded?",
                ) from error
            if isinstance(error, HostFailed):
                raise
            raise ConnectionFailed(
                target.host, f"{_where(target)} broke off the login: {said(error)}", "the server's own log says why"
            ) from error


def entries(target: Target) -> tuple[Entry, ...]:
    """What the known-hosts files hold for a target; like OpenSSH, without the port when there is nothing with it."""
    found = known_hosts.lookup(target.known_hosts, known_hosts.name_of(target.key_name, target.port))
    if found or target.port == known_hosts.SSH_PORT:
        return found
    return known_hosts.lookup(target.known_hosts, known_hosts.name_of(target.key_name, known_hosts.SSH_PORT))


def check_host_key(target: Target, transport: Client) -> None:
    """Compare the server's key with the known ones. Raises HostKeyUnknown or HostKeyChanged."""
    key = transport.get_remote_server_key()
    known = entries(target)
    shown = f"{key.get_name()} {known_hosts.fingerprint(key.asbytes())}"
    match known_hosts.standing(known, key.asbytes()):
        case Standing.KNOWN:
            return
        case Standing.UNKNOWN if target.accept_new:
            record_key(target, key.get_name(), key.asbytes())
        case Standing.UNKNOWN:
            raise HostKeyUnknown(
                target.host,
                f"the key of {_where(target)} is in no known-hosts file: {shown}",
                f"compare it with the server's own, then `mailaudit inventory trust {target.host}`",
            )
        case Standing.REVOKED:
            raise HostKeyChanged(
                target.host,
                f"{_where(target)} shows a key that is marked @revoked: {shown}",
                "do not connect; somebody has the key who should not",
            )
        case Standing.AUTHORITY:
            raise HostKeyUnknown(
                target.host,
                f"{_where(target)} is known only through a certificate authority, and host certificates are not checked here",
                f"record its key, `mailaudit inventory trust {target.host}`, or use `connection: command` with ssh",
            )
        case Standing.CHANGED:
            places = ", ".join(dict.fromkeys(f"{entry.file}:{entry.line}" for entry in known if not entry.marker))
            raise HostKeyChanged(
                target.host,
                f"{_where(target)} shows another key than the known one ({places}): {shown}",
                "a reinstalled server, or somebody in between: find out first. "
                f"Then `ssh-keygen -R '{known_hosts.name_of(target.key_name, target.port)}'` forgets the old key",
            )


def record_key(target: Target, key_type: str, key: bytes) -> str:
    """Add a key to the target's first known-hosts file, and return its path. Raises ConnectionFailed."""
    path = target.known_hosts[0]
    try:
        known_hosts.record(path, known_hosts.name_of(target.key_name, target.port), key_type, key)
    except OSError as error:
        raise ConnectionFailed(
            target.host, f"the host key cannot be recorded in {path}: {error.strerror}", "check the file's permissions"
        ) from error
    return path


def _handshake_failed(target: Target, transport: Client, error: Exception) -> ConnectionFailed:
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return AlgorithmsRefused(target.host, _no_agreement(target, transport, str(error)), OTHER_WAYS)
    if transport.remote_version:
        return ConnectionFailed(
            target.host,
            f"{_where(target)} broke off the SSH handshake: {said(error)}",
            "the server's own log says why; under load sshd drops connections (MaxStartups)",
        )
    if isinstance(error, EOFError | ConnectionError) or "banner" in str(error):
        return ConnectionFailed(
            target.host,
            f"{_where(target)} sent no SSH banner before it closed the connection",
            "is this the SSH port? A firewall, hosts.deny or MaxStartups closes connections like this",
        )
    return ConnectionFailed(target.host, f"{_where(target)} does not speak SSH: {said(error)}", "is this the SSH port?")


OTHER_WAYS = (
    "use the system's own ssh (`connection: command`, argv: ssh -oKexAlgorithms=+… HOST sh), or collect by hand: "
    "`mailaudit collect --print-script` and `mailaudit scan --snapshots`"
)


def _no_agreement(target: Target, transport: Client, said: str) -> str:
    """What the server offers of the thing that there was no agreement on, for example its key exchanges."""
    for words, name, offer in (
        ("kex", "key exchanges", "kex_algo_list"),
        ("host key", "host keys", "server_key_algo_list"),
        ("ciphers", "ciphers", "server_encrypt_algo_list"),
        ("macs", "MACs", "server_mac_algo_list"),
    ):
        if words in said and offer in transport.offer:
            offered = [item for item in transport.offer[offer] if not item.startswith(("ext-info-", "kex-strict-"))]
            return (
                f"{_where(target)} ({_printable(transport.remote_version)}) offers only {name} that are not spoken here: "
                + _printable(", ".join(offered))
            )
    return f"{_where(target)} speaks another SSH: {_printable(said)}"


def _where(target: Target) -> str:
    return f"{target.address} port {target.port}"


def said(error: Exception) -> str:
    """What an error says, fit to be shown: part of it may be the server's own words."""
    return _printable(str(error) or type(error).__name__)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)[:300]
