"""POSIX sh that all file-based platforms share, and the code that joins it with a platform's collector into one script."""

from __future__ import annotations

import functools
import hashlib
import re
import shlex
from collections.abc import Mapping, Sequence
from importlib.resources import files

from auditor.interfaces import Script
from auditor.model.host import Shell

# Every setting of the prelude with its default: which commands may be run through sudo, what sudo is called, where commands are.
SETTINGS: Mapping[str, str] = {"privilege": "least", "sudo": "sudo", "path": ""}

_OPENING = r"""
emit "mailaudit-snapshot 1 $script_digest $(date +%s)$newline"
emit "# This file holds addresses, host names and login names, but no passwords and no keys. Keep it private.$newline"
"""
_CLOSING = r"""
machine
listening
first_that_works host/addresses 'ip -o addr show' 'ifconfig -a'
first_that_works host/routes 'ip route show default' 'cat /proc/net/route' 'netstat -rn'
text host/privileges "$privileges"
flush
emit "@end $sections$newline"
"""


def compose(bodies: Sequence[tuple[str, str, str]], *, settings: Mapping[str, str]) -> Script:
    """One script that looks for each platform and runs the collectors of those that are there: `bodies` are (name, detect, collect).

    `settings` are those of SETTINGS; others raise ValueError. The script ends with 0 when it ran, whatever it found. It reads nothing
    but itself, and a shell runs it only when it has arrived whole.
    """
    unknown = set(settings) - set(SETTINGS)
    if unknown:
        raise ValueError(f"the prelude has no setting {', '.join(sorted(unknown))}")
    parts = [f"{name}={shlex.quote(value)}" for name, value in {**SETTINGS, **settings}.items()]
    parts += [prelude(), _OPENING, "platforms=''"]
    parts += [_detection(name, detect) for name, detect, _ in bodies]
    parts += ['text host/platforms "$platforms"']
    parts += [f'if [ "$has_{name}" = yes ]; then\n{_body(collect)}\nfi' for name, _, collect in bodies]
    parts += [_CLOSING]
    body = "\n".join(parts)
    digest = hashlib.sha256(body.encode()).hexdigest()
    # A shell that reads its script from stdin would run half of a cut one, and its commands would eat the rest: one compound command,
    # without that input, is neither.
    return Script(shell=Shell.SH, text=f"script_digest={digest}\n{{\n{body}\n}} </dev/null\nexit 0\n")


@functools.cache
def prelude() -> str:
    """The text of the shared functions."""
    return _body(files("auditor.shell").joinpath("prelude.sh").read_text("utf-8"))


def _detection(name: str, detect: str) -> str:
    if not re.fullmatch(r"[a-z]+", name):
        raise ValueError(f"{name!r} cannot name a platform: lower-case letters only")
    return (
        f'if {detect}; then\nhas_{name}=yes platforms="${{platforms}}{name} found$newline"\n'
        f'else\nhas_{name}=no platforms="${{platforms}}{name} absent$newline"\nfi'
    )


@functools.lru_cache(maxsize=32)
def _body(text: str) -> str:
    """The script without comment lines and indentation: it travels once per host."""
    return "\n".join(line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
