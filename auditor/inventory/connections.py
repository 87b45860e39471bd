"""From a host's variables to how it is reached and how commands get their privilege there."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, cast

from auditor.errors import Where
from auditor.inventory import ssh_arguments, variables
from auditor.inventory.secrets import beside
from auditor.inventory.variables import Variables
from auditor.model.host import Command, Connection, Files, Privilege, Release, Replay, Ssh

_SSH = ("ssh", "smart", "paramiko", "paramiko_ssh")
# Ansible's connection plugins that are a command with a shell; the name without its collection.
_SHELLS = ("local", "docker", "docker_api", "podman", "kubectl", "lxd", "incus")


class Unusable(Exception):
    """Ansible can reach this host, we cannot. Raised so that the other hosts stay usable."""

    def __init__(self, where: Where, message: str, hint: str) -> None:
        super().__init__(message)
        self.where, self.message, self.hint = where, message, hint


def connection(name: str, given: Variables) -> Connection:
    """How the host `name` is reached. Raises Unusable for a connection plugin that has no counterpart here."""
    own = given.choice("connection", tuple(_READERS))
    written = given.text("ansible_connection") or "ssh"
    if own is None:
        own = _implied(given)
    if own is not None:
        return _READERS[own](name, given)
    plugin = written.rsplit(".", 1)[-1]
    if plugin in _SSH:
        return _ssh(name, given)
    if plugin in _SHELLS:
        return Command(argv=_shell(plugin, name, given))
    hint = "known are ssh, local, docker, podman, kubectl, lxd and incus; `connection: command` takes any command that offers a shell"
    raise Unusable(
        given.where("ansible_connection"), f"{name} is reached by {written!r}, which has no counterpart here", hint
    )


def _implied(given: Variables) -> str | None:
    """A snapshot by its ending; nothing else is ours for sure in an inventory that was written for Ansible."""
    value = given.value("snapshot")
    if value is not None and not (isinstance(value.data, str) and value.data.endswith(".snap")):
        hint = "a snapshot's name ends in .snap; write `connection: replay` if it is one all the same"
        given.reading.warn(value.where, "`snapshot` is not used, the host is reached by SSH", hint)
    return "replay" if value is not None and isinstance(value.data, str) and value.data.endswith(".snap") else None


def privilege(name: str, given: Variables) -> Privilege:
    """How commands that need root are run. Raises Unusable for a become method other than sudo."""
    mode = given.choice("privilege", ("least", "root", "none"))
    become = given.yes_no("ansible_become")
    mode = mode or ("root" if become else "least")
    method = given.text("ansible_become_method") or "sudo"
    if become and method.rsplit(".", 1)[-1] != "sudo":
        raise Unusable(
            given.where("ansible_become_method"), f"{name} becomes root by {method!r}; only sudo is known here", ""
        )
    user = given.text("ansible_become_user") or "root"
    if mode == "root" and user != "root":
        given.reading.warn(
            given.where("ansible_become_user"),
            f"the audit runs as root, not as {user!r}",
            "leave ansible_become_user out",
        )
    password = given.secret("become_password", *variables.BECOME_PASSWORD)
    executable = given.text(*variables.BECOME_EXE) or "sudo"
    return Privilege(mode=cast("Literal['least', 'root', 'none']", mode), password=password, sudo=executable)


def _ssh(name: str, given: Variables) -> Ssh:
    options = _options(name, given)
    port = given.integer(*variables.PORT, least=1, most=65535)
    known = given.words("known_hosts")
    jump = given.text("jump")
    key_file = given.text(*variables.KEY_FILE) or options.key_file
    address = given.text(*variables.ADDRESS) or name
    for text, key in (
        (address, variables.ADDRESS),
        (jump or "", ("jump",)),
        (given.text(*variables.USER) or "", variables.USER),
    ):
        if text.startswith("-"):
            given.reading.error(
                given.where(*key), f"{text!r} starts with a dash", "a host or user that looks like an option is refused"
            )
    return Ssh(
        address=address.strip("[]") if address.startswith("[") else address,
        port=port or options.port,
        user=given.text(*variables.USER) or options.user,
        password=given.secret("password", *variables.PASSWORD),
        private_key_file=str(_home(key_file)) if key_file else None,
        passphrase=given.secret("passphrase", *variables.PASSPHRASE),
        jump=("" if jump == "none" else jump) if jump is not None else options.jump,
        host_key_checking=_checking(given, options),
        known_hosts=tuple(str(beside(str(word.data), word.where)) for word in known) if known else options.known_hosts,
        ssh_config=options.config,
    )


def _options(name: str, given: Variables) -> ssh_arguments.Options:
    found = ssh_arguments.Options()
    texts = [(key, given.text(key)) for key in variables.SSH_ARGUMENTS]
    for key, text in texts:
        if text is not None:
            try:
                for message, hint in ssh_arguments.parse(text).problems:
                    given.reading.warn(given.where(key), f"{name}: {message}", hint)
            except ValueError as error:
                given.reading.error(given.where(key), f"{key}: {str(error).lower()}", "close the quote")
                return found
    return ssh_arguments.parse(" ".join(text for _key, text in texts if text))


def _checking(given: Variables, options: ssh_arguments.Options) -> Literal["strict", "accept-new"]:
    """Host keys are always checked: what turns it off in Ansible is a warning here."""
    own = given.choice("host_key_checking", ("strict", "accept-new"))
    if own is not None:
        return "accept-new" if own == "accept-new" else "strict"
    hint = "`host_key_checking: accept-new` accepts a server's first key and refuses a changed one"
    if given.yes_no(*variables.KEY_CHECKING) is False:
        given.reading.warn(given.where(*variables.KEY_CHECKING), "host keys are checked all the same", hint)
    elif options.checking in ("no", "off"):
        where = given.where(*variables.SSH_ARGUMENTS)
        given.reading.warn(where, "host keys are checked in spite of StrictHostKeyChecking=no", hint)
    return "accept-new" if options.checking == "accept-new" else "strict"


def _command(name: str, given: Variables) -> Command:
    value = given.value("command")
    argv: tuple[str, ...] = ()
    if value is not None and isinstance(value.data, tuple):
        argv = tuple(str(word.data) for word in given.words("command") or ())
    elif value is not None:
        argv = _split(given, "command")
    if not argv or not argv[0] or any("\0" in word for word in argv):
        hint = "write `command: [docker, exec, -i, mail, sh]`: what offers a POSIX shell on its standard input"
        given.reading.error(given.where("command", "connection"), f"{name}: connection: command needs `command:`", hint)
    return Command(argv=argv)


def _files(name: str, given: Variables) -> Files:
    folder = given.text("folder")
    if folder is None:
        given.reading.error(
            given.where("connection"),
            f"{name}: connection: files needs `folder:`",
            "the folder with main.cf, or above it",
        )
    return Files(folder=str(beside(folder or "", given.where("folder"))), release=_release(given))


def _release(given: Variables) -> Release | None:
    value = given.value("release")
    if value is None:
        return None
    try:
        if isinstance(value.data, str):
            return Release.parse(value.data)
    except ValueError as error:
        given.reading.error(value.where, str(error), 'write `release: "3.7"`')
    else:
        # Without quotes 3.10 is the number 3.1.
        given.reading.error(value.where, "a release is text in quotes", 'write `release: "3.10"`')
    return None


def _replay(name: str, given: Variables) -> Replay:
    path = given.text("snapshot")
    if path is None:
        given.reading.error(
            given.where("connection"), f"{name}: connection: replay needs `snapshot:`", "the file that `collect` wrote"
        )
    return Replay(path=str(beside(path or "", given.where("snapshot"))))


def _shell(plugin: str, name: str, given: Variables) -> tuple[str, ...]:
    """The command that offers a shell where Ansible's plugin would run."""
    target = given.text(*variables.ADDRESS) or name
    if plugin == "kubectl":
        target = given.text("ansible_kubectl_pod") or target
    if target.startswith("-"):
        given.reading.error(given.where(*variables.ADDRESS), f"{target!r} starts with a dash")
    user = given.text(*variables.USER)
    match plugin:
        case "local":
            return ("sh",)
        case "docker" | "docker_api":
            return (
                "docker",
                *_split(given, "ansible_docker_extra_args"),
                "exec",
                "-i",
                *_pair("-u", user),
                target,
                "sh",
            )
        case "podman":
            executable = given.text("ansible_podman_executable") or "podman"
            return (
                executable,
                *_split(given, "ansible_podman_extra_args"),
                "exec",
                "-i",
                *_pair("--user", user),
                target,
                "sh",
            )
        case "kubectl":
            return (
                "kubectl",
                *_kubectl(given),
                "exec",
                "-i",
                target,
                *_pair("-c", given.text("ansible_kubectl_container")),
                "--",
                "sh",
            )
        case _:
            return ("incus" if plugin == "incus" else "lxc", "exec", target, "--", "sh")


def _kubectl(given: Variables) -> tuple[str, ...]:
    return (
        *_pair("--kubeconfig", given.text("ansible_kubectl_kubeconfig")),
        *_pair("--context", given.text("ansible_kubectl_context")),
        *_pair("-n", given.text("ansible_kubectl_namespace")),
        *_split(given, "ansible_kubectl_extra_args"),
    )


def _pair(option: str, value: str | None) -> tuple[str, ...]:
    return (option, value) if value else ()


def _split(given: Variables, name: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(given.text(name) or ""))
    except ValueError as error:
        given.reading.error(given.where(name), f"{name}: {str(error).lower()}", "close the quote")
        return ()


def _home(path: str) -> Path:
    """Ansible takes a relative key file from the working folder."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


_READERS: Mapping[str, Callable[[str, Variables], Connection]] = {
    "ssh": _ssh,
    "command": _command,
    "files": _files,
    "replay": _replay,
}
