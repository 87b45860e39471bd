"""What a folder's files may show: the filters of collect.sh once more, in Python, and the two say the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.platforms.postfix import redaction
from tests.unit.platforms.postfix.test_collect_redaction import LINES, SERVICES, SETTINGS, redacted

SHOWN = {"setting": redaction.main_cf, "service": redaction.master_cf}


def shown(mode: str, text: str) -> str:
    content = text.encode()
    return SHOWN[mode](content, redaction.names_of_secrets(content, b"")).decode()


@pytest.mark.parametrize(("text", "expected"), SETTINGS)
def test_settings(text: str, expected: str | None) -> None:
    assert shown("setting", text) == (text if expected is None else expected)


@pytest.mark.parametrize(("text", "expected"), SERVICES)
def test_services(text: str, expected: str | None) -> None:
    assert shown("service", text) == (text if expected is None else expected)


def test_a_table_loses_its_comments_and_nothing_else() -> None:
    assert redaction.table(b"# bob:hunter2\na OK\n #b\n\n b\r\n") == b"#\na OK\n#\n\n b\r\n"


WORDS = ("smtp_sasl_password_maps", "db_pw", "x", "Password", "bind_pw", "token", "$x", "${db_pw}", "u:w@h", "w", "yes")
MARKS = (" ", " ", "  ", "\t", "=", " = ", "=", "{", "}", ":", "/", "@", ",", "#", "\n", "\n", "\n ", "\n  ", "\n#")
STARTS = ("static:", "inline:", "inet:", "hash:/a", "ldap://", "--password", "-p", "-o")
PIECES = st.sampled_from((*WORDS, *MARKS, *STARTS))
TEXTS = st.one_of(st.lists(PIECES, max_size=40).map("".join), LINES.map("\n".join)).map(lambda text: text + "\n")


@settings(max_examples=150, deadline=None)
@given(text=TEXTS, mode=st.sampled_from(["setting", "service"]))
def test_the_script_on_the_server_says_the_same(text: str, mode: str) -> None:
    assert shown(mode, text) == redacted(Path("/usr/bin"), mode, text)
