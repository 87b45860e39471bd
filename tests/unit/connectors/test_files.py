from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from auditor.connectors import files, read_folder
from auditor.errors import UsageError


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An unpacked image with Postfix in it; beside it a secret that is none of our business."""
    (tmp_path / "secret").write_text("canary")
    root = tmp_path / "image"
    (root / "etc/postfix").mkdir(parents=True)
    (root / "etc/postfix/main.cf").write_bytes(b"myhostname = mx1.example.org\n")
    return root


def test_files_are_found_by_their_path_in_the_folder(image: Path) -> None:
    (image / "README").write_bytes(b"\xff\x00")
    contents = read_folder(image)
    assert {"README": b"\xff\x00", "etc/postfix/main.cf": b"myhostname = mx1.example.org\n"} == contents.files
    assert {} == contents.unreadable
    assert ["README", "etc/postfix/main.cf"] == list(contents.files)


def test_the_store_of_a_repository_is_skipped(image: Path) -> None:
    (image / ".git").mkdir()
    (image / ".git" / "config").write_text("[core]")
    assert ["etc/postfix/main.cf"] == list(read_folder(image).files)


def test_absolute_links_lead_where_they_would_on_the_server(image: Path) -> None:
    (image / "etc/postfix/master.cf").symlink_to("/usr/share/postfix/master.cf.dist")
    (image / "usr/share/postfix").mkdir(parents=True)
    (image / "usr/share/postfix/master.cf.dist").write_bytes(b"smtp inet n - y - - smtpd\n")
    assert b"smtp inet n - y - - smtpd\n" == read_folder(image).files["etc/postfix/master.cf"]


def test_links_through_linked_folders_are_followed_inside_the_folder(image: Path) -> None:
    (image / "etc/mail").symlink_to("postfix")
    (image / "main.cf").symlink_to("etc/mail/../mail/main.cf")
    contents = read_folder(image)
    assert b"myhostname = mx1.example.org\n" == contents.files["main.cf"]
    assert {"etc/mail": "is a link to a folder"} == contents.unreadable


@pytest.mark.parametrize("target", ["../secret", "../../../../../../secret", "/../secret"])
def test_links_never_lead_out_of_the_folder(image: Path, target: str) -> None:
    (image / "leak").symlink_to(target)
    contents = read_folder(image)
    assert "leak" not in contents.files
    assert "No such file or directory" == contents.unreadable["leak"]


def test_an_absolute_link_to_a_file_outside_is_looked_up_inside(image: Path) -> None:
    (image / "passwd").symlink_to("/etc/passwd")
    assert {"passwd": "No such file or directory"} == read_folder(image).unreadable


def test_links_in_a_circle_are_reported(image: Path) -> None:
    (image / "a").symlink_to("b")
    (image / "b").symlink_to("a")
    (image / "self").symlink_to("self")
    assert dict.fromkeys(("a", "b", "self"), "is a loop of symbolic links") == read_folder(image).unreadable


def test_what_is_no_file_is_not_opened(image: Path) -> None:
    os.mkfifo(image / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        before = Path.cwd()
        os.chdir(image)  # the paths of sockets are short
        try:
            listener.bind("socket")
        finally:
            os.chdir(before)
        contents = read_folder(image)
    assert dict.fromkeys(("fifo", "socket"), "is not a regular file") == contents.unreadable


def test_large_files_are_reported_and_not_kept(image: Path) -> None:
    with (image / "mailbox").open("wb") as file:
        file.truncate(files.FILE_LIMIT + 1)
    assert {"mailbox": "is larger than 4 MB"} == read_folder(image).unreadable


def test_a_folder_with_too_many_files_is_read_in_part(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "COUNT_LIMIT", 3)
    for number in range(5):
        (image / f"a{number}").write_text("")
    contents = read_folder(image)
    assert ["a0", "a1", "a2"] == list(contents.files)
    assert "a3" in contents.unreadable


@pytest.mark.parametrize("name", ["nowhere", "etc/postfix/main.cf"])
def test_what_is_not_a_folder_is_an_error(image: Path, name: str) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        read_folder(image / name)
