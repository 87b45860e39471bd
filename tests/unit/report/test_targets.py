import io
import os
import stat
from pathlib import Path

import pytest

from auditor import report
from auditor.errors import AuditorError, UsageError
from auditor.report import Target
from tests.unit.report import example_runs as runs


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("terminal", Target("terminal")),
        ("json", Target("json")),
        ("json:-", Target("json")),
        ("html:report.html", Target("html", Path("report.html"))),
        ("json:C:/x", Target("json", Path("C:/x"))),
    ],
)
def test_a_target_is_a_format_and_maybe_a_file(text: str, target: Target) -> None:
    assert target == report.parse_target(text)


def test_a_misspelt_format_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match="no report format 'htlm'") as caught:
        report.parse_target("htlm:x")
    assert "did you mean html?" == caught.value.advice


def test_a_format_with_a_colon_needs_a_file() -> None:
    with pytest.raises(UsageError, match="no file name after the colon"):
        report.parse_target("html:")


def test_two_reports_cannot_share_standard_output() -> None:
    with pytest.raises(UsageError, match="terminal and json would both go to standard output"):
        report.check_targets([Target("terminal"), Target("json")])


def test_two_reports_cannot_share_a_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="two reports"):
        report.check_targets([Target("html", tmp_path / "a"), Target("json", tmp_path / "a")])


def test_a_missing_folder_is_found_before_any_host_is_contacted(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        report.check_targets([Target("html", tmp_path / "absent" / "a.html")])
    with pytest.raises(UsageError, match="is a folder"):
        report.check_targets([Target("html", tmp_path)])


def test_a_report_is_readable_by_its_owner_only_and_replaces_the_last_one(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")
    path.chmod(0o644)
    report.write("json", runs.small(), path)
    assert report.render("json", runs.small()) == path.read_text()
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert [path] == list(tmp_path.iterdir())


def test_a_report_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(AuditorError, match="could not be written") as caught:
        report.write("json", runs.small(), tmp_path / "absent" / "x")
    assert caught.value.advice
    (tmp_path / "busy").mkdir()
    (tmp_path / "busy" / "inside").write_text("")
    with pytest.raises(AuditorError, match="could not be written"):
        report.write("json", runs.small(), tmp_path / "busy")
    assert [tmp_path / "busy"] == list(tmp_path.iterdir())


def test_a_device_or_pipe_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    report.write("json", runs.small(), Path("/dev/null"))
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    report.write("text", runs.run(), pipe)
    assert b"0 of 0 hosts" in os.read(reader, 100000)
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize(
    ("name", "seen"), [("terminal", rb"gr\xf6\xdfe"), ("json", rb"gr\u00f6\u00dfe"), ("html", b"gr&#246;&#223;e")]
)
def test_a_locale_without_utf8_gets_escapes_and_no_error(name: str, seen: bytes) -> None:
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding="ascii")
    run = runs.run(runs.host("größe.example.org", runs.VRFY))
    report.emit(Target(name), run, by=None, stream=stream)
    stream.flush()
    assert seen in buffer.getvalue()


def test_a_report_without_a_file_goes_to_the_stream() -> None:
    stream = io.StringIO()
    report.emit(Target("json"), runs.small(), by=None, stream=stream)
    assert report.render("json", runs.small()) == stream.getvalue()
