"""The report that a person reads on a terminal: what is wrong, where it is written, why it matters, what to type next.

`lines` decides every word and is pure; colour is added last, by rich, and only for a terminal.
"""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TextIO

from auditor.model.finding import Finding, Severity, Verdict
from auditor.model.run import HostReport, Run
from auditor.report import summary
from auditor.report.text import about, counted, lines, paragraphs, place, shorten, shown, visible

By = Literal["host", "rule"]

MOST_HOSTS_BY_HOST = 5  # a longer fleet repeats itself: there one rule with all its hosts is shorter
MOST_VALUES = 12
MOST_PLACES = 40
LONGEST_VALUE = 600
INDENT = " " * 6

STYLES = {
    "critical": "bold white on red",
    "high": "bold red",
    "medium": "yellow",
    "low": "cyan",
    "unknown": "bold magenta",
    "bad": "bold red",
    "good": "green",
    "strong": "bold",
    "soft": "dim",
}

Span = tuple[str, str]
Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How wide prose may be, and whether values are wrapped too (a terminal) or stay on one line (a pipe: for grep)."""

    width: int = 100
    wrap_values: bool = False


def text(run: Run, by: By | None = None) -> str:
    """The report without colour, prose wrapped at 100 columns, values never."""
    return "".join("".join(part for part, _ in line) + "\n" for line in report(run, by, Layout()))


def show(run: Run, stream: TextIO, by: By | None = None) -> None:
    """Write the report to a stream: in colour and in its width if it is a terminal, else as `text`."""
    if not stream.isatty():
        stream.write(text(run, by))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    layout = Layout(width=max(60, min(console.width, 120)), wrap_values=True)
    for line in report(run, by, layout):
        console.print(Text.assemble(*((part, STYLES.get(style, "")) for part, style in line)), soft_wrap=True)


def report(run: Run, by: By | None, layout: Layout) -> Iterator[Line]:
    """Every line of the report with its styles."""
    grouped = by or ("rule" if len(run.hosts) > MOST_HOSTS_BY_HOST else "host")
    yield from _by_rule(run, layout) if grouped == "rule" else _by_host(run, layout)
    yield from _unknown(run, layout)
    yield from _not_audited(run, layout)
    yield from _recap(run)
    yield from _end(run)


def _by_host(run: Run, layout: Layout) -> Iterator[Line]:
    rules, explained = summary.rules_by_id(run), set[str]()
    for host in run.hosts:
        if host.state != "ok":
            continue
        yield _line(
            (visible(host.host), "strong"), (f"  {visible(summary.servers(host))}  {visible(host.source)}", "soft")
        )
        for note in summary.notes(host):
            yield from _wrapped("note: " + visible(note), layout, "  ", "soft")
        found = summary.blocks(summary.entries([host], Verdict.FAIL), rules)
        if not found:
            yield _line(("  nothing found by the rules that could be judged", "good"))
        for block in found:
            yield ()
            yield from _block(block, layout, with_host=False, explain=block.rule.id not in explained)
            explained.add(block.rule.id)
        yield ()


def _by_rule(run: Run, layout: Layout) -> Iterator[Line]:
    for block in summary.blocks(summary.entries(run.hosts, Verdict.FAIL), summary.rules_by_id(run)):
        yield from _block(block, layout, with_host=True, explain=True)
        yield ()
    for note, hosts in summary.by_note(run).items():
        yield from _wrapped(f"note: {visible(note)} ({_listed(hosts)})", layout, "", "soft")
    if summary.by_note(run):
        yield ()


def _block(block: summary.Block, layout: Layout, *, with_host: bool, explain: bool) -> Iterator[Line]:
    first = block.entries[0]
    alone = len(block.entries) == 1
    if with_host and len(block.hosts) > 1:
        subject = f"{len(block.hosts)} hosts"
    else:
        subject = f"{visible(first.host)}  {visible(about(first.finding))}" if alone else visible(first.host)
    yield _line(
        ("FAIL", "bad"),
        ("  ", ""),
        _severity(block.severity),
        (f"  {visible(block.rule.id)}", "strong"),
        (f"   {subject.rstrip()}", ""),
    )
    yield from _wrapped(_prose(block.rule.title), layout, INDENT, "strong")
    for fold in block.folds:
        yield from _fold(fold, layout, with_host=with_host, alone=alone)
    if explain:
        yield from _explanation(block, layout)
    else:
        yield _line((f"{INDENT}why and remedy: above", "soft"))
    yield _line((INDENT, ""), ("mailaudit explain " + _words(block.rule.id, first.host), "soft"))


def _fold(fold: summary.Fold, layout: Layout, *, with_host: bool, alone: bool) -> Iterator[Line]:
    said = _prose(fold.finding.message)
    if not alone:
        named = [
            " ".join(filter(None, (entry.host if with_host else "", about(entry.finding)))) for entry in fold.entries
        ]
        label = _listed([name for name in named if name] or [fold.entries[0].host])
        # Most messages begin with their subject: "submission takes passwords …" needs no "submission:" in front.
        said = said if said.startswith(f"{label} ") else f"{label}: {said}"
    yield from _wrapped(said, layout, INDENT)
    yield from _evidence(fold.finding, layout)


def _evidence(finding: Finding, layout: Layout) -> Iterator[Line]:
    values = finding.evidence[:MOST_VALUES]
    places = [visible(place(value)) for value in values]
    column = min(max(map(len, places), default=0), 44)
    for where, value in zip(places, values, strict=True):
        head = f"{INDENT}  {where:<{column}}   "
        body = shorten(visible(shown(value)), LONGEST_VALUE)
        room = layout.width - len(head)
        parts = textwrap.wrap(body, max(room, 24), break_on_hyphens=False) if layout.wrap_values else [body]
        yield _line((head, "soft"), (parts[0] if parts else "", ""))
        for part in parts[1:]:
            yield _line((" " * (column + len(INDENT) + 7) + part, ""))
    if len(finding.evidence) > MOST_VALUES:
        yield _line(
            (f"{INDENT}  … and {len(finding.evidence) - MOST_VALUES} more values: --report json has all", "soft")
        )


def _explanation(block: summary.Block, layout: Layout) -> Iterator[Line]:
    for label, prose in (("why: ", block.rule.why), ("the fix may break: ", block.rule.effect)):
        for number, paragraph in enumerate(paragraphs(prose)):
            yield from _wrapped((label if number == 0 else "") + paragraph, layout, INDENT)
    remedy = lines(block.rule.remedy)
    if len(remedy) == 1:
        yield _line((f"{INDENT}fix: ", ""), (remedy[0], "good"))
    elif remedy:
        yield _line((f"{INDENT}fix:", ""))
        for part in remedy:
            yield _line((f"{INDENT}  {part}", "good"))


def _unknown(run: Run, layout: Layout) -> Iterator[Line]:
    """Unknown verdicts by what could not be read: one missing file usually silences several rules."""
    reasons, rules = summary.by_reason(summary.entries(run.hosts, Verdict.UNKNOWN)), summary.rules_by_id(run)
    for reason, found in reasons.items():
        worst = found[0]
        yield _line(
            ("UNKNOWN", "unknown"), ("  ", ""), _severity(worst.finding.severity), (f"  {_prose(reason)}", "strong")
        )
        for block in summary.blocks(found, rules):
            names = [f"{entry.host} {about(entry.finding)}".strip() for entry in block.entries]
            yield from _wrapped(f"{block.severity:<8}  {visible(block.rule.id)}: {_listed(names)}", layout, INDENT)
        yield _line((INDENT, ""), ("mailaudit explain " + _words(worst.finding.rule_id, worst.host), "soft"))
    if reasons:
        yield ()


def _not_audited(run: Run, layout: Layout) -> Iterator[Line]:
    for host in summary.failed_hosts(run):
        yield _line(
            ("NOT AUDITED", "bad"),
            (f"  {visible(host.host)}", "strong"),
            (f"  {visible(host.state)}", "bad"),
            (f"  {visible(host.source)}", "soft"),
        )
        for part in lines(summary.failure(host)):
            yield from _wrapped(part, layout, INDENT)
        if host.advice:
            yield from _wrapped("next: " + _prose(host.advice), layout, INDENT)
    if summary.failed_hosts(run):
        yield ()


def _recap(run: Run) -> Iterator[Line]:
    if not run.hosts:
        return
    yield _line(("Recap", "strong"))
    tallies = [summary.tally(host.findings) for host in run.hosts]
    severities = [s for s in summary.WORST_FIRST if s is not Severity.INFO or any(t.failed[s] for t in tallies)]
    column = min(max(len(visible(host.host)) for host in run.hosts), 50)
    widths = [max(len(str(t.failed[s])) for t in tallies) for s in severities]
    unknown, passed = max(len(str(t.unknown)) for t in tallies), max(len(str(t.passed)) for t in tallies)
    for host, counts in zip(run.hosts, tallies, strict=True):
        name: Span = (f"  {visible(host.host):<{column}}", _host_style(host, counts))
        if host.state != "ok":
            yield _line(name, (f"  not audited: {visible(host.state)}", "bad"))
            continue
        failed = [
            (f"  {s}={counts.failed[s]:<{width}}", s.value if counts.failed[s] else "soft")
            for s, width in zip(severities, widths, strict=True)
        ]
        yield _line(
            name,
            *((part, "bad" if style == "critical" else style) for part, style in failed),
            (f"  unknown={counts.unknown:<{unknown}}", "unknown" if counts.unknown else "soft"),
            (f"  pass={counts.passed:<{passed}}  n/a={counts.not_applicable}", "soft"),
        )
    yield ()


def _host_style(host: HostReport, counts: summary.Tally) -> str:
    if host.state != "ok" or counts.failed[Severity.CRITICAL] or counts.failed[Severity.HIGH]:
        return "bad"
    return "medium" if counts.failures or counts.unknown else "good"


def _end(run: Run) -> Iterator[Line]:
    counts = summary.total(summary.tally(host.findings) for host in run.hosts)
    audited = len(run.hosts) - len(summary.failed_hosts(run))
    failed = ", ".join(f"{counts.failed[s]} {s}" for s in summary.WORST_FIRST if counts.failed[s])
    yield _line(
        (f"{audited} of {len(run.hosts)} hosts audited with {counted(len(run.rules), 'rule')}: ", ""),
        (failed or ("nothing failed" if audited else "nothing is known"), "strong"),
        (f", {counts.unknown} unknown" if counts.unknown else "", "unknown"),
    )
    if not run.complete:
        yield _line(("INTERRUPTED: this report holds only what was done until then.", "bad"))
    yield _line((f"exit {run.exit_code}: {visible(run.exit_reason)}", "soft"))


def _severity(severity: Severity) -> Span:
    return (severity.value, severity.value)


def _prose(words: str) -> str:
    return " ".join(paragraphs(words))


def _words(*arguments: str) -> str:
    return " ".join(shlex.quote(visible(argument)) for argument in arguments)


def _listed(names: Sequence[str]) -> str:
    listed = ", ".join(visible(name) for name in names[:MOST_PLACES])
    return listed + (f" and {len(names) - MOST_PLACES} more" if len(names) > MOST_PLACES else "")


def _wrapped(words: str, layout: Layout, indent: str, style: str = "") -> Iterable[Line]:
    for part in textwrap.wrap(words, layout.width - len(indent), break_on_hyphens=False, break_long_words=False):
        yield _line((indent, ""), (part, style))


def _line(*spans: Span) -> Line:
    return tuple(span for span in spans if span[0])
