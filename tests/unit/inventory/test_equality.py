"""What we read natively is exactly what `ansible-inventory --list` gives: groups, their order, and every variable of every host."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from auditor import inventory
from auditor.inventory.tree import Tree

CASES = Path(__file__).parent / "cases"
ANSIBLE_INVENTORY = Path(sys.executable).parent / "ansible-inventory"
SOURCES = [
    *sorted(path for path in CASES.iterdir() if path.is_file()),
    CASES / "vars-files" / "hosts.yaml",
    CASES / "folder",
]


def no_ansible(argv: Sequence[str]) -> bytes:
    raise AssertionError(f"{argv[0]} was asked for something that we read ourselves")


def listing(tree: Tree) -> dict[str, Any]:
    """As `ansible-inventory --list` writes it: groups in reach of `all`, empty parts left out."""
    found: dict[str, Any] = {
        "_meta": {"hostvars": {h: {k: v.plain() for k, v in vs.items()} for h, vs in tree.hostvars.items() if vs}}
    }
    for name in tree.below("all"):
        group = tree.groups[name]
        parts = {"children": list(group.children), "hosts": list(group.hosts) if name != "all" else []}
        if filled := {key: value for key, value in parts.items() if value}:
            found[name] = filled
    return found


def exact(found: dict[str, Any]) -> str:
    """As text: for Python 1 == 1.0 == True."""
    return json.dumps(found, sort_keys=True, indent=1)


def exact_says(*arguments: str, folder: Path) -> str:
    return exact(ansible_says(*arguments, folder=folder))


def ansible_says(*arguments: str, folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [ANSIBLE_INVENTORY, *arguments, "--list"], cwd=folder, capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    found["_meta"].pop("profile", None)
    return found


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.relative_to(CASES).as_posix())
def test_a_native_inventory_is_what_ansible_says(source: Path, tmp_path: Path) -> None:
    ours = inventory.load([source], run_ansible=no_ansible)

    assert exact(listing(ours.tree)) == exact_says("-i", str(source), folder=tmp_path)


def test_several_sources_are_what_ansible_says(tmp_path: Path) -> None:
    sources = [str(CASES / name) for name in ("folder", "groups.yaml", "vars-files/hosts.yaml")] + [
        "mx1,extra.example.org:2525,"
    ]

    ours = inventory.load(sources, run_ansible=no_ansible)

    assert exact(listing(ours.tree)) == exact_says(
        *(part for source in sources for part in ("-i", source)), folder=tmp_path
    )


def test_extra_variables_are_what_ansible_says(tmp_path: Path) -> None:
    (tmp_path / "extra.yaml").write_text("from_file: yes\nport: 0x19\n")
    texts = ["a=1 b='two words'", f"@{tmp_path}/extra.yaml", '{"c": [1, {"d": null}]}', "region=late"]
    source = str(CASES / "groups.yaml")

    ours = inventory.load([source], extra_vars=texts, run_ansible=no_ansible)

    assert exact(listing(ours.tree)) == exact_says(
        "-i", source, *(part for text in texts for part in ("-e", text)), folder=tmp_path
    )


def test_group_vars_of_the_working_folder_count_as_in_ansible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inventories").mkdir()
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "inventories" / "prod.yml").write_text(
        "mx: {hosts: {mx1: {a: host, b: host}}, vars: {c: group, d: group}}\n"
    )
    (tmp_path / "group_vars" / "mx.yml").write_text("{a: file, c: file}\n")
    (tmp_path / "host_vars" / "mx1.yml").write_text("{b: file}\n")
    monkeypatch.chdir(tmp_path)

    ours = inventory.load(["inventories/prod.yml"], run_ansible=no_ansible)

    assert exact(listing(ours.tree)) == exact_says("-i", "inventories/prod.yml", folder=tmp_path)


def test_the_saved_listing_gives_the_same_hosts_as_the_inventory_itself(tmp_path: Path) -> None:
    source = CASES / "groups.yaml"
    saved = tmp_path / "saved.json"
    saved.write_text(json.dumps(ansible_says("-i", str(source), folder=tmp_path)))

    direct, read_back = inventory.load([source]), inventory.load([saved], run_ansible=no_ansible)

    assert [(h.name, h.connection, h.groups) for h in direct.hosts] == [
        (h.name, h.connection, h.groups) for h in read_back.hosts
    ]
    assert direct.groups == read_back.groups


def test_there_are_at_least_twenty_inventories_to_compare() -> None:
    assert len(SOURCES) >= 20
