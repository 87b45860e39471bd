"""The variables of one host, read by type; every mistake is a problem at the place where the value was written."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

from auditor.errors import Where
from auditor.inventory.reading import Reading
from auditor.inventory.scalars import VAULTED
from auditor.inventory.secrets import Secrets, in_clear
from auditor.inventory.tree import Value
from auditor.model.host import HostVariables, Secret
from auditor.model.network import Networks

# Names of Ansible; where one thing has several, the later one wins (the order in the plugins' documentation).
ADDRESS = ("ansible_host", "ansible_ssh_host")
PORT = ("ansible_port", "ansible_ssh_port")
USER = ("ansible_user", "ansible_ssh_user")
PASSWORD = ("ansible_password", "ansible_ssh_pass", "ansible_ssh_password")
KEY_FILE = ("ansible_private_key_file", "ansible_ssh_private_key_file")
PASSPHRASE = ("ansible_private_key_passphrase", "ansible_ssh_private_key_passphrase")
BECOME_PASSWORD = ("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass")
BECOME_EXE = ("ansible_become_exe", "ansible_sudo_exe")
TIMEOUT = ("ansible_timeout", "ansible_ssh_timeout", "connect_timeout")
KEY_CHECKING = ("ansible_host_key_checking", "ansible_ssh_host_key_checking")
SSH_ARGUMENTS = ("ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args")
CONTAINER = (
    "ansible_docker_extra_args", "ansible_podman_extra_args", "ansible_podman_executable", "ansible_kubectl_namespace",
    "ansible_kubectl_pod", "ansible_kubectl_container", "ansible_kubectl_context", "ansible_kubectl_kubeconfig",
    "ansible_kubectl_extra_args",
)  # fmt: skip
OTHER_ANSIBLE = ("ansible_connection", "ansible_become", "ansible_become_user", "ansible_become_method")
OWN = (
    "connection", "command", "snapshot", "folder", "release", "platform", "privilege", "jump", "host_key_checking", "known_hosts",
    "connect_timeout", "deadline", "trusted_networks", "own_domains", "role", "password", "passphrase", "become_password",
)  # fmt: skip
USED = (
    *ADDRESS, *PORT, *USER, *PASSWORD, *KEY_FILE, *PASSPHRASE, *BECOME_PASSWORD, *BECOME_EXE, *TIMEOUT, *KEY_CHECKING,
    *SSH_ARGUMENTS, *CONTAINER, *OTHER_ANSIBLE, *OWN,
)  # fmt: skip
SECRET_NAMES = frozenset((*PASSWORD, *PASSPHRASE, *BECOME_PASSWORD, "password", "passphrase", "become_password"))
_DURATION = re.compile(r"([0-9]{1,6})\s*(s|m|h|)")
_YES_NO = {
    **dict.fromkeys(("y", "yes", "on", "1", "true", "t", "1.0"), True),
    **dict.fromkeys(("n", "no", "off", "0", "false", "f", "0.0"), False),
}
UNSAFE = "__ansible_unsafe"
TEMPLATE = re.compile(r"\{\{|\{%|\{#")


def needs_ansible(value: Value) -> bool:
    """Whether only Ansible knows the value: a text anywhere in it is a Jinja template, or encrypted."""
    match value.data:
        case str() as text:
            return TEMPLATE.search(text) is not None
        case tuple() as items:
            return any(map(needs_ansible, items))
        case Mapping() as members:
            # {"__ansible_unsafe": "{{ x }}"} is text that only looks like a template.
            return UNSAFE not in members and (VAULTED in members or any(map(needs_ansible, members.values())))
        case _:
            return False


class Variables:
    """One host's variables. Each method takes names, the later ones winning, and gives None when none is set."""

    def __init__(self, values: Mapping[str, Value], reading: Reading, secrets: Secrets) -> None:
        self.values, self.reading, self._secrets = values, reading, secrets

    def value(self, *names: str) -> Value | None:
        """The value as written; null counts as not set."""
        found = [self.values[name] for name in names if name in self.values]
        chosen = next((value for value in reversed(found) if value.data is not None), None)
        if chosen is not None and isinstance(chosen.data, Mapping) and UNSAFE in chosen.data:
            return chosen.data[UNSAFE]
        return chosen

    def where(self, *names: str) -> Where:
        """The place of the value; of nothing in particular when it is not set."""
        value = self.value(*names)
        return value.where if value else Where("the inventory")

    def text(self, *names: str) -> str | None:
        """A text; a number counts as its digits."""
        value = self.value(*names)
        if value is None:
            return None
        if isinstance(value.data, bool) or not isinstance(value.data, str | int | float):
            self._wrong(value, names, "text")
            return None
        text = str(value.data)
        if not text.isprintable():
            self._wrong(value, names, "text without control characters")
            return None
        return text or None

    def choice(self, name: str, choices: Sequence[str]) -> str | None:
        """One word of a few."""
        text = self.text(name)
        if text is None or text in choices:
            return text
        close = difflib.get_close_matches(text, choices, n=1)
        self._wrong(
            self.value(name), (name,), "one of " + ", ".join(choices), f"did you mean {close[0]!r}?" if close else ""
        )
        return None

    def integer(self, *names: str, least: int, most: int) -> int | None:
        """A whole number, in quotes too."""
        value = self.value(*names)
        if value is None:
            return None
        text = str(value.data) if isinstance(value.data, int | str) and not isinstance(value.data, bool) else ""
        if re.fullmatch(r"[0-9]{1,9}", text) and least <= int(text) <= most:
            return int(text)
        self._wrong(value, names, f"a whole number from {least} to {most}")
        return None

    def yes_no(self, *names: str) -> bool | None:
        """True or false in all spellings of Ansible."""
        value = self.value(*names)
        if value is None:
            return None
        answer = _YES_NO.get(str(value.data).lower()) if isinstance(value.data, str | int) else None
        if answer is None:
            self._wrong(value, names, "true or false")
        return answer

    def duration(self, *names: str) -> timedelta | None:
        """Seconds, or `90s`, `5m`, `1h`; more than nothing and at most a day."""
        value = self.value(*names)
        if value is None:
            return None
        text = str(value.data) if isinstance(value.data, int | str) and not isinstance(value.data, bool) else ""
        if match := _DURATION.fullmatch(text.strip()):
            found = timedelta(seconds=int(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]])
            if timedelta(0) < found <= timedelta(days=1):
                return found
        self._wrong(value, names, "a time such as 30, 90s or 5m, at most a day")
        return None

    def words(self, name: str) -> tuple[Value, ...] | None:
        """A list of texts; a single text, split at commas and white space, counts as its parts."""
        value = self.value(name)
        if value is None:
            return None
        if isinstance(value.data, str):
            return tuple(Value(word, value.where) for word in re.split(r"[,\s]+", value.data) if word)
        if isinstance(value.data, tuple) and all(isinstance(item.data, str) for item in value.data):
            return value.data
        bad = (
            next((item for item in value.data if not isinstance(item.data, str)), value)
            if isinstance(value.data, tuple)
            else value
        )
        self._wrong(bad, (name,), "a list of texts")
        return None

    def secret(self, own: str, *names: str) -> Secret | None:
        """A secret under one of Ansible's names or as a reference under our own, which wins.

        Under our own name plain text is never used: in an existing inventory `password` may be anything's.
        """
        neutral = self.value(own)
        if neutral is not None and isinstance(neutral.data, Mapping):
            return self._secrets.of(neutral, self.reading)
        if neutral is not None:
            hint = f"write `{own}: {{env: NAME}}` if it is meant for the audit"
            self.reading.warn(neutral.where, f"the text under {own!r} is not used, only references are", hint)
        value = self.value(*names)
        if value is None:
            return None
        if isinstance(value.data, Mapping):
            return self._secrets.of(value, self.reading)
        if isinstance(value.data, bool) or not isinstance(value.data, str | int):
            self._wrong(value, names, "text or a reference")
            return None
        if value.where.line and isinstance(value.data, str | int):
            name = next(name for name in reversed(names) if name in self.values)
            hint = f"write `{own}: {{env: NAME}}`, or {{file: …}}, {{command: …}}, {{prompt: …}}; it is never shown or written by this tool"
            self.reading.warn(value.where, f"{name} is a password in clear text", hint)
        return in_clear(str(value.data), value.where)

    def _wrong(self, value: Value | None, names: Sequence[str], wanted: str, hint: str = "") -> None:
        where = value.where if value else Where("the inventory")
        named = next((name for name in reversed(names) if name in self.values), names[-1])
        shown = "" if value is None or named in SECRET_NAMES else f", not {_shown(value)}"
        self.reading.error(where, f"{named} is {wanted}{shown}", hint)


def site_facts(variables: Variables) -> HostVariables:
    """What the owner says about the host."""
    return HostVariables(
        trusted_networks=_networks(variables),
        own_domains=tuple(str(word.data).rstrip(".").lower() for word in variables.words("own_domains") or ()),
        role=variables.text("role"),
    )


def _networks(variables: Variables) -> Networks | None:
    words = variables.words("trusted_networks")
    if words is None:
        return None
    texts = [str(word.data) for word in words if _is_network(word, variables.reading)]
    return Networks.of(*texts)


def _is_network(word: Value, reading: Reading) -> bool:
    text = str(word.data)
    try:
        Networks.of(text)
    except ValueError:
        bare = text.strip("[]").replace("]/", "/")
        try:
            hint = (
                f"did you mean {ipaddress.ip_network(bare, strict=False)}?"
                if "/" in bare
                else "write 192.0.2.0/24 or 2001:db8::/32"
            )
            message = f"{text!r} has bits set behind its prefix" if "/" in bare else f"{text!r} is no network"
        except ValueError:
            hint, message = "write 192.0.2.0/24, 192.0.2.1 or 2001:db8::/32", f"{text!r} is no network in CIDR notation"
        reading.error(word.where, message, hint)
        return False
    return True


def _shown(value: Value) -> str:
    if isinstance(value.data, Mapping):
        return "a mapping"
    if isinstance(value.data, tuple):
        return "a list"
    text = repr(value.data)
    return text if len(text) <= 60 else text[:57] + "…"
