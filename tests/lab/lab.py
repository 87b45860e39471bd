"""The test process' side of a lab: starts it, boots hosts on demand, runs commands in them, and ends it.

A `Lab` is one private network, mount and PID namespace (see `supervisor`). Whatever happens to this process, SIGKILL
included, the pipe to the supervisor closes and the kernel removes everything.
"""

import ctypes
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.lab import layers
from tests.lab.hosts import FIRST_ADDRESS, HOSTS, INNER_NETWORK, LAB_NETWORK, LabHost
from tests.lab.layers import LabError
from tests.lab.processes import children, inner_pid, pipes
from tests.lab.running import RunningHost

CLONE_NEWNET = 0x40000000
PASSWORD = "audit-me.2026"  # of the user auditor, on every host
PREFIX = {"lab": LAB_NETWORK, "inner": INNER_NETWORK}
_SUPERVISOR = Path(__file__).with_name("supervisor.py")


class Lab:
    """A running lab; hosts boot when they are first asked for. Use it as a context manager or call `close`."""

    def __init__(self) -> None:
        layers.require()
        folder = layers.scratch()
        self._process = subprocess.Popen(
            (
                *("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
                *(sys.executable, "-I", str(_SUPERVISOR), str(folder), str(layers.SCRIPTS)),
            ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._requests, self._answers = pipes(self._process)
        self._lock = threading.RLock()
        self._outside = _own_network()
        self._home: dict[int, int] = {}
        self._hosts: dict[str, RunningHost] = {}
        self._copies = 0
        self._read()
        self.pid = children(self._process.pid)[0]
        self.files = Path(f"/proc/{self.pid}/root{folder}/files")
        self.key = self.files / "id_ed25519"
        self.known_hosts = self.files / "known_hosts"
        self.password = PASSWORD
        self._make_files()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends every process of the lab and waits for it."""
        self._requests.close()
        self._process.wait()
        self._answers.close()
        os.close(self._outside)

    def host(self, name: str) -> RunningHost:
        """The host NAME of the catalogue, booted now if it is not running yet. Raises LabError."""
        return self.up(name)[0]

    def up(self, *names: str) -> tuple[RunningHost, ...]:
        """Boots the hosts that are not running yet, all at the same time; building layers first. Raises LabError."""
        with self._lock:
            self._boot({name: (HOSTS[name], self.address(name)) for name in names if name not in self._hosts})
            return tuple(self._hosts[name] for name in names)

    @contextmanager
    def fresh(self, name: str, **changes: Any) -> Iterator[RunningHost]:
        """A private copy of the host NAME, for tests that alter it; `changes` replace fields of its LabHost."""
        with self._lock:
            self._copies += 1
            copy = replace(HOSTS[name], name=f"{name}-copy{self._copies}", **changes)
            address = f"{PREFIX[copy.networks[0]]}{100 + self._copies % 150}"
            self._boot({copy.name: (copy, address)})
        try:
            yield self._hosts[copy.name]
        finally:
            self.stop(copy.name)

    def stop(self, name: str) -> None:
        """Kills one host; `host` boots it anew."""
        with self._lock:
            self._ask(stop=name)
            self._read()
            del self._hosts[name]

    def address(self, name: str, network: str = "") -> str:
        """The address that the host of the catalogue has, running or not; `network` chooses one of several."""
        return f"{PREFIX[network or HOSTS[name].networks[0]]}{FIRST_ADDRESS + list(HOSTS).index(name)}"

    def run(self, host: str, command: str, stdin: str = "", *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a shell command as root inside a host without SSH, see `RunningHost.run`."""
        return self.host(host).run(command, stdin, check=check)

    def upper_files(self, host: str) -> Mapping[str, str]:
        """What the host wrote since boot, see `RunningHost.upper_files`."""
        return self.host(host).upper_files()

    def enter_net(self) -> None:
        """Moves the calling thread, and the threads and processes it makes from now on, into the lab's network."""
        self._home[threading.get_ident()] = _own_network()
        _setns(self._network())

    def leave_net(self) -> None:
        """Moves the calling thread back to where it was before `enter_net`."""
        _setns(self._home.pop(threading.get_ident()))

    def network(self) -> AbstractContextManager[None]:
        """`enter_net` and `leave_net` around a block."""
        return _network(self._network())

    def _network(self) -> int:
        return os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def _make_files(self) -> None:
        self.files.mkdir(mode=0o700)
        command = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(self.key))
        subprocess.run(command, check=True, capture_output=True)
        self.known_hosts.touch(mode=0o600)

    def _boot(self, wanted: Mapping[str, tuple[LabHost, str]]) -> None:
        with _network(os.dup(self._outside)):  # packages come from outside; the caller may be in the lab's network
            for host, _ in wanted.values():
                layers.build(host.layer)
        for host, address in wanted.values():
            self._ask(boot=self._spec(host, address))
        failures, broken = [], []
        for _ in wanted:
            reply = self._read()
            if "host_key" not in reply:
                failures.append(f"{reply['name']} died while booting:\n{reply['log']}")
                continue
            running = self._running(*wanted[reply["name"]], reply)
            self._hosts[running.name] = running
            if reply["status"]:
                log = running.path("/var/log/setup.log").read_text(errors="replace")
                failures.append(f"the set-up of {running.name} ended with {reply['status']}:\n{log[-3000:]}")
                broken.append(running.name)
        for name in broken:
            self.stop(name)
        if failures:
            raise LabError("\n".join(failures))

    def _running(self, host: LabHost, address: str, reply: Mapping[str, Any]) -> RunningHost:
        with self.known_hosts.open("a") as known_hosts:
            known_hosts.write(f"{address} {reply['host_key']}\n")
        outer = next(pid for pid in children(self.pid) if inner_pid(pid) == reply["pid"])
        return RunningHost(
            name=host.name,
            fqdn=host.fqdn,
            address=address,
            host_key=reply["host_key"],
            pid=children(outer)[0],
            upper=self.files.parent / host.name / "upper",
        )

    def _spec(self, host: LabHost, address: str) -> dict[str, str]:
        octet = address.rsplit(".", 1)[1]
        links = {network: f"{PREFIX[network]}{octet}" for network in host.networks}
        known = {f"{self.address(other.name)} {other.fqdn} {other.name}" for other in HOSTS.values()}
        return {
            "NAME": host.name,
            "FQDN": host.fqdn,
            "ADDRESS": address,
            "INDEX": octet,
            "LINKS": " ".join(f"{network}={ip}" for network, ip in links.items()),
            "LOWER": layers.lower_dirs(host.layer),
            "HOSTS_FILE": "\n".join(sorted({*known, f"{address} {host.fqdn} {host.name}"})),
            "PUBLIC_KEY": self.key.with_suffix(".pub").read_text().strip(),
            "PASSWORD": self.password,
            "SSHD_OPTIONS": "\n".join(host.sshd_options),
            "SUDOERS": host.sudoers,
            "SETUP": host.setup,
        }

    def _ask(self, **request: object) -> None:
        self._requests.write(json.dumps(request) + "\n")
        self._requests.flush()

    def _read(self) -> dict[str, Any]:
        line = self._answers.readline()
        if not line:
            raise LabError(f"the lab ended (status {self._process.wait()}); it needs root and namespaces")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _own_network() -> int:
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


@contextmanager
def _network(descriptor: int) -> Iterator[None]:
    """The calling thread in another network for a while; closes the descriptor."""
    home = _own_network()
    _setns(descriptor)
    try:
        yield
    finally:
        _setns(home)


def _setns(descriptor: int) -> None:
    # os.setns came with Python 3.12
    failed = ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET)
    number = ctypes.get_errno()
    os.close(descriptor)
    if failed:
        raise OSError(number, "setns")
