"""Which value of a variable holds for a host, by Ansible's default precedence, and the files of group_vars/ and host_vars/.

From weak to strong: variables of `all`, of the other groups (by depth, priority, name), files of `all`, files of the other
groups, the host's own, files of the host; extra variables last.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from auditor import yamltree
from auditor.errors import InvalidFile, Where
from auditor.inventory import scalars
from auditor.inventory.native import Drafts
from auditor.inventory.reading import Reading
from auditor.inventory.tree import RESERVED, Group, Tree, Value, depths
from auditor.yamltree import MappingNode

_EXTENSIONS = ("", ".yml", ".yaml", ".json")


def resolve(drafts: Drafts, folders: Sequence[Path], extra: Mapping[str, Value], reading: Reading) -> Tree:
    """The tree with the effective variables. `folders` may hold group_vars/ and host_vars/; the later ones win.

    Raises Outside for a variable file that only Ansible reads.
    """
    groups = drafts.finish(reading)
    files = VariableFiles(reading)
    depth = depths({name: group.children for name, group in groups.items()})
    order = sorted(groups, key=lambda name: (depth[name], drafts.groups[name].priority, name))
    rank = {name: position for position, name in enumerate(order)}
    hostvars = {}
    for host, above in _groups_above(groups, drafts.hosts).items():
        ranked = sorted(above, key=rank.__getitem__)
        effective: dict[str, Value] = dict(drafts.groups["all"].variables)
        for name in ranked:
            effective.update(drafts.groups[name].variables)
        for names in (["all"], ranked):
            for folder in folders:
                for name in names:
                    effective.update(files.of(folder, "group_vars", name))
        effective.update(drafts.hosts[host])
        for folder in folders:
            effective.update(files.of(folder, "host_vars", host))
        effective.update(extra)
        hostvars[host] = {name: value for name, value in effective.items() if name not in RESERVED}
    return Tree(groups, hostvars)


def _groups_above(groups: Mapping[str, Group], hosts: Iterable[str]) -> Mapping[str, set[str]]:
    """For each host every group that holds it, directly or not, without `all`."""
    parents: dict[str, set[str]] = {name: set() for name in groups}
    for name, group in groups.items():
        for child in group.children:
            parents[child].add(name)
    found: dict[str, set[str]] = {host: set() for host in hosts}
    for name, group in groups.items():
        above = {name}
        todo = [name]
        while todo:
            new = parents[todo.pop()] - above
            above |= new
            todo += new
        for host in group.hosts:
            found[host] |= above
    return {host: names - {"all"} for host, names in found.items()}


class VariableFiles:
    """The files of group_vars/ and host_vars/, each read once."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._known: dict[tuple[Path, str, str], Mapping[str, Value]] = {}
        self._present: dict[tuple[Path, str], frozenset[str]] = {}

    def of(self, folder: Path, kind: str, name: str) -> Mapping[str, Value]:
        """The variables that the files of one group or host give, later files winning."""
        key = (folder, kind, name)
        if key not in self._known:
            found: dict[str, Value] = {}
            try:
                for path in self._files(folder, kind, name):
                    found.update(self._read(path))
            except InvalidFile as error:
                self._reading.errors += error.problems
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                self._reading.error(Where(str(folder / kind)), f"cannot be read: {reason}")
            self._known[key] = found
        return self._known[key]

    def _files(self, folder: Path, kind: str, name: str) -> Iterator[Path]:
        inside = (folder, kind)
        if inside not in self._present:
            place = folder / kind
            self._present[inside] = frozenset(os.listdir(place)) if place.is_dir() else frozenset()  # noqa: PTH208
        present = self._present[inside]
        # The first that exists is the only one; a folder counts only without an extension in its name.
        chosen = next((name + extension for extension in _EXTENSIONS if name + extension in present), None)
        if chosen is not None:
            path = folder / kind / chosen
            yield from self._below(path, set()) if path.is_dir() else [path]

    def _below(self, folder: Path, seen: set[Path]) -> Iterator[Path]:
        if folder.resolve() in seen:
            return  # a link that leads back
        seen.add(folder.resolve())
        for path in sorted(folder.iterdir(), key=lambda path: path.name):
            if path.name.startswith(".") or path.name.endswith("~"):
                continue
            if path.is_dir() and not path.suffix:
                yield from self._below(path, seen)
            elif path.is_file() and path.suffix in _EXTENSIONS:
                yield path

    def _read(self, path: Path) -> Mapping[str, Value]:
        source = yamltree.read(path)
        if source.startswith(b"$ANSIBLE_VAULT;"):
            raise self._reading.outside(Where(str(path)), "this file is encrypted by ansible-vault")
        return variables(source, str(path), self._reading)


def variables(source: bytes, name: str, reading: Reading) -> Mapping[str, Value]:
    """The variables of a file whose whole content is a mapping. Raises Outside and InvalidFile."""
    root = scalars.from_json(source, name) or reading.compose(name, source)
    if root is None:
        return {}
    if not isinstance(root, MappingNode):
        if scalars.value_of(root, reading).data:
            reading.error(
                root.start, f"a file of variables is a mapping, this is {yamltree.kind(root)}", "write `name: value`"
            )
        return {}
    for key, _value in scalars.entries(root, reading):
        if not isinstance(scalars.scalar(key, reading), str):
            raise reading.outside(key.start, f"the name of a variable is text, this is {yamltree.kind(key)}")
    return scalars.mapping(root, reading)
