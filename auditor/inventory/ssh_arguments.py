"""OpenSSH's options in `ansible_ssh_common_args` and the like: what they mean for a connection of our own."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

# They change how OpenSSH works or looks, not where it goes or whom it trusts.
_NO_MATTER = frozenset(
    """
    controlmaster controlpersist controlpath serveraliveinterval serveralivecountmax tcpkeepalive compression
    loglevel batchmode forwardagent forwardx11 preferredauthentications numberofpasswordprompts pubkeyauthentication
    passwordauthentication kbdinteractiveauthentication gssapiauthentication gssapidelegatecredentials addkeystoagent
    connectionattempts ipqos requesttty visualhostkey updatehostkeys checkhostip hashknownhosts identitiesonly
    connecttimeout proxyjump proxycommand -f
    """.split()  # noqa: SIM905 - a list of words is easier to read and to compare
)
_FLAGS = frozenset("aACknNqtTvxXyY46")
_WITH_VALUE = frozenset("bceFiIJlmoOpQRSwWDELB")
_STDIO = re.compile(r"\[?%h\]?:%p")


@dataclass(slots=True)
class Options:
    """What the options say; None where they say nothing. `problems` are options that cannot be followed, each with a hint."""

    port: int | None = None
    user: str | None = None
    key_file: str | None = None
    jump: str | None = None
    config: str | None = None
    known_hosts: tuple[str, ...] = ()
    checking: str | None = None
    problems: list[tuple[str, str]] = field(default_factory=list)


def parse(text: str) -> Options:
    """Read the options; the first of a kind wins, as in OpenSSH. Raises ValueError for unbalanced quotes."""
    options = Options()
    words = shlex.split(text)
    while words:
        word = words.pop(0)
        if not word.startswith("-") or word in ("-", "--"):
            options.problems.append((f"{word!r} is no option of ssh", "only options belong here"))
        elif word[1] in _FLAGS and set(word[1:]) <= _FLAGS:
            continue
        elif word[1] not in _WITH_VALUE:
            options.problems.append((f"the option {word!r} of ssh is not known here", _OWN_SSH))
        elif value := word[2:] or (words.pop(0) if words else ""):
            _one(options, word[1], value)
        else:
            options.problems.append((f"{word!r} lacks its value", ""))
    return options


_OWN_SSH = "use `connection: command` and `command: [ssh, …, HOST, sh]` for what only OpenSSH can do"


def _one(options: Options, letter: str, value: str) -> None:
    letters = {"p": "port", "l": "user", "i": "identityfile", "J": "proxyjump", "F": "-F", "o": ""}
    if letter in "ecmbBDELOQRSwWI" and letter not in letters:
        options.problems.append((f"the option -{letter} of ssh is not followed", _OWN_SSH))
        return
    name = letters[letter]
    if not name:
        name, _, value = (part.strip() for part in re.sub(r"\s*=\s*|\s+", "=", value.strip(), count=1).partition("="))
    _named(options, name.lower(), value.strip('"'))


def _named(options: Options, name: str, value: str) -> None:
    match name:
        case "port":
            _port(options, value)
        case "user":
            options.user = options.user or value
        case "identityfile":
            options.key_file = options.key_file or value
        case "-f" if options.config is None:
            options.config = "" if value in ("none", "/dev/null") else value
        case "proxyjump" if options.jump is None:
            options.jump = "" if value == "none" else value
        case "proxycommand" if options.jump is None:
            _proxy_command(options, value)
        case "userknownhostsfile":
            _known_hosts(options, value)
        case "stricthostkeychecking":
            options.checking = options.checking or value.lower()
        case _ if name not in _NO_MATTER:
            options.problems.append((f"ssh's option {name} is not followed", _OWN_SSH))


def _port(options: Options, value: str) -> None:
    if re.fullmatch(r"[0-9]{1,5}", value) and 0 < int(value) < 65536:
        options.port = options.port or int(value)
    else:
        options.problems.append((f"{value!r} is no port", ""))


def _known_hosts(options: Options, value: str) -> None:
    if value == "/dev/null":
        hint = "host keys are always checked; use host_key_checking: accept-new"
        options.problems.append(("UserKnownHostsFile=/dev/null is not followed", hint))
    else:
        options.known_hosts = options.known_hosts or tuple(value.split())


def _proxy_command(options: Options, value: str) -> None:
    """`ssh -W %h:%p bastion`, the old way to write a jump host."""
    jump = "" if value == "none" else _through(shlex.split(value))
    if jump is None:
        options.problems.append(("this ProxyCommand is more than a jump host", _OWN_SSH))
    else:
        options.jump = jump


def _through(words: list[str]) -> str | None:
    """The ProxyJump text of `ssh -W %h:%p [-q] [-p PORT] [-l USER] [USER@]HOST`; None when it is anything else."""
    if not words or words[0].rsplit("/", 1)[-1] != "ssh":
        return None
    values: dict[str, str] = {}
    hosts: list[str] = []
    rest = words[1:]
    while rest:
        word = rest.pop(0)
        if word[:2] in ("-W", "-p", "-l", "-o"):
            value = word[2:] or (rest.pop(0) if rest else "")
            if word[:2] == "-o" and re.split(r"[=\s]", value)[0].lower() not in _NO_MATTER:
                return None
            values[word[:2]] = value
        elif not word.startswith("-"):
            hosts.append(word)
        elif not set(word[1:]) <= _FLAGS:
            return None
    if len(hosts) != 1 or not _STDIO.fullmatch(values.get("-W", "")):
        return None
    name = hosts[0] if "-l" not in values or "@" in hosts[0] else f"{values['-l']}@{hosts[0]}"
    return f"{name}:{values['-p']}" if "-p" in values else name
