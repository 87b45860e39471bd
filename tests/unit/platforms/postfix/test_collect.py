"""From a host's collection to its instances, and to the sudoers lines of its login user."""

from __future__ import annotations

from collections.abc import Mapping

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


PRIVILEGES = """plain /usr/bin/cat /etc/postfix/main.cf
sudo /usr/bin/ss -ltnp
refused /usr/bin/openssl pkey -in /etc/ssl/private/mx1,old.key -passin pass: -pubout
"""


def test_the_sudoers_lines_of_a_known_host_are_what_its_user_could_not_do_alone() -> None:
    known = snapshot({"host/privileges": PRIVILEGES, "host/system": "user=auditor\nuid=1000\n"})
    assert collect.privileged(known) == (
        "/usr/bin/ss -ltnp",
        r"/usr/bin/openssl pkey -in /etc/ssl/private/mx1\,old.key -passin pass\: -pubout",
    )


def test_a_snapshot_taken_by_root_gives_every_command_that_may_need_root() -> None:
    known = snapshot({"host/privileges": PRIVILEGES, "host/system": "user=root\nuid=0\n"})
    assert collect.privileged(known)[0] == "/usr/bin/cat /etc/postfix/main.cf"
    assert len(collect.privileged(known)) == 3


def test_without_a_snapshot_there_are_the_commands_of_a_default_installation() -> None:
    lines = collect.privileged(None)
    assert "/usr/sbin/postconf -c /etc/postfix -n" in lines
    assert not [line for line in lines if "*" in line or "?" in line]


def test_a_snapshot_cannot_slip_other_commands_or_patterns_into_sudoers() -> None:
    hostile = "sudo /bin/sh\nsudo ALL\nsudo /usr/bin/cat *\nsudo /tmp/catx /etc/shadow\nsudo cat /etc/postfix/main.cf\nsudo \n"
    hostile += "sudo /usr/bin/cat /etc/x, /bin/sh\nsudo /usr/bin/cat /etc/x\x1b[2J\n"
    known = snapshot({"host/privileges": hostile, "host/system": "uid=1000\n"})
    assert collect.privileged(known) == (r"/usr/bin/cat \*", r"/usr/bin/cat /etc/x\, /bin/sh")
