"""The data block of the page: what its script filters, sorts and builds pages from. Texts are stored once and referred to by number.

`f` holds one row per failing or unknown finding: host, rule, severity letter, "F" or "?", address without the host's part, what it is
about, message, then place and value of each piece of evidence. Numbers but for the letters; the texts are in `s`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from auditor.report import summary
from auditor.report.html.page import Page
from auditor.report.html.view import HostView
from auditor.report.json_report import moment
from auditor.report.text import lines, paragraphs, visible


class _Texts:
    """Each distinct text once."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        return self.numbers.setdefault(visible(text), len(self.numbers))


def block(page: Page, by: str) -> str:
    """The JSON text, safe inside a script element: no `<` and nothing that is not ASCII."""
    texts = _Texts()
    rules = {rule_id: number for number, rule_id in enumerate(summary.rules_by_id(page.run))}
    found = [
        [
            host.index,
            rules[view.rule.id],
            view.severity[0],
            "?" if view.mark.css == "u" else "F",
            texts(view.address.removeprefix(host.address + "/")),
            texts(view.about),
            texts(view.message),
            *(texts(part) for pair in view.evidence for part in pair),
        ]
        for host in page.hosts
        for view in host.findings
    ]
    made: Mapping[str, Any] = {
        "v": 1,
        "finished": moment(page.run.finished_at),
        "by": by,
        "hosts": [_host(host) for host in page.hosts],
        "rules": [
            [
                visible(rule.id),
                visible(" ".join(paragraphs(rule.title))),
                rule.severity[0],
                paragraphs(rule.why),
                " ".join(paragraphs(rule.effect)),
                "\n".join(lines(rule.remedy)),
            ]
            for rule in summary.rules_by_id(page.run).values()
        ],
        "f": found,
        "s": list(texts.numbers),
    }
    return json.dumps(made, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c").replace("&", "\\u0026")


def _host(host: HostView) -> list[Any]:
    counts = host.counts
    return [
        visible(host.report.host),
        host.address,
        visible(host.servers),
        [visible(group) for group in host.report.groups],
        "" if host.ok else visible(host.report.state),
        [counts.failed[severity] for severity in summary.WORST_FIRST],
        counts.unknown,
        counts.passed,
        counts.not_applicable,
        visible(host.report.source),
        list(host.error),
        " ".join(paragraphs(host.report.advice)),
        [visible(note) for note in host.notes],
    ]
