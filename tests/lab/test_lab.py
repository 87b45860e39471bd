"""The lab's own tests: what is promised to the tests that use it."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.hosts import HOSTS
from tests.lab.lab import Lab
from tests.lab.layers import LabError
from tests.lab.running import LOGIN_TRACES, RunningHost, difference

VERSIONS = {"debian-default": "3.7", "postfix-3.5": "3.5", "postfix-3.10": "3.10"}
MAIL_SERVERS = [name for name, host in HOSTS.items() if host.networks == ("lab",) and host.layer != "debian-12"]


def ssh(lab: Lab, host: RunningHost, command: str, *options: str, user: str = "auditor") -> str:
    """The output of a command over OpenSSH's client."""
    known = f"UserKnownHostsFile={lab.known_hosts}"
    done = subprocess.run(
        (
            *("ssh", "-F", "none", "-i", str(lab.key), "-o", known, "-o", "BatchMode=yes", *options),
            *(f"{user}@{host.address}", command),
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def banner(host: RunningHost, port: int = 25) -> str:
    """The SMTP greeting."""
    with socket.create_connection((host.address, port), timeout=10) as connection:
        return connection.recv(512).decode()


@pytest.mark.parametrize("name", MAIL_SERVERS)
def test_every_mail_server_greets(lab: Lab, name: str) -> None:
    lab.up(*MAIL_SERVERS)  # all at once is quicker than one after the other
    host = lab.host(name)
    if name in ("null-client", "submission-only"):
        assert host.run("postfix status", check=False).returncode == 0
    else:
        assert banner(host).startswith(f"220 {host.fqdn} ESMTP")


@pytest.mark.parametrize(("name", "version"), VERSIONS.items())
def test_the_postfix_release_is_the_promised_one(lab: Lab, name: str, version: str) -> None:
    assert lab.run(name, "postconf -dh mail_version").stdout.rpartition(".")[0] == version


def test_the_multi_instance_host_runs_two_instances(lab: Lab) -> None:
    lines = lab.run("multi-instance", "postmulti -l; postmulti -p status 2>&1").stdout.split("\n")
    assert [line.split()[0] for line in lines[:2]] == ["-", "postfix-out"]
    assert lab.run("multi-instance", "ps -C master -o pid=").stdout.count("\n") == 2


def test_root_and_auditor_log_in_with_the_key(lab: Lab) -> None:
    host = lab.host("debian-default")
    assert [ssh(lab, host, "id -un", user=user) for user in ("root", "auditor")] == ["root\n", "auditor\n"]


def test_sudo_asks_auditor_for_the_password_and_takes_it(lab: Lab) -> None:
    host = lab.host("debian-default")
    assert "a password is required" in ssh(lab, host, "sudo -n id -un")
    assert ssh(lab, host, f"echo {lab.password} | sudo -S -p '' id -un") == "root\n"


def test_sudo_without_password_on_the_host_that_promises_it(lab: Lab) -> None:
    assert ssh(lab, lab.host("passwordless-sudo"), "sudo -n id -un") == "root\n"


def test_a_sudoers_drop_in_holds_until_it_is_removed(lab: Lab) -> None:
    host = lab.host("debian-default")
    host.write_sudoers("auditor ALL=(root) NOPASSWD: /usr/bin/id -un")
    with_rule = ssh(lab, host, "sudo -n id -un; sudo -n id -gn")
    host.write_sudoers("")
    assert with_rule.startswith("root\n")
    assert "a password is required" in with_rule
    assert "a password is required" in ssh(lab, host, "sudo -n id -un")


def test_a_bad_sudoers_drop_in_is_refused(lab: Lab) -> None:
    with pytest.raises(LabError, match="sudoers"):
        lab.host("debian-default").write_sudoers("auditor may do all")


def test_the_host_behind_the_jump_host_is_reached_only_through_it(lab: Lab) -> None:
    hidden, jump = lab.up("behind-jump", "jump")
    with pytest.raises(OSError, match="unreachable"):
        socket.create_connection((hidden.address, 22), timeout=5)
    hop = f"ProxyCommand=ssh -F none -i {lab.key} -o UserKnownHostsFile={lab.known_hosts} -W %h:%p root@{jump.address}"
    assert ssh(lab, hidden, "hostname", "-o", hop) == "behind-jump.example.org\n"


def test_nothing_leaves_the_lab(lab: Lab) -> None:
    assert lab.host("jump").run("ip route show default").stdout == ""
    with pytest.raises(OSError, match="unreachable"):
        socket.create_connection(("192.0.2.1", 25), timeout=5)


def test_host_keys_differ(lab: Lab) -> None:
    hosts = lab.up("debian-default", "jump", "no-mail-server")
    assert len({host.host_key for host in hosts}) == 3


def test_a_login_with_sudo_leaves_only_the_named_traces(lab: Lab) -> None:
    host = lab.host("debian-default")
    ssh(lab, host, "true")
    before = host.upper_files()
    ssh(lab, host, f"/usr/sbin/postconf -n; echo {lab.password} | sudo -S -p '' postconf -n")
    assert difference(before, host.upper_files()) - LOGIN_TRACES == set()


@pytest.mark.parametrize("place", ["/tmp/x", "/run/x", "/etc/postfix/main.cf", "/var/tmp/x", "/home/auditor/x"])
def test_a_file_written_anywhere_is_seen(lab: Lab, place: str) -> None:
    with lab.fresh("debian-default") as host:
        before = host.upper_files()
        host.run(f"echo '# a comment' >> {place}")
        assert place in difference(before, host.upper_files())


def test_a_removed_file_is_seen(lab: Lab) -> None:
    with lab.fresh("debian-default") as host:
        before = host.upper_files()
        host.run("rm /etc/postfix/master.cf")
        assert "/etc/postfix/master.cf" in difference(before, host.upper_files())


def test_a_copy_is_changed_without_changing_the_original(lab: Lab) -> None:
    with lab.fresh("debian-default") as host:
        host.load_postfix("compatibility_level = 3.6\nsmtpd_banner = $myhostname ESMTP changed\n")
        assert banner(host).endswith("ESMTP changed\r\n")
        folder = host.upper
    assert banner(lab.host("debian-default")).endswith("ESMTP Postfix (Debian/GNU)\r\n")
    assert not folder.exists()


def test_a_configuration_that_postfix_refuses_is_an_error(lab: Lab) -> None:
    with lab.fresh("debian-default") as host, pytest.raises(LabError, match="missing '='"):
        host.load_postfix("no equals sign\n")


def test_a_probe_carries_the_address_of_its_host(lab: Lab) -> None:
    source = lab.host("no-mail-server")
    target = lab.host("debian-default")
    source.python(f"import smtplib; smtplib.SMTP('{target.address}', 25).quit()")
    assert f" connect from unknown[{source.address}]" in target.path("/var/log/syslog").read_text()


def test_a_stopped_host_boots_anew(lab: Lab) -> None:
    first = lab.host("no-mail-server")
    lab.stop("no-mail-server")
    second = lab.host("no-mail-server")
    assert first.host_key != second.host_key
    assert ssh(lab, second, "hostname") == "no-mail-server.example.org\n"


def test_a_failing_set_up_script_is_reported_with_its_output(lab: Lab) -> None:
    with (
        pytest.raises(LabError, match="no such device to set up"),
        lab.fresh("no-mail-server", setup="echo no such device to set up; exit 3"),
    ):
        pass


def test_the_lab_keeps_its_keys_where_they_vanish_with_it(lab: Lab) -> None:
    assert Path(f"/proc/{lab.pid}/root") in lab.key.parents
    assert lab.key.stat().st_mode & 0o777 == 0o600


def test_the_scripts_of_the_lab_are_sound_shell() -> None:
    here = Path(__file__).parent
    scripts = [*(here / "scripts").glob("*.sh"), here.parent / "debian-packages.sh"]
    shellcheck = Path(sys.executable).with_name("shellcheck")  # of the virtual environment
    command = (shellcheck, "--shell=sh", "--external-sources", f"--source-path={here / 'scripts'}")
    done = subprocess.run((*command, *scripts), capture_output=True, text=True, check=False)
    assert done.stdout == ""
    for host in HOSTS.values():
        done = subprocess.run((*command, "-"), input=host.setup, capture_output=True, text=True, check=False)
        assert done.stdout == "", host.name
