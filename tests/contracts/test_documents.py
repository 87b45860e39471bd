"""What is generated is up to date, and what the README promises is true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import everything

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.slow
def test_generated_documents_and_readme_blocks_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_readme_names_the_groups_of_make_test_in_their_order() -> None:
    shown = re.findall(r"^(\w[\w ]*?) +passed in ", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert shown == [group.name for group in (*everything.CHECKS, *everything.TESTS)]


def test_links_between_documents_lead_somewhere() -> None:
    dead: list[str] = []
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
        dead += [f"{page.relative_to(ROOT)}: {target}" for target in targets if not (page.parent / target).exists()]
    assert dead == []


def test_make_help_lists_every_target_with_its_text() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {"make scan", "make test", "make fast", "make bench"} <= {
        line.split("  ")[0].strip() for line in listed.splitlines()
    }


def test_no_committed_text_records_a_download_address() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    address = re.compile(r"index[-_]url|extra[-_]index|https?://[^\s\"']*/(?:simple|packages)/[^\s\"']*\.whl")
    files = [ROOT / name for name in listed.split("\0") if name and ROOT / name != Path(__file__)]
    texts = {path: path.read_text("utf-8", errors="replace") for path in files if path.is_file()}
    assert [path.name for path, text in texts.items() if address.search(text)] == []
