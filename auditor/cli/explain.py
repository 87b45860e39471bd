"""`mailaudit explain RULE TARGETS`: why this verdict."""

from __future__ import annotations

from pathlib import Path

import click

from auditor.cli.logging import log_options
from auditor.cli.targets import Targets, target_options


@click.command("explain")
@click.argument("rule")
@target_options
@click.option(
    "--profile", default="default", show_default=True, metavar="NAME|FILE", help="Which rules, with which severities."
)
@click.option(
    "--rules",
    "site_rules",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Site rules, added to the shipped ones.",
)
@log_options
def command(rule: str, targets: Targets, profile: str, site_rules: tuple[Path, ...]) -> int:
    """Explain what RULE says about a host: its expressions with the value at each place, and where each value was written."""
    from auditor import pipeline, report

    rules = pipeline.SHIPPED.load_rules(profile, site_rules)
    rules.rule(rule)  # a wrong id is told before a server is asked
    missing = False
    for result in pipeline.SHIPPED.explain(rule, targets.load_to_contact(), rules, workers=targets.forks):
        if result.value is not None:
            click.echo("\n".join(report.visible(line) for line in result.value.splitlines()))
        else:
            missing = True
            click.echo(
                report.visible(result.message) + (f"\n  try: {report.visible(result.advice)}" if result.advice else ""),
                err=True,
            )
    return 3 if missing else 0
