"""`mailaudit explain RULE TARGETS`: why this verdict."""

from __future__ import annotations

from pathlib import Path

import click

from auditor import fleet
from auditor.cli import EXIT_HOST, EXIT_INTERRUPTED, say_failed
from auditor.cli.logging import log_options
from auditor.cli.options import PROFILE, SITE_RULES
from auditor.cli.targets import Targets, target_options


@click.command("explain")
@click.argument("rule")
@target_options
@PROFILE
@SITE_RULES
@log_options
def command(rule: str, targets: Targets, profile: str, site_rules: tuple[Path, ...]) -> int:
    """Explain what RULE says about a host: its expressions with the value at each place, and where each value was written."""
    from auditor import pipeline, report

    rules = pipeline.SHIPPED.load_rules(profile, site_rules)
    rules.rule(rule)  # a wrong id is told before a server is asked
    codes = {0}
    for result in pipeline.SHIPPED.explain(rule, targets.load_to_contact(), rules, workers=targets.forks):
        if result.value is not None:
            click.echo("\n".join(report.visible(line) for line in result.value.splitlines()))
        else:
            say_failed(result)
            codes.add(EXIT_INTERRUPTED if result.state == fleet.INTERRUPTED else EXIT_HOST)
    return max(codes)
