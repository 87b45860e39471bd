"""Generated inventories: whatever we read natively is what `ansible-inventory --list` says.

Run as a program, this file is the oracle: it imports ansible-core once and runs its command line in a child per inventory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

PLAIN = """
    yes No on OFF true False y n 0 1 -1 +7 010 0o10 08 0x1F 0b101 1_000 00 0x_f -0x10 0_ 0b_ 0x_ 1:30 22:22 190:20:30 1:60 -1:30 1:30.5 0:30
    1.5 1. .5 1e3 1.5e3 1.5e+3 -1.5E-3 1_0.5 6.02e23 -.5 +.5 . -. ~ null Null NULL nUll
    1.2.3.4 10.0.0.0/8 12e _1 + - a:b é <<x = 2024-01-02
    2024-1-2 .inf .NaN 1e 0.0 -0 -0.0 2001:db8::1 ::1 "quoted" 'single' "010" 'yes' "\\t" "\\x41" [] {}
    [1,yes] {a:1} {a:_1} *nobody !!str !unsafe
""".split()  # noqa: SIM905 - a list of words is easier to read
NAMES = "mx1 mx2 mx3.example.org mx[1:3] mx[01:03:2].a [a:c]x mx4:25 192.0.2.[1:2] mx1:22 localhost u_ 2001:db8::1 1 yes mx[3:1]".split()  # noqa: SIM905
GROUPS = "all ungrouped mx relay eu de b-c".split()  # noqa: SIM905
VARIABLES = "a b ansible_port ansible_group_priority d inventory_dir c".split()  # noqa: SIM905


def oracle() -> None:
    """Answer each path on standard input with one line of JSON: what Ansible lists, or null."""
    from ansible.cli.inventory import InventoryCLI  # type: ignore[import-untyped]

    for line in sys.stdin:
        path = line.strip()
        target = Path(path).parent / "answer.json"
        child = os.fork()
        if child == 0:
            os.chdir("/")
            null = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(null, descriptor)
            try:
                InventoryCLI(["ansible-inventory", "-i", path, "--list", "--output", str(target)]).run()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        answer = json.loads(target.read_text()) if target.exists() else None
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    oracle()
    sys.exit()

import pytest  # noqa: E402 - the oracle needs nothing of what follows
from hypothesis import HealthCheck, event, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from auditor import inventory  # noqa: E402
from auditor.errors import InvalidFile  # noqa: E402
from auditor.inventory import ansible  # noqa: E402
from auditor.inventory.tree import Tree  # noqa: E402


class NeedsAnsible(Exception):
    """Raised instead of starting Ansible."""


def no_ansible(argv: object) -> bytes:
    raise NeedsAnsible(argv)


class Oracle:
    def __init__(self) -> None:
        environment = os.environ | {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1"}
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    def ask(self, path: Path) -> dict[str, Any] | None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        found: dict[str, Any] | None = json.loads(self.process.stdout.readline())
        return found


@pytest.fixture(scope="module")
def asked() -> Iterator[Oracle]:
    oracle = Oracle()
    yield oracle
    oracle.process.communicate()


def listing(tree: Tree) -> dict[str, Any]:
    found: dict[str, Any] = {
        "_meta": {"hostvars": {h: {k: v.plain() for k, v in vs.items()} for h, vs in tree.hostvars.items() if vs}}
    }
    for name in tree.below("all"):
        group = tree.groups[name]
        parts = {"children": list(group.children), "hosts": list(group.hosts) if name != "all" else []}
        if filled := {key: value for key, value in parts.items() if value}:
            found[name] = filled
    return found


variables = st.dictionaries(st.sampled_from(VARIABLES), st.sampled_from(PLAIN), max_size=3)
usual = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(PLAIN[:60]), max_size=3)
hosts = st.dictionaries(st.sampled_from(NAMES[:8]) | st.sampled_from(NAMES), usual | variables, max_size=3)


def group(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    sections = {
        "vars": usual | variables,
        "hosts": hosts,
        "children": st.dictionaries(st.sampled_from(GROUPS[2:]), children, max_size=3),
    }
    return st.fixed_dictionaries({}, optional=sections)


groups = st.recursive(group(st.none()), group, max_leaves=8)
inventories = st.dictionaries(st.sampled_from(GROUPS), groups, min_size=1, max_size=4)


def emit(data: Any, indent: int = 0) -> str:
    if not isinstance(data, dict):
        return f" {data or ''}\n"
    return "\n" + "".join(f"{' ' * indent}{name}:{emit(value, indent + 2)}" for name, value in data.items())


def expect_equal(path: Path, asked: Oracle) -> None:
    """Compare when both accept; a hand-over to Ansible, or a refusal by either of YAML that the other takes, is no difference."""
    try:
        ours = listing(inventory.load([path], run_ansible=no_ansible).tree)
    except (NeedsAnsible, InvalidFile) as error:
        event(type(error).__name__)
        return
    theirs = asked.ask(path)
    event("compared" if theirs is not None else "refused by Ansible")
    if theirs is not None:
        theirs["_meta"].pop("profile", None)
        # As text: for Python 1 == 1.0 == True.
        assert json.dumps(ours, sort_keys=True, indent=1) == json.dumps(theirs, sort_keys=True, indent=1)


@pytest.mark.slow
@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    data=inventories,
    beside=st.dictionaries(
        st.sampled_from(["group_vars/mx", "group_vars/all", "group_vars/eu", "host_vars/mx1"]), usual, max_size=2
    ),
)
def test_a_generated_inventory_is_what_ansible_says(
    asked: Oracle, data: Any, beside: dict[str, dict[str, str]]
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "hosts.yml"
        path.write_text(emit(data))
        for name, values in beside.items():
            (Path(folder) / name).parent.mkdir(exist_ok=True)
            (Path(folder) / f"{name}.yml").write_text(emit(values))
        expect_equal(path, asked)


words = st.text(st.sampled_from("abno yYeEs019_.:-+~xX&*!|>%@'\"#,[]{}\\\t"), max_size=8)


@pytest.mark.slow
@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(values=st.lists(words, min_size=1, max_size=4))
def test_a_value_of_any_spelling_is_what_ansible_says(asked: Oracle, values: list[str]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "hosts.yml"
        path.write_text(
            "all:\n  hosts:\n    mx1:\n" + "".join(f"      v{n}: {value}\n" for n, value in enumerate(values))
        )
        expect_equal(path, asked)


def test_the_oracle_answers(asked: Oracle, tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("mx: {hosts: {mx1: {a: yes}}}\n")

    answer = asked.ask(tmp_path / "hosts.yml")

    assert answer is not None
    assert ansible.from_listing(json.dumps(answer).encode(), "answer").hostvars["mx1"]["a"].data is True
