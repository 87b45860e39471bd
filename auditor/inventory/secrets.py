"""Secrets by reference: `{env: NAME}`, `{file: PATH}`, `{command: [pass, show, mx1]}`, `{prompt: TEXT}`.

A secret is read when a connector needs it, once for the whole run, and never shown.
"""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from auditor import yamltree
from auditor.errors import AuditorError, Where
from auditor.inventory.reading import Reading
from auditor.inventory.tree import Value
from auditor.model.host import Secret

PROMPT = "prompt "  # how the label of such a secret begins
KINDS = ("env", "file", "command", "prompt")
COMMAND_TIMEOUT_SECONDS = 120  # a password manager may wait for a finger on a key
MAX_BYTES = 1 << 16


class Secrets:
    """Makes secrets; each reference is read once and kept in memory, however many hosts share it."""

    def __init__(self, ask: Callable[[str], str] | None = None) -> None:
        self._ask = ask or _ask_at_the_terminal
        self._known: dict[tuple[str, ...], str] = {}
        self._lock = threading.Lock()

    def of(self, value: Value, reading: Reading) -> Secret | None:
        """The secret that a mapping refers to; None, with a problem, when it is no such reference."""
        hint = "write one of {env: NAME}, {file: PATH}, {command: [pass, show, mx1]}, {prompt: TEXT}"
        data = value.data
        if not isinstance(data, dict) or len(data) != 1:
            reading.error(value.where, "a secret is given by one reference", hint)
            return None
        ((kind, inner),) = data.items()
        if kind not in KINDS:
            reading.error(value.where, f"{kind!r} is no way to give a secret", yamltree.suggest(kind, KINDS, hint))
            return None
        words = _words(inner, kind)
        if not words:
            wanted = "a list of words" if kind == "command" else "text"
            reading.error(inner.where, f"{kind!r} of a secret takes {wanted}", hint)
            return None
        if kind == "file":
            words = (str(beside(words[0], inner.where)),)
            _warn_of_readers(Path(words[0]), inner.where, reading)
        return self.reference(kind, words)

    def reference(self, kind: str, words: tuple[str, ...]) -> Secret:
        """The secret of a kind: `words` are the variable, the path, the command's words or the prompt's text."""
        read = {"env": _from_environment, "file": _from_file, "command": _from_command, "prompt": self._from_prompt}[
            kind
        ]
        label = {"env": "environment variable ", "file": "file ", "command": "command ", "prompt": PROMPT}[kind]
        return Secret(
            label + (shlex.join(words) if kind == "command" else words[0]), lambda: self._once((kind, *words), read)
        )

    def prompt(self, text: str) -> Secret:
        """A secret that a person is asked for, once."""
        return self.reference("prompt", (text,))

    def _once(self, key: tuple[str, ...], read: Callable[[tuple[str, ...]], str]) -> str:
        with self._lock:
            if key not in self._known:
                self._known[key] = read(key[1:])
            return self._known[key]

    def _from_prompt(self, words: tuple[str, ...]) -> str:
        return self._ask(words[0])


def in_clear(text: str, where: Where) -> Secret:
    """A secret that stands in the inventory itself; its label tells the place only."""
    return Secret(f"clear text in {where.file}" + (f":{where.line}" if where.line else ""), lambda: text)


def beside(text: str, where: Where) -> Path:
    """A path as written in a file: `~` is the home folder, and what is relative is relative to that file."""
    path = Path(text)
    if text.startswith("~"):
        try:
            return path.expanduser()
        except RuntimeError:
            return path
    return path if path.is_absolute() else Path(where.file).parent / path


def _words(value: Value, kind: str) -> tuple[str, ...]:
    data = value.data
    if kind == "command" and isinstance(data, tuple):
        return (
            tuple(item.data for item in data if isinstance(item.data, str))
            if all(isinstance(i.data, str) for i in data)
            else ()
        )
    if not isinstance(data, str) or not data or "\0" in data:
        return ()
    if kind != "command":
        return (data,)
    try:
        return tuple(shlex.split(data))
    except ValueError:
        return ()


def _warn_of_readers(path: Path, where: Where, reading: Reading) -> None:
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # said when the secret is needed: the file may come later
    if stat.S_ISREG(mode) and mode & 0o077:
        reading.warn(
            where,
            f"others than its owner may read the secret in {path} (mode {stat.S_IMODE(mode):04o})",
            f"chmod 600 {path}",
        )


def _from_environment(words: tuple[str, ...]) -> str:
    (name,) = words
    value = os.environ.get(name)
    if not value:
        raise AuditorError(f"the environment variable {name} is not set", f"set {name} to the secret before you start")
    return value


def _from_file(words: tuple[str, ...]) -> str:
    (path,) = words
    try:
        with Path(path).open("rb") as stream:
            return _decoded(stream.read(MAX_BYTES + 1), f"the file {path}")
    except OSError as error:
        raise AuditorError(f"the secret in {path} cannot be read: {(error.strerror or str(error)).lower()}") from error


def _from_command(words: tuple[str, ...]) -> str:
    shown = f"the command `{shlex.join(words)}`"
    by_hand = "run it by hand to see why"
    try:
        # Its standard error stays the user's: a password manager speaks there, and may ask.
        done = subprocess.run(list(words), stdout=subprocess.PIPE, timeout=COMMAND_TIMEOUT_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise AuditorError(f"{shown} gave no secret within {COMMAND_TIMEOUT_SECONDS} s", by_hand) from None
    except (OSError, ValueError) as error:
        raise AuditorError(
            f"{shown} cannot be started: {(getattr(error, 'strerror', None) or str(error)).lower()}", by_hand
        ) from None
    if done.returncode:
        raise AuditorError(f"{shown} ended with status {done.returncode}", by_hand)
    return _decoded(done.stdout, shown)


def _decoded(data: bytes, what: str) -> str:
    if len(data) > MAX_BYTES:
        raise AuditorError(f"{what} gives more than {MAX_BYTES} bytes, which is no password")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise AuditorError(f"{what} gives bytes that are no UTF-8 text") from None
    line = text.split("\n", 1)[0].rstrip("\r")
    if not line:
        raise AuditorError(f"{what} gives an empty first line", "the secret is the first line")
    return line


def _ask_at_the_terminal(label: str) -> str:
    import getpass

    if not sys.stdin.isatty():
        raise AuditorError(
            f"cannot ask {label!r}: standard input is no terminal", "give the secret by env, file or command instead"
        )
    try:
        return getpass.getpass(f"{label.rstrip(': ')}: ")
    except EOFError:
        raise AuditorError(f"nothing was entered at {label!r}") from None
