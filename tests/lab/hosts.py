"""The hosts that the lab can boot, by name. Set-up scripts are in `setup/`; they run as root inside the host at boot."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

SCRIPTS = Path(__file__).with_name("setup")
LAB_NETWORK = "203.0.113."  # documentation ranges (RFC 5737); they exist only inside the lab
INNER_NETWORK = "198.51.100."
FIRST_ADDRESS = 10
NOPASSWD = "auditor ALL=(ALL:ALL) NOPASSWD: ALL"

CANARIES = ("canary-alice-5dD2", "canary-bob-7fK9", "canary-relay-3xQ1")
"""Secrets planted by the set-up scripts, which no snapshot, report or log may hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabHost:
    """What one host is made of.

    `layer` is a name of `layers.RECIPES`; `setup` the shell text run at boot; `networks` the bridges it is on, the first
    one being where it is reached; `sshd_options` lines put before the lab's own (the first value wins); `sudoers` a drop-in
    (empty: `auditor` may use sudo with the password, as a member of Debian's group sudo).
    """

    name: str
    layer: str = "postfix-3.7"
    setup: str = ""
    networks: tuple[str, ...] = ("lab",)
    sshd_options: tuple[str, ...] = ()
    sudoers: str = ""

    @property
    def fqdn(self) -> str:
        """The host's own full name."""
        return f"{self.name.replace('.', '-')}.example.org"


def _script(name: str) -> str:
    return (SCRIPTS / "common.sh").read_text() + (SCRIPTS / f"{name}.sh").read_text()


def _hosts() -> tuple[LabHost, ...]:
    start = "postfix start"
    return (
        LabHost(name="debian-default", setup=start),
        LabHost(name="vulnerable-mx", setup=_script("vulnerable-mx")),
        LabHost(name="hardened-mx", setup=_script("hardened-mx")),
        LabHost(name="multi-instance", layer="multi-instance", setup=start),
        LabHost(name="postfix-3.5", layer="postfix-3.5", setup=start),
        LabHost(name="postfix-3.10", layer="postfix-3.10", setup=start),
        LabHost(name="null-client", setup=_script("null-client")),
        LabHost(name="submission-only", setup=_script("submission-only")),
        LabHost(name="backup-mx", setup=_script("backup-mx")),
        LabHost(name="content-filter", setup=_script("content-filter")),
        LabHost(name="passwordless-sudo", setup=start, sudoers=NOPASSWD),
        LabHost(name="jump", layer="debian-12", networks=("lab", "inner")),
        LabHost(name="behind-jump", setup=start, networks=("inner",)),
        LabHost(name="no-mail-server", layer="debian-12"),
        LabHost(name="old-ssh", layer="debian-12", setup=_script("old-ssh")),
    )


HOSTS: Mapping[str, LabHost] = MappingProxyType({host.name: host for host in _hosts()})
