"""The wire format: what is read, and what becomes of everything that is not as it should be."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime

import pytest

from auditor import framing
from auditor.errors import CollectionFailed
from auditor.model.snapshot import Missing, Section, Snapshot
from tests.unit.frames import HEADER, PLATFORMS, block, end, frame, recorded, section


def only(data: bytes) -> Snapshot:
    (snapshot,) = framing.decode("mx1", data)
    return snapshot


def test_a_section_has_its_output_errors_and_status() -> None:
    data = recorded(frame("postfix/postconf-n", b"mynetworks = 127.0.0.0/8\n", errors=b"postconf: warning\n", status=1))
    assert only(data).section("postfix/postconf-n") == Section(
        name="postfix/postconf-n", content=b"mynetworks = 127.0.0.0/8\n", errors=b"postconf: warning\n", status=1
    )


def test_the_snapshot_knows_its_host_its_time_and_its_script() -> None:
    snapshot = only(recorded())
    assert (snapshot.host, snapshot.platform) == ("mx1", "postfix")
    assert snapshot.taken_at == datetime(2026, 11, 25, 2, 2, 6, tzinfo=UTC)
    assert snapshot.script_digest == "a" * 64
    assert snapshot.incomplete == ""


def test_trailing_newlines_and_text_that_looks_like_a_header_survive() -> None:
    text = b"a\n@sum - 9\n@ 0 5 0 postfix/forged\nhello\n@end 1\n\n\n"
    snapshot = only(recorded(frame("postfix/x", text)))
    assert snapshot.section("postfix/x").content == text
    assert "postfix/forged" not in snapshot.sections


def test_a_missing_section_carries_its_reason() -> None:
    data = recorded(frame("postfix/x", b"auditor may not read it\n", status="missing"))
    assert only(data).section("postfix/x").content == Missing("auditor may not read it")


def test_what_a_login_shell_says_first_is_skipped() -> None:
    assert only(b"Welcome to mx1!\n\xff\xfe\x00\n" + recorded()).platform == "postfix"


def test_two_mail_servers_on_a_host_give_two_snapshots_that_share_the_host_sections() -> None:
    data = HEADER + frame("host/platforms", b"postfix found\nexim absent\nsendmail found\n")
    data += frame("postfix[/etc/postfix]/main.cf", b"") + frame("sendmail/x", b"") + frame("host/system", b"") + end(4)
    postfix, sendmail = framing.decode("mx1", data)
    assert list(postfix.sections) == ["host/platforms", "postfix[/etc/postfix]/main.cf", "host/system"]
    assert list(sendmail.sections) == ["host/platforms", "sendmail/x", "host/system"]


def test_a_host_without_a_mail_server_gives_no_snapshot() -> None:
    assert framing.decode("db1", HEADER + frame("host/platforms", b"postfix absent\n") + end(1)) == ()


@pytest.mark.parametrize("kept", [40, 60])
def test_a_section_that_is_cut_off_is_missing_and_so_is_everything_behind_it(kept: int) -> None:
    data = recorded(frame("postfix/a", b"x" * 100), frame("postfix/b", b"y"))
    at = data.index(b"postfix/a") + kept
    snapshot = only(data[:at])
    assert snapshot.section("postfix/a").content == Missing("the transfer was cut off")
    assert snapshot.section("postfix/b").content == Missing("the transfer was cut off")


def test_a_changed_byte_makes_the_section_missing_and_leaves_the_others() -> None:
    data = recorded(frame("postfix/a", b"mynetworks = 10.0.0.0/8\n"), frame("postfix/b", b"y"))
    snapshot = only(data.replace(b"10.0.0.0/8", b"0.0.0.0/00"))
    assert snapshot.section("postfix/a").content == Missing("the transfer was damaged")
    assert snapshot.section("postfix/b").content == b"y"


def test_sections_under_one_checksum_are_believed_or_doubted_together() -> None:
    data = recorded(block(section("postfix/a", b"x") + section("postfix/b", b"y")), frame("postfix/c", b"z"))
    data = data.replace(b"@end 3", b"@end 4")
    names = ("postfix/a", "postfix/b", "postfix/c")
    assert [only(data).section(name).content for name in names] == [b"x", b"y", b"z"]
    damaged = only(data.replace(b"\nx\n", b"\nX\n"))
    assert [damaged.section(name).content for name in names] == [Missing("the transfer was damaged")] * 2 + [b"z"]


def test_a_wrong_length_ends_the_reading() -> None:
    data = recorded(frame("postfix/a", b"abc"), frame("postfix/b", b"y")).replace(b"@ 0 3 0", b"@ 0 2 0", 1)
    assert only(data).section("postfix/b").content == Missing("the transfer was damaged")


def test_a_section_that_was_left_out_is_noticed_by_the_count() -> None:
    data = PLATFORMS + frame("postfix/a", b"x") + end(3)
    assert only(data).incomplete == "sections are missing from the snapshot"


def test_a_name_that_comes_twice_is_not_believed() -> None:
    data = recorded(frame("postfix/a", b"x"), frame("postfix/a", b"y"))
    assert only(data).section("postfix/a").content == Missing("it was sent twice")


def test_a_section_without_a_checksum_is_accepted() -> None:
    data = recorded(b"@ 0 1 0 postfix/a\nx\n@sum - 20\n")
    assert only(data).section("postfix/a").content == b"x"


@pytest.mark.parametrize(
    "header",
    [
        b"@ 0 999999999 999999999 postfix/a\n",
        b"@ 0 99999999999999999999 0 postfix/a\n",
        b"@ 0 -1 0 postfix/a\n",
        b"@ 0 1 0 ../../etc/passwd\n",
        b"@ 0 1 0 postfix/a\x1b[2J\n",
        b"@ 0 1 0 /etc/passwd\n",
        b"@ 0x1 1 0 postfix/a\n",
    ],
)
def test_a_header_with_absurd_numbers_or_names_gives_no_section(header: bytes) -> None:
    snapshot = only(recorded(block(header + b"x\n")))
    assert snapshot.incomplete in ("the transfer was damaged", "the transfer was cut off")
    assert all(isinstance(s.content, Missing) for name, s in snapshot.sections.items() if name != "host/platforms")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "there came no answer"),
        (b"\x00" * 100_000, "instead of a collection there came"),
        (b"\x1b[31mbash: \x07postconf: not found\n", "\\x1b[31mbash: \\x07postconf"),
        (b"x" * 70_000 + b"\n" + HEADER, "instead of a collection there came"),
        (b"mailaudit-snapshot 1 " + b"a" * 64, "the transfer was cut off in its first line"),
        (b"mailaudit-snapshot 1 zz 1\n", "malformed"),
        (HEADER.replace(b"\n", b"\r\n"), "line ends of the snapshot were changed"),
        (HEADER, "the transfer was cut off before the first section"),
        (HEADER + end(0), "does not say which mail servers"),
        (HEADER.replace(b"snapshot 1", b"snapshot 2"), "format 2, this release reads format 1"),
    ],
)
def test_what_is_no_collection_is_named(data: bytes, words: str) -> None:
    with pytest.raises(CollectionFailed) as caught:
        framing.decode("mx1", data)
    assert words in str(caught.value)
    assert caught.value.advice
    assert str(caught.value).isprintable()


def test_what_the_shell_said_on_stderr_is_told() -> None:
    with pytest.raises(CollectionFailed, match=r"no answer; stderr: 'This account is not available.'; exit status 1"):
        framing.decode("mx1", b"", b"\nThis account is not available.", 1)


SECRETS = {
    "a private key": b"-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n",
    "a hash of Dovecot's": b"bob@example.org {SSHA256}SoB/eSee+zDlSHf0zAvOeBRHtTuyXXJBQxVOLgwP\n",
    "a hash of crypt(3)": b"bob:$6$Zs7gCPzl$Qd0.kBsrLr2xEnoq2xW7e5d0xUJPmDhTsu7w1Zx3Y7.\n",
    "a bcrypt hash": b"bob $2y$05$bvIG6Nmid91Mu9RcmmWZfO5HJIMCT8riNW0hEp8f6/FuA2/mHZFpe\n",
    "a password in a map's definition": b"smtp_sasl_password_maps = static:bob:hunter2\n",
}


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_a_section_that_holds_a_secret_is_refused(text: bytes) -> None:
    snapshot = only(recorded(frame("postfix[/etc/postfix]/file /etc/postfix/vusers", text)))
    (section,) = (s for s in snapshot.sections.values() if s.name.startswith("postfix["))
    assert section.content == Missing("refused: it looks like it holds a secret")


@pytest.mark.parametrize(
    "text", [b"[mail.example.net]:587 bob:hunter2\n", b"example.net  bob@example.org:hunter2\n", b"[mx] bob:x  \n"]
)
def test_a_file_with_logins_is_refused(text: bytes) -> None:
    snapshot = only(recorded(frame("postfix[/etc/postfix]/file /etc/postfix/relay", b"# x\n" + text)))
    assert isinstance(snapshot.section("postfix[/etc/postfix]/file /etc/postfix/relay").content, Missing)


@pytest.mark.parametrize(
    "text",
    [
        b"example.org smtp:mx.example.net\n.example.org relay:[mx.example.net]:25\n",
        b"example.org smtp:[mx.example.net]:587\n",
        b"[mail.example.net]:587 secure match=mail.example.net:x\n",
        b"bob@example.org alice@example.net\n",
        b"smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\nsmtp_sasl_password_maps = static:[redacted]\n",
        b"smtpd_tls_fingerprint_digest = ${{$compatibility_level} <level {3.6} ? {md5} : {sha256}}\n",
        b"myhostname = smtp.${mydomain}.example.org.example\n",
        b"/^(.*)@old$/ $1@example.org\n/^x(.*)-(.*)$/ $1$2-something-long\n",
    ],
)
def test_ordinary_settings_and_tables_are_not_taken_for_secrets(text: bytes) -> None:
    snapshot = only(recorded(frame("postfix[/etc/postfix]/file /etc/postfix/transport", text)))
    assert snapshot.section("postfix[/etc/postfix]/file /etc/postfix/transport").content == text


@pytest.mark.parametrize("data", [b"", b"a", b"hello", bytes(range(256)) * 300])
def test_our_cksum_is_that_of_posix(data: bytes) -> None:
    answer = subprocess.run(["cksum"], input=data, capture_output=True, check=True).stdout
    assert int(answer.split()[0]) == framing.cksum(data)
