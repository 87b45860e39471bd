"""What a run says, in the formats people and programs read. Every report is a function of a Run alone: same run, same bytes.

Reports judge nothing and read nothing else. Everything that came from a host, a file or a rule is hostile until escaped here.
Formats are imported when they are used: `mailaudit --help` must not wait for a template engine.
"""

from __future__ import annotations

import difflib
import io
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from auditor import private
from auditor.errors import AuditorError, UsageError
from auditor.report.text import visible

if TYPE_CHECKING:
    from auditor import fleet
    from auditor.model.run import Run

__all__ = ["FORMATS", "By", "Target", "check_targets", "emit", "parse_target", "progress", "render", "visible", "write"]

By = Literal["host", "rule"]


def _text(run: Run, by: By | None) -> Iterator[str]:
    from auditor.report import terminal

    yield terminal.text(run, by)


def _json(run: Run, by: By | None) -> Iterator[str]:  # noqa: ARG001 JSON is by host always
    from auditor.report import json_report

    return json_report.chunks(run)


def _html(run: Run, by: By | None) -> Iterator[str]:
    from auditor.report import html

    return html.chunks(run, by)


def _csv(run: Run, by: By | None) -> Iterator[str]:  # noqa: ARG001 one line per finding always
    from auditor.report import csv_report

    return csv_report.chunks(run)


def _junit(run: Run, by: By | None) -> Iterator[str]:  # noqa: ARG001 a suite per host always
    from auditor.report import junit

    return junit.chunks(run)


def _sarif(run: Run, by: By | None) -> Iterator[str]:  # noqa: ARG001 one result per finding always
    from auditor.report import sarif

    return sarif.chunks(run)


FORMATS: Mapping[str, Callable[[Run, By | None], Iterator[str]]] = {
    "terminal": _text,
    "text": _text,
    "json": _json,
    "html": _html,
    "csv": _csv,
    "junit": _junit,
    "sarif": _sarif,
}
"""Each format's name and the function that gives its text in pieces. `terminal` is `text` with colour where a terminal reads it."""


@dataclass(frozen=True, slots=True)
class Target:
    """One wanted report. `path` None: to standard output."""

    format: str
    path: Path | None = None


def parse_target(text: str) -> Target:
    """Read `FORMAT` or `FORMAT:FILE` as `--report` takes it; FILE `-` is standard output. Raises UsageError."""
    name, colon, file = text.partition(":")
    if name not in FORMATS:
        near = difflib.get_close_matches(name, FORMATS, n=1)
        raise UsageError(
            f"there is no report format {visible(name)!r}",
            f"did you mean {near[0]}?"
            if near
            else f"formats: {', '.join(FORMATS)}; write FORMAT or FORMAT:FILE, as in html:report.html",
        )
    if colon and not file:
        raise UsageError(
            f"--report {name}: has no file name after the colon",
            f"write --report {name}:report.{name}, or only {name} for standard output",
        )
    return Target(name, None if file in ("", "-") else Path(file))


def check_targets(targets: Sequence[Target]) -> None:
    """Refuse reports that could not be written, before any host is contacted. Raises UsageError."""
    to_stdout = [target.format for target in targets if target.path is None]
    if len(to_stdout) > 1:
        raise UsageError(
            f"{' and '.join(to_stdout)} would both go to standard output",
            "give all but one of them a file: --report json:report.json",
        )
    paths = [target.path.absolute() for target in targets if target.path]
    for path in paths:
        if paths.count(path) > 1:
            raise UsageError(f"two reports would be written to {visible(str(path))}", "give each its own file")
        if path.is_dir():
            raise UsageError(f"{visible(str(path))} is a folder", "name the file inside it")
        if not path.parent.is_dir():
            raise UsageError(
                f"there is no folder {visible(str(path.parent))} to write {visible(path.name)} to", "create it first"
            )
        if not _is_device(path) and not os.access(path.parent, os.W_OK):
            raise UsageError(
                f"the folder {visible(str(path.parent))} is not writable", "choose another, or change its permissions"
            )


def render(format: str, run: Run, *, by: By | None = None) -> str:  # noqa: A002 the word of the command line
    """The whole report as one text, without colour. Raises UsageError for an unknown format."""
    return "".join(FORMATS[parse_target(format).format](run, by))


def write(format: str, run: Run, path: Path, *, by: By | None = None) -> None:  # noqa: A002 as above
    """Write a report to a file that only its owner can read: whole or not at all. Raises AuditorError."""
    chunks = FORMATS[parse_target(format).format](run, by)
    if not _is_device(path):
        private.write(path, (chunk.encode("utf-8") for chunk in chunks))
        return
    try:
        # /dev/null or a pipe of the shell must be written to, never replaced by a file.
        with path.open("w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(chunks)
    except OSError as error:
        raise AuditorError(
            f"the {format} report could not be written to {visible(str(path))}: {error.strerror or error}",
            "name a file in a folder that exists, is writable and has room",
        ) from error


def emit(target: Target, run: Run, *, by: By | None, stream: TextIO) -> None:
    """Write one wanted report to its file, or to `stream`; in colour if that is a terminal. Raises AuditorError."""
    if target.path is not None:
        write(target.format, run, target.path, by=by)
        return
    if isinstance(stream, io.TextIOWrapper):
        # A locale without UTF-8 must not end the run: what it cannot write becomes an escape.
        stream.reconfigure(errors="xmlcharrefreplace" if target.format == "html" else "backslashreplace")
    if target.format == "terminal":
        from auditor.report import terminal

        terminal.show(run, stream, by)
    else:
        stream.writelines(FORMATS[target.format](run, by))


def progress(hosts: Sequence[str]) -> AbstractContextManager[Callable[[fleet.Event], None]]:
    """An observer of a fleet's events for the time of a `with` block: a live line on standard error if that is a terminal."""
    from auditor.report.terminal.progress import observing

    return observing(hosts)


def _is_device(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)
