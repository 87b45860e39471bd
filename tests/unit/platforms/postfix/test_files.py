"""Servers found in a folder of files, and what their files say."""

import pytest

from auditor.model.host import Release
from auditor.model.snapshot import Missing
from auditor.platforms.postfix.files import from_files, recognise
from auditor.platforms.postfix.parse import parse

MAIN = b"compatibility_level = 3.6\nmynetworks = 127.0.0.0/8\nsmtpd_client_restrictions = check_client_access hash:/etc/postfix/access\n"


@pytest.mark.parametrize(
    ("paths", "groups"),
    [
        (["main.cf", "master.cf", "access"], [["main.cf", "master.cf", "access"]]),
        (["etc/postfix/main.cf", "etc/aliases"], [["etc/postfix/main.cf", "etc/aliases"]]),
        (
            ["mx1/etc/postfix/main.cf", "mx1/etc/aliases", "mx2/etc/postfix/main.cf", "README"],
            [["mx1/etc/postfix/main.cf", "mx1/etc/aliases"], ["mx2/etc/postfix/main.cf"]],
        ),
        (["a/main.cf", "b/main.cf", "b/access"], [["a/main.cf"], ["b/main.cf", "b/access"]]),
        (
            ["etc/postfix/main.cf", "etc/postfix-out/main.cf", "etc/aliases"],
            [["etc/postfix/main.cf", "etc/aliases"], ["etc/postfix-out/main.cf", "etc/aliases"]],
        ),
        (["README", "main.cf.dist"], []),
    ],
)
def test_each_folder_with_a_main_cf_is_a_server(paths: list[str], groups: list[list[str]]) -> None:
    found = recognise(dict.fromkeys(paths, b""))
    assert sorted(map(sorted, groups)) == sorted(sorted(group) for group in found)


@pytest.mark.parametrize(
    ("home", "table", "instance"),
    [
        ("", "access", ""),
        ("etc/postfix/", "etc/postfix/access", ""),
        ("mx1/etc/postfix/", "mx1/etc/postfix/access", "mx1"),
        ("roles/mail/files/", "roles/mail/files/access", "roles/mail/files"),
        ("", "tables/access", ""),
    ],
)
def test_a_table_is_found_where_the_repository_keeps_it_and_origins_say_so(
    home: str, table: str, instance: str
) -> None:
    snapshot = from_files({f"{home}main.cf": MAIN, table: b"192.0.2.7 OK\n"}, None)
    postfix = parse(snapshot)
    assert isinstance(postfix.access_entries, tuple)
    assert [f"{table}:1"] == [str(entry.origin) for entry in postfix.access_entries]
    assert f"{home}main.cf:1" == str(postfix.main.lookup("compatibility_level").origin)
    assert instance == snapshot.instance


def test_a_table_of_two_equally_likely_files_is_not_guessed() -> None:
    snapshot = from_files({"main.cf": MAIN, "a/access": b"x OK\n", "b/access": b"y OK\n"}, None)
    assert "file /etc/postfix/access" not in snapshot.sections


def test_a_password_map_is_not_taken_in() -> None:
    main = b"smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\n"
    snapshot = from_files({"main.cf": main, "sasl_passwd": b"[smtp.example.net]:587 alice:geheim4711\n"}, None)
    assert not any(b"geheim4711" in s.content for s in snapshot.sections.values() if not isinstance(s.content, Missing))


def sent(files: dict[str, bytes]) -> bytes:
    """All that a snapshot of the files holds."""
    sections = from_files(files, None).sections.values()
    return b"".join(s.content for s in sections if not isinstance(s.content, Missing))


@pytest.mark.parametrize(
    "main",
    [
        b"smtp_sasl_password_maps = hash:/etc/postfix/maps\ntransport_maps = hash:/etc/postfix/maps\n",
        b"smtp_sasl_password_maps = $logins\nlogins = hash:$config_directory/maps\ntransport_maps = hash:/etc/postfix/maps\n",
        b"virtual_alias_maps = proxy:mysql:/etc/postfix/maps\ntransport_maps = hash:/etc/postfix/maps\n",
    ],
)
def test_a_file_that_holds_logins_is_not_taken_in_for_another_use(main: bytes) -> None:
    assert b"geheim4711" not in sent({"main.cf": main, "maps": b"example.org smtp:[mx]\npassword = geheim4711\n"})


def test_a_table_that_looks_like_a_password_map_is_refused() -> None:
    main = b"transport_maps = hash:/etc/postfix/maps\n"
    snapshot = from_files({"main.cf": main, "maps": b"[smtp.example.net]:587 alice:geheim4711\n"}, None)
    assert Missing("refused: it looks like it holds a secret") == snapshot.section("file /etc/postfix/maps").content


def test_secrets_and_comments_stay_behind() -> None:
    main = (
        b"# old: geheim4711\nsmtp_sasl_password_maps = static:$user:$word\nword = geheim4711\n"
        b"virtual_alias_maps = pgsql:{ {password = geheim4711} }\nmilters = inet:bob:geheim4711@192.0.2.1:10\n"
    )
    master = b"x unix - n n - - smtp -o smtp_sasl_password_maps=static:bob:geheim4711\n"
    table = b"# geheim4711\nexample.net OK\n"
    files = {"main.cf": main + MAIN, "master.cf": master, "access": table}
    assert b"geheim4711" not in sent(files)
    assert b"\nexample.net OK\n" in sent(files)


def test_what_was_assumed_is_noted() -> None:
    notes = parse(from_files({"main.cf": MAIN}, None)).problems
    assert (
        "the release is not stated: 3.10.13 is assumed",
        "there is no master.cf among the files: Debian's is assumed",
    ) == notes
    assert () == parse(from_files({"main.cf": MAIN, "master.cf": b""}, Release.parse("3.7"))).problems


def test_what_only_a_server_could_tell_is_missing_with_that_reason() -> None:
    assert (
        Missing("only a running server could tell")
        == from_files({"main.cf": MAIN}, None).section("host/listening").content
    )


def test_without_main_cf_nothing_is_made_up() -> None:
    postfix = parse(from_files({"master.cf": b"smtp inet n - y - - smtpd\n"}, None))
    assert "there is no main.cf among the files" in str(postfix.warnings)
