"""The report as one HTML file that needs nothing else: no request, no font, no image; readable and linkable without its script.

Two walls keep hostile text from being executed: everything is escaped (Jinja's autoescape, `textContent` in the script),
and a Content-Security-Policy allows exactly our one style and our one script, by their digests.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from auditor.model.run import Run
from auditor.report import summary
from auditor.report.html import data
from auditor.report.html.page import Page, page_of
from auditor.report.html.view import MOST_HOST_ROWS, MOST_NAMES, UNKNOWN, encoded, mark
from auditor.report.text import counted, escaped, paragraphs, visible

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_HERE = Path(__file__).parent
_BATCH = 200  # pieces of the template joined to one chunk: fewer writes, still little memory
MOST_SQUARES = 14
MOST = {"missing": 50, "reasons": 50, "rows": MOST_HOST_ROWS, "names": MOST_NAMES}


def chunks(run: Run, by: Literal["host", "rule"] | None = None) -> Iterator[str]:
    """The page in pieces. `by` is how its findings are grouped at first: by rule unless it says host."""
    from markupsafe import Markup

    page = page_of(run)
    css, js = _part("report.css"), _part("report.js")
    stream = (
        _environment()
        .get_template("report.html.j2")
        .stream(
            page=page,
            run=run,
            most=MOST,
            severities=summary.WORST_FIRST,
            unknown=UNKNOWN,
            key=[mark(severity) for severity in summary.WORST_FIRST],
            nav=_sections(page),
            csp=_policy(css, js),
            # The three texts that are not escaped: ours, ours, and JSON without any "<".
            css=Markup(css),  # noqa: S704
            js=Markup(js),  # noqa: S704
            data=Markup(data.block(page, by or "rule")),  # noqa: S704
        )
    )
    stream.enable_buffering(_BATCH)
    return iter(stream)


def _sections(page: Page) -> list[tuple[str, str]]:
    found = [
        ("answer", "Answer", True),
        ("unseen", "Not seen", page.missing or page.reasons or page.notes),
        ("first", "Do first", page.groups),
        ("findings", "Findings", True),
        ("hosts", "Hosts", True),
        ("matrix", "Matrix", page.matrix.rows and page.matrix.rules),
        ("passed", "Passed", page.passed or page.never),
        ("method", "Method", True),
    ]
    return [(name, title) for name, title, there in found if there]


@cache
def _part(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _policy(css: str, js: str) -> str:
    """Only these two texts may act. Chromium also enforces the last two parts, so that not even they can parse HTML."""

    def digest(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    return (
        f"default-src 'none'; script-src {digest(js)}; style-src {digest(css)}; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # What no filter treated still cannot hold a control character, in text and in attributes alike.
        finalize=lambda value: value if isinstance(value, Markup) else _visible_lines(str(value)),
    )
    environment.globals["count"] = counted
    environment.filters |= {
        "shown": _shown,
        "prose": lambda text: " ".join(paragraphs(text)),
        "ticked": _ticked,
        "part": encoded,
        "stem": lambda rule_id: rule_id.partition("-")[2] or rule_id,
        "squares": _squares,
        "moment": _moment,
        "day": lambda time: time.strftime("%Y-%m-%d"),
    }
    return environment


def _visible_lines(text: str) -> str:
    """Line breaks stay: only texts that we split into lines ourselves (a remedy) still have any."""
    return text if text.isprintable() else "\n".join(map(visible, text.split("\n")))


def _shown(text: str) -> Markup:
    """Text for the page itself (not for an attribute): characters that do not print become marked escapes."""
    from markupsafe import Markup, escape

    if text.isprintable():
        return escape(text)
    marked = Markup('<span class="ctl" title="control character">{}</span>')
    parts = re.split(r"([^\x20-\x7e])", text)
    return Markup().join(escape(part) if part.isprintable() else marked.format(escaped(part)) for part in parts)


def _ticked(text: str) -> Markup:
    """A rule's prose: what stands between backticks becomes code."""
    from markupsafe import Markup

    parts = " ".join(paragraphs(text)).split("`")
    if len(parts) % 2 == 0:  # an odd tick out: not meant as a pair
        parts = ["`".join(parts)]
    code = Markup("<code>{}</code>")
    return Markup().join(code.format(part) if number % 2 else part for number, part in enumerate(parts))


def _moment(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC")


def _squares(counts: summary.Tally) -> Markup:
    """Findings as squares, at most MOST_SQUARES; above that a bar to scale. Attributes of SVG, as the policy forbids styles."""
    from markupsafe import Markup

    pieces = [(severity[0], counts.failed[severity]) for severity in summary.WORST_FIRST] + [("u", counts.unknown)]
    total = sum(number for _, number in pieces)
    if not total:
        return Markup("<small>nothing found</small>")
    out, x = [], 0.0
    for css, number in pieces:
        if not number:
            continue
        if total <= MOST_SQUARES:
            path = "".join(f"M{x + 11 * index:g} 2.5h9v11h-9z" for index in range(number))
            x += 11 * number
        else:
            width = round(11 * MOST_SQUARES * number / total, 2)
            path = f"M{x:g} 2.5h{max(width - 1, 0.5):g}v11H{x:g}z"
            x += width
        out.append(f'<path class="f{css}" d="{path}"/>')
    return Markup(f'<svg width="160" height="16" aria-hidden="true">{"".join(out)}</svg>')  # noqa: S704 numbers and our class names
