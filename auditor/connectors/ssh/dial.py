"""A TCP connection to a server: addresses of both families, whichever answers first (RFC 8305)."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress

from auditor.errors import TimedOut, Unreachable

STAGGER = 0.25  # seconds before the next address is tried beside the first; RFC 8305 section 5

FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}
Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


def dial(host: str, address: str, port: int, *, family: str = "any", seconds: float) -> socket.socket:
    """Connect within `seconds`. `host` is for messages, `family` as ssh_config's AddressFamily. Raises Unreachable, TimedOut."""
    until = time.monotonic() + seconds
    addresses = _interleaved(_addresses(host, address, port, family, seconds))
    connection = _first(host, f"{address} port {port}", addresses, until, seconds)
    connection.setblocking(True)
    # SSH is a dialogue of small packets; Nagle's algorithm costs 40 ms per host.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _addresses(host: str, address: str, port: int, family: str, seconds: float) -> list[Address]:
    """Resolve in a thread of its own: getaddrinfo knows no time limit, and a silent resolver costs half a minute."""
    answer: list[Address] = []
    failure: list[OSError | UnicodeError] = []

    def ask(flags: int = 0) -> None:
        try:
            found = socket.getaddrinfo(
                address, port, FAMILIES.get(family, socket.AF_UNSPEC), socket.SOCK_STREAM, flags=flags
            )
            answer.extend((entry[0], entry[4]) for entry in found)
        except (OSError, UnicodeError) as error:
            failure.append(error)

    ask(socket.AI_NUMERICHOST)
    if not answer:
        failure.clear()
        resolver = threading.Thread(target=ask, name="resolver", daemon=True)
        resolver.start()
        resolver.join(seconds)
    if answer:
        return list(answer)
    if failure:
        reason = failure[0].strerror if isinstance(failure[0], OSError) else "it is not a host name"
        raise Unreachable(
            host, f"the name {address} does not resolve: {reason}", "correct ansible_host, or check the DNS"
        )
    raise TimedOut(host, f"the name {address} was not resolved within {seconds:.0f} s", "does the DNS server answer?")


def _interleaved(addresses: list[Address]) -> list[Address]:
    """Alternate between the families, the resolver's first one first."""
    first = [address for address in addresses if address[0] == addresses[0][0]]
    other = [address for address in addresses if address[0] != addresses[0][0]]
    out = [address for pair in zip(first, other, strict=False) for address in pair]
    return out + first[len(other) :] + other[len(first) :]


def _first(host: str, where: str, addresses: list[Address], until: float, seconds: float) -> socket.socket:
    """Start one address after the other and take the first connection that stands."""
    failure: OSError | None = None
    todo = list(reversed(addresses))
    next_start = 0.0
    with selectors.DefaultSelector() as waiting:
        try:
            while todo or waiting.get_map():
                now = time.monotonic()
                if now >= until:
                    raise TimedOut(
                        host,
                        f"no answer from {where} within {seconds:.0f} s",
                        "a firewall? a wrong address? `connect_timeout` in the inventory is the limit",
                    )
                if todo and (now >= next_start or not waiting.get_map()):
                    failure = _start(todo.pop(), waiting) or failure
                    next_start = now + STAGGER
                for key, _ in waiting.select(min(until - now, max(0.0, next_start - now)) if todo else until - now):
                    candidate = key.fileobj
                    assert isinstance(candidate, socket.socket)  # noqa: S101 - we registered nothing else
                    waiting.unregister(candidate)
                    number = candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if not number:
                        return candidate
                    candidate.close()
                    failure = OSError(number, os.strerror(number))
        finally:
            for key in list(waiting.get_map().values()):
                with suppress(OSError):
                    socket.socket.close(key.fileobj)  # type: ignore[arg-type]
    raise Unreachable(
        host,
        f"no connection to {where}: {failure.strerror if failure else 'no address'}",
        "is sshd running there, on this port?",
    ) from failure


def _start(address: Address, waiting: selectors.BaseSelector) -> OSError | None:
    family, target = address
    try:
        candidate = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        return error  # a kernel without IPv6
    candidate.setblocking(False)
    try:
        candidate.connect(target)
    except BlockingIOError:
        pass
    except OSError as error:
        candidate.close()
        return error
    waiting.register(candidate, selectors.EVENT_WRITE)
    return None


class ProxyCommand:
    """The user's ProxyCommand, talking through one end of a socket pair: for the SSH library it is a connection."""

    def __init__(self, host: str, command: str) -> None:
        self.socket, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(  # noqa: S602 - ssh_config's ProxyCommand is a command for the user's shell
                f"exec {command}",
                shell=True,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            self.socket.close()
            raise Unreachable(
                host, f"ProxyCommand could not be started: {error.strerror}", f"see `{command}`"
            ) from error
        finally:
            theirs.close()

    def close(self) -> None:
        """End the command and whatever it started."""
        self.socket.close()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
