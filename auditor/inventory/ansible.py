"""What only Ansible can read, asked of the user's own Ansible, or read from what it has said before.

`ansible-inventory --list` gives groups and variables, decrypted and from any plugin; it leaves templates (`{{ … }}`) as they
are, so those that matter are asked of `ansible … -m debug`, which runs on this machine and contacts no host.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from auditor.errors import InvalidFile, Problem, UsageError, Where
from auditor.inventory.tree import RESERVED, Group, Tree, Value, value_at

RunAnsible = Callable[[Sequence[str]], bytes]
TIMEOUT_SECONDS = 120
MAX_BYTES = 64 << 20
_ENVIRONMENT = {
    "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
    "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true",
    "ANSIBLE_INVENTORY_EXPORT": "false",
    "ANSIBLE_STDOUT_CALLBACK": "minimal",
    "ANSIBLE_LOAD_CALLBACK_PLUGINS": "false",
    "ANSIBLE_DEPRECATION_WARNINGS": "false",
    "ANSIBLE_NOCOLOR": "1",
    "ANSIBLE_FORCE_COLOR": "0",
}  # fmt: skip
_RESULT = re.compile(r"^(\S+) \| ([A-Z]+!?)(?:: .*)? => ", re.MULTILINE)


class NotInstalled(Exception):
    """There is no Ansible on the path."""


def run(argv: Sequence[str]) -> bytes:
    """The standard output of one of Ansible's commands. Raises NotInstalled, UsageError."""
    try:
        done = subprocess.run(  # noqa: S603 - the argument list is ours, no shell reads it
            list(argv),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            env=os.environ | _ENVIRONMENT,
            check=False,
        )
    except FileNotFoundError as error:
        raise NotInstalled from error
    except subprocess.TimeoutExpired as error:
        raise UsageError(
            f"{argv[0]} gave no answer within {TIMEOUT_SECONDS} s", "run it by hand to see what it waits for"
        ) from error
    except OSError as error:
        raise UsageError(f"{argv[0]} cannot be started: {(error.strerror or str(error)).lower()}") from error
    if done.returncode and argv[0] == "ansible-inventory":
        lines = (
            "".join(c if c.isprintable() or c == "\n" else " " for c in done.stderr.decode("utf-8", "replace"))
            .strip()
            .splitlines()
        )
        raise UsageError(
            f"ansible-inventory ended with status {done.returncode}: " + "\n  ".join(lines[:12]),
            "run `ansible-inventory --list` with the same options by hand; encrypted files need --vault-password-file",
        )
    return done.stdout


def listing(sources: Sequence[str], options: Sequence[str], name: str, ask: RunAnsible) -> Tree:
    """The tree as `ansible-inventory --list` tells it; `name` is the place of every value. Raises NotInstalled, UsageError, InvalidFile."""
    argv = ["ansible-inventory", *(part for source in sources for part in ("-i", source)), *options, "--list"]
    return from_listing(ask(argv), name)


def is_listing(source: bytes) -> bool:
    """Whether a file holds what `ansible-inventory --list` prints."""
    return source.lstrip().startswith(b"{") and b'"_meta"' in source and b'"hostvars"' in source


def from_listing(source: bytes, name: str) -> Tree:
    """The tree in the JSON of `ansible-inventory --list`; `name` is what problems call it. Raises InvalidFile."""
    try:
        data = json.loads(source)
    except json.JSONDecodeError as error:
        raise InvalidFile([Problem(Where(name, error.lineno, error.colno), f"not JSON: {error.msg}")]) from None
    except (ValueError, RecursionError) as error:
        raise InvalidFile([Problem(Where(name), f"not JSON: {type(error).__name__}")]) from None
    checker = _Listing(name)
    tree = checker.tree(data)
    if checker.problems:
        raise InvalidFile(checker.problems)
    return tree


class _Listing:
    def __init__(self, name: str) -> None:
        self.where = Where(name)
        self.problems: list[Problem] = []

    def tree(self, data: Any) -> Tree:
        data = self.mapping(data, "the top level")
        hostvars: dict[str, Mapping[str, Value]] = {}
        for host, variables in self.mapping(
            self.mapping(data.get("_meta"), "_meta").get("hostvars"), "_meta.hostvars"
        ).items():
            hostvars[host] = {
                k: value_at(v, self.where) for k, v in self.mapping(variables, host).items() if k not in RESERVED
            }
        groups: dict[str, Group] = {"all": Group(), "ungrouped": Group()}
        for name, group in data.items():
            if name != "_meta":
                inner = self.mapping(group, name)
                groups[name] = Group(
                    self.names(inner.get("hosts", []), f"{name}.hosts"),
                    self.names(inner.get("children", []), f"{name}.children"),
                )
        for group in tuple(groups.values()):
            groups.update((child, Group()) for child in group.children if child not in groups)
            for host in group.hosts:
                hostvars.setdefault(host, {})
        return Tree(groups, hostvars)

    def mapping(self, data: Any, what: str) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.problems.append(
                Problem(self.where, f"{what} is no mapping", "save the output of `ansible-inventory --list`")
            )
            return {}
        return data

    def names(self, data: Any, what: str) -> tuple[str, ...]:
        if not isinstance(data, list) or not all(isinstance(name, str) for name in data):
            self.problems.append(
                Problem(self.where, f"{what} is no list of names", "save the output of `ansible-inventory --list`")
            )
            return ()
        return tuple(data)


def templates(
    sources: Sequence[str], options: Sequence[str], wanted: Mapping[str, Sequence[str]], ask: RunAnsible
) -> Mapping[str, Mapping[str, Any] | str]:
    """For each host the values of the variables with their templates filled in, or why not. Raises NotInstalled, UsageError.

    `wanted` names the variables per host. Nothing is contacted: `debug` runs where Ansible runs.
    """
    names = sorted({name for needed in wanted.values() for name in needed})
    # A variable that another host lacks is left out there; only names are on the command line, never values.
    arguments = json.dumps({"msg": {name: f"{{{{ vars['{name}'] | default(omit) }}}}" for name in names}})
    inventory = [part for source in sources for part in ("-i", source)]
    pattern = ",".join(sorted(wanted)) if len(wanted) <= 500 else "all"  # an argument has at most 128 KiB
    argv = ["ansible", *inventory, *options, "-m", "ansible.builtin.debug", "-a", arguments, pattern]
    output = ask(argv).decode("utf-8", "replace")
    found: dict[str, Mapping[str, Any] | str] = {}
    for match in _RESULT.finditer(output):
        try:
            answer, _end = json.JSONDecoder().raw_decode(output, match.end())
        except (ValueError, RecursionError):
            continue
        message = answer.get("msg") if isinstance(answer, dict) else None
        if isinstance(message, str) or (isinstance(message, dict) and match.group(2) == "SUCCESS"):
            found[match.group(1)] = message
    return found
