"""A configuration may name any path; what no mail server keeps there is not read, not even by root."""

from __future__ import annotations

import subprocess

import pytest

from auditor import framing, shell
from auditor.model.snapshot import Missing


@pytest.mark.parametrize(
    "path", ["/etc/shadow", "/etc/sudoers.d/x", "/root/list", "/proc/1/environ", "/etc/postfix/../shadow"]
)
def test_a_file_of_others_is_missing_with_the_reason(path: str) -> None:
    script = shell.compose([("toy", "true", f"file_text toy/table {path} cat")], settings={})
    output = subprocess.run(["sh", "-s"], input=script.text.encode(), capture_output=True, check=True).stdout
    (snapshot,) = framing.decode("here", output)
    content = snapshot.section("toy/table").content
    assert isinstance(content, Missing)
    assert "it is not read" in content.reason


def test_sudo_rules_for_other_users_and_with_exceptions_are_not_used() -> None:
    rules = "    (postgres) NOPASSWD: ALL\n    (root) NOPASSWD: ALL, !/usr/bin/cat\n    (ALL : ALL) NOPASSWD: /usr/bin/ss -ltnp\n"
    program = shell.prelude().partition("rules_of_sudo='")[2].partition("\n'")[0]
    found = subprocess.run(["awk", program], input=rules, capture_output=True, text=True, check=True).stdout
    assert found.splitlines() == ["/usr/bin/ss -ltnp"]
