"""Inventories as people write them, in a folder of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from auditor import inventory
from auditor.inventory import Inventory, ansible
from auditor.model.host import Host

Written = Callable[..., Inventory]


def not_installed(argv: Sequence[str]) -> bytes:
    raise ansible.NotInstalled(argv[0])


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Loads `text` as hosts.yaml; other files by keyword (`group_vars/all.yml` in a mapping). No Ansible."""

    def load(text: str, files: dict[str, str] | None = None, **options: object) -> Inventory:
        (tmp_path / "hosts.yaml").write_text(text)
        for name, content in (files or {}).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content)
        return inventory.load([tmp_path / "hosts.yaml"], **{"run_ansible": not_installed, **options})  # type: ignore[arg-type]

    return load


@pytest.fixture
def host(written: Written) -> Callable[[str], Host]:
    """The one host mx1 with these variables, given as the inside of a flow mapping."""
    return lambda variables: written(f"all:\n  hosts:\n    mx1.example.org: {{{variables}}}\n").hosts[0]
