"""How the inventory and ssh_config together say where a host is."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from auditor.connectors.ssh import settings
from auditor.connectors.ssh.settings import Target
from auditor.errors import ConnectionFailed
from auditor.model.host import Ssh
from tests.unit.connectors.conftest import host


def resolved(**values: object) -> Target:
    connection = Ssh(**{"address": "mx1", "ssh_config": "", **values})  # type: ignore[arg-type]
    return settings.resolve(host(connection), connection)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config"


def test_without_any_settings_openssh_s_defaults_hold() -> None:
    target = resolved()
    assert ("mx1", 22, getpass.getuser(), "mx1", (), None) == (
        target.address,
        target.port,
        target.user,
        target.key_name,
        target.hops,
        target.proxy_command,
    )
    assert str(Path.home() / ".ssh/known_hosts") == target.known_hosts[0]
    assert str(Path.home() / ".ssh/id_ed25519") in target.identities


def test_tokens_are_expanded(config: Path) -> None:
    config.write_text(
        "Host mx1\n  HostName mx1.example.org\n  User ops\n  Port 2222\n  IdentityFile ~/keys/%r@%h\n"
        "  ProxyCommand nc -x proxy %h %p %%\n  IdentityAgent none\n"
    )
    target = resolved(ssh_config=str(config))
    assert (f"{Path.home()}/keys/ops@mx1.example.org",) == target.identities
    assert "nc -x proxy mx1.example.org 2222 %" == target.proxy_command
    assert "" == target.agent


@pytest.mark.parametrize(
    ("text", "hops"),
    [
        ("jump", ["jump 22"]),
        ("ops@jump:2222", ["ops@jump 2222"]),
        ("ssh://ops@jump:2222", ["ops@jump 2222"]),
        ("[2001:db8::1]:2222", ["2001:db8::1 2222"]),
        ("user@example.org@jump", ["user@example.org@jump 22"]),
        ("one, two:2222", ["one 22", "two 2222"]),
        ("none", []),
        ("", []),
    ],
)
def test_jump_texts_are_read_as_by_openssh(text: str, hops: list[str]) -> None:
    me = f"{getpass.getuser()}@"
    assert hops == [f"{hop.user}@{hop.address} {hop.port}".removeprefix(me) for hop in resolved(jump=text).hops]


def test_hops_take_their_settings_from_ssh_config_and_never_the_password(config: Path) -> None:
    config.write_text("Host jump\n  HostName 192.0.2.9\n  Port 2222\n  ProxyJump outer\nHost mx1\n  ProxyJump jump\n")
    target = resolved(ssh_config=str(config), private_key_file="/keys/mx", password=object())
    assert ["outer 22", "192.0.2.9 2222"] == [f"{hop.address} {hop.port}" for hop in target.hops]
    assert [None, None] == [hop.password for hop in target.hops]
    assert target.password is not None


def test_an_empty_jump_switches_that_of_ssh_config_off(config: Path) -> None:
    config.write_text("Host mx1\n  ProxyJump jump\n")
    assert () == resolved(ssh_config=str(config), jump="").hops


def test_one_answer_of_ssh_serves_all_hosts_where_no_line_depends_on_them(config: Path) -> None:
    config.write_text("Host *\n  User = ops\nIdentityFile ~/.ssh/fleet # for all\n")
    settings.read_config("mx1", str(config), "mx1", None, None)
    before = settings._ssh_g.cache_info().misses
    answers = [settings.read_config(name, str(config), name, None, None) for name in ("mx2", "mx3")]
    assert before == settings._ssh_g.cache_info().misses
    assert [("mx2",), ("mx3",)] == [answer["hostname"] for answer in answers]


@pytest.mark.parametrize(
    "text",
    [
        "Host mx*\n  User ops\n",
        "Match host mx1\n  User ops\n",
        "CanonicalizeHostname yes\n",
        "IdentityFile ~/.ssh/%h\n",
        "HostKeyAlias fleet\n",
    ],
)
def test_lines_that_may_depend_on_the_host_are_noticed(config: Path, text: str) -> None:
    config.write_text(text)
    assert not settings._uniform(config)


def test_included_files_are_looked_at_too(config: Path, tmp_path: Path) -> None:
    (tmp_path / "more.conf").write_text("Host mx1\n  User ops\n")
    config.write_text(f"Include {tmp_path}/*.conf\n")
    assert not settings._uniform(config)


def test_without_openssh_paramiko_reads_the_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "_ssh", lambda: None)
    config.write_text("Host mx1\n  HostName 192.0.2.9\n  IdentityFile /a\n  IdentityFile /b\n  ProxyJump jump\n")
    target = resolved(ssh_config=str(config))
    assert ("192.0.2.9", ("/a", "/b"), 1) == (target.address, target.identities, len(target.hops))
    assert "mx1" == resolved(ssh_config="").address


def test_without_openssh_a_broken_file_is_named(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "_ssh", lambda: None)
    config.write_text("gibberish\n")
    with pytest.raises(ConnectionFailed, match="cannot be used"):
        resolved(ssh_config=str(config))
