"""Targets, the same for every command: `[HOSTS] -i INVENTORY`, `user@host`, `--local`, `--files`, `--snapshots`, `--demo`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from auditor.errors import UsageError

if TYPE_CHECKING:
    from auditor.inventory import Inventory
    from auditor.model.host import Host, Secret

F = TypeVar("F", bound=Callable[..., Any])
SNAPSHOT_SUFFIX = ".snap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """The options that say which hosts, as given."""

    hosts: str | None
    inventory: tuple[str, ...]
    limit: str | None
    local: bool
    files: str | None
    snapshots: str | None
    demo: bool
    platform: str
    release: str | None
    user: str | None
    become: bool
    ask_pass: bool
    ask_become_pass: bool
    extra_vars: tuple[str, ...]
    private_key: str | None
    vault_password_file: str | None
    forks: int

    def load(self) -> tuple[Host, ...]:
        """The hosts, in the order of the inventory. Raises UsageError, InvalidFile; says the inventory's warnings on stderr."""
        self._one_way()
        if self.files is not None:
            return (self._folder(self.files),)
        if self.snapshots is not None:
            return self._narrowed(self._replayed(Path(self.snapshots)))
        chosen = self._chosen()
        password = _asked("login password") if self.ask_pass else None
        become_password = _asked("sudo password") if self.ask_become_pass else None
        return tuple(self._overridden(host, password, become_password) for host in chosen)

    def load_to_contact(self) -> tuple[Host, ...]:
        """As `load`, for a command that contacts the hosts: all questions for secrets are asked now, before any progress is shown."""
        from auditor import inventory

        hosts = self.load()
        inventory.ask(hosts)
        return hosts

    def _chosen(self) -> tuple[Host, ...]:
        from auditor import inventory

        if self.local:
            return (inventory.local(),)
        if not self.inventory and not self.demo:
            return (inventory.single(self._address()),)
        return inventory.select(self.load_inventory(), self.hosts or "all", self.limit)

    def load_inventory(self) -> Inventory:
        """The inventory named by -i, or the shipped example. Says its warnings on stderr."""
        from auditor import inventory, resources
        from auditor.report import visible

        sources = [str(resources.shipped("inventory.example.yaml"))] if self.demo else list(self.inventory)
        vault = ("--vault-password-file", self.vault_password_file) if self.vault_password_file else ()
        # As with Ansible, variables in the working folder count; for the demo they would change what is shown.
        loaded = inventory.load(
            sources, extra_vars=self.extra_vars, vault_options=vault, playbook_folder=None if self.demo else Path()
        )
        for warning in loaded.warnings:
            click.echo("warning: " + "\n".join(visible(line) for line in str(warning).splitlines()), err=True)
        return loaded

    def _one_way(self) -> None:
        ways = {
            "-i": bool(self.inventory),
            "--local": self.local,
            "--files": self.files is not None,
            "--demo": self.demo,
        }
        ways["--snapshots"] = self.snapshots is not None and not self.inventory
        given = [name for name, used in ways.items() if used]
        if len(given) > 1:
            raise UsageError(f"{' and '.join(given)} exclude each other", "give one of them")
        if not given and not self.hosts:
            raise UsageError(
                "nothing to audit was named",
                "give -i INVENTORY, user@host, --local, --files DIR, --snapshots PATH or --demo",
            )
        if self.release is not None and self.files is None:
            raise UsageError("--release goes with --files", "a server, and a snapshot of one, tells its release itself")
        if self.hosts and (self.local or self.files is not None):
            raise UsageError(
                f"{self.hosts!r} goes with -i, --snapshots or --demo, not with {given[0]}", "leave one of them out"
            )

    def _address(self) -> str:
        address = self.hosts or ""
        if "@" not in address and not address.replace(".", "").replace(":", "").strip("[]").isalnum():
            raise UsageError(
                f"{address!r} is a pattern, and there is no inventory to look it up in",
                "give -i INVENTORY, or one host as user@host",
            )
        return address

    def _folder(self, folder: str) -> Host:
        from auditor.model.host import Files, Host, Release

        try:
            release = Release.parse(self.release) if self.release else None
        except ValueError as error:
            raise UsageError(f"--release: {error}", "write for example --release 3.7") from error
        if not Path(folder).is_dir():
            raise UsageError(
                f"--files {folder}: there is no such folder", "name the folder that holds main.cf, or one above it"
            )
        name = Path(folder).resolve().name or "files"
        return Host(name=name, connection=Files(folder=folder, release=release), platform=self.platform)

    def _replayed(self, path: Path) -> tuple[Host, ...]:
        from auditor.model.host import Host, Replay

        if not path.exists():
            raise UsageError(
                f"--snapshots {path}: there is no such file or folder",
                "write one with mailaudit collect TARGETS -o DIR",
            )
        paths = sorted(path.glob(f"*{SNAPSHOT_SUFFIX}")) if path.is_dir() else [path]
        if not paths:
            raise UsageError(
                f"--snapshots {path}: the folder holds no *{SNAPSHOT_SUFFIX} file",
                "write some with mailaudit collect TARGETS -o DIR",
            )
        replayed = tuple(
            Host(name=each.stem, connection=Replay(path=str(each)), platform=self.platform) for each in paths
        )
        return self._with_site_facts(replayed) if self.inventory else replayed

    def _with_site_facts(self, hosts: tuple[Host, ...]) -> tuple[Host, ...]:
        # A snapshot of an inventoried host is judged with that host's variables: the same findings as the live scan.
        known = {host.name: host for host in self.load_inventory().hosts}
        return tuple(
            replace(host, variables=known[host.name].variables, groups=known[host.name].groups)
            if host.name in known
            else host
            for host in hosts
        )

    def _narrowed(self, hosts: tuple[Host, ...]) -> tuple[Host, ...]:
        from auditor import inventory

        if self.hosts is None and self.limit is None:
            return hosts
        names = tuple(host.name for host in hosts)
        return inventory.select(
            inventory.Inventory(hosts=hosts, names=names, groups={"all": names}), self.hosts or "all", self.limit
        )

    def _overridden(self, host: Host, password: Secret | None, become_password: Secret | None) -> Host:
        from auditor import inventory

        return inventory.override(
            host if self.platform == "auto" else replace(host, platform=self.platform),
            user=self.user,
            private_key_file=self.private_key,
            password=password,
            become=True if self.become else None,
            become_password=become_password,
        )


def _asked(label: str) -> Secret:
    """Ask once, before the first host is contacted."""
    from auditor.model.host import Secret

    answer: str = click.prompt(label, hide_input=True, err=True)
    return Secret(label, lambda: answer)


def target_options(command: F) -> F:
    """Add the argument and the options of targets to a command; it gets them as one `targets`."""

    @functools.wraps(command)
    def wrapped(**given: Any) -> Any:
        fields = {name: given.pop(name) for name in Targets.__dataclass_fields__}
        return command(targets=Targets(**fields), **given)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped  # type: ignore[return-value]  # click's decorators keep the signature for people, not for mypy


_OPTIONS: tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...] = (
    click.argument("hosts", required=False, metavar="[HOSTS]"),
    click.option(
        "-i",
        "--inventory",
        multiple=True,
        metavar="FILE",
        help="Inventory: YAML, or whatever ansible-inventory reads. Repeatable.",
    ),
    click.option("-l", "--limit", metavar="PATTERN", help="Only hosts that match this pattern too; @FILE reads names."),
    click.option("--local", is_flag=True, help="Audit this machine."),
    click.option(
        "--files", metavar="DIR", help="A folder of configuration files: a repository, a backup, an unpacked image."
    ),
    click.option(
        "--snapshots",
        metavar="PATH",
        help="A snapshot file, or a folder of them; with -i the inventory's site facts hold.",
    ),
    click.option("--demo", is_flag=True, help="The shipped example inventory: recorded real servers."),
    click.option(
        "--platform", default="auto", show_default=True, metavar="NAME", help="Look for this mail server only."
    ),
    click.option("--release", metavar="N.N", help="With --files: the release of the server that runs these files."),
    click.option("-u", "--user", metavar="NAME", help="Log in as this user."),
    click.option("-b", "--become", is_flag=True, help="Run the whole collection under sudo (mode root)."),
    click.option("-k", "--ask-pass", is_flag=True, help="Ask for the login password."),
    click.option("-K", "--ask-become-pass", is_flag=True, help="Ask for the sudo password."),
    click.option(
        "-e",
        "--extra-vars",
        multiple=True,
        metavar="NAME=VALUE",
        help="Set a variable for all hosts; @FILE reads YAML. Repeatable.",
    ),
    click.option("--private-key", metavar="FILE", help="Log in with this key."),
    click.option("--vault-password-file", metavar="FILE", help="Passed to ansible-inventory."),
    click.option("-f", "--forks", type=click.IntRange(1, 200), default=20, show_default=True, help="Hosts at a time."),
)
