"""A host of the inventory: how it is reached, what is audited there, and what its owner says about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Literal

from auditor.model.network import LOOPBACK, Networks
from auditor.model.origin import Origin


class Shell(StrEnum):
    """The language of a script, and what a connector can carry."""

    SH = "sh"
    POWERSHELL = "powershell"


@dataclass(frozen=True, slots=True, order=True)
class Release:
    """A vendor's release number, ordered by its numbers: 3.10 is later than 3.9. `text` is as the vendor writes it."""

    numbers: tuple[int, ...]
    text: str = field(default="", compare=False)

    @classmethod
    def parse(cls, text: str) -> Release:
        """Read the leading dotted numbers (`3.7.11-0+deb12u1` → 3.7.11). Raises ValueError when there are none."""
        digits: list[int] = []
        for part in text.strip().split("."):
            leading = part[: len(part) - len(part.lstrip("0123456789"))]
            if not leading:
                break
            digits.append(int(leading))
            if leading != part:
                break
        if not digits:
            raise ValueError(f"{text!r} is not a release number")
        return cls(tuple(digits), text.strip())

    def __str__(self) -> str:
        return self.text or ".".join(map(str, self.numbers))


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret by reference. `label` ("environment MX_PASSWORD") may be shown; only a connector calls `read`.

    `read` raises AuditorError, naming the label, when the secret cannot be had.
    """

    label: str
    read: Callable[[], str] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ssh:
    """SSH to `address`. None leaves a value to ssh_config and then to OpenSSH's default.

    `jump` is OpenSSH's ProxyJump text (`user@host:port,…`; empty: none, None: as ssh_config says).
    `known_hosts` are files, all read; empty: OpenSSH's own. `ssh_config`: the file, None: the user's, empty: none.
    """

    address: str
    port: int | None = None
    user: str | None = None
    password: Secret | None = None
    private_key_file: str | None = None
    passphrase: Secret | None = None
    agent: bool = True
    jump: str | None = None
    host_key_checking: Literal["strict", "accept-new"] = "strict"
    known_hosts: tuple[str, ...] = ()
    ssh_config: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command that offers a POSIX shell on its standard input: `sh`, `docker exec -i mail sh`, `ssh mx1 sh`."""

    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """A folder of configuration files. `release` is assumed when the files do not tell it; None: the newest that we know."""

    folder: str
    release: Release | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A snapshot file: the recorded output of a collection."""

    path: str


Connection = Ssh | Command | Files | Replay


@dataclass(frozen=True, slots=True, kw_only=True)
class Privilege:
    """How commands that need root are run.

    least: the script runs as the login user and calls `sudo -n COMMAND` for a fixed list.
    root: the whole script under sudo, which may ask for `password`. none: never call sudo.
    """

    mode: Literal["least", "root", "none"] = "least"
    password: Secret | None = None
    sudo: str = "sudo"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostVariables:
    """What the owner says about a host; rules read it as `host`.

    `trusted_networks` None: nobody said. Then loopback and the host's own addresses are trusted (DESIGN section 3).
    """

    trusted_networks: Networks | None = None  # the networks whose hosts may relay without a password
    own_domains: tuple[str, ...] = ()  # the domains that this site receives mail for
    role: str | None = None  # what the host is for: mx, submission, null-client, relay, backup-mx, …

    def with_own_addresses(self, own: Networks) -> HostVariables:
        """What holds for a host with these addresses: where nobody declared trusted networks, loopback and they are trusted."""
        if self.trusted_networks is not None:
            return self
        return replace(self, trusted_networks=Networks.of(*LOOPBACK).union(own))


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One host to audit. `platform` is a platform's name or "auto". `origins` says where each inventory value was written."""

    name: str
    connection: Connection
    platform: str = "auto"
    privilege: Privilege = Privilege()
    variables: HostVariables = HostVariables()
    groups: tuple[str, ...] = ()
    connect_timeout: timedelta = timedelta(seconds=10)
    deadline: timedelta = timedelta(seconds=120)
    origins: Mapping[str, Origin] = field(default_factory=dict)
