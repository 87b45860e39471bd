from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from auditor import inventory
from auditor.errors import AuditorError, InvalidFile
from auditor.inventory import Inventory, Secrets
from auditor.model.host import Secret, Ssh

Written = Callable[..., Inventory]
CANARY = "canary-hunter2"


def password_of(found: Inventory) -> Secret:
    connection = found.hosts[0].connection
    assert isinstance(connection, Ssh)
    assert connection.password
    return connection.password


def test_a_secret_comes_from_the_environment(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = password_of(written("all: {hosts: {mx1: {password: {env: MX_PASSWORD}}}}\n"))
    monkeypatch.setenv("MX_PASSWORD", CANARY)

    assert (CANARY, "environment variable MX_PASSWORD") == (secret.read(), secret.label)


def test_a_secret_is_the_first_line_of_a_file_beside_the_inventory(written: Written, tmp_path: Path) -> None:
    (tmp_path / "mx.secret").write_text(f"{CANARY}\nuser: audit\n")
    (tmp_path / "mx.secret").chmod(0o600)
    found = written("all: {hosts: {mx1: {ansible_password: {file: mx.secret}}}}\n")

    assert password_of(found).read() == CANARY
    assert found.warnings == ()


def test_a_secret_file_that_others_may_read_is_a_warning(written: Written, tmp_path: Path) -> None:
    (tmp_path / "mx.secret").write_text(CANARY)
    (tmp_path / "mx.secret").chmod(0o644)
    found = written("all: {hosts: {mx1: {password: {file: mx.secret}}}}\n")

    assert ["others than its owner may read the secret in " + f"{tmp_path}/mx.secret (mode 0644)"] == [
        w.message for w in found.warnings
    ]


def test_a_secret_command_runs_once_for_all_hosts_and_without_a_shell(written: Written, tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = f"import sys; open({str(log)!r}, 'a').write('x'); print(sys.argv[1])"
    found = written(
        f"all: {{hosts: {{'mx[1:3]': {{password: {{command: [{sys.executable}, -c, \"{script}\", $HOME;id]}}}}}}}}\n"
    )

    assert {
        host.connection.password.read()
        for host in found.hosts
        if isinstance(host.connection, Ssh) and host.connection.password
    } == {"$HOME;id"}
    assert log.read_text() == "x"


def test_a_person_is_asked_once(written: Written) -> None:
    asked: list[str] = []

    def ask(text: str) -> str:
        asked.append(text)
        return CANARY

    found = written("all: {hosts: {'mx[1:3]': {password: {prompt: Password of audit}}}}\n", secrets=Secrets(ask))

    assert {CANARY} == {
        host.connection.password.read()
        for host in found.hosts
        if isinstance(host.connection, Ssh) and host.connection.password
    }
    assert ["Password of audit"] == asked


def test_questions_can_be_asked_before_anything_is_contacted(written: Written) -> None:
    asked: list[str] = []

    def answer(text: str) -> str:
        asked.append(text)
        return CANARY

    text = "all: {hosts: {mx1: {password: {prompt: login}, become_password: {prompt: sudo}}, mx2: {password: {env: NOT_SET_ANYWHERE}}}}\n"
    inventory.ask(written(text, secrets=Secrets(answer)).hosts)

    assert ["login", "sudo"] == asked


def test_nobody_is_asked_without_a_terminal() -> None:
    program = "from auditor.inventory import Secrets; Secrets().prompt('Password').read()"
    done = subprocess.run(
        [sys.executable, "-c", program], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )

    assert "AuditorError: cannot ask 'Password': standard input is no terminal" in done.stderr


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("{env: NOT_SET_ANYWHERE}", "the environment variable NOT_SET_ANYWHERE is not set"),
        ("{file: missing}", "missing cannot be read: no such file or directory"),
        ("{command: [sh, -c, 'echo canary-hunter2; exit 3']}", "ended with status 3"),
        ("{command: [/nonexistent/pass]}", "cannot be started: no such file or directory"),
        ("{command: 'true'}", "gives an empty first line"),
    ],
)
def test_a_secret_that_cannot_be_had_is_told_when_it_is_needed(written: Written, reference: str, message: str) -> None:
    secret = password_of(written(f"all: {{hosts: {{mx1: {{password: {reference}}}}}}}\n"))

    with pytest.raises(AuditorError) as caught:
        secret.read()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("{environment: X}", "'environment' is no way to give a secret"),
        ("{env: X, file: y}", "a secret is given by one reference"),
        ("{env: [X]}", "'env' of a secret takes text"),
        ("{command: 'pass \"show'}", "'command' of a secret takes a list of words"),
    ],
)
def test_a_bad_reference_is_told_with_its_place(written: Written, reference: str, message: str) -> None:
    with pytest.raises(InvalidFile, match=r"hosts.yaml:1:\d+: " + message):
        written(f"all: {{hosts: {{mx1: {{password: {reference}}}}}}}\n")


def test_a_password_in_clear_text_works_and_is_a_warning_with_its_line(written: Written) -> None:
    found = written(f"all:\n  hosts:\n    mx1:\n      ansible_password: {CANARY}\n")

    assert CANARY == password_of(found).read()
    assert [(4, "ansible_password is a password in clear text")] == [(w.where.line, w.message) for w in found.warnings]


def test_a_password_in_clear_text_is_shown_nowhere(written: Written) -> None:
    text = f"all:\n  vars: {{app_login: {CANARY}, nested: {{db_password: {CANARY}}}, url: 'imap://u:{CANARY}@mx1/'}}\n  hosts:\n"
    found = written(text + f"    mx1: {{ansible_password: {CANARY}, ansible_become_pass: {CANARY}}}\n")

    shown = "\n".join(map(repr, [found, found.hosts, *found.warnings, found.show("mx1")])) + "\n".join(
        map(str, found.warnings)
    )
    assert CANARY not in shown


def test_an_error_beside_a_password_does_not_quote_the_line(written: Written) -> None:
    with pytest.raises(InvalidFile) as caught:
        written(
            f"all:\n  hosts:\n    mx1: {{ansible_password: {CANARY}, ansible_port: x, ansible_become_pass: [{CANARY}]}}\n"
        )
    with pytest.raises(InvalidFile) as syntax:
        written(f"all:\n  hosts:\n    mx1: {{ansible_password: {CANARY}, : [}}\n")

    assert CANARY not in str(caught.value) + str(syntax.value)
    assert "ansible_port" in str(caught.value)


def test_plain_text_under_a_neutral_name_is_never_sent(written: Written) -> None:
    found = written("all: {hosts: {mx1: {password: of-some-database}}}\n")

    connection = found.hosts[0].connection
    assert isinstance(connection, Ssh)
    assert connection.password is None
    assert ["the text under 'password' is not used, only references are"] == [w.message for w in found.warnings]


def test_options_of_the_command_line_fill_in_what_the_inventory_leaves_open(written: Written) -> None:
    found = written("all: {hosts: {mx1: , mx2: {ansible_user: audit, ansible_become: no}}}\n")
    prompt = Secrets(lambda _text: CANARY).prompt("SSH password")

    first, second = (
        inventory.override(host, user="ops", password=prompt, become=True, become_password=prompt)
        for host in found.hosts
    )

    assert ("ops", "audit") == (first.connection.user, second.connection.user)  # type: ignore[union-attr]
    assert ("root", "least") == (first.privilege.mode, second.privilege.mode)
    assert prompt == first.privilege.password
