"""An inventory as Ansible sees it: groups, hosts, and every variable of every host with the place where it was written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from auditor.errors import Where

# ansible-inventory leaves these out: Ansible computes them itself (constants.INTERNAL_STATIC_VARS of ansible-core).
RESERVED = frozenset(
    """
    ansible_async_path ansible_collection_name ansible_config_file ansible_dependent_role_names ansible_diff_mode ansible_facts
    ansible_forks ansible_inventory_sources ansible_limit ansible_play_batch ansible_play_hosts ansible_play_hosts_all
    ansible_play_role_names ansible_playbook_python ansible_role_name ansible_role_names ansible_run_tags ansible_skip_tags
    ansible_verbosity ansible_version inventory_dir inventory_file inventory_hostname inventory_hostname_short groups group_names
    hostvars playbook_dir play_hosts role_name role_names role_path role_uuid
    """.split()  # noqa: SIM905 - a list of words is easier to read and to compare
)


@dataclass(frozen=True, slots=True)
class Value:
    """A value and the place where it was written. Lists are tuples of values, mappings have text keys as in JSON."""

    data: bool | int | float | str | tuple[Value, ...] | Mapping[str, Value] | None
    where: Where

    def plain(self) -> Any:
        """As `json.loads` gives it."""
        if isinstance(self.data, tuple):
            return [item.plain() for item in self.data]
        if isinstance(self.data, Mapping):
            return {key: value.plain() for key, value in self.data.items()}
        return self.data


def value_at(data: Any, where: Where) -> Value:
    """The inverse of `plain`: everything in it was written at `where`."""
    if isinstance(data, Mapping):
        return Value({str(key): value_at(value, where) for key, value in data.items()}, where)
    if isinstance(data, list | tuple):
        return Value(tuple(value_at(item, where) for item in data), where)
    return Value(data if isinstance(data, str | int | float | None) else str(data), where)


@dataclass(frozen=True, slots=True)
class Group:
    """A group's own hosts and its child groups, in the order of the inventory."""

    hosts: tuple[str, ...] = ()
    children: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    """All groups by name, `all` and `ungrouped` among them, and the effective variables of every host."""

    groups: Mapping[str, Group]
    hostvars: Mapping[str, Mapping[str, Value]]

    def members(self, group: str) -> tuple[str, ...]:
        """The hosts of a group and of the groups below it, nearest first, each once."""
        names = (name for below in self.below(group) for name in self.groups[below].hosts)
        return tuple(dict.fromkeys(names))

    def below(self, group: str) -> tuple[str, ...]:
        """The group and its descendants, level by level."""
        seen = {group: None}
        level = [group]
        while level:
            level = [c for name in level for c in self.groups[name].children if c in self.groups and c not in seen]
            seen.update(dict.fromkeys(level))
        return tuple(seen)

    def hosts(self) -> tuple[str, ...]:
        """All hosts in the order of the inventory."""
        return tuple(dict.fromkeys([*self.members("all"), *self.hostvars]))

    def memberships(self) -> Mapping[str, tuple[str, ...]]:
        """For each host the groups that it is in, directly or through a child group, `all` left out, sorted."""
        found: dict[str, list[str]] = {host: [] for host in self.hostvars}
        for group in sorted(self.groups):
            for host in self.members(group) if group != "all" else ():
                found.setdefault(host, []).append(group)
        return {host: tuple(groups) for host, groups in found.items()}


def depths(groups: Mapping[str, Iterable[str]]) -> Mapping[str, int]:
    """For each group (name → children) the length of the longest way down to it. The groups must be free of loops."""
    parents: dict[str, int] = dict.fromkeys(groups, 0)
    for children in groups.values():
        for child in children:
            parents[child] += 1
    depth = dict.fromkeys(groups, 0)
    ready = [name for name, count in parents.items() if not count]
    for name in ready:
        for child in groups[name]:
            depth[child] = max(depth[child], depth[name] + 1)
            parents[child] -= 1
            if not parents[child]:
                ready.append(child)
    return depth
