"""The only plug points: what a platform and a connector are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, Protocol, TypeVar

from auditor.model.host import Release, Shell
from auditor.model.network import Networks
from auditor.model.snapshot import Snapshot

M = TypeVar("M")

STATED = "\0"
"""Before a name given to `Platform.from_files`: not a file but facts as JSON, which a rule's example states. No file has such a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A script to run on a host, sent on the standard input of its shell. It never holds a secret."""

    shell: Shell
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of the text, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What a script answered. `status` None: the shell ended without telling one."""

    stdout: bytes
    stderr: bytes
    status: int | None


class Connector(Protocol):
    """A way to run one script on one host. It knows nothing of mail servers or sections."""

    @property
    def shell(self) -> Shell:
        """The language of scripts that it can carry."""
        ...

    def run(self, script: Script, *, timeout: timedelta) -> Output:
        """One round trip: the text in on stdin, bytes out. Raises a kind of ConnectionFailed."""
        ...

    def close(self) -> None:
        """Free the connection; a second call does nothing."""
        ...


class Namespace(Protocol):
    """A family of names known from a catalogue rather than from a class: Postfix's parameters."""

    def names(self) -> Collection[str]:
        """All names, for "did you mean"."""
        ...

    def type_of(self, name: str) -> Any:
        """The type hint of a name's value (`str`, `bool`, `int`, `tuple[str, ...]`)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform(Generic[M]):
    """Everything the tool knows about reading one kind of mail server. A value, not a class to inherit from."""

    name: str  # "postfix": also the root name in rules and the folder in rules/
    shell: Shell  # which connectors can carry its scripts
    model: type[M]  # what rules see, for the type checker
    namespaces: Mapping[type, Namespace]  # classes whose attributes come from a catalogue
    detect: str  # a shell condition: is this server here? Joined to the script for `platform: auto`
    collect: str  # the body of the collection script; the prelude, the detection and the settings are joined to it
    privileged: Callable[[Snapshot | None], Sequence[str]]  # the commands run through sudo -n, as sudoers wants them
    instances: Callable[[Snapshot], Sequence[Snapshot]]  # postmulti; usually just one
    recognise: Callable[
        [Mapping[str, bytes]], Sequence[Mapping[str, bytes]]
    ]  # which files of a folder belong to which server of this kind
    from_files: Callable[
        [Mapping[str, bytes], Release | None], Snapshot
    ]  # --files, and the `given:` of a rule's example
    parse: Callable[[Snapshot], M]  # never raises: what cannot be understood is Unknown
    release: Callable[[M], str]  # what the report calls the release
    addresses: Callable[[M], Networks]  # the host's own addresses, as far as they are known
    problems: Callable[[M], Sequence[str]]  # what the parser noticed and no rule judges
