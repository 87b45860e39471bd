from __future__ import annotations

import base64
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from auditor.connectors.ssh import known_hosts
from auditor.connectors.ssh.known_hosts import Standing
from tests.unit.connectors.conftest import keygen, public

ED = base64.b64encode(b"\0\0\0\x0bssh-ed25519" + b"one").decode()
OTHER = base64.b64encode(b"\0\0\0\x0bssh-ed25519" + b"two").decode()


def found(text: str, name: str) -> list[str]:
    return [entry.type for entry in known_hosts.File(known_hosts.parse(text)).lookup(name)]


@pytest.mark.parametrize(
    ("names", "name", "expected"),
    [
        ("mx1.example.org", "mx1.example.org", True),
        ("mx1.example.org,192.0.2.1", "192.0.2.1", True),
        ("MX1.Example.org", "mx1.example.org", True),
        ("mx1.example.org", "mx2.example.org", False),
        ("*.example.org", "mx1.example.org", True),
        ("mx?.example.org", "mx12.example.org", False),
        ("*.example.org,!mx1.example.org", "mx1.example.org", False),
        ("*.example.org,!mx1.example.org", "mx2.example.org", True),
        ("[mx1.example.org]:2222", "[mx1.example.org]:2222", True),
        ("[*.example.org]:2222", "[mx1.example.org]:2222", True),
        ("[*.example.org]:2222", "m]:2222", False),
    ],
)
def test_names_match_as_in_openssh(names: str, name: str, expected: bool) -> None:
    assert expected == bool(found(f"{names} ssh-ed25519 {ED}\n", name))


def test_lines_that_are_no_entries_are_skipped() -> None:
    text = f"# comment\n\nmx1\nmx1 ssh-ed25519 !!!\n|1|broken|hash ssh-ed25519 {ED}\nmx1 ssh-ed25519 {ED} a comment\n"
    assert ["ssh-ed25519"] == found(text, "mx1")


def test_hashed_names_match_what_ssh_keygen_hashed(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"mx1.example.org {public(keygen(tmp_path / 'key'))}\n[mx2]:2222 {public(tmp_path / 'key')}\n")
    subprocess.run(("ssh-keygen", "-q", "-H", "-f", file), check=True, capture_output=True)
    text = file.read_text()
    assert [True, True, False] == [bool(found(text, name)) for name in ("mx1.example.org", "[mx2]:2222", "mx2")]


def test_an_unusual_port_is_part_of_the_name() -> None:
    assert ["mx1", "[mx1]:2222"] == [known_hosts.name_of("MX1", 22), known_hosts.name_of("mx1", 2222)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Standing.UNKNOWN),
        (f"mx1 ssh-ed25519 {ED}", Standing.KNOWN),
        (f"mx1 ssh-ed25519 {OTHER}", Standing.CHANGED),
        (f"mx1 ssh-ed25519 {OTHER}\nmx1 ssh-ed25519 {ED}", Standing.KNOWN),
        (f"@cert-authority mx1 ssh-ed25519 {OTHER}", Standing.AUTHORITY),
        (f"@cert-authority mx1 ssh-ed25519 {ED}", Standing.AUTHORITY),
        (f"mx1 ssh-ed25519 {ED}\n@revoked mx1 ssh-ed25519 {ED}", Standing.REVOKED),
        (f"mx1 ssh-ed25519 {ED}\n@revoked mx1 ssh-ed25519 {OTHER}", Standing.KNOWN),
    ],
)
def test_the_standing_of_a_key(text: str, expected: Standing) -> None:
    entries = known_hosts.File(known_hosts.parse(text)).lookup("mx1")
    assert expected == known_hosts.standing(entries, base64.b64decode(ED))


def test_a_file_is_parsed_once_and_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"mx1 ssh-ed25519 {ED}\n")
    first = known_hosts.lookup([str(file)], "mx1")
    assert first[0] is known_hosts.lookup([str(file)], "mx1")[0]
    file.write_text(f"mx2 ssh-ed25519 {ED}\n# longer\n")
    assert () == known_hosts.lookup([str(file)], "mx1")


def test_a_file_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert () == known_hosts.lookup([str(tmp_path / "none")], "mx1")


def test_recording_keeps_what_is_there_and_ends_with_0600(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text("# mine\nmx0 ssh-ed25519 AAAA")
    file.chmod(0o644)
    for _ in range(2):
        known_hosts.record(str(file), "mx1", "ssh-ed25519", base64.b64decode(ED))
    assert f"# mine\nmx0 ssh-ed25519 AAAA\nmx1 ssh-ed25519 {ED}\n" == file.read_text()
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert ["known_hosts"] == [path.name for path in tmp_path.iterdir()]


def test_recording_into_a_linked_file_keeps_the_link(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles"
    real.write_text("")
    (tmp_path / "known_hosts").symlink_to(real)
    known_hosts.record(str(tmp_path / "known_hosts"), "mx1", "ssh-ed25519", base64.b64decode(ED))
    assert (tmp_path / "known_hosts").is_symlink()
    assert f"mx1 ssh-ed25519 {ED}\n" == real.read_text()


def test_keys_recorded_at_the_same_time_are_all_there(tmp_path: Path) -> None:
    file = str(tmp_path / "known_hosts")
    threads = [
        threading.Thread(target=known_hosts.record, args=(file, f"mx{n}", "ssh-ed25519", base64.b64decode(ED)))
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(f"mx{n}" for n in range(20)) == sorted(
        line.split()[0] for line in Path(file).read_text().splitlines()
    )


def test_the_fingerprint_is_openssh_s(tmp_path: Path) -> None:
    key = keygen(tmp_path / "key")
    shown = subprocess.run(("ssh-keygen", "-lf", key), capture_output=True, text=True, check=True).stdout.split()[1]
    assert shown == known_hosts.fingerprint(base64.b64decode(public(key).split()[1]))
