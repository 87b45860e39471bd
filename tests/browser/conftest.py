"""The report in a real headless Chromium, Debian's."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from auditor import report
from auditor.model.run import Run

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
# Nothing of these may be left out: Chromium must not open connections of its own while we look for ours.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

Open = Callable[..., Page]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests."""
    if not Path(CHROMIUM).exists():
        message = "chromium is not installed; on Debian: apt-get install chromium fonts-dejavu-core"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser wrote to its console; a test that provokes something takes it out again."""
    return []


@pytest.fixture
def show(chromium: Browser, tmp_path: Path, complaints: list[str]) -> Iterator[Open]:
    """Open the report of a run. At the end: no console message, no error, and no request but for the file itself."""
    contexts: list[BrowserContext] = []
    requests: list[str] = []

    def opened(run: Run, fragment: str = "", *, width: int = 1280, scheme: str = "light", scripts: bool = True) -> Page:
        file = tmp_path / "report.html"
        report.write("html", run, file)
        context = chromium.new_context(
            viewport=ViewportSize(width=width, height=900),
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=scripts,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url.partition("#")[0]))
        page.goto(file.as_uri() + fragment)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
    assert {(tmp_path / "report.html").as_uri()} == set(requests)
