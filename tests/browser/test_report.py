import re

import pytest
from playwright.sync_api import Page, expect

from auditor.model.finding import Severity, Verdict
from tests.browser.conftest import Open
from tests.unit.report import example_runs as runs

pytestmark = pytest.mark.browser

FLEET = runs.fleet()
FOUND = [f for h in FLEET.hosts for f in h.findings if f.verdict in (Verdict.FAIL, Verdict.UNKNOWN)]
FAILED = [f for f in FOUND if f.verdict is Verdict.FAIL]


def count(page: Page) -> str:
    return page.inner_text("#count")


def chip(page: Page, word: str) -> str:
    return page.locator(".chip", has_text=word).first.inner_text()


def rows(page: Page) -> int:
    return page.locator("#list tbody tr").count()


def search(page: Page, words: str) -> None:
    page.fill("#filters input", words)
    expect(page).to_have_url(re.compile("q="))


def test_every_chip_counts_exactly_what_it_opens(show: Open) -> None:
    page = show(FLEET)
    assert count(page).startswith(f"{len(FOUND)} of {len(FOUND)} findings")
    for severity in Severity:
        wanted = sum(f.severity is severity for f in FAILED)
        assert f"{severity} {wanted}" == chip(page, severity)
        page.locator(".chip", has_text=severity).first.click()
        assert count(page).startswith(f"{wanted} of {len(FOUND)} findings")
        page.evaluate("document.querySelectorAll('#list details').forEach(d => { d.open = true; })")
        expect(page.locator("#list tbody tr")).to_have_count(wanted)
        page.click("#clear")
    assert f"not known {len(FOUND) - len(FAILED)}" == chip(page, "not known")


def test_search_finds_words_of_hosts_rules_files_and_values(show: Open) -> None:
    page = show(FLEET)
    for words, wanted in (
        ("mx3.example", 4),
        ("smuggling", 3),
        ("master.cf:31", 1),
        ("SUBMIT1 auth before", 2),
        ("0.0.0.0/0", 1),
        ("absent", 0),
    ):
        search(page, words)
        expect(page.locator("#count")).to_contain_text(f"{wanted} of {len(FOUND)} findings")
    assert "Nothing matches" in page.inner_text("#list")
    page.click("#clear")
    assert f"{len(FOUND)} of {len(FOUND)} findings in 7 groups" == count(page)


def test_counts_on_chips_follow_the_search(show: Open) -> None:
    page = show(FLEET)
    search(page, "submit1")
    expect(page.locator("#count")).to_contain_text("3 of")
    assert "high 2" == chip(page, "high")
    assert "critical 0" == chip(page, "critical")
    expect(page.locator(".chip", has_text="critical")).to_be_disabled()


def test_findings_can_be_grouped_by_host(show: Open) -> None:
    page = show(FLEET)
    page.select_option("#filters select", "host")
    assert f"{len(FOUND)} of {len(FOUND)} findings in 6 groups" == count(page)
    assert page.locator("#list summary").first.inner_text().startswith("C\nmx3.example.org")


def test_a_filtered_view_can_be_linked_to(show: Open) -> None:
    page = show(FLEET, "#~findings?q=tls&sev=h,m&by=host")
    assert count(page).startswith("3 of")
    assert "tls" == page.input_value("#filters input")
    assert "true" == page.locator(".chip", has_text="medium").get_attribute("aria-pressed")


def test_a_finding_can_be_linked_to(show: Open) -> None:
    page = show(FLEET, "#mx3.example.org/postfix-open-relay/smtp")
    expect(page.locator("h2.hn", has_text="mx3.example.org")).to_be_visible()
    expect(page.locator("[id='mx3.example.org/postfix-open-relay/smtp']")).to_be_focused()
    assert "/etc/postfix/main.cf:41" in page.inner_text(".f.on .ev")
    expect(page.locator("#\\~hosts")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator("#\\~hosts")).to_be_visible()


def test_the_matrix_leads_to_the_finding(show: Open) -> None:
    page = show(FLEET)
    page.locator(".mx a[title^='postfix-open-relay']").first.click()
    expect(page.locator(".f.on")).to_contain_text("Strangers can send mail")


def test_keys_search_walk_and_open(show: Open) -> None:
    page = show(FLEET)
    page.keyboard.press("/")
    expect(page.locator("#filters input")).to_be_focused()
    page.locator("#filters input").blur()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("#list summary").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#list details").first).to_have_attribute("open", "")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()


def test_hosts_sort_by_how_bad_they_are(show: Open) -> None:
    page = show(FLEET)
    page.locator("#hosts th[data-sort=s] button").click()
    first = page.locator("#hosts tbody th").all_inner_texts()
    assert ["backup.example.org", "mx9.example.org", "mx3.example.org", "submit1.example.org"] == first[:4]
    page.locator("#hosts th[data-sort=s] button").click()
    assert "mx3.example.org" == page.locator("#hosts tbody th").all_inner_texts()[-3]


# The contrast of every text with its nearest opaque background as WCAG 2.1 computes it; what is disabled is exempt.
RATIOS = """() => {
  const parsed = colour => colour.match(/[\\d.]+/g).map(Number);
  const clear = c => c.length > 3 && c[3] === 0;
  const linear = v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = c => [.2126, .7152, .0722].reduce((sum, weight, i) => sum + weight * linear(c[i] / 255), 0);
  const behind = e => {
    for (; e; e = e.parentElement) { const c = parsed(getComputedStyle(e).backgroundColor); if (!clear(c)) return c; }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll("main *")].filter(e =>
    [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && e.offsetParent && !e.closest(":disabled"));
  return texts.map(e => {
    const [a, b] = [light(parsed(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    return [(a + .05) / (b + .05), e.className + ": " + e.textContent.slice(0, 40)];
  });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_in_both_schemes(show: Open, scheme: str) -> None:
    page = show(FLEET, scheme=scheme)
    assert (scheme == "dark") == (
        page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    )
    ratios = page.evaluate(RATIOS)
    assert len(ratios) > 200
    assert [] == [(ratio, text) for ratio, text in ratios if ratio < 4.5]


def test_the_theme_button_overrides_the_system(show: Open) -> None:
    page = show(FLEET, scheme="dark")
    page.click("#theme")
    assert "rgb(255, 255, 255)" == page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#theme")
    assert "rgb(255, 255, 255)" != page.evaluate("getComputedStyle(document.body).backgroundColor")


@pytest.mark.parametrize("width", [320, 400, 768, 1920])
@pytest.mark.parametrize("fragment", ["", "#submit1.example.org", "#~findings?q=mx"])
def test_no_width_makes_the_page_scroll_sideways(show: Open, width: int, fragment: str) -> None:
    page = show(FLEET, fragment, width=width)
    assert width >= page.evaluate("document.documentElement.scrollWidth")


def test_without_scripts_everything_can_be_read(show: Open) -> None:
    page = show(FLEET, scripts=False)
    for section in ("unseen", "first", "findings", "hosts", "matrix", "method"):
        expect(page.locator(f"#\\~{section}")).to_be_visible()
    expect(page.locator("#\\~findings")).to_contain_text("Bare line feeds end a message")
    expect(page.locator("[id='mx3.example.org/postfix-open-relay/smtp'] .ev")).to_be_visible()
    expect(page.locator("#filters")).to_be_hidden()


def test_print_opens_every_group_in_light_colours(show: Open) -> None:
    page = show(FLEET, scheme="dark")
    made = page.pdf(prefer_css_page_size=True)
    assert 3 <= len(re.findall(rb"/Type /Page\b(?!s)", made)) <= 8
    page.emulate_media(media="print")
    assert "rgb(255, 255, 255)" == page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator("#list tbody tr").first).to_be_visible()
    assert len(FOUND) == rows(page)
    expect(page.locator(".bar")).to_be_hidden()


def test_nothing_that_a_host_says_is_executed(show: Open) -> None:
    for fragment in ("", "#~findings?q=script&by=host"):
        page = show(runs.hostile(), fragment)
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        page.locator("#list a").first.click()
        expect(page.locator(".host.show")).to_contain_text("<script>window.pwned=1</script>")
        assert page.evaluate("window.pwned === undefined")
        assert page.evaluate("document.querySelectorAll('img, main script, [onclick]').length") == 0


def test_the_policy_forbids_markup_from_text_even_to_our_script(show: Open, complaints: list[str]) -> None:
    page = show(FLEET)
    assert "TypeError" == page.evaluate(
        "(() => { try { document.body.innerHTML = '<i>x</i>'; return 'allowed'; } catch (error) { return error.name; } })()"
    )
    assert "requires 'TrustedHTML' assignment" in complaints.pop()


def test_a_thousand_hosts_stay_usable(show: Open) -> None:
    page = show(runs.large())
    assert page.evaluate("document.querySelectorAll('*').length") < 12_000
    milliseconds = page.evaluate("performance.now()")
    search(page, "host00333")
    expect(page.locator("#count")).to_contain_text("8 of")
    assert milliseconds < 20_000
    page.goto(page.url.partition("#")[0] + "#host00333.region10.example.org")
    expect(page.locator(".host.show .f")).to_have_count(8)
    expect(page.locator(".host.show .ev").first).to_contain_text("value of host 33")
    page.keyboard.press("Escape")
    page.locator("#hosts-more button").click()
    expect(page.locator("#hosts tbody tr")).to_have_count(200)
