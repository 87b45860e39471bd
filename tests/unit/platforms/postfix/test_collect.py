"""From a host's collection to its instances, and to the sudoers lines of its login user."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from auditor.model.snapshot import Missing, Section, Snapshot
from auditor.platforms.postfix import collect

POSTMULTI = "-               -               y         /etc/postfix\npostfix-out     mta             y         /etc/postfix-out\n"


def snapshot(sections: Mapping[str, str], incomplete: str = "") -> Snapshot:
    return Snapshot(
        host="mx1",
        platform="postfix",
        incomplete=incomplete,
        sections={name: Section(name=name, content=text.encode()) for name, text in sections.items()},
    )


HOST = snapshot(
    {
        "postfix/postconf-d": "mail_version = 3.7.11\n",
        "postfix/instances": POSTMULTI,
        "postfix[/etc/postfix]/main.cf": "myhostname = mx1\n",
        "postfix[/etc/postfix]/file /etc/postfix/access": "203.0.113.9 OK\n",
        "postfix[/etc/postfix-out]/main.cf": "myhostname = out\n",
        "host/system": "uid=1000\n",
    }
)


def test_each_instance_has_its_own_sections_and_those_of_the_host() -> None:
    primary, out = collect.instances(HOST)
    assert [primary.instance, out.instance] == ["", "postfix-out"]
    assert out.section("main.cf").text == "myhostname = out\n"
    assert list(out.sections) == ["main.cf", "postconf-d", "instances", "host/system"]
    assert list(primary.sections) == ["main.cf", "file /etc/postfix/access", "postconf-d", "instances", "host/system"]


def test_the_section_of_a_file_is_named_after_its_path() -> None:
    primary, out = collect.instances(HOST)
    assert out.section("main.cf").name == "/etc/postfix-out/main.cf"
    assert primary.section("file /etc/postfix/access").name == "/etc/postfix/access"
    assert primary.section("postconf-d").name == "postconf-d"


def test_an_instance_that_postmulti_did_not_name_is_called_by_its_directory() -> None:
    sections = {name: section for name, section in HOST.sections.items() if name != "postfix/instances"}
    primary, out = collect.instances(Snapshot(host="mx1", platform="postfix", sections=sections))
    assert [primary.instance, out.instance] == ["", "/etc/postfix-out"]


def test_one_instance_is_left_as_it_is() -> None:
    (primary, _) = collect.instances(HOST)
    assert collect.instances(primary) == (primary,)


def test_a_collection_that_was_cut_off_early_is_still_one_server() -> None:
    cut = snapshot({"postfix/postconf-d": "mail_version = 3.7.11\n"}, incomplete="the transfer was cut off")
    (only,) = collect.instances(cut)
    assert only.section("postconf-d").text == "mail_version = 3.7.11\n"
    assert only.section("main.cf").content == Missing("the transfer was cut off")


SETTINGS = {
    "postfix[/etc/postfix]/directory": "/etc/postfix\n",
    "postfix[/etc/postfix]/main.cf": """compatibility_level = 3.6
smtpd_tls_cert_file = /etc/ssl/certs/mx1.pem
smtpd_tls_key_file = /etc/ssl/private/mx1,old.key
smtpd_recipient_restrictions = check_client_access hash:$config_directory/access, reject_unauth_destination
mynetworks = 127.0.0.0/8, /etc/postfix/networks
smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd
alias_maps = hash:/etc/aliases
""",
    "postfix[/etc/postfix]/master.cf": """smtp inet n - y - - smtpd
submission inet n - y - - smtpd
  -o smtpd_tls_key_file=/etc/ssl/private/submission.key
""",
}
PRIVILEGES = """plain /usr/bin/cat /etc/postfix/main.cf
sudo /usr/bin/ss -ltnp
refused /usr/bin/openssl pkey -in /etc/ssl/private/mx1,old.key -passin pass: -pubout
"""


def lines(privileges: str, settings: Mapping[str, str] = SETTINGS, uid: int = 1000) -> tuple[str, ...]:
    known = snapshot({**settings, "host/privileges": privileges, "host/system": f"machine=x86_64\nuid={uid}\n"})
    return tuple(collect.privileged(known))


def test_the_sudoers_lines_of_a_known_host_are_what_its_user_could_not_do_alone() -> None:
    assert lines(PRIVILEGES) == (
        "/usr/bin/ss -ltnp",
        r"/usr/bin/openssl pkey -in /etc/ssl/private/mx1\,old.key -passin pass\: -pubout",
    )


def test_a_snapshot_taken_by_root_gives_every_command_that_may_need_root() -> None:
    assert lines(PRIVILEGES, uid=0)[0] == "/usr/bin/cat /etc/postfix/main.cf"
    assert len(lines(PRIVILEGES, uid=0)) == 3


@pytest.mark.parametrize(
    "command",
    [
        "/usr/sbin/postmulti -l",
        "/usr/bin/netstat -ltnp",
        "/usr/sbin/postconf -c /etc/postfix -Px",
        "/usr/bin/cat /etc/postfix/master.cf",
        "/usr/bin/cat /etc/postfix/access",
        "/usr/bin/cat /etc/postfix/networks",
        "/usr/bin/cat /etc/postfix/sasl/smtpd.conf",
        "/usr/bin/cat /usr/lib/x86_64-linux-gnu/sasl2/smtpd.conf",
        "/usr/sbin/postmap -c /etc/postfix -s hash:/etc/postfix/access",
        "/usr/bin/openssl pkey -in /etc/ssl/private/submission.key -passin pass: -pubout",
        "/usr/bin/openssl x509 -in /etc/ssl/certs/mx1.pem -noout -passin pass: -text -fingerprint -sha256 -pubkey -nameopt RFC2253",
        "/usr/bin/stat -L -c %f/%u/%U/%g/%G/%s/%Y/%n -- /etc/postfix/sasl_passwd.db",
        "/usr/bin/stat -L -c %f/%u/%U/%g/%G/%s/%Y/%n -- /etc/ssl/private",
        "/usr/bin/stat -L -c %f/%u/%U/%g/%G/%s/%Y/%n -- /etc/sasldb2",
    ],
)
def test_a_command_of_ours_for_a_file_that_a_setting_names_is_printed(command: str) -> None:
    assert lines(f"sudo {command}\n") == (collect.escaped(command),)


@pytest.mark.parametrize(
    "command",
    [
        "/bin/sh",
        "ALL",
        "",
        "cat /etc/postfix/main.cf",
        "/tmp/evil/cat /etc/postfix/main.cf",
        "/usr/bin/catx /etc/postfix/main.cf",
        "/usr/bin/cat *",
        "/usr/bin/cat /etc/shadow",
        "/usr/bin/cat /etc/postfix/unnamed",
        "/usr/bin/cat /etc/postfix/sasl_passwd",
        "/usr/bin/cat /etc/aliases",
        "/usr/bin/cat /etc/ssl/private/mx1,old.key",
        "/usr/bin/cat /etc/postfix/access /etc/shadow",
        "/usr/bin/cat /etc/postfix/access, /bin/sh",
        "/usr/bin/cat /etc/postfix/access\x1b[2J",
        "/usr/sbin/postconf -e x=y",
        "/usr/sbin/postconf -c /tmp/own -n",
        "/usr/sbin/postmap /etc/postfix/access",
        "/usr/sbin/postmap -c /etc/postfix -s hash:/etc/postfix/sasl_passwd",
        "/usr/bin/openssl pkey -in /etc/ssl/private/mx1,old.key -passin pass: -out /etc/passwd",
        "/usr/bin/openssl pkey -in /etc/ssl/private/mx1,old.key -passin pass:",
        "/usr/bin/openssl pkey -in /etc/ssl/private/other.key -passin pass: -pubout",
        "/usr/bin/stat -L -c %f/%u/%U/%g/%G/%s/%Y/%n -- /root/.ssh/id_rsa",
    ],
)
def test_a_snapshot_cannot_slip_another_command_or_file_into_sudoers(command: str) -> None:
    assert lines(f"sudo {command}\nrefused {command}\nplain {command}\n", uid=0) == ()


@pytest.mark.parametrize(
    "path",
    [
        "/etc/shadow",
        "/etc//shadow",
        "/etc/./shadow",
        "//etc/shadow",
        "/etc/gshadow",
        "/etc/shadow-",
        "/etc/sudoers",
        "/etc/sudoers.d/auditor",
        "/etc/postfix/../shadow",
        "/root/.ssh/id_rsa",
        "/home/alice/access",
        "/etc/postfix/.ssh/key",
        "/proc/1/environ",
        "/sys/kernel/notes",
        "/dev/sda",
        "/tmp/link",
    ],
)
def test_a_forged_configuration_cannot_justify_files_that_are_no_mail_servers(path: str) -> None:
    forged = {
        "postfix[/etc/postfix]/directory": "/etc/postfix\n",
        "postfix[/etc/postfix]/main.cf": f"smtpd_tls_key_file = {path}\nsmtpd_tls_cert_file = {path}\nmynetworks = {path}\n"
        f"relay_domains = hash:{path}\n",
    }
    ran = (
        f"/usr/bin/cat {path}",
        f"/usr/bin/openssl pkey -in {path} -passin pass: -pubout",
        f"/usr/sbin/postmap -c /etc/postfix -s hash:{path}",
        f"/usr/bin/stat -L -c %f/%u/%U/%g/%G/%s/%Y/%n -- {path}",
    )
    assert lines("".join(f"sudo {command}\n" for command in ran), forged) == ()


@pytest.mark.parametrize(
    "path",
    [
        "/etc/ssh/ssh_host_rsa_key",
        "/etc/ssl/private/mx.key",
        "/var/mail/root",
        "/var/log/auth.log",
        "/etc/ppp/chap-secrets",
    ],
)
def test_no_text_is_printed_that_is_no_table_of_a_mail_server(path: str) -> None:
    forged = {**SETTINGS, "postfix[/etc/postfix]/main.cf": f"relay_domains = hash:{path} {path}\n"}
    assert lines(f"sudo /usr/bin/cat {path}\nsudo /usr/sbin/postmap -c /etc/postfix -s hash:{path}\n", forged) == ()


def test_without_a_snapshot_there_are_the_commands_of_a_default_installation() -> None:
    lines = collect.privileged(None)
    assert "/usr/sbin/postconf -c /etc/postfix -n" in lines
    assert not [line for line in lines if "*" in line or "?" in line]
