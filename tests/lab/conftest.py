"""Fixtures of the lab; every test in this folder carries the marker `lab` and runs in one worker of pytest-xdist."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.lab import layers
from tests.lab.lab import Lab
from tests.lab.old_ssh import OldServer, start_old_servers
from tests.lab.oracle import VERSIONS, PostfixOracle

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks the folder's tests; skips them with one reason where no lab can be made, except in CI."""
    reason = "" if os.environ.get("CI") == "true" else layers.unavailable()
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.lab)
            if config.pluginmanager.hasplugin("xdist"):
                item.add_marker(pytest.mark.xdist_group("lab"))
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """One lab for the session; hosts boot on first use."""
    with Lab() as running:
        yield running


@pytest.fixture(scope="session", params=VERSIONS)
def oracle(request: pytest.FixtureRequest) -> Iterator[PostfixOracle]:
    """A real Postfix to ask about many configurations, once per release."""
    with PostfixOracle(request.param) as running:
        yield running


@pytest.fixture(scope="session")
def old_algorithms_sshd(lab: Lab) -> Mapping[str, OldServer]:
    """SSH servers with old or narrow algorithms, by the names of `old_ssh.PORTS`."""
    return start_old_servers(lab)


@pytest.fixture(autouse=True)
def _inside_the_lab(request: pytest.FixtureRequest) -> Iterator[None]:
    """Moves the thread of a test that uses the lab into its network while the test runs."""
    if "lab" not in request.fixturenames:
        yield
        return
    running: Lab = request.getfixturevalue("lab")
    with running.network():
        yield
