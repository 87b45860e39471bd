"""The example inventory loads, and shows every key of ours, the commented ones included."""

from __future__ import annotations

import re
from pathlib import Path

from auditor import inventory
from auditor.inventory.variables import OWN
from auditor.model.host import Command, Files, Replay, Ssh

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "inventory.example.yaml"


def uncommented() -> str:
    """The file as it reads when somebody removes the comment marks of the real servers."""
    head, marker, rest = EXAMPLE.read_text("utf-8").partition("    # --- real servers.")
    first, _, lines = rest.partition("\n")
    return head + marker + first + "\n" + re.sub(r"^    # ", "    ", lines, flags=re.MULTILINE)


def test_its_hosts_are_snapshots_that_are_there() -> None:
    loaded = inventory.load([EXAMPLE])
    paths = [host.connection.path for host in loaded.hosts if isinstance(host.connection, Replay)]
    assert len(paths) == len(loaded.hosts) >= 4
    assert all(Path(path).is_file() for path in paths)
    assert loaded.warnings == ()


def test_without_the_comment_marks_it_loads_too(tmp_path: Path) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_text(uncommented())
    loaded = inventory.load([path])
    assert loaded.warnings == ()
    kinds = {type(host.connection) for host in loaded.hosts}
    assert kinds == {Replay, Ssh, Command, Files}
    assert "mx07.example.org" in loaded.names


def test_every_key_of_ours_is_shown() -> None:
    text = uncommented()
    times = {key: len(re.findall(rf"^ +(?:- )?{key}:", text, re.MULTILINE)) for key in OWN}
    assert {key for key, count in times.items() if count == 0} == set()
    # Several hosts are recorded, connections are of several kinds, and a password comes from several places.
    assert {key for key, count in times.items() if count > 1} == {"snapshot", "role", "connection", "password"}
