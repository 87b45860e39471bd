"""The ways to a host. Each carries one script and knows nothing of mail servers.

A new way in is a module here and a line in `open`; it may not import its siblings.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from auditor.connectors.files import FolderContents, read_folder
from auditor.interfaces import Connector
from auditor.model.host import Command, Files, Host, Replay, Ssh

__all__ = ["FolderContents", "open", "read_folder"]


@contextmanager
def open(host: Host) -> Iterator[Connector]:  # noqa: A001 - reads well as connectors.open
    """The connector of a host, closed at the end. Nothing is contacted before its `run`. Raises a kind of ConnectionFailed.

    A folder of files runs no script: `read_folder` reads it.
    """
    connector = _connector(host)
    try:
        yield connector
    finally:
        connector.close()


def _connector(host: Host) -> Connector:
    match host.connection:
        case Ssh() as settings:
            from auditor.connectors.ssh import SshConnector  # paramiko costs 0.1 s: only those who need it pay

            return SshConnector(host, settings)
        case Command() as settings:
            from auditor.connectors.command import CommandConnector

            return CommandConnector(host, settings)
        case Replay() as settings:
            from auditor.connectors.replay import ReplayConnector

            return ReplayConnector(host, settings)
        case Files():
            raise TypeError(f"{host.name} is a folder of files: it is read with read_folder, it runs no script")
