"""Builders of Postfix models from file texts."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from auditor.model.host import Release
from auditor.platforms.postfix.files import from_files
from auditor.platforms.postfix.model import Postfix, SmtpdService
from auditor.platforms.postfix.parse import parse

Build = Callable[..., Postfix]


def model(main: str = "", master: str | None = None, release: str | None = "3.7.11", **files: str) -> Postfix:
    """The model of these texts; `main` follows Debian's compatibility_level and loopback networks unless it sets its own."""
    head = "" if "compatibility_level" in main else "compatibility_level = 3.6\n"
    head += "" if "mynetworks" in main else "mynetworks = 127.0.0.0/8 [::1]/128\n"
    texts: dict[str, str] = {"main.cf": head + main, **files}
    if master is not None:
        texts["master.cf"] = master
    given: Mapping[str, bytes] = {name: text.encode("utf-8", "surrogateescape") for name, text in texts.items()}
    return parse(from_files(given, Release.parse(release) if release else None))


@pytest.fixture
def build() -> Build:
    return model


@pytest.fixture
def smtpd() -> Callable[..., SmtpdService]:
    """The first smtpd service of these texts."""

    def first(*args: Any, **kwargs: Any) -> SmtpdService:
        services = model(*args, **kwargs).smtpd_services
        assert isinstance(services, tuple)
        return services[0]

    return first
