"""Against real OpenSSH servers on loopback."""

from __future__ import annotations

import base64
import os
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from auditor.connectors import ssh
from auditor.connectors.ssh import dial, login, settings
from auditor.errors import (
    AlgorithmsRefused,
    ConnectionFailed,
    HostKeyChanged,
    HostKeyUnknown,
    LoginRefused,
    TimedOut,
    Unreachable,
)
from auditor.model.host import Privilege, Replay, Secret, Ssh
from tests.unit.connectors.conftest import Sshd, free_port, host, keygen, public, run


def secret(text: str) -> Secret:
    return Secret(label="environment KEY_PASSPHRASE", read=lambda: text)


def test_a_script_comes_back_with_output_errors_and_status(sshd: Sshd) -> None:
    output = run(host(sshd.settings()), "echo out; echo err >&2; exit 7\n")
    assert (b"out\n", b"err\n", 7) == (output.stdout, output.stderr, output.status)


def test_the_script_is_not_in_any_command_line(sshd: Sshd) -> None:
    output = run(host(sshd.settings()), "canary=1; tr '\\0' ' ' < /proc/$$/cmdline\n")
    assert b"sh -s " == output.stdout


def test_a_script_and_an_answer_larger_than_all_buffers_pass_at_the_same_time(sshd: Sshd) -> None:
    script = "head -c 8000000 /dev/zero\n" + "# filler that nobody reads\n" * 200_000 + "echo end\n"
    output = run(host(sshd.settings()), script)
    assert (8_000_004, b"end\n") == (len(output.stdout), output.stdout[-4:])


def test_a_shell_killed_by_a_signal_tells_no_status(sshd: Sshd) -> None:
    output = run(host(sshd.settings()), "echo out; kill -9 $$\n")
    assert (b"out\n", None) == (output.stdout, output.status)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a server that lets root log in")
def test_root_mode_as_root_needs_no_sudo(sshd: Sshd) -> None:
    output = run(host(sshd.settings(), privilege=Privilege(mode="root", sudo="/nonexistent")), "id -u; echo err >&2\n")
    assert (b"0\n", b"err\n") == (output.stdout, output.stderr)


def test_the_deadline_ends_a_script_that_hangs(sshd: Sshd) -> None:
    started = time.monotonic()
    with pytest.raises(
        TimedOut, match=r"mx1: no end within 1 s: the script was still running, after 5 bytes of output"
    ):
        run(host(sshd.settings()), "echo half; sleep 60\n", seconds=1)
    assert time.monotonic() - started < 3


def test_nobody_listening_is_unreachable() -> None:
    port = free_port()
    with pytest.raises(Unreachable, match=f"no connection to 127.0.0.1 port {port}: Connection refused") as failure:
        run(host(Ssh(address="127.0.0.1", port=port, ssh_config="")))
    assert "is sshd running there" in failure.value.advice


def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    with pytest.raises(Unreachable, match=r"the name mx1\.invalid does not resolve"):
        run(host(Ssh(address="mx1.invalid", ssh_config="")))


def test_an_address_that_answers_nothing_costs_the_connect_timeout() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        started = time.monotonic()
        with pytest.raises(TimedOut, match=r"no answer from 127\.0\.0\.1 port"):
            run(
                host(
                    Ssh(address="127.0.0.1", port=full.getsockname()[1], ssh_config=""),
                    connect_timeout=timedelta(seconds=0.5),
                )
            )
        assert time.monotonic() - started < 2
        for client in waiting:
            client.close()


def test_of_several_addresses_one_that_answers_is_enough(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"[localhost]:{sshd.port} {sshd.host_key}\n")
    output = run(host(sshd.settings(address="localhost", known_hosts=(str(known),))))
    assert b"hello\n" == output.stdout


# Host keys


def test_an_unknown_host_key_is_refused_with_its_fingerprint(sshd: Sshd, tmp_path: Path) -> None:
    target = host(sshd.settings(known_hosts=(str(tmp_path / "empty"),)))
    shown = subprocess.run(
        ("ssh-keygen", "-lf", sshd.folder / "host_key.pub"), capture_output=True, text=True, check=True
    ).stdout.split()[1]
    with pytest.raises(HostKeyUnknown) as failure:
        run(target)
    assert shown in failure.value.message
    assert "mailaudit inventory trust mx1" in failure.value.advice


def test_accept_new_records_the_key_where_openssh_finds_it(sshd: Sshd, tmp_path: Path) -> None:
    file = tmp_path / "ssh" / "known_hosts"
    settings = sshd.settings(known_hosts=(str(file),), host_key_checking="accept-new")
    run(host(settings))
    assert f"[127.0.0.1]:{sshd.port} {sshd.host_key}\n" == file.read_text()
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    run(host(replace(settings, host_key_checking="strict")))
    done = subprocess.run(
        (
            *("ssh", "-F", "none", "-p", str(sshd.port), "-i", sshd.key, f"-oUserKnownHostsFile={file}"),
            *("-oBatchMode=yes", "-oStrictHostKeyChecking=yes", f"{settings.user}@127.0.0.1", "echo fine"),
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ("fine\n", "") == (done.stdout, done.stderr)


def test_a_changed_host_key_is_refused_even_with_accept_new(sshd: Sshd, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"[127.0.0.1]:{sshd.port} {public(keygen(tmp_path / 'other'))}\n")
    before = file.read_text()
    with pytest.raises(HostKeyChanged, match=f"shows another key than the known one \\({file}:1\\)"):
        run(host(sshd.settings(known_hosts=(str(file),), host_key_checking="accept-new")))
    assert before == file.read_text()


def test_a_key_of_another_type_than_the_known_one_is_a_changed_key(sshd: Sshd, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"[127.0.0.1]:{sshd.port} {public(keygen(tmp_path / 'other', kind='ecdsa'))}\n")
    with pytest.raises(HostKeyChanged):
        run(host(sshd.settings(known_hosts=(str(file),))))


def test_a_server_with_several_keys_shows_the_one_that_is_known(
    start_sshd: Callable[..., Sshd], tmp_path: Path
) -> None:
    keygen(tmp_path / "rsa", kind="rsa")
    server = start_sshd(f"HostKey {tmp_path}/rsa")
    server.known_hosts.write_text(f"[127.0.0.1]:{server.port} {public(tmp_path / 'rsa')}\n")
    assert b"hello\n" == run(host(server.settings())).stdout


def test_a_revoked_key_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"[127.0.0.1]:{sshd.port} {sshd.host_key}\n@revoked * {sshd.host_key}\n")
    with pytest.raises(HostKeyChanged, match="@revoked"):
        run(host(sshd.settings(known_hosts=(str(file),))))


def test_a_host_known_only_by_an_authority_gets_its_own_message(sshd: Sshd, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"@cert-authority * {public(keygen(tmp_path / 'ca'))}\n")
    with pytest.raises(HostKeyUnknown, match="known only through a certificate authority"):
        run(host(sshd.settings(known_hosts=(str(file),))))


def test_hashed_known_hosts_are_understood(sshd: Sshd, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(sshd.known_hosts.read_text())
    subprocess.run(("ssh-keygen", "-q", "-H", "-f", file), check=True, capture_output=True)
    assert file.read_text().startswith("|1|")
    assert b"hello\n" == run(host(sshd.settings(known_hosts=(str(file),)))).stdout


def test_a_key_known_without_the_port_is_known_as_for_openssh(sshd: Sshd, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"127.0.0.1 {sshd.host_key}\n")
    assert b"hello\n" == run(host(sshd.settings(known_hosts=(str(file),)))).stdout


def test_the_host_key_is_fetched_without_a_login_and_then_trusted(sshd: Sshd, tmp_path: Path) -> None:
    target = host(sshd.settings(known_hosts=(str(tmp_path / "known_hosts"),), private_key_file="/nonexistent"))
    key = ssh.host_key(target)
    assert (sshd.host_key, "no") == (f"{key.type} {key.base64}", key.known)
    assert str(tmp_path / "known_hosts") == ssh.record(target, key)
    assert "yes" == ssh.host_key(target).known


def test_a_key_that_contradicts_a_known_one_is_not_recorded(sshd: Sshd, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"[127.0.0.1]:{sshd.port} {public(keygen(tmp_path / 'other'))}\n")
    target = host(sshd.settings(known_hosts=(str(file),)))
    key = ssh.host_key(target)
    assert "changed" == key.known
    with pytest.raises(HostKeyChanged):
        ssh.record(target, key)
    assert 1 == file.read_text().count("\n")


# Logging in


def test_a_refused_key_is_offered_once_and_nothing_else_is_tried(
    start_sshd: Callable[..., Sshd], tmp_path: Path
) -> None:
    server = start_sshd()
    stranger = keygen(tmp_path / "stranger")
    with pytest.raises(LoginRefused, match=f"was not accepted with {stranger}") as failure:
        run(host(server.settings(private_key_file=str(stranger), password=secret("never sent"))))
    assert "no second attempt" in failure.value.advice
    assert 1 == server.log.count("Failed publickey")
    assert 0 == server.log.count("Failed password")


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("rsa", ()),
        ("ecdsa", ()),
        ("ed25519", ()),
        ("rsa", ("-m", "PEM")),
        ("ecdsa", ("-m", "PEM")),
        ("rsa", ("-m", "PKCS8")),
    ],
)
@pytest.mark.parametrize("passphrase", ["", "open sesame"])
def test_keys_of_all_types_log_in(
    sshd: Sshd, tmp_path: Path, kind: str, options: tuple[str, ...], passphrase: str
) -> None:
    key = keygen(tmp_path / "key", *options, kind=kind, passphrase=passphrase)
    with (sshd.folder / "authorized").open("a") as file:
        file.write(public(key) + "\n")
    settings = sshd.settings(private_key_file=str(key), passphrase=secret(passphrase) if passphrase else None)
    assert b"hello\n" == run(host(settings)).stdout


def test_a_passphrase_that_is_not_needed_does_no_harm(sshd: Sshd) -> None:
    assert b"hello\n" == run(host(sshd.settings(passphrase=secret("superfluous")))).stdout


def test_an_encrypted_key_without_passphrase_says_so(sshd: Sshd, tmp_path: Path) -> None:
    key = keygen(tmp_path / "key", passphrase="open sesame")
    with pytest.raises(ConnectionFailed, match=f"the private key {key} is encrypted"):
        run(host(sshd.settings(private_key_file=str(key))))


def test_a_wrong_passphrase_says_so_and_does_not_show_it(sshd: Sshd, tmp_path: Path) -> None:
    key = keygen(tmp_path / "key", passphrase="open sesame")
    with pytest.raises(ConnectionFailed, match="is the passphrase right") as failure:
        run(host(sshd.settings(private_key_file=str(key), passphrase=secret("canary-secret"))))
    assert "canary-secret" not in f"{failure.value!r} {failure.value.advice}"


@pytest.mark.parametrize(
    ("content", "said"), [(None, "cannot be read: No such file"), ("no key at all\n", "cannot be used")]
)
def test_a_key_file_that_is_none_is_named(sshd: Sshd, tmp_path: Path, content: str | None, said: str) -> None:
    key = tmp_path / "key"
    if content is not None:
        key.write_text(content)
    with pytest.raises(ConnectionFailed, match=f"the private key {key} {said}"):
        run(host(sshd.settings(private_key_file=str(key))))


def test_a_key_is_decrypted_once_for_a_whole_fleet(sshd: Sshd, tmp_path: Path) -> None:
    key = keygen(tmp_path / "key", "-a", "60", passphrase="open sesame")
    with (sshd.folder / "authorized").open("a") as file:
        file.write(public(key) + "\n")
    settings = sshd.settings(private_key_file=str(key), passphrase=secret("open sesame"))
    times = []
    for _ in range(2):
        started = time.thread_time()
        run(host(settings))
        times.append(time.thread_time() - started)
    assert times[1] < times[0] / 2


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A running ssh-agent, named in the environment; its socket."""
    path = tmp_path / "agent"
    process = subprocess.Popen(("ssh-agent", "-D", "-a", path), stdout=subprocess.DEVNULL)
    while not path.exists():
        time.sleep(0.01)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
    yield path
    process.terminate()
    process.wait()


def add_to_agent(*keys: Path) -> None:
    for key in keys:
        subprocess.run(("ssh-add", "-q", key), check=True)


@pytest.mark.usefixtures("agent")
def test_the_agent_logs_in(sshd: Sshd) -> None:
    add_to_agent(sshd.key)
    assert b"hello\n" == run(host(sshd.settings(private_key_file=None, agent=True))).stdout


@pytest.mark.usefixtures("agent")
def test_the_agent_is_not_asked_when_the_inventory_says_no(sshd: Sshd) -> None:
    add_to_agent(sshd.key)
    with pytest.raises(LoginRefused):
        run(host(sshd.settings(private_key_file=None, agent=False)))


@pytest.mark.usefixtures("agent")
def test_a_full_agent_does_not_run_into_the_limit_of_sshd(start_sshd: Callable[..., Sshd], tmp_path: Path) -> None:
    server = start_sshd()
    add_to_agent(*(keygen(tmp_path / f"key{n}") for n in range(8)), server.key)
    config = tmp_path / "config"
    config.write_text(f"IdentityFile {server.key}\n")
    with pytest.raises(LoginRefused, match="the agent's key SHA256:"):
        run(host(server.settings(private_key_file=None, agent=True, ssh_config="")))
    assert 5 == server.log.count("Failed publickey")
    assert b"hello\n" == run(host(server.settings(private_key_file=None, agent=True, ssh_config=str(config)))).stdout


def test_without_any_key_the_message_says_so(sshd: Sshd, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("IdentityFile /nonexistent\n")
    with pytest.raises(LoginRefused, match="there is no key to offer") as failure:
        run(host(sshd.settings(private_key_file=None, ssh_config=str(config))))
    assert "--private-key" in failure.value.advice


def test_an_account_that_may_run_nothing_says_so(start_sshd: Callable[..., Sshd]) -> None:
    server = start_sshd("ForceCommand echo This account is not available; exit 1")
    output = run(host(server.settings()))
    assert (b"This account is not available\n", 1) == (output.stdout, output.status)


# ssh_config, hops


def test_ssh_config_names_address_port_user_key_and_known_hosts(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "more").write_text(f"IdentityFile {sshd.key}\nUserKnownHostsFile {sshd.known_hosts}\n")
    config = tmp_path / "config"
    settings = sshd.settings()
    config.write_text(
        f"Host mail-*\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User {settings.user}\n  Include {tmp_path}/more\n"
    )
    assert b"hello\n" == run(host(Ssh(address="mail-1", ssh_config=str(config), agent=False))).stdout


def test_the_inventory_beats_ssh_config(sshd: Sshd, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host *\n  User nobody-here\n  Port 1\n")
    assert b"hello\n" == run(host(sshd.settings(ssh_config=str(config)))).stdout


def test_a_host_key_alias_is_what_known_hosts_call_it(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"[mx1.example.org]:{sshd.port} {sshd.host_key}\n")
    config = tmp_path / "config"
    config.write_text("Host 127.0.0.1\n  HostKeyAlias mx1.example.org\n")
    assert b"hello\n" == run(host(sshd.settings(ssh_config=str(config), known_hosts=(str(known),)))).stdout


def test_a_broken_ssh_config_is_named(sshd: Sshd, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Prot 22\n")
    with pytest.raises(ConnectionFailed, match="ssh_config cannot be used"):
        run(host(sshd.settings(ssh_config=str(config))))


def test_an_address_cannot_be_an_option_of_ssh(sshd: Sshd) -> None:
    with pytest.raises(ConnectionFailed, match="'-oProxyCommand=touch /tmp/x' is not an address"):
        run(host(sshd.settings(address="-oProxyCommand=touch /tmp/x")))


def test_one_hop_and_two_hops(sshd: Sshd, start_sshd: Callable[..., Sshd]) -> None:
    first, second = start_sshd(), start_sshd()
    user = sshd.settings().user
    for hop in (first, second):
        (hop.folder / "authorized").write_text(public(sshd.key) + "\n")
    known = (str(sshd.known_hosts), str(first.known_hosts), str(second.known_hosts))
    one = sshd.settings(jump=f"{user}@127.0.0.1:{first.port}", known_hosts=known)
    two = sshd.settings(jump=f"{user}@127.0.0.1:{first.port},{user}@127.0.0.1:{second.port}", known_hosts=known)
    assert [b"hello\n", b"hello\n"] == [run(host(one)).stdout, run(host(two)).stdout]
    assert 2 == first.log.count("Accepted publickey")
    assert 1 == second.log.count("Accepted publickey")


def test_the_key_of_a_hop_is_checked_too(sshd: Sshd, start_sshd: Callable[..., Sshd]) -> None:
    hop = start_sshd()
    with pytest.raises(HostKeyUnknown, match=f"127.0.0.1 port {hop.port}"):
        run(host(sshd.settings(jump=f"127.0.0.1:{hop.port}")))


def test_a_hop_that_cannot_reach_the_host_says_so(sshd: Sshd) -> None:
    port = free_port()
    settings = sshd.settings(port=port, jump=f"{sshd.settings().user}@127.0.0.1:{sshd.port}")
    with pytest.raises(Unreachable, match=f"the jump host has no connection to 127.0.0.1 port {port}"):
        run(host(settings))


def test_a_jump_text_that_is_none_is_an_error(sshd: Sshd) -> None:
    with pytest.raises(ConnectionFailed, match="'a:b:c' is not a jump host"):
        run(host(sshd.settings(jump="a:b:c")))


def test_jump_hosts_that_lead_in_a_circle_are_an_error(sshd: Sshd, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n")
    with pytest.raises(ConnectionFailed, match="more than 8 jump hosts"):
        run(host(sshd.settings(address="a", ssh_config=str(config))))


def test_a_proxy_command_of_ssh_config_is_used(sshd: Sshd, tmp_path: Path) -> None:
    relay = tmp_path / "relay.py"
    relay.write_text(
        "import socket, sys, threading\n"
        "s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "def up():\n"
        "    while data := sys.stdin.buffer.raw.read(65536):\n"
        "        s.sendall(data)\n"
        "threading.Thread(target=up, daemon=True).start()\n"
        "while data := s.recv(65536):\n"
        "    sys.stdout.buffer.write(data); sys.stdout.flush()\n"
    )
    config = tmp_path / "config"
    config.write_text(f"Host 127.0.0.1\n  ProxyCommand python3 {relay} %h %p\n")
    assert b"hello\n" == run(host(sshd.settings(ssh_config=str(config)))).stdout


def test_a_proxy_command_that_fails_is_no_ssh_server(sshd: Sshd, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host 127.0.0.1\n  ProxyCommand false\n")
    with pytest.raises(ConnectionFailed, match="sent no SSH banner"):
        run(host(sshd.settings(ssh_config=str(config))))


# Algorithms


def test_a_server_that_knows_only_the_final_name_of_curve25519(start_sshd: Callable[..., Sshd]) -> None:
    assert b"hello\n" == run(host(start_sshd("KexAlgorithms curve25519-sha256").settings())).stdout


@pytest.mark.parametrize(
    ("options", "offered"),
    [
        (
            "KexAlgorithms diffie-hellman-group14-sha1",
            "key exchanges that are not spoken here: diffie-hellman-group14-sha1",
        ),
        ("Ciphers chacha20-poly1305@openssh.com", "ciphers that are not spoken here: chacha20-poly1305@openssh.com"),
        ("Ciphers aes128-cbc", "ciphers that are not spoken here: aes128-cbc"),
        ("MACs umac-128@openssh.com\nCiphers aes128-ctr", "MACs that are not spoken here: umac-128@openssh.com"),
    ],
)
def test_a_server_without_common_algorithms_is_named_with_its_offer(
    start_sshd: Callable[..., Sshd], options: str, offered: str
) -> None:
    with pytest.raises(AlgorithmsRefused) as failure:
        run(host(start_sshd(options).settings()))
    assert offered in failure.value.message
    assert "OpenSSH_" in failure.value.message
    assert "connection: command" in failure.value.advice


def test_a_server_with_only_a_sha1_host_key_is_named_with_its_offer(
    start_sshd: Callable[..., Sshd], tmp_path: Path
) -> None:
    folder = tmp_path / "sshd1"
    folder.mkdir()
    keygen(folder / "host_key", kind="rsa")
    server = start_sshd("HostKeyAlgorithms ssh-rsa")
    with pytest.raises(AlgorithmsRefused, match="host keys that are not spoken here: ssh-rsa"):
        run(host(server.settings()))


def test_a_host_that_is_not_reached_by_ssh_has_no_host_key() -> None:
    with pytest.raises(ConnectionFailed, match="has no SSH host key"):
        ssh.host_key(host(Replay(path="mx1.snap")))


def test_base64_of_a_host_key_is_the_wire_format(sshd: Sshd) -> None:
    key = ssh.host_key(host(sshd.settings()))
    assert base64.b64decode(sshd.host_key.split()[1]) == base64.b64decode(key.base64)


def test_a_key_that_is_refused_does_not_hide_the_right_one_in_the_agent(
    start_sshd: Callable[..., Sshd], agent: Path, tmp_path: Path
) -> None:
    server = start_sshd("PubkeyAcceptedAlgorithms ssh-rsa,ssh-ed25519")
    add_to_agent(keygen(tmp_path / "key", kind="rsa"), server.key)
    assert agent.exists()
    assert b"hello\n" == run(host(server.settings(private_key_file=None, agent=True))).stdout


def test_an_address_that_is_silent_costs_only_a_moment_beside_one_that_answers(sshd: Sshd) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        started = time.monotonic()
        addresses = [(socket.AF_INET, full.getsockname()), (socket.AF_INET, ("127.0.0.1", sshd.port))]
        connection = dial._first("mx1", "mx1 port 22", addresses, started + 10, 10)
        assert ("127.0.0.1", sshd.port) == connection.getpeername()
        assert dial.STAGGER <= time.monotonic() - started < 2
        for client in (*waiting, connection):
            client.close()


@pytest.mark.parametrize("comment", ["", "postmaster@zürich"])
def test_keys_whose_comment_is_unusual_are_read(tmp_path: Path, comment: str) -> None:
    connection = Ssh(address="mx1", ssh_config="")
    target = settings.resolve(host(connection), connection)
    for number in range(40):  # paddings differ from key to key
        key = tmp_path / f"key{number}"
        subprocess.run(("ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-C", comment, "-f", key), check=True)
        assert public(key).split()[1] == login.load_key(target, str(key), None).get_base64()


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_the_certificate_beside_a_key_logs_in(start_sshd: Callable[..., Sshd], tmp_path: Path, kind: str) -> None:
    authority, key = keygen(tmp_path / "ca"), keygen(tmp_path / "key", kind=kind)
    server = start_sshd(f"TrustedUserCAKeys {authority}.pub")
    settings = server.settings(private_key_file=str(key))
    user = str(settings.user)
    subprocess.run(("ssh-keygen", "-q", "-s", authority, "-I", "audit", "-n", user, f"{key}.pub"), check=True)
    assert b"hello\n" == run(host(settings)).stdout
