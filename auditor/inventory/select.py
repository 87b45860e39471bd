"""Choosing hosts: by pattern from an inventory, or one named on the command line; and what options change in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Literal

from auditor.errors import InvalidFile, UsageError
from auditor.inventory import patterns, ranges
from auditor.inventory.load import Inventory
from auditor.inventory.secrets import PROMPT
from auditor.model.host import Command, Connection, Host, Secret, Ssh


def select(inventory: Inventory, pattern: str = "all", limit: str | None = None) -> tuple[Host, ...]:
    """The hosts of a pattern, in Ansible's order. Raises UsageError when there are none, InvalidFile for unusable ones."""
    names = patterns.select_names(inventory, pattern, limit)
    if unusable := [inventory.unusable[name] for name in names if name in inventory.unusable]:
        left_out = "".join(f":!{name}" for name in names if name in inventory.unusable)
        advice = f"leave them out: {pattern + left_out!r}" if len(unusable) <= 5 else "leave them out with `:!GROUP`"
        raise InvalidFile(unusable, advice)
    by_name: Mapping[str, Host] = {host.name: host for host in inventory.hosts}
    return tuple(by_name[name] for name in names)


def single(target: str) -> Host:
    """The host `[user@]host[:port]`; an IPv6 address with a port stands in brackets. Raises UsageError."""
    user, at, rest = target.rpartition("@")
    if (
        target.startswith("-")
        or rest.startswith("-")
        or (at and not user)
        or any(c.isspace() or not c.isprintable() for c in target)
    ):
        raise UsageError(f"{target!r} is no host", "write user@host, host:port or user@[2001:db8::1]:22")
    try:
        name, port = ranges.split_port(rest)
    except ValueError as error:
        raise UsageError(f"{rest!r} {error}", "write user@host, host:port or user@[2001:db8::1]:22") from None
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1]
    if not ranges.is_name(name) or "[" in name:
        raise UsageError(f"{rest!r} is no host name or address", "write user@host, host:port or user@[2001:db8::1]:22")
    return Host(name=name, connection=Ssh(address=name, port=port, user=user or None))


def local() -> Host:
    """This machine."""
    return Host(name="localhost", connection=Command(argv=("sh",)))


def ask(hosts: Iterable[Host]) -> None:
    """Ask a person for all secrets that the hosts take from a prompt, each once, before anything is contacted.

    Later they are known, and no question breaks into the progress of a scan. Raises AuditorError without a terminal.
    """
    for host in hosts:
        ssh = (host.connection.password, host.connection.passphrase) if isinstance(host.connection, Ssh) else ()
        for secret in (*ssh, host.privilege.password):
            if secret is not None and secret.label.startswith(PROMPT):
                secret.read()


def override(
    host: Host,
    *,
    user: str | None = None,
    private_key_file: str | None = None,
    password: Secret | None = None,
    become: bool | None = None,
    become_password: Secret | None = None,
    host_key_checking: Literal["strict", "accept-new"] | None = None,
    connect_timeout: timedelta | None = None,
    deadline: timedelta | None = None,
) -> Host:
    """The host with what was given on the command line; None leaves a value to the inventory.

    As in Ansible, a variable of the inventory wins over `user`, `private_key_file`, `become` and the passwords.
    """
    connection: Connection = host.connection
    if isinstance(connection, Ssh):
        connection = replace(
            connection,
            user=connection.user or user,
            password=connection.password or password,
            private_key_file=connection.private_key_file or private_key_file,
            host_key_checking=host_key_checking or connection.host_key_checking,
        )
    privilege = host.privilege
    said = "privilege" in host.origins or "ansible_become" in host.origins
    if become is not None and not said:
        privilege = replace(privilege, mode="root" if become else "least")
    if become_password is not None and privilege.password is None:
        privilege = replace(privilege, password=become_password)
    return replace(
        host,
        connection=connection,
        privilege=privilege,
        connect_timeout=connect_timeout or host.connect_timeout,
        deadline=deadline or host.deadline,
    )
