import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from auditor import report
from auditor.model.finding import Severity, Verdict
from auditor.model.run import Run
from auditor.report.html.page import page_of
from tests.unit.report import example_runs as runs

TAGS = set(
    re.findall(
        r"\w+",
        """html head meta title style body main section article header footer nav div span p br h1 h2 h3 h4 a b strong small code kbd
        table caption thead tbody tr th td dl dt dd ul ol li details summary dialog button label input svg path script""",
    )
)


class Elements(HTMLParser):
    """Every element of a page with its attributes, and the text of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._inside = tag if tag in self.raw else ""

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 the signature of HTMLParser
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.raw[self._inside].append(data)

    def attributes(self, name: str) -> list[str]:
        return [attrs[name] or "" for _, attrs in self.found if name in attrs]


def rendered(run: Run) -> Elements:
    return Elements(report.render("html", run))


def data_of(page: Elements) -> Any:
    return json.loads(page.raw["script"][0])


ALL = {
    "small": runs.small(),
    "fleet": runs.fleet(),
    "hostile": runs.hostile(),
    "empty": runs.run(),
    "large": runs.large(200),
}


@pytest.fixture(params=sorted(ALL))
def page(request: pytest.FixtureRequest) -> Elements:
    return rendered(ALL[request.param])


def test_a_page_has_only_our_elements_and_no_handler_no_style_and_no_source(page: Elements) -> None:
    assert set() == {tag for tag, _ in page.found} - TAGS
    names = {name for _, attrs in page.found for name in attrs}
    assert [] == [
        name
        for name in names
        if name.startswith("on") or name in ("style", "src", "srcset", "action", "formaction", "target")
    ]
    assert [] == [link for link in page.attributes("href") if not link.startswith("#")]


def test_the_policy_names_the_digests_of_the_one_style_and_the_one_script(page: Elements) -> None:
    policy = next(attrs["content"] for _, attrs in page.found if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert ["application/json", None] == [attrs.get("type") for tag, attrs in page.found if tag == "script"]
    for text, directive in ((page.raw["script"][1], "script-src"), (page.raw["style"][0], "style-src")):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';")


def test_ids_are_unique_and_every_link_leads_somewhere(page: Elements) -> None:
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    data = data_of(page)
    built = {host[1] for host in data["hosts"]} | {f"{data['hosts'][f[0]][1]}/{data['s'][f[4]]}" for f in data["f"]}
    assert set() == {link[1:].partition("?")[0] for link in page.attributes("href")} - set(ids) - built


def test_nothing_hostile_survives_in_the_page() -> None:
    page = report.render("html", runs.hostile())
    assert [] == re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", page)
    assert 2 == page.count("<script") == page.count("</script>")
    assert '<span class="ctl" title="control character">\\u202e</span>' in page


def test_the_data_block_holds_every_failing_and_unknown_finding() -> None:
    run = runs.fleet()
    data = data_of(rendered(run))
    wanted = sorted(
        (h.host, f.rule_id, "?" if f.verdict is Verdict.UNKNOWN else "F")
        for h in run.hosts
        for f in h.findings
        if f.verdict in (Verdict.FAIL, Verdict.UNKNOWN)
    )
    assert wanted == sorted((data["hosts"][f[0]][0], data["rules"][f[1]][0], f[3]) for f in data["f"])


def test_the_same_run_gives_the_same_bytes() -> None:
    assert report.render("html", runs.fleet()) == report.render("html", runs.fleet())


def headline(run: Run) -> str:
    bold, names, rest = page_of(run).headline()
    named = ", ".join(host.report.host for host in names.hosts) if names else ""
    return " ".join(part for part in (bold, named, rest.strip()) if part)


MX = runs.host("mx1.example.org", *runs.rest())


@pytest.mark.parametrize(
    ("run", "answer"),
    [
        (runs.small(), "Strangers can send mail through this server to anywhere: mx3.example.org"),
        (
            runs.run(replace(MX, findings=runs.rest(runs.SMUGGLING, runs.auth_without_tls("smtps", 3)))),
            "1 host has high findings: mx1.example.org Nothing critical was found.",
        ),
        (
            runs.run(replace(MX, findings=runs.rest(runs.VRFY))),
            "Nothing critical or high was found. 1 lesser finding below.",
        ),
        (
            runs.run(replace(MX, findings=runs.rest(runs.UNKNOWN_TABLE))),
            "Nothing was found where we could look. 5 checks passed on 1 host.",
        ),
        (runs.run(MX, runs.REFUSED), "Nothing was found where we could look. 6 checks passed on 1 host."),
        (runs.run(MX), "Nothing was found. 6 checks passed on 1 host."),
        (runs.run(runs.REFUSED), "No host could be audited. Nothing is known."),
        (runs.run(), "No host could be audited. The inventory or the pattern named none."),
    ],
)
def test_the_page_opens_with_the_answer(run: Run, answer: str) -> None:
    assert answer == headline(run)


def test_an_interrupted_run_says_so() -> None:
    assert "<b>Interrupted.</b>" in report.render("html", replace(runs.small(), complete=False))


def test_two_findings_about_the_same_thing_have_two_addresses() -> None:
    twice = runs.run(runs.host("mx1.example.org", runs.VRFY, replace(runs.VRFY, message="VRFY is answered again")))
    ids = rendered(twice).attributes("id")
    assert {"mx1.example.org/postfix-vrfy-enabled/smtp", "mx1.example.org/postfix-vrfy-enabled/smtp/~2"} <= set(ids)


def test_a_host_named_like_a_section_does_not_take_its_place() -> None:
    assert "%7Efindings" in rendered(runs.run(replace(MX, host="~findings"))).attributes("id")


def test_a_large_fleet_is_cut_and_every_cut_says_so() -> None:
    text = report.render("html", runs.large())
    assert len(text) < 5_000_000
    assert "100 of 1000 hosts shown; the rest needs scripts" in text
    assert "The pages of 20 of 1000 hosts are here as text" in text
    assert "Hosts whose verdicts are equal share a row" in text


def test_a_rule_is_as_bad_as_the_profile_says() -> None:
    raised = runs.run(runs.host("mx1.example.org", replace(runs.VRFY, severity=Severity.CRITICAL)))
    assert "VRFY tells strangers which mailboxes exist: mx1.example.org" == headline(raised)


def test_with_many_rules_the_matrix_keeps_its_hosts_and_drops_what_failed_nowhere() -> None:
    made = page_of(runs.large(20, rules=88)).matrix
    assert 20 == len(made.rows)
    assert any(row.state for row in made.rows)
    assert len(made.rules) <= 60
    assert "rules shown" in made.cut or "no column" in made.cut


def test_the_matrix_of_a_small_run_is_whole_and_says_nothing_of_cuts() -> None:
    made = page_of(runs.fleet()).matrix
    assert (8, 7, "") == (len(made.rows), len(made.rules), made.cut)
