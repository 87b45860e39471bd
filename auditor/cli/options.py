"""Options that several commands share, beside those of targets and logging."""

from __future__ import annotations

from pathlib import Path

import click

PROFILE = click.option(
    "--profile", default="default", show_default=True, metavar="NAME|FILE", help="Which rules, with which severities."
)
SITE_RULES = click.option(
    "--rules",
    "site_rules",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Site rules, added to the shipped ones.",
)
