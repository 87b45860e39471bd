"""Real OpenSSH servers on loopback, with keys of their own."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor import connectors
from auditor.interfaces import Output, Script
from auditor.model.host import Connection, Host, Privilege, Shell, Ssh

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or ""


def host(connection: Connection, **values: Any) -> Host:
    """A host named mx1 whose script runs as the login user."""
    usual: dict[str, Any] = {"privilege": Privilege(mode="none"), "deadline": timedelta(seconds=20)}
    return Host(name="mx1", connection=connection, **(usual | values))


def run(target: Host, text: str = "echo hello\n", *, seconds: float = 20) -> Output:
    """Run a script on a host."""
    with connectors.open(target) as connector:
        return connector.run(Script(shell=Shell.SH, text=text), timeout=timedelta(seconds=seconds))


def keygen(path: Path, *options: str, kind: str = "ed25519", passphrase: str = "") -> Path:
    """Make a key pair; the private key's path."""
    subprocess.run(("ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "", "-f", str(path), *options), check=True)
    return path


def public(key: Path) -> str:
    """The public key of a pair: type and base64."""
    return Path(f"{key}.pub").read_text().strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sshd:
    """A running server, and what a client needs to log in to it."""

    folder: Path
    port: int
    key: Path
    known_hosts: Path

    @property
    def log(self) -> str:
        """What the server logged so far."""
        return (self.folder / "log").read_text()

    @property
    def host_key(self) -> str:
        """Its public key: type and base64."""
        return public(self.folder / "host_key")

    def settings(self, **values: Any) -> Ssh:
        """Settings that log in; `values` change them."""
        fine: dict[str, Any] = {
            "address": "127.0.0.1",
            "port": self.port,
            "user": getpass.getuser(),
            "private_key_file": str(self.key),
            "known_hosts": (str(self.known_hosts),),
            "ssh_config": "",
            "agent": False,
        }
        return Ssh(**(fine | values))


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def started(folder: Path, options: str) -> Iterator[Sshd]:
    """A server with these sshd_config lines in front of the usual ones."""
    if not SSHD:
        message = "sshd is not installed; tests/debian-packages.sh installs it"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "host_key").exists():
        keygen(folder / "host_key")
    key = keygen(folder / "user_key")
    (folder / "authorized").write_text(public(key) + "\n")
    port = free_port()
    (folder / "config").write_text(
        f"{options}\nPort {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_key\nAuthorizedKeysFile {folder}/authorized\n"
        "StrictModes no\nUsePAM no\nSetEnv HOME=/nonexistent\nPidFile none\nPasswordAuthentication no\nLogLevel VERBOSE\n"
    )
    known_hosts = folder / "known_hosts"
    known_hosts.write_text(f"[127.0.0.1]:{port} {public(folder / 'host_key')}\n")
    process = subprocess.Popen((SSHD, "-f", folder / "config", "-D", "-E", folder / "log"))
    try:
        _wait_for(port, process)
        yield Sshd(folder=folder, port=port, key=key, known_hosts=known_hosts)
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    pytest.fail(f"sshd did not start, status {process.poll()}")


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """One server with default settings for the session."""
    with started(tmp_path_factory.mktemp("sshd"), "") as server:
        yield server


@pytest.fixture
def start_sshd(tmp_path: Path) -> Iterator[Callable[..., Sshd]]:
    """Starts servers with settings of their own."""
    with ExitStack() as stack:
        count = 0

        def start(options: str = "") -> Sshd:
            nonlocal count
            count += 1
            return stack.enter_context(started(tmp_path / f"sshd{count}", options))

        yield start
