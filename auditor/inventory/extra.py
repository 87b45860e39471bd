"""Extra variables of the command line: `-e key=value`, `-e @file.yaml`, `-e '{"key": 1}'`. They win over the inventory."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from auditor import yamltree
from auditor.errors import Where
from auditor.inventory import precedence
from auditor.inventory.reading import Reading
from auditor.inventory.tree import Value

_NAME = re.compile(r"[^\W\d]\w*")


def parse(texts: Iterable[str], reading: Reading) -> Mapping[str, Value]:
    """The variables, later ones winning. `key=value` is always text. Raises Outside and InvalidFile."""
    found: dict[str, Value] = {}
    for text in texts:
        if text.startswith("@"):
            path = Path(text[1:])
            found.update(precedence.variables(yamltree.read(path), str(path), reading))
        elif text.lstrip().startswith(("{", "[")):
            found.update(precedence.variables(text.encode("utf-8", "replace"), "--extra-vars", reading))
        else:
            found.update(_pairs(text, reading))
    return found


def _pairs(text: str, reading: Reading) -> Mapping[str, Value]:
    where = Where("--extra-vars")
    try:
        words = shlex.split(text)
    except ValueError as error:
        reading.error(where, f"{str(error).lower()}", "close the quote")
        return {}
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not _NAME.fullmatch(name):
            reading.error(
                where,
                f"{name!r} is not written as name=value",
                "`-e name=value`, `-e @file.yaml` or `-e '{\"name\": 1}'`",
            )
        else:
            found[name] = Value(value, where)
    return found
