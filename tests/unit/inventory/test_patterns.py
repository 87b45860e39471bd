from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from auditor import inventory
from auditor.errors import InvalidFile, UsageError
from auditor.inventory import Inventory

TEXT = """
all:
  children:
    web:
      hosts: {web1.example.org: , web2.example.org: , web3.example.org: }
    mx:
      children:
        mx_eu: {hosts: {mx1.example.org: , mx2.example.org: }}
        mx_us: {hosts: {mx3.example.org: , web3.example.org: }}
    edge:
      hosts: {mx1.example.org: , web1.example.org: , "2001:db8::1": }
  hosts: {lonely: }
"""
# No `ungrouped`: Ansible's order of nested groups is that of a set, so hosts are compared sorted.
LIKE_ANSIBLE = [
    "all", "mx", "web:&edge", "web:!edge", "mx:web:!web3.example.org", "!edge", "&edge", "web,mx", "web1.example.org,lonely",
    "*.example.org", "mx*", "m*_eu", "~(web|mx)[12]", "web[0]", "web[-1]", "web[0:1]", "web[1:]", "edge[0:0]", "2001:db8::1",
    "web?.example.org:&mx", "mx_[eu]?", "ungrouped", "all:!all:lonely", "web[0:1]:!edge",
]  # fmt: skip


@pytest.fixture
def fleet(tmp_path: Path) -> Inventory:
    (tmp_path / "hosts.yml").write_text(TEXT)
    return inventory.load([tmp_path / "hosts.yml"])


def ansible_hosts(folder: Path, patterns: list[str]) -> list[list[str]]:
    """Ansible's own answers, from one process."""
    program = (
        "import sys; from ansible.inventory.manager import InventoryManager; from ansible.parsing.dataloader import DataLoader\n"
        "from ansible.plugins.loader import init_plugin_loader; init_plugin_loader()\n"
        "manager = InventoryManager(DataLoader(), [sys.argv[1]])\n"
        "for pattern in sys.argv[2:]:\n  print(' '.join(host.name for host in manager.get_hosts(pattern)))"
    )
    command = [sys.executable, "-c", program, str(folder / "hosts.yml"), *patterns]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line.split() for line in done.stdout.splitlines()]


def test_patterns_choose_what_ansible_chooses(fleet: Inventory, tmp_path: Path) -> None:
    def chosen(pattern: str) -> list[str]:
        try:
            return sorted(inventory.select_names(fleet, pattern))
        except UsageError:
            return []

    expected = dict(zip(LIKE_ANSIBLE, map(sorted, ansible_hosts(tmp_path, LIKE_ANSIBLE)), strict=True))

    assert expected == {pattern: chosen(pattern) for pattern in LIKE_ANSIBLE}


def test_hosts_come_in_the_order_of_the_inventory_or_of_the_pattern(fleet: Inventory) -> None:
    assert ("mx1.example.org", "mx2.example.org", "mx3.example.org", "web3.example.org") == inventory.select_names(
        fleet, "mx"
    )
    assert ("lonely", "web2.example.org") == inventory.select_names(fleet, "lonely,web2.example.org")


def test_a_limit_narrows_a_pattern(fleet: Inventory, tmp_path: Path) -> None:
    (tmp_path / "failed").write_text("mx2.example.org\n\n# a comment\nweb*\n")

    assert ("mx1.example.org",) == inventory.select_names(fleet, "mx", "edge")
    assert ("mx2.example.org", "web3.example.org") == inventory.select_names(fleet, "mx", f"@{tmp_path}/failed")


@pytest.mark.parametrize(
    ("pattern", "message", "advice"),
    [
        ("webb", "no host or group matches 'webb'", "did you mean 'web'?"),
        ("web:!edgy", "no host or group matches 'edgy'", "did you mean 'edge'?"),
        ("mx:&lonely", "the pattern 'mx:&lonely' matches no host", "`mailaudit inventory list` shows hosts and groups"),
        ("web[7]", "'web[7]' is beyond the 3 hosts there", "counting starts at 0"),
        (
            "~(",
            "'~(' is no regular expression: missing ), unterminated subpattern at position 0",
            "after ~ comes one of Python's",
        ),
    ],
)
def test_a_pattern_that_matches_nothing_is_an_error(fleet: Inventory, pattern: str, message: str, advice: str) -> None:
    with pytest.raises(UsageError) as caught:
        inventory.select_names(fleet, pattern)

    assert (message, advice) == (str(caught.value), caught.value.advice)


def test_a_limit_file_that_is_missing_is_an_error(fleet: Inventory) -> None:
    with pytest.raises(UsageError, match="no such file"):
        inventory.select_names(fleet, "all", "@/nonexistent")


def test_a_host_that_we_cannot_reach_is_an_error_only_when_chosen(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("all: {hosts: {mx1: , win1: {ansible_connection: winrm}}}\n")
    mixed = inventory.load([tmp_path / "hosts.yml"])

    assert ["mx1"] == [host.name for host in inventory.select(mixed, "all:!win1")]
    with pytest.raises(InvalidFile, match=r"hosts.yml:1:\d+: win1 is reached by 'winrm'") as caught:
        inventory.select(mixed)
    assert caught.value.advice == "leave them out: 'all:!win1'"
