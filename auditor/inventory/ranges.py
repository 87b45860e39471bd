"""Host names as an inventory writes them: with a port, and with ranges (`mx[01:20].example.org`, `mx[a:d]`, `mx[1:9:2]`)."""

from __future__ import annotations

import ipaddress
import re
import string

MAX_HOSTS = 100_000

_RANGE = r"\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]"
_LABEL = rf"(?:\w|{_RANGE})(?:[\w-]|{_RANGE})*(?<![_-])"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.IGNORECASE)
_BRACKETED = re.compile(r"\[(.+)\]:([0-9]+)")
_WITH_PORT = re.compile(r"((?:[^:\[\]]|\[[^\]]*\])*):([0-9]+)")
_ONE_RANGE = re.compile(r"\[([^\[\]]*)\]")


def expand(written: str) -> tuple[tuple[str, ...], int | None]:
    """The host names and the port that a host entry stands for. Raises ValueError with what is wrong."""
    name, port = split_port(written)
    if not is_safe(name):
        raise ValueError("is not a host name")
    if "[" not in name and "]" not in name:
        return (name,), port
    if not _NAME.fullmatch(name):
        raise ValueError("is not a host name with a range such as mx[01:20].example.org")
    return tuple(_expanded(name)), port


def split_port(written: str) -> tuple[str, int | None]:
    """`host:port` and `[address]:port` in their parts. Raises ValueError for a port beyond 65535 or a name that is none."""
    match = _BRACKETED.fullmatch(written) or _WITH_PORT.fullmatch(written)
    if match is None:
        return written, None
    name, port = match.group(1), int(match.group(2)[:10])
    if not (_NAME.fullmatch(name) or _is_ipv6(name)):
        raise ValueError("is not a host name with a port")
    if not 0 < port < 65536:
        raise ValueError(f"has the port {port}, ports end at 65535")
    return name, port


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _expanded(name: str) -> list[str]:
    names = [""]
    rest = name
    while match := _ONE_RANGE.search(rest):
        head, rest = rest[: match.start()], rest[match.end() :]
        parts = _sequence(match.group(1))
        if len(names) * len(parts) > MAX_HOSTS:
            raise ValueError(f"stands for more than {MAX_HOSTS:,} hosts")
        names = [before + head + part for before in names for part in parts]
    return [before + rest for before in names]


def _sequence(text: str) -> list[str]:
    first, last, *steps = text.split(":")
    step = int(steps[0][:10]) if steps else 1
    if step < 1:
        raise ValueError("has a range with the step 0")
    if first in string.ascii_letters and last in string.ascii_letters:
        found = list(
            string.ascii_letters[string.ascii_letters.index(first) : string.ascii_letters.index(last) + 1 : step]
        )
    else:
        width = len(first) if first.startswith("0") and len(first) > 1 else 0
        if width and width != len(last):
            raise ValueError(f"has a range whose ends {first} and {last} differ in length")
        span = range(int(first[:10]), int(last[:10]) + 1, step)
        if len(first) > 10 or len(last) > 10 or len(span) > MAX_HOSTS:
            raise ValueError(f"stands for more than {MAX_HOSTS:,} hosts")
        found = [str(number).zfill(width) for number in span]
    if not found:
        raise ValueError(f"has a range that ends before it starts: [{text}]")
    return found


def is_name(text: str) -> bool:
    """Whether a text is one host name or address, ranges included."""
    return _NAME.fullmatch(text) is not None or _is_ipv6(text)


def is_safe(name: str) -> bool:
    """Whether a host's name can be a file's name, a word of a command line and a line of a report."""
    return (
        bool(name)
        and name.isprintable()
        and name.strip(" ") == name
        and not (set("/\\") & set(name))
        and name[0] not in "-."
    )
