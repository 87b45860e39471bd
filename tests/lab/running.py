"""One running host of the lab, as the tests use it."""

import hashlib
import os
import shlex
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab.layers import LabError

ENVIRONMENT = (
    "env",
    "-i",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "LANG=C.UTF-8",
)

LOGIN_TRACES = frozenset(
    {
        "/home/auditor",
        "/home/auditor/.sudo_as_admin_successful",  # Debian's sudo
        *("/run", "/run/motd.dynamic"),  # pam_motd
        *("/run/sudo", "/run/sudo/ts", "/run/sudo/ts/auditor"),
        "/var/log/syslog",  # sshd, sudo and Postfix log here
    }
)
"""What one ssh login with sudo writes of itself, whatever it runs; see `RunningHost.upper_files`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningHost:
    """A host with sshd on port 22 of `address`; root and auditor log in with the lab's key, auditor also with its password.

    `host_key` is the public key as in known_hosts ("ssh-ed25519 AAAA…"), `pid` its PID 1 as this machine sees it, `upper`
    the writable folder of its overlay.
    """

    name: str
    fqdn: str
    address: str
    host_key: str
    pid: int
    upper: Path

    def run(self, command: str, stdin: str = "", *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a shell command as root inside the host, without SSH. With `check` raises LabError when it fails."""
        done = subprocess.run(
            (*self._enter("-m", "-u", "-i", "-n", "-p", "-r", "-w"), *ENVIRONMENT, "sh", "-c", command),
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if check and done.returncode:
            raise LabError(
                f"{self.name}: {shlex.quote(command)} ended with {done.returncode}: {done.stderr}{done.stdout}"
            )
        return done

    def python(self, code: str) -> str:
        """Runs code with this machine's Python in the host's network only, so that probes carry its address."""
        done = subprocess.run(
            (*self._enter("-n"), sys.executable, "-c", code), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise LabError(f"{self.name}: {done.stderr}")
        return done.stdout

    def path(self, inside: str) -> Path:
        """The file of the host at the absolute path `inside`, to read and write it from here (mind absolute links)."""
        return Path(f"/proc/{self.pid}/root") / inside.lstrip("/")

    def write_sudoers(self, text: str) -> None:
        """Replaces the test's sudoers drop-in; it is read last, so it wins. Empty text removes it. Raises LabError."""
        name = "/etc/sudoers.d/zz-test"
        if text:
            self.run(
                f"umask 226; cat > /tmp/sudoers; visudo -qcf /tmp/sudoers && mv -f /tmp/sudoers {name}", f"{text}\n"
            )
        else:
            self.run(f"rm -f {name}")

    def load_postfix(self, main_cf: str, master_cf: str | None = None) -> None:
        """Makes these texts the configuration of the primary instance and restarts Postfix. Raises LabError if it is refused.

        A reload would not do: after a fatal error of a service, master(8) throttles it for a minute.
        """
        self.path("/etc/postfix/main.cf").write_text(main_cf)
        if master_cf is not None:
            self.path("/etc/postfix/master.cf").write_text(master_cf)
        self.restart_postfix()

    def restart_postfix(self) -> None:
        """Restarts Postfix with what is in /etc/postfix, without its pause for a main.cf younger than two seconds."""
        done = self.run("touch -d -9sec /etc/postfix*/main.cf; postfix stop; postfix start", check=False)
        if done.returncode:
            log = self.path("/var/log/syslog").read_text(
                errors="replace"
            )  # without a terminal, Postfix complains there
            raise LabError(f"{self.name}: Postfix did not start: {done.stderr}{log[-2000:]}")

    def upper_files(self) -> Mapping[str, str]:
        """Every file that the host made or changed since boot → kind, mode, owner, size, time and digest in one text.

        A removed file of the layers is there too, as a character device 0:0. Comparing two answers shows what was written.
        """
        found = {}
        for folder, names, files in os.walk(self.upper):
            for name in (*names, *files):
                path = Path(folder) / name
                found[f"/{path.relative_to(self.upper)}"] = _describe(path)
        return found

    def _enter(self, *namespaces: str) -> tuple[str, ...]:
        return ("nsenter", "-t", str(self.pid), *namespaces, "--")


def _describe(path: Path) -> str:
    status = path.lstat()
    parts = [
        stat.filemode(status.st_mode),
        f"{status.st_uid}:{status.st_gid}",
        str(status.st_size),
        str(status.st_mtime_ns),
    ]
    if stat.S_ISREG(status.st_mode):
        parts.append(hashlib.sha256(path.read_bytes()).hexdigest()[:16])
    elif stat.S_ISLNK(status.st_mode):
        parts.append(str(path.readlink()))
    elif stat.S_ISCHR(status.st_mode):
        parts.append(f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}")
    return " ".join(parts)


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    """The paths that are new, gone or changed between two answers of `RunningHost.upper_files`."""
    return {path for path in {*before, *after} if before.get(path) != after.get(path)}
