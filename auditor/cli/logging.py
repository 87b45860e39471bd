"""Logging of the command line: on stderr, configured here only. Payloads and secrets are never logged by anyone."""

from __future__ import annotations

import functools
import json
import logging
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from auditor import fleet

F = TypeVar("F", bound=Callable[..., Any])


class _Host(logging.Filter):
    """Adds the host that the logging thread works on."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.host = fleet.current_host.get()
        return True


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        from auditor.report import visible

        host = getattr(record, "host", "")
        lines = super().format(record).splitlines()
        return "\n".join(visible(f"{host}: {line}" if host else line) for line in lines)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "host": getattr(record, "host", ""),
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def configure(verbose: int, log_json: bool) -> None:
    """-v is INFO, -vv DEBUG; the libraries below us stay at WARNING."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_Host())
    handler.setFormatter(_Json() if log_json else _Text("%(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("auditor")
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel({0: logging.WARNING, 1: logging.INFO}.get(verbose, logging.DEBUG))


def log_options(command: F) -> F:
    """Add -v, -vv and --log-json, and act on them before the command runs."""

    @functools.wraps(command)
    def wrapped(**given: Any) -> Any:
        configure(given.pop("verbose"), given.pop("log_json"))
        return command(**given)

    decorated = click.option("-v", "--verbose", count=True, help="Say more on stderr; -vv says all.")(wrapped)
    return click.option("--log-json", is_flag=True, help="Log lines as JSON objects.")(decorated)  # type: ignore[return-value]  # click's decorators keep the signature for people, not for mypy
