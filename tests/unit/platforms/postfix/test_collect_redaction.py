"""The filters of collect.sh: what they hide, what they leave, under every awk that is here."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor import shell
from auditor.platforms.postfix import collect

AWKS = {"mawk": ["mawk"], "gawk": ["gawk"], "original-awk": ["original-awk"], "busybox": ["busybox", "awk"]}


@pytest.fixture(scope="module", params=[name for name, command in AWKS.items() if shutil.which(command[0])])
def awk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `awk` is one of the implementations."""
    found = shutil.which(AWKS[request.param][0])
    assert found
    folder = tmp_path_factory.mktemp("awk")
    (folder / "awk").symlink_to(found)
    return folder


def redacted(awk: Path, mode: str, text: str) -> str:
    """The text after the filter, with the names of secrets taken from the text itself."""
    program = (
        f"path={awk}:/usr/bin:/bin\n{shell.prelude()}\n{collect.body().replace(chr(10) + 'postfix_host' + chr(10), chr(10))}\n"
        f'secret_names=$(emit "$text" | awk "$names_of_secrets")\nemit "$text" | filtered {mode}\n'
    )
    done = subprocess.run(
        ["sh", "-c", program], env={**os.environ, "text": text}, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout


SETTINGS = [
    ("relay_password = hunter2\n", "relay_password = [redacted]\n"),
    ("relay_password =\n  hunter2\n  more\n", "relay_password =\n  [redacted]\n\n"),
    ("smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\n", None),
    ("smtp_sasl_password_maps = proxy:mysql:/etc/postfix/mysql.cf, $config_directory/x\n", None),
    ("smtp_sasl_password_maps =\n", None),
    ("smtp_sasl_password_maps = static:bob:hunter2\n", "smtp_sasl_password_maps = static:[redacted]\n"),
    (
        "smtp_sasl_password_maps = hash:/a\n inline:{ {b = c:hunter2} }\n hash:/d\nx = y\n",
        "smtp_sasl_password_maps = hash:/a\n inline:[redacted]\n\nx = y\n",
    ),
    (
        "w = hunter2\nsmtp_sasl_password_maps = static:bob:${w}\n",
        "w = [redacted]\nsmtp_sasl_password_maps = static:[redacted]\n",
    ),
    ("w_pw = hunter2\nmailbox_command = deliver $w_pw\n", "w_pw = [redacted]\nmailbox_command = [redacted]\n"),
    ("# password hunter2\n", "#\n"),
    ("a = b\n  # hunter2\n  c\n", "a = b\n#\n  c\n"),
    ("mailbox_command = x --password hunter2 y\n", "mailbox_command = x --password [redacted] y\n"),
    ("x = http://bob:hunter2@db/y\n", "x = http://[redacted]@db/y\n"),
    ("proxy_read_maps = $x hash:/a static:*\n", None),
    ("proxy_read_maps = hash:/a static:b:hunter2 hash:/c\n", "proxy_read_maps = hash:/a [redacted]\n"),
    ("header_address_token_limit = 10240\n", None),
    ("transport_maps = static:smtp:[mx.example.net]:25\n", None),
    ("check = inline:{{a@b.c = REJECT}}, hash:/etc/postfix/access\n\ttab\n \nb=c\n", None),
    ("smtpd_sasl_password = yes\n", None),
    (
        "c = check_policy_service inet:bob:hunter2@192.0.2.1:10, permit\n",
        "c = check_policy_service inet:[redacted]@192.0.2.1:10, permit\n",
    ),
    ("m = ldap:ldap://cn=a:hunter2@db/ hash:/b\n", "m = ldap:ldap://[redacted]@db/ hash:/b\n"),
    ("smtp_sasl_password_maps = ldap://a:hunter2@db/\n", "smtp_sasl_password_maps = ldap://[redacted]@db/\n"),
    (
        "m = pgsql:{ {user = x} {password = hunter2 hunter2} {dbname = y} }\n",
        "m = pgsql:{ {user = x} {password = [redacted]} {dbname = y} }\n",
    ),
    ("m = ldap:{ {bind_pw=hunter2} }\n", "m = ldap:{ {bind_pw=[redacted]} }\n"),
    ("m = inline:{ password = hunter2 }\n", "m = inline:{ password = [redacted]}\n"),
    ("m = pgsql:{ {Password =\n  hunter2} }\nx = y\n", "m = pgsql:{ {Password =[redacted]\n\nx = y\n"),
    ("m = pgsql:{ {password\n  = hunter2} }\nx = y\n", "m = pgsql:{ {password\n\nx = y\n"),
    ("m = /x --dbpass = hunter2 y, token=hunter2\n", "m = /x --dbpass = [redacted] y, token=[redacted]\n"),
    ("my password hunter2\n hunter2\n", "[redacted]\n\n"),
    ("smtpd_milters = inet:8891@localhost, inet:[::1]:8891, unix:/run/x\n", None),
    ("virtual_alias_maps = static:postmaster@example.org\n", None),
    ("x = smtp_sasl_password_maps=hash:/a\n", None),
]


@pytest.mark.parametrize(("text", "expected"), SETTINGS)
def test_settings(awk: Path, text: str, expected: str | None) -> None:
    assert redacted(awk, "setting", text) == (text if expected is None else expected)


SERVICES = [
    ("smtp inet n - y - - smtpd\n  -o smtpd_sasl_auth_enable=no\n\t-o { x = a b }\n", None),
    ("relay unix - - y - - smtp\n -o smtp_sasl_password_maps=hash:/etc/x -o a=b\n", None),
    (
        "relay unix - - y - - smtp\n -o smtp_sasl_password_maps=static:b:hunter2 -o a=b\n",
        "relay unix - - y - - smtp\n -o smtp_sasl_password_maps=static:[redacted] -o a=b\n",
    ),
    (
        "relay unix - - y - - smtp -o { smtp_sasl_password_maps = inline:{ {b = c:hunter2} } } -o a=b\n -o c=d\n",
        "relay unix - - y - - smtp -o { smtp_sasl_password_maps = inline:[redacted] } -o a=b\n -o c=d\n",
    ),
    (
        "relay unix - - y - - smtp -o {smtp_sasl_password_maps=static:b:hunter2} -o a=b\n",
        "relay unix - - y - - smtp -o {smtp_sasl_password_maps=static:[redacted]} -o a=b\n",
    ),
    (
        "x unix - n n - - pipe\n user=v argv=/x --password hunter2 -u ${user}\n",
        "x unix - n n - - pipe\n user=v argv=/x --password [redacted] -u ${user}\n",
    ),
    ("#submission inet n - y - - smtpd\n", "#\n"),
    ("x unix - - n - - smtp -o a=inet:bob:hunter2@db:10\n", "x unix - - n - - smtp -o a=inet:[redacted]@db:10\n"),
    (
        "x unix - - n - - smtp -o { a = pgsql:{ {user=x} {password = hunter2} } } -o b=c\n",
        "x unix - - n - - smtp -o { a = pgsql:{ {user=x} {password = [redacted] } -o b=c\n",
    ),
    ("x unix - - n - - smtp -o header_address_token_limit=1 -o a=$db_password -o b=$mua_c\n", None),
]


@pytest.mark.parametrize(("text", "expected"), SERVICES)
def test_services(awk: Path, text: str, expected: str | None) -> None:
    assert redacted(awk, "service", text) == (text if expected is None else expected)


WARNING = "postconf: warning: /etc/postfix/main.cf"
COMPLAINTS = [
    (f"{WARNING}, line 9: overriding earlier entry: mynetworks=10.0.0.0/8\n", None),
    (f"{WARNING}: unused parameter: smtpd_tls_auth_onyl=yes\n", None),
    (f"{WARNING}: unused parameter: harmless=hunter2\n", f"{WARNING}: unused parameter: harmless=[redacted]\n"),
    (
        f"{WARNING}, line 9: overriding earlier entry: smtp_sasl_password_maps=static:b:hunter2\n",
        f"{WARNING}, line 9: overriding earlier entry: smtp_sasl_password_maps=static:[redacted]\n",
    ),
    (
        "postconf: fatal: /etc/postfix/main.cf, line 3: missing '=' after attribute name: \"password hunter2\"\n",
        "postconf: fatal: /etc/postfix/main.cf, line 3: missing '=' after attribute name: [redacted]\n",
    ),
    ("1 may not read it, and sudo wants a password. Allow this command: /usr/bin/ss -ltnp\n", None),
    ("postconf: fatal: open /etc/postfix/main.cf: Permission denied\n", None),
]


@pytest.mark.parametrize(("text", "expected"), COMPLAINTS)
def test_complaints(awk: Path, text: str, expected: str | None) -> None:
    assert redacted(awk, "complaint", text) == (text if expected is None else expected)


WORDS = st.sampled_from(["hash:/etc/x", "CANARY", "b:CANARY", "yes", "$v", "inline:{", "}", "{", "static:b:CANARY"])
LINES = st.lists(
    st.one_of(
        st.builds("{} = {}".format, st.sampled_from(["smtp_sasl_password_maps", "db_secret"]), st.just("static:b:$v")),
        st.builds(" {} {}".format, WORDS, WORDS),
        st.builds("smtp_sasl_password_maps = {} {}".format, WORDS, WORDS),
        st.builds("api_token={} {}".format, WORDS, WORDS),
        st.builds("#{} {}".format, WORDS, WORDS),
        st.just(""),
        st.just("v = CANARY"),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES)
def test_no_shape_of_a_secret_setting_lets_the_value_through_and_every_line_keeps_its_number(lines: list[str]) -> None:
    # A first line that is no continuation of anything, and a reference that makes `v` a secret.
    text = "\n".join(["smtp_sasl_password_maps = static:b:$v", *lines]) + "\n"
    found = redacted(Path("/usr/bin"), "setting", text)
    assert "CANARY" not in found
    assert found.count("\n") == text.count("\n")
