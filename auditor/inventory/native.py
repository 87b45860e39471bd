"""Ansible's YAML inventory structure, read natively: groups, their hosts, children and variables.

Follows ansible-core's `yaml` inventory plugin; whatever is not plain YAML raises Outside, for Ansible to read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from auditor import yamltree
from auditor.errors import InvalidFile, Where
from auditor.inventory import ranges, scalars
from auditor.inventory.reading import Reading
from auditor.inventory.tree import Group, Value
from auditor.yamltree import MappingNode, Node, ScalarNode, SequenceNode

_SECTIONS = ("vars", "children", "hosts")
_INI_LINE = re.compile(r"\[[\w.:-]+\]|[\w.\[\]:-]*[\w\]](?:\s+\w+=\S+)*")


@dataclass(slots=True)
class Draft:
    """A group while it is read. `priority` is ansible_group_priority."""

    hosts: dict[str, None] = field(default_factory=dict)
    children: dict[str, None] = field(default_factory=dict)
    variables: dict[str, Value] = field(default_factory=dict)
    priority: int = 1


@dataclass(slots=True)
class Drafts:
    """What the sources have said so far. `first` is where a host or group was named first."""

    groups: dict[str, Draft] = field(
        default_factory=lambda: {"all": Draft(children={"ungrouped": None}), "ungrouped": Draft()}
    )
    hosts: dict[str, dict[str, Value]] = field(default_factory=dict)
    first: dict[str, Where] = field(default_factory=dict)

    def finish(self, reading: Reading) -> dict[str, Group]:
        """The groups once all sources are read: every group is below `all`, and hosts of no group are `ungrouped`."""
        for name in self.groups.keys() & self.hosts.keys():
            raise reading.outside(self.first[name], f"{name!r} is both a host and a group")
        related = self.groups["ungrouped"].children or any(
            "ungrouped" in draft.children for name, draft in self.groups.items() if name != "all"
        )
        if related:
            raise reading.outside(
                self.first.get("ungrouped", Where("-i")), "the group 'ungrouped' has children or parents"
            )
        with_parent = {child for draft in self.groups.values() for child in draft.children}
        top = self.groups["all"].children
        top.update(dict.fromkeys(name for name in self.groups if name != "all" and name not in with_parent))
        grouped = {
            host for name, draft in self.groups.items() if name not in ("all", "ungrouped") for host in draft.hosts
        }
        ungrouped = self.groups["ungrouped"].hosts
        ungrouped.update(dict.fromkeys(self.hosts))
        for host in grouped:
            ungrouped.pop(host, None)
        return {name: Group(tuple(draft.hosts), tuple(draft.children)) for name, draft in self.groups.items()}


def read(source: bytes, name: str, drafts: Drafts, reading: Reading) -> None:
    """Add one file to the drafts. Raises Outside; InvalidFile when it is no YAML."""
    root = scalars.from_json(source, name) or _compose(source, name, reading)
    whole = Where(name)
    if root is None:
        reading.error(whole, "the inventory is empty", "start with `all:` and `hosts:` below it")
    elif not isinstance(root, MappingNode):
        if _looks_like_ini(source, name):
            raise reading.outside(whole, "this is an INI inventory")
        reading.error(
            root.start, f"an inventory is a mapping of groups, this is {yamltree.kind(root)}", "start with `all:`"
        )
    elif root.get("plugin") is not None:
        raise reading.outside(root.start, "this configures an inventory plugin")
    else:
        reader = _Reader(drafts, reading)
        for key, value in scalars.entries(root, reading):
            reader.group(key, value)


def read_names(text: str, drafts: Drafts, reading: Reading) -> None:
    """Add the hosts of a list such as `mx1,mx2,`, as Ansible's `-i` takes it."""
    for name in filter(None, (part.strip() for part in text.split(","))):
        try:
            host, port = ranges.split_port(name)
        except ValueError as error:
            reading.error(Where("-i"), f"{name!r} {error}")
        else:
            _Reader(drafts, reading).host(host, "ungrouped", port, Where("-i"))


def _compose(source: bytes, name: str, reading: Reading) -> Node | None:
    try:
        return reading.compose(name, source)
    except InvalidFile:
        if _looks_like_ini(source, name):
            raise reading.outside(Where(name), "this is an INI inventory") from None
        raise


def _looks_like_ini(source: bytes, name: str) -> bool:
    if name.endswith((".yml", ".yaml", ".json")):
        return False
    lines = (line.strip() for line in source[:65536].decode("utf-8", "replace").splitlines())
    first = next((line for line in lines if line and not line.startswith(("#", ";"))), "")
    return _INI_LINE.fullmatch(first.partition(" #")[0].rstrip()[:1000]) is not None


class _Reader:
    """Walks the nodes of one file. Its methods return nothing: they fill the drafts or record problems."""

    def __init__(self, drafts: Drafts, reading: Reading) -> None:
        self.drafts, self.reading = drafts, reading

    def group(self, key: ScalarNode, node: Node, parent: str | None = None) -> None:
        name = scalars.scalar(key, self.reading)
        if not isinstance(name, str) or not name:
            return self.reading.error(key.start, "a group's name is text", f'write "{key.value}" in quotes')
        sections = self.sections(name, key, node)
        if sections is None:
            return None
        draft = self.drafts.groups.setdefault(name, Draft())
        self.drafts.first.setdefault(name, key.start)
        if parent is not None:
            self.adopt(parent, name, key.start)
        for section, entries in sections:
            for inner, value in entries:
                if section == "vars":
                    self.variable(draft, inner, value)
                elif section == "children":
                    self.group(inner, value, parent=name)
                else:
                    self.host_entry(inner, value, name)
        return None

    def sections(
        self, name: str, key: ScalarNode, node: Node
    ) -> list[tuple[str, tuple[tuple[ScalarNode, Node], ...]]] | None:
        """The sections of a group in their order; None when it is no group."""
        if _is_null(node, self.reading):
            return []
        if not isinstance(node, MappingNode):
            hint = "put `hosts:`, `children:` or `vars:` below it"
            self.reading.error(key.start, f"the group {name!r} is a mapping, this is {yamltree.kind(node)}", hint)
            return None
        found = []
        for section, value in scalars.entries(node, self.reading):
            if section.value not in _SECTIONS:
                hint = yamltree.suggest(
                    section.value, _SECTIONS, "a group has vars, children and hosts; variables go below `vars:`"
                )
                self.reading.warn(section.start, f"{section.value!r} in the group {name!r} is not read", hint)
            elif isinstance(value, MappingNode):
                found.append((section.value, scalars.entries(value, self.reading)))
            elif isinstance(value, ScalarNode) and isinstance(scalars.scalar(value, self.reading), str):
                nothing = ScalarNode("", "null", "", value.start, value.end)
                found.append((section.value, ((value, nothing),)))
            elif not _is_null(value, self.reading):
                hint = "write each name followed by a colon, without a dash" if isinstance(value, SequenceNode) else ""
                self.reading.error(value.start, f"{section.value!r} is a mapping, this is {yamltree.kind(value)}", hint)
        return found

    def variable(self, draft: Draft, key: ScalarNode, node: Node) -> None:
        name, value = self.named(key, node)
        if name != "ansible_group_priority":
            draft.variables[name] = value
        elif isinstance(value.data, int | str) and re.fullmatch(r"-?[0-9]{1,9}|True|False", str(value.data)):
            draft.priority = int(value.data)
        else:
            self.reading.error(node.start, f"ansible_group_priority is a whole number, this is {yamltree.kind(node)}")

    def named(self, key: ScalarNode, node: Node) -> tuple[str, Value]:
        name = scalars.scalar(key, self.reading)
        if not isinstance(name, str):
            raise self.reading.outside(key.start, f"the name of a variable is text, this is {yamltree.kind(key)}")
        value = scalars.value_of(node, self.reading)
        return name, value if isinstance(node, ScalarNode) else Value(value.data, key.start)

    def host_entry(self, key: ScalarNode, node: Node, group: str) -> None:
        written = scalars.scalar(key, self.reading)
        if not isinstance(written, str):
            return self.reading.error(
                key.start, f"a host's name is text, this is {yamltree.kind(key)}", f'write "{key.value}" in quotes'
            )
        try:
            names, port = ranges.expand(written)
        except ValueError as error:
            return self.reading.error(key.start, f"{written!r} {error}")
        if not _is_empty(node, self.reading) and not isinstance(node, MappingNode):
            hint = "write its variables below it, as `name: value`"
            return self.reading.error(
                node.start, f"the host {written!r} is a mapping, this is {yamltree.kind(node)}", hint
            )
        pairs = scalars.entries(node, self.reading) if isinstance(node, MappingNode) else ()
        values = [self.named(inner, value) for inner, value in pairs]
        for name in names:
            self.host(name, group, port, key.start)
            self.drafts.hosts[name].update(values)
        return None

    def host(self, name: str, group: str, port: int | None, where: Where) -> None:
        if name not in self.drafts.hosts:
            if len(self.drafts.hosts) >= ranges.MAX_HOSTS:
                return self.reading.error(where, f"more than {ranges.MAX_HOSTS:,} hosts")
            self.drafts.hosts[name] = {"ansible_port": Value(port, where)} if port else {}
            self.drafts.first.setdefault(name, where)
        self.drafts.groups[group].hosts[name] = None
        return None

    def adopt(self, parent: str, child: str, where: Where) -> None:
        if child == parent or child == "all" or parent in self.below(child):
            return self.reading.error(where, f"{child!r} is below itself", "a group cannot be its own child")
        self.drafts.groups[parent].children[child] = None
        return None

    def below(self, name: str) -> set[str]:
        found: set[str] = set()
        todo = [name]
        while todo:
            new = self.drafts.groups[todo.pop()].children.keys() - found
            found |= new
            todo += new
        return found


def _is_null(node: Node, reading: Reading) -> bool:
    return isinstance(node, ScalarNode) and scalars.scalar(node, reading) is None


def _is_empty(node: Node, reading: Reading) -> bool:
    """Whether Ansible takes it for nothing: null, "", 0, false, []."""
    return not scalars.scalar(node, reading) if isinstance(node, ScalarNode) else not getattr(node, "items", True)
