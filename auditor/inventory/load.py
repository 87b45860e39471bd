"""Sources in, hosts out: read natively or by Ansible, then every host's variables to a connection, with all problems at once."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from auditor import yamltree
from auditor.errors import InvalidFile, Problem, UsageError, Where
from auditor.inventory import ansible, connections, extra, native, precedence, ranges, variables
from auditor.inventory.ansible import RunAnsible
from auditor.inventory.reading import Outside, Reading, in_order
from auditor.inventory.scalars import VAULTED
from auditor.inventory.secrets import KINDS, Secrets
from auditor.inventory.tree import Tree, Value, value_at
from auditor.model.host import Host
from auditor.model.origin import Origin

MAX_BYTES = 8 << 20
_FILE_EXTENSIONS = ("", ".yml", ".yaml", ".json")
# What Ansible does not read in a folder of inventories (INVENTORY_IGNORE_EXTS of ansible-core).
_IGNORED = re.compile(
    r"^\.|^(?:host_vars|group_vars|vars_plugins)$|(?:\.pyc|\.pyo|\.swp|\.bak|~|\.rpm|\.md|\.txt|\.rst|\.orig|\.cfg|\.retry)$"
)
_HIDDEN = "(not shown)"
_SECRETIVE = re.compile(r"pass(?:word|wd|phrase)?(?:$|_)|(?:^|_)(?:pw|key)$|secret|token|credential|^vault_")
_CREDENTIALS = re.compile(r"://[^/@\s]*:[^/@\s]+@")
# Names that only look like a misspelt one of ours.
_FAMILIAR = frozenset(
    {
        "ansible_shell_type",
        "ansible_become_flags",
        "ansible_become_exe",
        "ansible_ssh_executable",
        "ansible_ssh_retries",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A variable as `inventory show` prints it: JSON, secrets masked, and where it was written."""

    name: str
    value: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """The hosts in the order of the inventory. `groups` holds every group's hosts, those of its child groups too.

    `unusable` are hosts that Ansible reaches in a way that has no counterpart here; choosing one is an error.
    """

    hosts: tuple[Host, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()
    unusable: Mapping[str, Problem] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    tree: Tree = field(default_factory=lambda: Tree({}, {}), repr=False)

    def show(self, name: str) -> tuple[Shown, ...]:
        """Every variable of a host, sorted by name. Raises UsageError for a host that is not there."""
        if name not in self.tree.hostvars:
            raise UsageError(
                f"there is no host {name!r}",
                yamltree.suggest(name, self.names, "`mailaudit inventory list` shows the hosts"),
            )
        values = self.tree.hostvars[name]
        hidden = _secret_texts(values)
        return tuple(
            Shown(
                name=key,
                value=json.dumps(_masked(key, value, hidden), ensure_ascii=False, sort_keys=True),
                origin=_origin(value.where),
            )
            for key, value in sorted(values.items())
        )


def load(
    sources: Sequence[str | Path],
    *,
    extra_vars: Sequence[str] = (),
    vault_options: Sequence[str] = (),
    playbook_folder: Path | None = Path(),
    run_ansible: RunAnsible = ansible.run,
    secrets: Secrets | None = None,
) -> Inventory:
    """The inventory of all sources together: files, folders, `host1,host2,`, or the saved JSON of `ansible-inventory --list`.

    group_vars/ and host_vars/ are read beside each source and, as Ansible does, in `playbook_folder`: the working folder.
    `vault_options` are handed to Ansible (`--vault-password-file FILE`), which is started only for what we do not read ourselves.
    Raises InvalidFile with every problem of every file, UsageError when Ansible fails.
    """
    reading = Reading()
    texts = [str(source) for source in sources]
    if not texts:
        raise UsageError("no inventory was given", "-i inventory.yaml")
    options = [*(part for text in extra_vars for part in ("-e", text)), *vault_options]
    try:
        tree = _saved(texts, extra_vars, reading) or _native(texts, extra_vars, playbook_folder, reading)
    except Outside as outside:
        reading.finish()
        tree = _asked(texts, options, outside.problem, run_ansible)
    if not reading.errors:  # Ansible would only repeat them
        tree = _filled_in(tree, texts, options, reading, run_ansible)
    return _inventory(tree, reading, secrets or Secrets())


def _saved(texts: Sequence[str], extra_vars: Sequence[str], reading: Reading) -> Tree | None:
    if len(texts) != 1 or not Path(texts[0]).is_file():
        return None
    source = yamltree.read(Path(texts[0]), max_bytes=ansible.MAX_BYTES)
    if not ansible.is_listing(source):
        return None
    tree = ansible.from_listing(source, texts[0])
    more = extra.parse(extra_vars, reading)
    return Tree(tree.groups, {host: {**values, **more} for host, values in tree.hostvars.items()})


def _native(texts: Sequence[str], extra_vars: Sequence[str], playbook_folder: Path | None, reading: Reading) -> Tree:
    drafts = native.Drafts()
    beside: dict[Path, None] = {}
    invalid: list[Problem] = []
    for text in texts:
        path = Path(text)
        if "," in text and not path.exists():
            native.read_names(text, drafts, reading)
            continue
        beside[path if path.is_dir() else path.parent] = None
        for file in _files(path):
            try:
                _read(file, drafts, reading)
            except InvalidFile as error:
                invalid += error.problems
    reading.errors += invalid
    folders = (*beside, playbook_folder) if playbook_folder is not None else tuple(beside)
    return precedence.resolve(drafts, folders, extra.parse(extra_vars, reading), reading)


def _files(path: Path) -> list[Path]:
    """The files of a source: the file itself, or those of a folder and its folders in the order of their names."""
    if not path.is_dir():
        return [path]
    found = list(_below(path, set()))
    if not found:
        raise InvalidFile([Problem(Where(str(path)), "there is no inventory in this folder")])
    return found


def _below(folder: Path, seen: set[Path]) -> Iterator[Path]:
    if folder.resolve() in seen:
        return  # a link that leads back
    seen.add(folder.resolve())
    try:
        inside = sorted(os.listdir(folder))  # noqa: PTH208 - names are needed before paths
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InvalidFile([Problem(Where(str(folder)), f"cannot be read: {reason}")]) from error
    for name in inside:
        if not _IGNORED.search(name):
            path = folder / name
            yield from _below(path, seen) if path.is_dir() else [path]


def _read(path: Path, drafts: native.Drafts, reading: Reading) -> None:
    source = yamltree.read(path, max_bytes=MAX_BYTES)
    if source.startswith(b"#!"):
        raise reading.outside(Where(str(path)), "this is a script that prints an inventory")
    if source.startswith(b"$ANSIBLE_VAULT;"):
        raise reading.outside(Where(str(path)), "this file is encrypted by ansible-vault")
    if path.suffix not in _FILE_EXTENSIONS:
        raise reading.outside(Where(str(path)), f"files that end in {path.suffix} are no YAML inventories")
    native.read(source, str(path), drafts, reading)


def _asked(texts: Sequence[str], options: Sequence[str], why: Problem, run_ansible: RunAnsible) -> Tree:
    try:
        # Paths in the answer are relative to the inventory, as they are in one that we read ourselves.
        name = texts[0] if not Path(texts[0]).is_dir() else str(Path(texts[0]) / "(inventory)")
        return ansible.listing(texts, options, name, run_ansible)
    except ansible.NotInstalled:
        hint = (
            "only Ansible reads that, and ansible-inventory is not installed here: install ansible-core, or save the output of "
            "`ansible-inventory -i … --list` where it is, and give that file as -i"
        )
        raise InvalidFile([Problem(why.where, why.message, hint, why.source_line)]) from None


def _filled_in(
    tree: Tree, texts: Sequence[str], options: Sequence[str], reading: Reading, run_ansible: RunAnsible
) -> Tree:
    """The tree with the templates and encrypted values among those that we use filled in by Ansible; all others stay as they are."""
    wanted = {
        host: [name for name in variables.USED if name in values and variables.needs_ansible(values[name])]
        for host, values in tree.hostvars.items()
    }
    wanted = {host: names for host, names in wanted.items() if names}
    if not wanted:
        return tree
    first = min(
        (tree.hostvars[host][name].where for host, names in wanted.items() for name in names),
        key=lambda w: (w.file, w.line),
    )
    try:
        answers = ansible.templates(texts, options, wanted, run_ansible)
    except ansible.NotInstalled:
        hint = "only Ansible reads that, and it is not installed here: write the value another way, or install ansible-core"
        problem = reading.problem(first, "this value is a template or encrypted", hint)
        raise InvalidFile([problem]) from None
    hostvars = dict(tree.hostvars)
    for host, names in wanted.items():
        answer = answers.get(host, "Ansible says nothing about it")
        missing = names if isinstance(answer, str) else [name for name in names if name not in answer]
        filled = {**hostvars[host]}
        if missing:
            reason = _one_line(answer) if isinstance(answer, str) else "it is not defined"
            reading.error(filled[missing[0]].where, f"Ansible cannot fill in {', '.join(missing)} for {host}", reason)
        elif not isinstance(answer, str):
            # Line 0: what Ansible made of it may be a secret from anywhere, and is not the text of that line.
            filled.update((name, value_at(answer[name], Where(filled[name].where.file))) for name in names)
        hostvars[host] = filled
    reading.finish()
    return Tree(tree.groups, hostvars)


def _inventory(tree: Tree, reading: Reading, secrets: Secrets) -> Inventory:
    memberships = tree.memberships()
    hosts: list[Host] = []
    unusable: dict[str, Problem] = {}
    names = tree.hosts()
    for name in names:
        values = tree.hostvars[name]
        if not ranges.is_safe(name):
            hint = "a name becomes a word of command lines and the name of a file; give the address as ansible_host"
            unusable[name] = Problem(Where(_file_of(values)), f"{name!r} is not a host name", hint)
            continue
        _warn_of_misspelt(values, reading)
        try:
            hosts.append(_host(name, variables.Variables(values, reading, secrets), memberships.get(name, ())))
        except connections.Unusable as error:
            unusable[name] = reading.problem(error.where, error.message, error.hint)
    reading.finish()
    return Inventory(
        hosts=tuple(hosts),
        groups={group: tree.members(group) for group in tree.groups},
        warnings=in_order(reading.warnings),
        unusable=unusable,
        names=names,
        tree=tree,
    )


def _host(name: str, given: variables.Variables, groups: tuple[str, ...]) -> Host:
    values = given.values
    connection = connections.connection(name, given)
    return Host(
        name=name,
        connection=connection,
        platform=given.text("platform") or "auto",
        privilege=connections.privilege(name, given),
        variables=variables.site_facts(given),
        groups=groups,
        connect_timeout=given.duration(*variables.TIMEOUT) or timedelta(seconds=10),
        deadline=given.duration("deadline") or timedelta(seconds=120),
        origins={key: _origin(values[key].where) for key in sorted(values)},
    )


def _warn_of_misspelt(values: Mapping[str, Value], reading: Reading) -> None:
    for name in values.keys() - set(variables.USED) - _FAMILIAR:
        close = difflib.get_close_matches(name, variables.USED, n=1, cutoff=0.88)
        if close and len(name) > 4 and close[0] not in values:
            reading.warn(values[name].where, f"the variable {name!r} means nothing here", f"did you mean {close[0]!r}?")


def _masked(name: str, value: Value, hidden: frozenset[str]) -> object:
    data = value.data
    if name in variables.SECRET_NAMES or _SECRETIVE.search(name):
        return value.plain() if isinstance(data, Mapping) and data.keys() <= set(KINDS) else _HIDDEN
    if isinstance(data, Mapping) and VAULTED in data:
        return _HIDDEN
    if isinstance(data, Mapping):
        return {key: _masked(key, inner, hidden) for key, inner in data.items()}
    if isinstance(data, tuple):
        return [_masked(name, inner, hidden) for inner in data]
    return _HIDDEN if isinstance(data, str) and (data in hidden or _CREDENTIALS.search(data)) else data


def _secret_texts(values: Mapping[str, Value]) -> frozenset[str]:
    """The texts that are secrets, so that a variable that repeats one under another name is hidden too."""
    return frozenset(
        str(values[name].data) for name in variables.SECRET_NAMES & values.keys() if isinstance(values[name].data, str)
    )


def _file_of(values: Mapping[str, Value]) -> str:
    return next((value.where.file for value in values.values()), "the inventory")


def _origin(where: Where) -> Origin:
    return Origin(file=where.file, line=where.line or None)


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:300]
