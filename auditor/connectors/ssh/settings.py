"""Where a host is and how to log in: the inventory's settings, completed by ssh_config.

`ssh -G` knows Include, Match and every default; only where OpenSSH is missing paramiko's reader stands in.
"""

from __future__ import annotations

import getpass
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from auditor.connectors.ssh.known_hosts import SSH_PORT
from auditor.errors import ConnectionFailed
from auditor.model.host import Host, Secret, Ssh

MAX_HOPS = 8
DEFAULT_IDENTITIES = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")
DEFAULT_KNOWN_HOSTS = (
    "~/.ssh/known_hosts",
    "~/.ssh/known_hosts2",
    "/etc/ssh/ssh_known_hosts",
    "/etc/ssh/ssh_known_hosts2",
)

Config = Mapping[str, tuple[str, ...]]  # ssh_config's keywords in lower case → values


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One server to log in to: the host itself or a hop on the way. `host` is the inventory's name, for messages.

    `identities` are private key files that may exist; `key` is the one that the inventory names.
    `agent` is the socket of the agent: empty for none, None for the environment's. `hops` are logged in to first, in order.
    """

    host: str
    address: str
    port: int
    user: str
    key_name: str  # what known-hosts files call it, without the port
    known_hosts: tuple[str, ...]
    accept_new: bool
    password: Secret | None = None
    key: str | None = None
    passphrase: Secret | None = None
    identities: tuple[str, ...] = ()
    identities_only: bool = False
    agent: str | None = None
    family: str = "any"
    hops: tuple[Target, ...] = ()
    proxy_command: str | None = None

    def __str__(self) -> str:
        return f"{self.user}@{self.address}" + (f":{self.port}" if self.port != SSH_PORT else "")


def resolve(host: Host, settings: Ssh) -> Target:
    """Complete the inventory's settings. Raises ConnectionFailed when ssh_config cannot be used."""
    return _resolve(host.name, settings, settings.address, settings.port, settings.user, jump=settings.jump)


def _resolve(
    name: str, settings: Ssh, address: str, port: int | None, user: str | None, *, jump: str | None, depth: int = 0
) -> Target:
    config = read_config(name, settings.ssh_config, address, port, user)
    hostname = _one(config, "hostname") or address
    port = port or int(_one(config, "port") or SSH_PORT)
    user = user or _one(config, "user") or getpass.getuser()
    tokens = {
        "%h": hostname,
        "%p": str(port),
        "%r": user,
        "%n": address,
        "%u": getpass.getuser(),
        "%d": str(Path.home()),
    }
    own = depth == 0
    jump = _one(config, "proxyjump") if jump is None else jump
    proxy_command = _one(config, "proxycommand") if not jump and (settings.jump is None or not own) else ""
    return Target(
        host=name,
        address=hostname,
        port=port,
        user=user,
        key_name=_one(config, "hostkeyalias") or hostname,
        known_hosts=tuple(_path(file, tokens) for file in settings.known_hosts or _known_hosts(config)),
        accept_new=settings.host_key_checking == "accept-new",
        password=settings.password if own else None,
        key=settings.private_key_file,
        passphrase=settings.passphrase,
        identities=tuple(_path(file, tokens) for file in config.get("identityfile", DEFAULT_IDENTITIES)),
        identities_only=_one(config, "identitiesonly") == "yes",
        agent=_agent(settings, config, tokens),
        family=_one(config, "addressfamily") or "any",
        hops=tuple(_hops(name, settings, jump, depth)) if jump and jump.lower() != "none" else (),
        proxy_command=_shell_command(name, proxy_command, tokens)
        if proxy_command and proxy_command.lower() != "none"
        else None,
    )


def _shell_command(name: str, text: str, tokens: Mapping[str, str]) -> str:
    """A ProxyCommand with its tokens filled in. Raises ConnectionFailed for a host or user that the shell would not take for a word."""
    for token in ("%h", "%n", "%r"):
        if token in text and not re.fullmatch(r"[\w.:@%+-]+", tokens[token]):
            raise ConnectionFailed(
                name,
                f"{tokens[token]!r} cannot go into the ProxyCommand of ssh_config",
                "give the host and the user plain names",
            )
    return _expand(text, tokens)


def _hops(name: str, settings: Ssh, jump: str, depth: int) -> Iterator[Target]:
    """The servers of a ProxyJump text. The first one may have its own way there, in ssh_config."""
    if depth >= MAX_HOPS:
        raise ConnectionFailed(name, f"more than {MAX_HOPS} jump hosts: {jump}", "does ssh_config jump in a circle?")
    for number, text in enumerate(jump.split(",")):
        user, address, port = _hop(name, text.strip())
        hop = _resolve(name, settings, address, port, user, jump=None if number == 0 else "", depth=depth + 1)
        yield from hop.hops
        yield hop


def _hop(name: str, text: str) -> tuple[str | None, str, int | None]:
    """Read `[user@]host[:port]`, the host in brackets when it is an IPv6 address, or the same as an ssh:// URI."""
    match = re.fullmatch(
        r"(?:ssh://)?(?:(?P<user>.+)@)?(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:@/]+))(?::(?P<port>\d{1,5}))?/?", text
    )
    if not match:
        raise ConnectionFailed(name, f"{text!r} is not a jump host", "write [user@]host[:port], several with commas")
    return match["user"], match["six"] or match["host"], int(match["port"]) if match["port"] else None


def _one(config: Config, keyword: str) -> str:
    return config.get(keyword, ("",))[0]


def _known_hosts(config: Config) -> tuple[str, ...]:
    files = [*config.get("userknownhostsfile", ()), *config.get("globalknownhostsfile", ())]
    return tuple(file for value in files for file in value.split() if file != "none") or DEFAULT_KNOWN_HOSTS


def _agent(settings: Ssh, config: Config, tokens: Mapping[str, str]) -> str | None:
    identity_agent = _one(config, "identityagent")
    if not settings.agent or identity_agent.lower() == "none":
        return ""
    return None if identity_agent in ("", "SSH_AUTH_SOCK", "$SSH_AUTH_SOCK") else _path(identity_agent, tokens)


def _expand(text: str, tokens: Mapping[str, str]) -> str:
    if "%" not in text:
        return text
    return re.sub("%.", lambda token: {**tokens, "%%": "%"}.get(token[0], token[0]), text)


def _path(text: str, tokens: Mapping[str, str]) -> str:
    return _home(_expand(text, tokens))


@lru_cache(maxsize=1024)
def _home(path: str) -> str:
    return str(Path(path).expanduser())


@lru_cache(maxsize=1)
def _ssh() -> str | None:
    return shutil.which("ssh")


def read_config(name: str, file: str | None, address: str, port: int | None, user: str | None) -> Config:
    """What ssh_config says about an address. `file` as in Ssh.ssh_config. Raises ConnectionFailed when it is broken."""
    if address.startswith("-"):
        raise ConnectionFailed(name, f"{address!r} is not an address", "correct ansible_host in the inventory")
    if _ssh() is None:
        return _paramiko_config(name, file, address)
    if _is_uniform(file):
        with _asking:  # one process for the whole fleet, not one per thread
            answer = _ssh_g(file, "same-for-all-hosts.invalid", port, user)
        answer = answer if isinstance(answer, str) else {**answer, "hostname": (address,)}
    else:
        answer = _ssh_g(file, address, port, user)
    if isinstance(answer, str):
        raise ConnectionFailed(name, f"ssh_config cannot be used: {answer}", "try `ssh -G` with this host by hand")
    return answer


_asking = threading.Lock()


@lru_cache(maxsize=4096)
def _ssh_g(file: str | None, address: str, port: int | None, user: str | None) -> Config | str:
    """Ask OpenSSH, which costs as much CPU as the rest of a connection. The answer, or the words of its refusal."""
    argv = [_ssh() or "ssh", "-G"]
    argv += [] if file is None else ["-F", file or "none"]
    argv += [] if port is None else ["-p", str(port)]
    argv += [] if user is None else ["-l", user]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command; the address does not start with a dash
            [*argv, "--", address], stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False
        )
    except subprocess.TimeoutExpired:
        return "no answer within 10 s (a `Match exec` that waits?)"
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return said[-1] if said else f"`ssh -G` ended with status {done.returncode}"
    config: dict[str, tuple[str, ...]] = {}
    for line in done.stdout.decode("utf-8", "surrogateescape").splitlines():
        keyword, _, value = line.partition(" ")
        config[keyword] = (*config.get(keyword, ()), value)
    return config


def _paramiko_config(name: str, file: str | None, address: str) -> Config:
    path = Path(file or "~/.ssh/config").expanduser()
    if file == "" or not path.is_file():
        return {}
    from paramiko.config import SSHConfig
    from paramiko.ssh_exception import ConfigParseError

    try:
        found: Mapping[str, Any] = SSHConfig.from_path(str(path)).lookup(address)
    except (ConfigParseError, OSError, ImportError) as error:
        raise ConnectionFailed(
            name, f"{path} cannot be used: {error}", "install OpenSSH's client, which reads more"
        ) from error
    return {key: tuple(value) if isinstance(value, list) else (value,) for key, value in found.items()}


@lru_cache(maxsize=16)
def _is_uniform(file: str | None) -> bool:
    """Whether ssh_config says the same about all hosts, so that one answer of `ssh -G` serves the whole fleet."""
    if file == "":
        return True
    files = [Path(file)] if file else [Path("~/.ssh/config").expanduser(), Path("/etc/ssh/ssh_config")]
    return all(_uniform(path) for path in files)


def _uniform(path: Path, depth: int = 0) -> bool:
    try:
        text = path.read_text("utf-8", "replace")
    except FileNotFoundError:
        return True
    except OSError:
        return False
    for line in text.splitlines():
        keyword, _, value = re.sub(r"^\s*(\S+?)\s*[=\s]\s*", r"\1 ", line).partition(" ")
        keyword, value = keyword.lower(), value.strip()
        if keyword == "include":
            if depth >= MAX_HOPS or not all(_uniform(found, depth + 1) for found in _included(path, value)):
                return False
        elif keyword == "host":
            if value != "*":
                return False
        elif keyword in ("match", "hostname", "canonicalizehostname", "hostkeyalias") or "%" in line.partition("#")[0]:
            return False
    return True


def _included(path: Path, patterns: str) -> Iterator[Path]:
    folder = Path("/etc/ssh") if path.is_relative_to("/etc/ssh") else Path("~/.ssh").expanduser()
    for pattern in patterns.replace('"', "").split():
        full = folder / Path(pattern).expanduser()
        yield from Path(full.anchor).glob(str(full.relative_to(full.anchor)))
