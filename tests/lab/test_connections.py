"""The connectors against real hosts: PAM passwords, sudo of three Debian releases, a jump host."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from auditor import connectors, fleet
from auditor.errors import CollectionFailed, LoginRefused, PrivilegeRefused
from auditor.interfaces import Output, Script
from auditor.model.host import Command, Host, Privilege, Secret, Shell, Ssh
from tests.lab.lab import Lab
from tests.lab.running import RunningHost

RELEASES = ("postfix-3.5", "debian-default", "postfix-3.10")  # Debian 11, 12 and 13: sudo 1.9.5, 1.9.13, 1.9.16
WRONG = Secret(label="environment WRONG", read=lambda: "wrong-canary")


@pytest.fixture
def password(lab: Lab) -> Secret:
    return Secret(label="environment AUDITOR", read=lambda: lab.password)


@pytest.fixture
def reach(lab: Lab) -> Callable[..., Host]:
    """Makes the inventory entry of a running host; as auditor with the lab's key unless `values` say otherwise."""

    def make(running: RunningHost, privilege: Privilege | None = None, **values: Any) -> Host:
        usual: dict[str, Any] = {
            "address": running.address,
            "user": "auditor",
            "private_key_file": str(lab.key),
            "known_hosts": (str(lab.known_hosts),),
            "ssh_config": "",
            "agent": False,
        }
        return Host(
            name=running.name, connection=Ssh(**(usual | values)), privilege=privilege or Privilege(mode="none")
        )

    return make


def run(host: Host, text: str = "id -un\n") -> Output:
    with connectors.open(host) as connector:
        return connector.run(Script(shell=Shell.SH, text=text), timeout=timedelta(seconds=30))


def log(running: RunningHost) -> str:
    return running.path("/var/log/syslog").read_text(errors="replace")


def root(password: Secret | None = None) -> Privilege:
    return Privilege(mode="root", password=password)


@pytest.mark.parametrize("name", RELEASES)
def test_the_key_and_the_password_log_in(lab: Lab, reach: Callable[..., Host], password: Secret, name: str) -> None:
    running = lab.host(name)
    outputs = [
        run(reach(running)),
        run(reach(running, user="root")),
        run(reach(running, private_key_file=None, password=password)),
    ]
    assert [b"auditor\n", b"root\n", b"auditor\n"] == [output.stdout for output in outputs]


def test_a_wrong_password_is_tried_once(lab: Lab, reach: Callable[..., Host]) -> None:
    with lab.fresh("no-mail-server") as running:
        with pytest.raises(LoginRefused, match=r"auditor@203\.0\.113\.\d+ was not accepted with the password"):
            run(reach(running, private_key_file=None, password=WRONG))
        assert 1 == log(running).count("Failed password for auditor")


def test_keyboard_interactive_takes_the_password(lab: Lab, reach: Callable[..., Host], password: Secret) -> None:
    options = ("PasswordAuthentication no", "KbdInteractiveAuthentication yes")
    with lab.fresh("no-mail-server", sshd_options=options) as running:
        assert b"auditor\n" == run(reach(running, private_key_file=None, password=password)).stdout
        with pytest.raises(LoginRefused):
            run(reach(running, private_key_file=None, password=WRONG))
        assert 1 == log(running).count("authentication failure")


def test_a_second_factor_is_the_password(lab: Lab, reach: Callable[..., Host], password: Secret) -> None:
    with lab.fresh("no-mail-server", sshd_options=("AuthenticationMethods publickey,password",)) as running:
        assert b"auditor\n" == run(reach(running, password=password)).stdout
        with pytest.raises(LoginRefused, match="it offers password"):
            run(reach(running))


@pytest.mark.parametrize("name", RELEASES)
def test_root_mode_gives_sudo_the_password(lab: Lab, reach: Callable[..., Host], password: Secret, name: str) -> None:
    running = lab.host(name)
    script = "id -un; echo err >&2; head -c 3000000 /dev/zero | wc -c; exit 3\n" + "# filler\n" * 50_000
    output = run(reach(running, root(password)), script)
    assert (b"root\n3000000\n", b"err\n", 3) == (output.stdout, output.stderr, output.status)
    assert lab.password not in log(running)


@pytest.mark.parametrize("name", RELEASES)
def test_a_wrong_sudo_password_is_sent_once(lab: Lab, reach: Callable[..., Host], name: str) -> None:
    with lab.fresh(name, setup="") as running:
        with pytest.raises(PrivilegeRefused, match="sudo did not accept the password") as failure:
            run(reach(running, root(WRONG)))
        assert "wrong-canary" not in f"{failure.value!r} {log(running)}"
        assert 1 == log(running).count("pam_unix(sudo:auth): authentication failure")


def test_without_a_password_sudo_s_question_is_an_answer(lab: Lab, reach: Callable[..., Host]) -> None:
    with pytest.raises(PrivilegeRefused, match="sudo asks for a password and there is none") as failure:
        run(reach(lab.host("debian-default"), root()))
    assert "inventory privileges" in failure.value.advice


@pytest.mark.parametrize("with_password", [False, True])
def test_where_sudo_does_not_ask_nothing_is_sent(
    lab: Lab, reach: Callable[..., Host], password: Secret, with_password: bool
) -> None:
    output = run(reach(lab.host("passwordless-sudo"), root(password if with_password else None)), "id -un\n")
    assert (b"root\n", b"") == (output.stdout, output.stderr)


def test_root_s_login_needs_no_sudo(lab: Lab, reach: Callable[..., Host]) -> None:
    with lab.fresh("no-mail-server", setup="rm /usr/bin/sudo") as running:
        assert b"root\n" == run(reach(running, root(), user="root")).stdout
        with pytest.raises(PrivilegeRefused, match="sudo is not installed"):
            run(reach(running, root()))


@pytest.mark.parametrize(
    ("sudoers", "meaning"),
    [
        ("auditor ALL=(ALL:ALL) !ALL", "sudo does not let the user run /bin/sh as root"),
        ("auditor ALL=(ALL:ALL) NOPASSWD: /usr/bin/id", ""),
        ("Defaults:auditor requiretty", "sudo wants a terminal"),
        ("Defaults:auditor lecture=always", ""),
        ("Defaults:auditor use_pty", ""),
    ],
)
def test_settings_of_sudoers(
    lab: Lab, reach: Callable[..., Host], password: Secret, sudoers: str, meaning: str
) -> None:
    with lab.fresh("no-mail-server", sudoers=sudoers) as running:
        if meaning:
            with pytest.raises(PrivilegeRefused, match=meaning):
                run(reach(running, root(password)))
        else:
            output = run(reach(running, root(password)), "id -un; echo err >&2\n")
            assert (b"root\n", b"err\n") == (output.stdout, output.stderr)


def test_a_user_whom_sudoers_does_not_know(lab: Lab, reach: Callable[..., Host], password: Secret) -> None:
    with (
        lab.fresh("no-mail-server", setup="gpasswd -d auditor sudo") as running,
        pytest.raises(PrivilegeRefused, match="the user is not in the sudoers file"),
    ):
        run(reach(running, root(password)))


def test_an_account_without_a_shell(lab: Lab, reach: Callable[..., Host], password: Secret) -> None:
    with lab.fresh("no-mail-server", setup="usermod -s /usr/sbin/nologin auditor") as running:
        output = run(reach(running))
        assert (b"This account is currently not available.\n", 1) == (output.stdout, output.status)
        with pytest.raises(CollectionFailed, match=r"This account is currently not available") as failure:
            run(reach(running, root(password)))
        assert "needs a shell" in failure.value.advice


def test_a_noisy_login_shell_is_only_noise(lab: Lab, reach: Callable[..., Host], password: Secret) -> None:
    noise = "echo 'echo Welcome; echo be careful >&2' > /home/auditor/.bashrc; usermod -s /bin/bash auditor"
    with lab.fresh("no-mail-server", setup=noise) as running:
        output = run(reach(running, root(password)))
        assert (b"Welcome\nroot\n", b"") == (output.stdout, output.stderr)


def test_a_host_behind_a_jump_host(lab: Lab, reach: Callable[..., Host], password: Secret) -> None:
    lab.up("jump", "behind-jump")
    jump = f"auditor@{lab.address('jump')}"
    behind = lab.host("behind-jump")
    outputs = [
        run(reach(behind, jump=jump)),
        run(reach(behind, root(password), jump=jump)),
    ]
    assert [b"auditor\n", b"root\n"] == [output.stdout for output in outputs]


def test_a_whole_fleet_passes_one_jump_host(lab: Lab, reach: Callable[..., Host]) -> None:
    lab.up("jump", "behind-jump")
    host = reach(lab.host("behind-jump"), jump=f"auditor@{lab.address('jump')}")
    results = list(fleet.run([host] * 40, lambda one: run(one).stdout, workers=40, name=lambda one: one.name))
    assert {(fleet.OK, b"auditor\n")} == {(result.state, result.value) for result in results}


def test_the_system_s_own_ssh_is_a_command(lab: Lab, password: Secret) -> None:
    running = lab.host("debian-default")
    argv = (
        "ssh",
        "-F",
        "none",
        "-i",
        str(lab.key),
        "-o",
        f"UserKnownHostsFile={lab.known_hosts}",
        "-o",
        "BatchMode=yes",
    )
    host = Host(
        name="debian-default",
        connection=Command(argv=(*argv, f"auditor@{running.address}", "sh")),
        privilege=root(password),
    )
    output = run(host, "id -un; echo err >&2; exit 4\n")
    assert (b"root\n", b"err\n", 4) == (output.stdout, output.stderr, output.status)
