"""The wheel works outside the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--wheel-dir",
            folder,
            ROOT,
        ],
        check=True,
    )
    (built,) = folder.glob("mailaudit-*.whl")
    return built


@pytest.fixture(scope="session")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty environment with only the wheel and what it needs; returns its mailaudit."""
    home = tmp_path_factory.mktemp("elsewhere")
    subprocess.run([sys.executable, "-m", "venv", home / "venv"], check=True)
    pip = [str(home / "venv" / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--constraint", str(ROOT / "constraints.txt"), str(wheel)], check=True)
    return home / "venv" / "bin" / "mailaudit"


def run(mailaudit: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        [mailaudit, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_the_demo_runs_from_the_wheel_as_it_does_in_the_checkout(elsewhere: Path, tmp_path: Path) -> None:
    installed = run(elsewhere, "scan", "--demo", "--fail-on", "never", cwd=tmp_path)
    checkout = run(Path(sys.executable).parent / "mailaudit", "scan", "--demo", "--fail-on", "never", cwd=tmp_path)
    assert (installed.returncode, installed.stderr) == (0, "")
    assert installed.stdout == checkout.stdout


@pytest.mark.slow
def test_rules_and_a_folder_of_files_work_from_the_wheel(elsewhere: Path, tmp_path: Path) -> None:
    assert "postfix-vrfy-enabled" in run(elsewhere, "rules", "list", cwd=tmp_path).stdout
    (tmp_path / "main.cf").write_text("compatibility_level = 3.6\nmynetworks = 0.0.0.0/0\n")
    scanned = run(elsewhere, "scan", "--files", ".", "--release", "3.7", cwd=tmp_path)
    assert scanned.returncode in (1, 3)
    assert "main.cf:2" in scanned.stdout


def test_the_wheel_holds_what_is_shipped_and_nothing_of_the_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "auditor/_shipped/inventory.example.yaml" in names
    assert any(name.startswith("auditor/_shipped/rules/postfix/") for name in names)
    assert any(name.endswith("/prelude.sh") for name in names)
    stray = [name for name in names if name.startswith("tests/") or name.endswith((".pyc", ".gitkeep"))]
    assert stray == []
