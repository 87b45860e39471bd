from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from auditor.errors import InvalidFile
from auditor.inventory import ssh_arguments
from auditor.model.host import Command, Files, Host, Privilege, Release, Replay, Ssh
from auditor.model.network import Networks

Of = Callable[[str], Host]


def test_a_bare_host_is_reached_by_ssh_under_its_own_name(host: Of) -> None:
    assert Ssh(address="mx1.example.org") == host("").connection
    assert Privilege(mode="least") == host("").privilege


def test_ansibles_connection_variables_are_followed(host: Of) -> None:
    found = host(
        'ansible_host: 192.0.2.25, ansible_port: "2222", ansible_user: audit, ansible_private_key_file: /etc/keys/id, ansible_timeout: 5'
    )

    assert Ssh(address="192.0.2.25", port=2222, user="audit", private_key_file="/etc/keys/id") == found.connection
    assert timedelta(seconds=5) == found.connect_timeout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("-J bastion.example.org", "bastion.example.org"),
        ("-o ProxyJump=ops@b1:2222,b2", "ops@b1:2222,b2"),
        ('-o ProxyCommand="ssh -W %h:%p -q ops@bastion"', "ops@bastion"),
        ('-o ProxyCommand="ssh -o StrictHostKeyChecking=no -W %h:%p bastion"', None),
        ("-o 'ProxyCommand ssh -l ops -p 2222 -W [%h]:%p bastion' -C", "ops@bastion:2222"),
        ("-o ProxyCommand=none", ""),
        ("-o ControlMaster=auto -o ControlPersist=60s", None),
    ],
)
def test_jump_hosts_in_ssh_arguments_are_understood(arguments: str, expected: str | None) -> None:
    assert expected == ssh_arguments.parse(arguments).jump


def test_the_first_ssh_option_of_a_kind_wins_and_variables_win_over_options(host: Of) -> None:
    found = host("ansible_ssh_common_args: '-p 2022 -o Port=25 -l nobody -F none', ansible_user: audit").connection

    assert Ssh(address="mx1.example.org", port=2022, user="audit", ssh_config="") == found


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("-o ProxyCommand='nc -x proxy %h %p'", "this ProxyCommand is more than a jump host"),
        ("-L 8080:localhost:80", "the option -L of ssh is not followed"),
        ("-o UserKnownHostsFile=/dev/null", "UserKnownHostsFile=/dev/null is not followed"),
        ("-o KexAlgorithms=+diffie-hellman-group1-sha1", "ssh's option kexalgorithms is not followed"),
        ("bastion", "'bastion' is no option of ssh"),
        ("-J", "'-J' lacks its value"),
        ("-p 0", "'0' is no port"),
    ],
)
def test_ssh_options_that_we_cannot_follow_are_told(arguments: str, message: str) -> None:
    assert [message] == [text for text, _hint in ssh_arguments.parse(arguments).problems]


@pytest.mark.parametrize(
    ("variables", "argv"),
    [
        ("ansible_connection: local", ("sh",)),
        ("ansible_connection: community.docker.docker", ("docker", "exec", "-i", "mx1.example.org", "sh")),
        (
            "ansible_connection: docker, ansible_host: mail_1, ansible_user: root",
            ("docker", "exec", "-i", "-u", "root", "mail_1", "sh"),
        ),
        ("ansible_connection: containers.podman.podman, ansible_host: mail", ("podman", "exec", "-i", "mail", "sh")),
        (
            "ansible_connection: kubectl, ansible_kubectl_pod: mail-0, ansible_kubectl_namespace: prod, ansible_kubectl_container: postfix",
            ("kubectl", "-n", "prod", "exec", "-i", "mail-0", "-c", "postfix", "--", "sh"),
        ),
        ("ansible_connection: community.general.lxd", ("lxc", "exec", "mx1.example.org", "--", "sh")),
        ("connection: command, command: [ssh, -T, mx1, sh]", ("ssh", "-T", "mx1", "sh")),
        ("connection: command, command: \"docker exec -i 'my mail' sh\"", ("docker", "exec", "-i", "my mail", "sh")),
    ],
)
def test_what_offers_a_shell_becomes_a_command(host: Of, variables: str, argv: tuple[str, ...]) -> None:
    assert Command(argv=argv) == host(variables).connection


def test_snapshots_and_folders_are_relative_to_the_file_that_names_them(host: Of, tmp_path: Path) -> None:
    assert Replay(path=f"{tmp_path}/snaps/mx1.snap") == host("snapshot: snaps/mx1.snap").connection
    assert (
        Files(folder=f"{tmp_path}/etc", release=Release((3, 7)))
        == host('connection: files, folder: etc, release: "3.7"').connection
    )
    assert Replay(path="/srv/mx1") == host("connection: replay, snapshot: /srv/mx1").connection


def test_a_folder_or_snapshot_variable_of_somebody_else_changes_nothing(host: Of) -> None:
    assert Ssh(address="mx1.example.org") == host("folder: /srv/www, snapshot: daily, command: backup").connection


def test_becoming_root_asks_for_the_root_mode(host: Of) -> None:
    assert host("ansible_become: yes").privilege.mode == "root"
    assert host("ansible_become: yes, privilege: least").privilege.mode == "least"
    assert host('ansible_become: "no"').privilege.mode == "least"
    assert host("privilege: none").privilege.mode == "none"


def test_site_facts_are_read_and_missing_ones_stay_missing(host: Of) -> None:
    facts = host(
        'trusted_networks: [10.0.0.0/8, "2001:db8::/32"], own_domains: [Example.ORG., example.net], role: mx'
    ).variables

    assert Networks.of("10.0.0.0/8", "2001:db8::/32") == facts.trusted_networks
    assert ("example.org", "example.net") == facts.own_domains
    assert facts.role == "mx"
    assert host("").variables.trusted_networks is None


def test_times_are_seconds_or_have_a_unit(host: Of) -> None:
    assert timedelta(seconds=90) == host("deadline: 90").deadline
    assert timedelta(minutes=5) == host("deadline: 5m").deadline


@pytest.mark.parametrize(
    ("variables", "message", "hint"),
    [
        ("trusted_networks: [10.0.0.1/8]", "'10.0.0.1/8' has bits set behind its prefix", "did you mean 10.0.0.0/8?"),
        ("trusted_networks: [lan]", "'lan' is no network", "write 192.0.2.0/24 or 2001:db8::/32"),
        (
            "trusted_networks: [10.0.0.0/99]",
            "'10.0.0.0/99' is no network in CIDR notation",
            "write 192.0.2.0/24, 192.0.2.1 or 2001:db8::/32",
        ),
        ("trusted_networks: [10]", "trusted_networks is a list of texts, not 10", ""),
        ("ansible_port: ssh", "ansible_port is a whole number from 1 to 65535, not 'ssh'", ""),
        ("privilege: roots", "privilege is one of least, root, none, not 'roots'", "did you mean 'root'?"),
        ("deadline: 3d", "deadline is a time such as 30, 90s or 5m, at most a day, not '3d'", ""),
        ("connection: telnet", "connection is one of ssh, command, files, replay, not 'telnet'", ""),
        (
            "ansible_host: -oProxyCommand=id",
            "'-oProxyCommand=id' starts with a dash",
            "a host or user that looks like an option is refused",
        ),
        ('ansible_user: "two\\nlines"', "ansible_user is text without control characters, not 'two\\nlines'", ""),
        ("ansible_become: perhaps", "ansible_become is true or false, not 'perhaps'", ""),
        ("connection: files, folder: etc, release: 3.10", "a release is text in quotes", 'write `release: "3.10"`'),
        ("connection: files, folder: etc, release: new", "'new' is not a release number", 'write `release: "3.7"`'),
        ("role: [mx]", "role is text, not a list", ""),
    ],
)
def test_a_bad_value_is_told_with_its_place(host: Of, variables: str, message: str, hint: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        host(variables)

    (problem,) = caught.value.problems
    assert (message, hint, 3) == (problem.message, problem.hint, problem.where.line)
    assert problem.where.column > 22


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ("connection: command", "mx1.example.org: connection: command needs `command:`"),
        ("connection: replay", "mx1.example.org: connection: replay needs `snapshot:`"),
        ("connection: files", "mx1.example.org: connection: files needs `folder:`"),
    ],
)
def test_a_connection_without_its_target_is_an_error(host: Of, variables: str, message: str) -> None:
    with pytest.raises(InvalidFile, match=message):
        host(variables)
