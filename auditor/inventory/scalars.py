"""Nodes to values as Ansible reads them: YAML 1.1 by PyYAML's rules, or JSON.

`yes` is true, `010` is eight and `22:30` is 1350 here, because they are for Ansible. What has no JSON value (dates,
infinity) or a tag is left to Ansible.
"""

from __future__ import annotations

import json
import re
from typing import Any

from auditor.errors import Where
from auditor.inventory.reading import Reading
from auditor.inventory.tree import Value
from auditor.yamltree import MappingNode, Node, ScalarNode, SequenceNode

# https://yaml.org/type/ as PyYAML implements it (yaml/resolver.py).
_BOOL = re.compile(r"(?:yes|Yes|YES|true|True|TRUE|on|On|ON)|(no|No|NO|false|False|FALSE|off|Off|OFF)")
_NULL = re.compile(r"~|null|Null|NULL|")
_INT = re.compile(
    r"(?P<sign>[-+]?)(?:0b(?P<two>[01_]+)|0x(?P<sixteen>[0-9a-fA-F_]+)|0(?P<eight>[0-7_]+)|(?P<ten>0|[1-9][0-9_]*)"
    r"|(?P<sixty>[1-9][0-9_]*(?::[0-5]?[0-9])+))"
)
_FLOAT = re.compile(
    r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|(?P<none>[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
)
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?"
    r"(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?"
)
VAULTED = "__ansible_vault"
_TAGGED = re.compile(r"(?:&\S+\s+)?!")
_BASES = {"two": 2, "eight": 8, "ten": 10, "sixteen": 16}


def value_of(node: Node, reading: Reading) -> Value:
    """The value of a node, with the place of every part of it. Raises Outside."""
    if isinstance(node, ScalarNode):
        if node.tag == "!vault":
            # Kept as it is, as `ansible-inventory --list` does; only who uses it needs Ansible.
            return Value({VAULTED: Value(node.value, node.start)}, node.start)
        return Value(scalar(node, reading), node.start)
    _refuse_tag(node, reading)
    if isinstance(node, SequenceNode):
        return Value(tuple(value_of(item, reading) for item in node.items), node.start)
    return Value(mapping(node, reading), node.start)


def mapping(node: MappingNode, reading: Reading) -> dict[str, Value]:
    """A mapping with its merge keys resolved and its keys as JSON writes them. Raises Outside."""
    found: dict[str, Value] = {}
    for key, value in entries(node, reading):
        inner = value_of(value, reading)
        # A block list or mapping starts on a later line than the name that a person looks for.
        found[_json_key(key, reading)] = inner if isinstance(value, ScalarNode) else Value(inner.data, key.start)
    return found


def entries(node: MappingNode, reading: Reading) -> tuple[tuple[ScalarNode, Node], ...]:
    """The keys and values of a mapping, those of its merge keys (`<<`) first, so that the later one wins."""
    _refuse_tag(node, reading)
    merged: dict[str, tuple[ScalarNode, Node]] = {}
    own: dict[str, tuple[ScalarNode, Node]] = {}
    for key, value in node.entries:
        if key.tag != "merge" or key.style:
            own[key.value] = (key, value)
            continue
        for source in value.items if isinstance(value, SequenceNode) else (value,):
            if not isinstance(source, MappingNode):
                reading.error(source.start, "<< merges mappings", "write `<<: *name` of an anchored mapping")
                continue
            inner = {k.value: (k, v) for k, v in entries(source, reading)}
            if shared := merged.keys() & inner.keys():
                raise reading.outside(source.start, f"which {min(shared)!r} wins depends on the release of PyYAML")
            merged.update(inner)
    return tuple({**merged, **own}.values())


def scalar(node: ScalarNode, reading: Reading) -> bool | int | float | str | None:
    """The value of one scalar. Raises Outside for a tag, a date, infinity."""
    _refuse_tag(node, reading)
    text = node.value
    if node.style:
        return text
    if _NULL.fullmatch(text):
        return None
    if match := _BOOL.fullmatch(text):
        return not match.group(1)
    if match := _INT.fullmatch(text):
        return _integer(match, node, reading)
    if match := _FLOAT.fullmatch(text):
        return _float(match, node, reading)
    if text == "=" or _TIMESTAMP.fullmatch(text):
        raise reading.outside(node.start, f"{text!r} without quotes is more than text in YAML")
    return text


def from_json(source: bytes, name: str) -> Node | None:
    """The nodes of a JSON text, without lines; None when it is no JSON. Ansible tries JSON before YAML."""
    if not source.lstrip().startswith((b"{", b"[")):
        return None
    try:
        return _node(json.loads(source), Where(name))
    except (ValueError, RecursionError):
        return None


def _node(data: Any, where: Where) -> Node:
    if isinstance(data, dict):
        pairs = ((ScalarNode(key, "str", '"', where, where), _node(value, where)) for key, value in data.items())
        return MappingNode(tuple(pairs), "map", where)
    if isinstance(data, list):
        return SequenceNode(tuple(_node(item, where) for item in data), "seq", where)
    if isinstance(data, str):
        return ScalarNode(data, "str", '"', where, where)
    text = json.dumps(data)
    if isinstance(data, float) and "e" in text and "." not in text:
        text = text.replace("e", ".0e")  # YAML 1.1 wants the point
    return ScalarNode({"NaN": ".nan", "Infinity": ".inf", "-Infinity": "-.inf"}.get(text, text), "", "", where, where)


def _integer(match: re.Match[str], node: ScalarNode, reading: Reading) -> int:
    negative = -1 if match["sign"] == "-" else 1
    for group, base in _BASES.items():
        if match[group] is not None:
            digits = match[group].replace("_", "")
            if not digits or len(digits) > 4000:
                raise reading.outside(node.start, f"{node.value[:20]!r} is no number that JSON knows")
            return negative * int(digits, base)
    return negative * int(_sexagesimal([int(part) for part in match["sixty"].replace("_", "").split(":")]))


def _float(match: re.Match[str], node: ScalarNode, reading: Reading) -> float:
    if match["none"]:
        raise reading.outside(node.start, f"{node.value!r} is a number that JSON does not know")
    text = match.group().replace("_", "").lower()
    sign = -1.0 if text.startswith("-") else 1.0
    text = text.lstrip("+-")
    return sign * (_sexagesimal([float(part) for part in text.split(":")]) if ":" in text else float(text))


def _sexagesimal(parts: list[Any]) -> Any:
    total = parts[0] * 0
    base = 1
    for part in reversed(parts):
        total += part * base
        base *= 60
    return total


def _json_key(key: ScalarNode, reading: Reading) -> str:
    value = scalar(key, reading)
    if isinstance(value, float):
        raise reading.outside(key.start, f"the number {key.value} is a key here")
    return value if isinstance(value, str) else json.dumps(value)


def _refuse_tag(node: Node, reading: Reading) -> None:
    lines = reading.lines.get(node.start.file, ())
    rest = lines[node.start.line - 1][node.start.column - 1 :] if 0 < node.start.line <= len(lines) else ""
    if _TAGGED.match(rest):
        tag = re.search(r"!\S*", rest)
        raise reading.outside(node.start, f"the tag {tag.group() if tag else '!'} is for Ansible to read")
