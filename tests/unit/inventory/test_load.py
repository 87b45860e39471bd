from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from auditor import inventory
from auditor.errors import InvalidFile, UsageError
from auditor.inventory import Inventory, ansible
from auditor.model.host import Ssh
from auditor.model.origin import Origin

Written = Callable[..., Inventory]
BIN = Path(sys.executable).parent


@pytest.fixture
def with_ansible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(BIN), prepend=":")


def addresses(found: Inventory) -> dict[str, str]:
    return {host.name: host.connection.address for host in found.hosts if isinstance(host.connection, Ssh)}


def test_every_value_knows_its_file_and_line(written: Written, tmp_path: Path) -> None:
    found = written(
        "all:\n  vars:\n    role: mx\n    own_domains:\n      - example.org\n  hosts:\n    mx1:\n      ansible_port: 2222\n",
        {"group_vars/all.yml": "---\n# who\nansible_user: audit\n"},
    )
    hosts = f"{tmp_path}/hosts.yaml"

    assert {
        "ansible_port": Origin(file=hosts, line=8),
        "ansible_user": Origin(file=f"{tmp_path}/group_vars/all.yml", line=3),
        "own_domains": Origin(file=hosts, line=4),
        "role": Origin(file=hosts, line=3),
    } == found.hosts[0].origins
    assert [("ansible_port", "2222", 8), ("role", '"mx"', 3)] == [
        (shown.name, shown.value, shown.origin.line)
        for shown in found.show("mx1")
        if shown.name in ("ansible_port", "role")
    ]


def test_showing_a_host_that_is_not_there_suggests_one(written: Written) -> None:
    with pytest.raises(UsageError) as caught:
        written("all: {hosts: {mx1.example.org: }}\n").show("mx1.example.com")

    assert ("there is no host 'mx1.example.com'", "did you mean 'mx1.example.org'?") == (
        str(caught.value),
        caught.value.advice,
    )


def test_all_mistakes_of_all_files_are_told_at_once(written: Written, tmp_path: Path) -> None:
    with pytest.raises(InvalidFile) as caught:
        written(
            "all:\n  hosts:\n    - mx1\n  children:\n    mx:\n      hosts:\n        mx[3:1]:\n        mx2: {ansible_port: no}\n",
            {"group_vars/mx.yml": "trusted_networks: [10.0.0.1/8]\n", "group_vars/all.yml": "a: 1\na: 2\n"},
        )

    places = [str(problem.where).removeprefix(f"{tmp_path}/") for problem in caught.value.problems]
    assert [
        "group_vars/all.yml:2:1",
        "group_vars/mx.yml:1:20",
        "hosts.yaml:3:5",
        "hosts.yaml:7:9",
        "hosts.yaml:8:29",
    ] == places
    assert "3 |     - mx1\n        ^\n  hint: write each name followed by a colon, without a dash" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", "", "the inventory is empty"),
        ("# nothing\n", "", "the inventory is empty"),
        ("- mx1\n", ":1:1", "an inventory is a mapping of groups, this is a list"),
        ("all: mx1\n", ":1:1", "the group 'all' is a mapping, this is the text 'mx1'"),
        ("all: {hosts: {1: }}\n", ":1:15", "a host's name is text, this is the number '1'"),
        ("yes: {hosts: {mx1: }}\n", ":1:1", "a group's name is text"),
        ("all: {hosts: {mx1: 25}}\n", ":1:20", "the host 'mx1' is a mapping, this is the number '25'"),
        ("a: {children: {b: {children: {a: }}}}\n", ":1:31", "'a' is below itself"),
        ("a: {children: {all: }}\n", ":1:16", "'all' is below itself"),
        (
            "a: {vars: {ansible_group_priority: high}}\n",
            ":1:36",
            "ansible_group_priority is a whole number, this is the text 'high'",
        ),
        ("all: {hosts: {mx1: {a: *b}}}\n", ":1:24", "no finished anchor 'b' before this alias"),
        ("all: {hosts: {mx1: {<<: 1}}}\n", ":1:25", "<< merges mappings"),
        ("all:\n\thosts:\n", ":2:1", "found character '\\t' that cannot start any token"),
        ("all: {hosts: {mx1: {a: 1, a: 2}}}\n", ":1:27", "'a' was given before, on line 1"),
        ("all: {hosts: {mx1: \x00}}\n", ":1:20", "the control character U+0000 is not allowed here"),
    ],
)
def test_what_is_no_inventory_is_told_with_its_place(
    written: Written, tmp_path: Path, text: str, place: str, message: str
) -> None:
    with pytest.raises(InvalidFile) as caught:
        written(text)

    problem = caught.value.problems[0]
    assert f"{tmp_path}/hosts.yaml{place}" == str(problem.where)
    assert problem.message.startswith(message)


def test_hostile_files_are_refused_quickly(tmp_path: Path) -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{c}: &{c} [{','.join(['*' + p] * 9)}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)
    )
    cases = {
        "bomb.yml": bomb.encode(),
        "deep.yml": b"all: " + b"{a: " * 5000 + b"}" * 5000,
        "brackets.json": b"[" * 100_000,
        "latin1.yml": "all: {hosts: {m\xfcnchen: }}".encode("latin-1"),
        "large.yml": b"# " + b"x" * (9 << 20),
        "zeros": b"\0" * 4096,
    }
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidFile):
            inventory.load([tmp_path / name])
    with pytest.raises(InvalidFile, match="no such file"):
        inventory.load([tmp_path / "missing.yml"])
    with pytest.raises(InvalidFile, match="there is no inventory in this folder"):
        (tmp_path / "empty").mkdir()
        inventory.load([tmp_path / "empty"])


def test_a_misspelt_variable_or_section_is_a_warning(written: Written) -> None:
    found = written("all: {hosts: {mx1: {trusted_network: [], ansible_hots: x, priviledge: root}}, host: {mx2: }}\n")

    assert [
        ("the variable 'trusted_network' means nothing here", "did you mean 'trusted_networks'?"),
        ("the variable 'ansible_hots' means nothing here", "did you mean 'ansible_host'?"),
        ("the variable 'priviledge' means nothing here", "did you mean 'privilege'?"),
        ("'host' in the group 'all' is not read", "did you mean 'hosts'?"),
    ] == [(warning.message, warning.hint) for warning in found.warnings]


def test_turning_host_key_checking_off_is_a_warning_and_does_nothing(written: Written) -> None:
    text = "all: {hosts: {mx1: {ansible_host_key_checking: no}, mx2: {ansible_ssh_common_args: -o StrictHostKeyChecking=no}}}\n"
    found = written(text)

    assert {"strict"} == {host.connection.host_key_checking for host in found.hosts if isinstance(host.connection, Ssh)}
    assert ["host keys are checked all the same", "host keys are checked in spite of StrictHostKeyChecking=no"] == [
        warning.message for warning in found.warnings
    ]


def test_extra_variables_win(written: Written) -> None:
    found = written("all: {hosts: {mx1: {role: mx, ansible_port: 25}}}\n", extra_vars=["role=relay ansible_port=2222"])

    assert ("relay", 2222) == (found.hosts[0].variables.role, found.hosts[0].connection.port)  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["role", "a b=1", "'", "1x=2"])
def test_an_extra_variable_without_a_value_is_an_error(written: Written, text: str) -> None:
    with pytest.raises(InvalidFile, match="--extra-vars: "):
        written("all: {hosts: {mx1: }}\n", extra_vars=[text])


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("hosts", "# servers\n[mx]\nmx1 ansible_port=2222\n", "hosts: this is an INI inventory"),
        ("hosts.ini", "[mx]\nmx1\n", "hosts.ini: files that end in .ini are no YAML inventories"),
        ("script", "#!/bin/sh\necho '{}'\n", "script: this is a script that prints an inventory"),
        ("aws.yml", "plugin: amazon.aws.aws_ec2\n", "aws.yml:1:1: this configures an inventory plugin"),
        ("v.yml", "all: {vars: {a: !unsafe 'x'}}\n", "v.yml:1:17: the tag !unsafe is for Ansible to read"),
        ("all.yml", "$ANSIBLE_VAULT;1.1;AES256\n3031\n", "all.yml: this file is encrypted by ansible-vault"),
        (
            "d.yml",
            "all: {hosts: {mx1: {d: 2024-01-02}}}\n",
            "d.yml:1:24: '2024-01-02' without quotes is more than text in YAML",
        ),
        ("same.yml", "mx: {hosts: {mx: }}\n", "same.yml:1:1: 'mx' is both a host and a group"),
        (
            "t.yml",
            'all: {hosts: {mx1: {ansible_host: "{{ x }}"}}}\n',
            "t.yml:1:35: this value is a template or encrypted",
        ),
    ],
)
def test_without_ansible_what_only_ansible_reads_is_told_with_its_place(
    tmp_path: Path, name: str, text: str, place: str
) -> None:
    (tmp_path / name).write_text(text)

    def not_installed(argv: object) -> bytes:
        raise ansible.NotInstalled(argv)

    with pytest.raises(InvalidFile) as caught:
        inventory.load([tmp_path / name], run_ansible=not_installed)

    assert str(caught.value).startswith(f"{tmp_path}/{place}")
    assert "install" in caught.value.problems[0].hint


@pytest.mark.usefixtures("with_ansible")
def test_ini_and_scripts_are_read_by_ansible(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("[mx]\nmx[1:2].example.org ansible_port=2222\n[mx:vars]\nrole=mx\n")
    script = tmp_path / "dynamic.sh"
    script.write_text(
        '#!/bin/sh\necho \'{"relay": {"hosts": ["r1"]}, "_meta": {"hostvars": {"r1": {"ansible_host": "192.0.2.1"}}}}\'\n'
    )
    script.chmod(0o755)

    found = inventory.load([tmp_path / "hosts", script])

    assert {"mx1.example.org": "mx1.example.org", "mx2.example.org": "mx2.example.org", "r1": "192.0.2.1"} == addresses(
        found
    )
    assert ("mx", ("mx1.example.org", "mx2.example.org")) == (found.hosts[0].variables.role, found.groups["mx"])


@pytest.mark.usefixtures("with_ansible")
def test_templates_in_what_we_use_are_filled_in_by_ansible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MX_PASSWORD", "canary-hunter2")
    (tmp_path / "hosts.yml").write_text(
        "all:\n  vars:\n    lan: [10.0.0.0/8]\n    trusted_networks: '{{ lan + [\"192.0.2.0/24\"] }}'\n    unused: '{{ undefined }}'\n"
        "    ansible_host: '{{ inventory_hostname }}.example.org'\n    ansible_password: \"{{ lookup('env', 'MX_PASSWORD') }}\"\n"
        "  hosts: {mx1: , mx2: {ansible_host: 192.0.2.2}}\n"
    )

    found = inventory.load([tmp_path / "hosts.yml"])

    assert {"mx1": "mx1.example.org", "mx2": "192.0.2.2"} == addresses(found)
    assert str(found.hosts[0].variables.trusted_networks) == "10.0.0.0/8, 192.0.2.0/24"
    assert "canary" not in repr(found) + repr(found.show("mx1"))
    assert found.hosts[0].connection.password.read() == "canary-hunter2"  # type: ignore[union-attr]
    assert found.warnings == ()


@pytest.mark.usefixtures("with_ansible")
def test_a_template_that_ansible_cannot_fill_in_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("all:\n  hosts:\n    mx1:\n      ansible_user: '{{ nobody }}'\n    mx2:\n")

    with pytest.raises(
        InvalidFile,
        match=r"hosts.yml:4:21: Ansible cannot fill in ansible_user for mx1\n(.*\n)*.*'nobody' is undefined",
    ):
        inventory.load([tmp_path / "hosts.yml"])


@pytest.mark.usefixtures("with_ansible")
def test_vaulted_variables_are_decrypted_by_ansible(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("vault-key\n")
    (tmp_path / "group_vars").mkdir()
    command = [
        str(BIN / "ansible-vault"),
        "encrypt_string",
        "--vault-password-file",
        str(tmp_path / "key"),
        "canary-hunter2",
        "--name",
        "ansible_password",
    ]
    vaulted = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    (tmp_path / "group_vars" / "all.yml").write_text(vaulted)
    (tmp_path / "hosts.yml").write_text("all: {hosts: {mx1: }}\n")

    found = inventory.load([tmp_path / "hosts.yml"], vault_options=["--vault-password-file", str(tmp_path / "key")])

    assert found.hosts[0].connection.password.read() == "canary-hunter2"  # type: ignore[union-attr]
    assert "canary" not in repr(found) + repr(found.show("mx1"))
    with pytest.raises(InvalidFile, match=r"all\.yml:1:19: Ansible cannot fill in ansible_password for mx1"):
        inventory.load([tmp_path / "hosts.yml"])


def test_an_encrypted_value_that_we_do_not_use_is_left_alone(written: Written) -> None:
    vaulted = "!vault |\n      $ANSIBLE_VAULT;1.1;AES256\n      3031\n"

    found = written(f"all:\n  vars:\n    database: {vaulted}  hosts: {{mx1: }}\n")

    assert [("database", '"(not shown)"')] == [(shown.name, shown.value) for shown in found.show("mx1")]
    with pytest.raises(InvalidFile, match=r"hosts\.yaml:3:23: this value is a template or encrypted"):
        written(f"all:\n  vars:\n    ansible_password: {vaulted}  hosts: {{mx1: }}\n")


@pytest.mark.usefixtures("with_ansible")
def test_what_even_ansible_cannot_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "hosts.ini").write_text("[mx\nmx1 = = x\n")

    with pytest.raises(UsageError, match="ansible-inventory ended with status"):
        inventory.load([tmp_path / "hosts.ini"])


def listing(**more: object) -> str:
    return json.dumps(
        {
            "_meta": {"hostvars": {"mx1": {"ansible_host": "192.0.2.1"}}},
            "all": {"children": ["mx"]},
            "mx": {"hosts": ["mx1", "mx2"]},
        }
        | more
    )


def test_a_saved_listing_needs_no_ansible(tmp_path: Path) -> None:
    (tmp_path / "saved.json").write_text(listing())

    found = inventory.load([tmp_path / "saved.json"], extra_vars=["role=mx"])

    assert {"mx1": "192.0.2.1", "mx2": "mx2"} == addresses(found)
    assert (("mx",), "mx") == (found.hosts[0].groups, found.hosts[0].variables.role)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (listing()[:-4], "not JSON"),
        (listing(mx=[]), "mx is no mapping"),
        (listing(mx={"hosts": "mx1"}), "mx.hosts is no list of names"),
        ('{"_meta": {"hostvars": []}}', "_meta.hostvars is no mapping"),
        ('{"_meta": {"hostvars": {"mx1": 1}}}', "mx1 is no mapping"),
        ('{"_meta": {"hostvars": ' + '{"a":' * 100_000, "not JSON"),
    ],
)
def test_a_broken_listing_is_told(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "saved.json").write_text(text)

    with pytest.raises(InvalidFile, match=message):
        inventory.load([tmp_path / "saved.json"])


def test_a_name_that_cannot_be_a_file_or_a_word_is_never_contacted(tmp_path: Path) -> None:
    names = ["../../etc/x", "-oProxyCommand=id", "a\nb", "\x1b[31m", ".", ""]
    (tmp_path / "saved.json").write_text(listing(mx={"hosts": [*names, "mx1"]}))

    found = inventory.load([tmp_path / "saved.json"])

    assert {"mx1": "192.0.2.1"} == addresses(found)
    assert sorted(names) == sorted(found.unusable)


def test_links_that_lead_back_are_followed_once(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "group_vars" / "all"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "loop1").symlink_to(folder)
        (folder / "loop2").symlink_to(folder)
    (tmp_path / "group_vars" / "all" / "main.yml").write_text("role: mx\n")
    (tmp_path / "hosts.yml").write_text("all: {hosts: {mx1: {}}}\n")

    assert inventory.load([tmp_path]).hosts[0].variables.role == "mx"


def test_group_vars_of_the_working_folder_can_be_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text("role: relay\n")
    (tmp_path / "demo" / "hosts.yml").write_text("all: {hosts: {mx1: {}}}\n")
    monkeypatch.chdir(tmp_path)

    assert inventory.load(["demo/hosts.yml"]).hosts[0].variables.role == "relay"
    assert inventory.load(["demo/hosts.yml"], playbook_folder=None).hosts[0].variables.role is None


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("mx1", Ssh(address="mx1")),
        ("audit@mx1.example.org:2222", Ssh(address="mx1.example.org", user="audit", port=2222)),
        ("audit@[2001:db8::1]:22", Ssh(address="2001:db8::1", user="audit", port=22)),
        ("2001:db8::1", Ssh(address="2001:db8::1")),
        ("ops@corp.example@192.0.2.1", Ssh(address="192.0.2.1", user="ops@corp.example")),
    ],
)
def test_one_host_on_the_command_line(target: str, expected: Ssh) -> None:
    assert expected == inventory.single(target).connection


@pytest.mark.parametrize(
    "target",
    ["-oProxyCommand=id", "root@-x", "@mx1", "", "mx1:99999", "a b", "mx[1:2]", "[::1", "root@mx1\n", "mx1:22:22"],
)
def test_what_is_no_host_is_refused(target: str) -> None:
    with pytest.raises(UsageError):
        inventory.single(target)
