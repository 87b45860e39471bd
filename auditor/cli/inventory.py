"""`mailaudit inventory list|check|show|trust|privileges`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from auditor.cli.targets import Targets, target_options
from auditor.errors import UsageError

if TYPE_CHECKING:
    from auditor.model.host import Host


@click.group("inventory")
def command() -> None:
    """List, check and show the inventory; trust a host key; print the sudoers lines."""


@command.command("list")
@target_options
def list_(targets: Targets) -> int:
    """List the hosts that a pattern selects: name, how it is read, groups."""
    from auditor import pipeline, report
    from auditor.inventory import select_names

    if not targets.inventory and not targets.demo:
        for host in targets.load():
            click.echo(report.visible(f"{host.name:30}  {pipeline.describe(host)}"))
        return 0
    loaded = targets.load_inventory()
    hosts = {host.name: host for host in loaded.hosts}
    for name in select_names(loaded, targets.hosts or "all", targets.limit):
        unusable = loaded.unusable.get(name)
        how = f"cannot be audited: {unusable.message}" if unusable else pipeline.describe(hosts[name])
        groups = ", ".join(hosts[name].groups) if name in hosts else ""
        click.echo(report.visible(f"{name:30}  {how:40}  {groups}".rstrip()))
    return 0


@command.command("check")
@target_options
def check(targets: Targets) -> int:
    """Read the whole inventory and tell every problem and warning, with file, line and column."""
    from auditor import report

    if not targets.inventory and not targets.demo:
        click.echo(f"{len(targets.load())} hosts")
        return 0
    loaded = targets.load_inventory()
    for problem in loaded.unusable.values():
        click.echo("\n".join(report.visible(line) for line in str(problem).splitlines()), err=True)
    hosts, unusable = len(loaded.hosts), len(loaded.unusable)
    click.echo(
        f"{hosts} hosts, {len(loaded.groups)} groups, {len(loaded.warnings)} warnings, {unusable} that cannot be audited"
    )
    return 0


@command.command("show")
@target_options
def show(targets: Targets) -> int:
    """Show every variable of a host with its value and the file and line that set it; secrets by reference only."""
    from auditor import report
    from auditor.inventory import select_names

    if not targets.inventory and not targets.demo:
        raise UsageError("there is no inventory to show", "give -i INVENTORY")
    loaded = targets.load_inventory()
    for name in select_names(loaded, targets.hosts or "all", targets.limit):
        click.echo(report.visible(name))
        for shown in loaded.show(name):
            click.echo("  " + report.visible(f"{shown.name} = {shown.value}    # {shown.origin}"))
    return 0


@command.command("trust")
@target_options
@click.option("--yes", is_flag=True, help="Record without asking; compare the fingerprint yourself.")
def trust(targets: Targets, yes: bool) -> int:
    """Show the fingerprint of a host's key, ask, and record the key in the known-hosts file."""
    from auditor import report
    from auditor.connectors import ssh

    for host in targets.load():
        key = ssh.host_key(host)
        click.echo(report.visible(f"{host.name}: {key.type} {key.fingerprint_sha256}"))
        if key.known == "yes":
            click.echo("  is known already; nothing to do")
            continue
        # record refuses a key that contradicts a known one, so only a new host is asked about.
        question = "  record this key? Compare the fingerprint with the server's console first"
        if key.known == "changed" or yes or click.confirm(question, default=False, err=True):
            click.echo(f"  recorded in {report.visible(ssh.record(host, key))}")
        else:
            click.echo("  not recorded")
    return 0


@command.command("privileges")
@target_options
def privileges(targets: Targets) -> int:
    """Print the exact sudoers lines for the default mode (least): these commands and no others are run through sudo.

    The fixed paths are those of Postfix's own layout; with --snapshots PATH (or a host that is a snapshot) the paths that this host's
    configuration names are printed too.
    """
    from auditor import pipeline, report
    from auditor.model.host import Replay

    for host in targets.load():
        user = _login(targets, host)
        lines = tuple(pipeline.SHIPPED.sudoers(host, user=user))
        out = [f"# {host.name}: /etc/sudoers.d/mailaudit; check it with visudo -cf before you install it"]
        if not isinstance(host.connection, Replay):
            out += [
                "# the paths of Postfix's own layout; for those that this host's configuration names, collect a snapshot first:",
                "#   mailaudit collect ... -o snaps; mailaudit inventory privileges --snapshots snaps/HOST.snap -u USER",
            ]
        out += [f"Defaults:{user} !mail_badpass", *lines]
        click.echo("\n".join(report.visible(line) for line in out))
    return 0


def _login(targets: Targets, host: Host) -> str:
    """The login user of a host as sudoers may name it. Raises UsageError."""
    from auditor.model.host import Ssh

    user = targets.user or (host.connection.user if isinstance(host.connection, Ssh) else None)
    if user is None:
        raise UsageError(f"nobody said who logs in to {host.name}", "give -u USER")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*\$?", user):
        raise UsageError(f"{user!r} cannot be the name of a user in sudoers", "give a login name with -u")
    return user
