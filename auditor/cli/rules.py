"""`mailaudit rules list|show|check`."""

from __future__ import annotations

from pathlib import Path

import click

from auditor.cli.options import PROFILE, SITE_RULES


@click.group("rules")
def command() -> None:
    """List, show and check rules."""


@command.command("list")
@PROFILE
@SITE_RULES
def list_(profile: str, site_rules: tuple[Path, ...]) -> int:
    """List the rules of a profile: severity, id, title."""
    from auditor import pipeline, report

    for summary in sorted(
        pipeline.SHIPPED.load_rules(profile, site_rules).summaries(), key=lambda s: (-s.severity.rank, s.id)
    ):
        click.echo(f"{summary.severity:8}  {summary.id:45}  {report.visible(summary.title)}")
    return 0


@command.command("show")
@click.argument("rule")
@PROFILE
@SITE_RULES
def show(rule: str, profile: str, site_rules: tuple[Path, ...]) -> int:
    """Show one rule: why, the condition as written, what the cure may break, references, examples."""
    from auditor import pipeline, report, rulebook

    found = pipeline.SHIPPED.load_rules(profile, site_rules).rule(rule)
    click.echo("\n".join(report.visible(line) for line in rulebook.page(found).splitlines()))
    return 0


@command.command("check")
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path), metavar="[DIR]...")
def check(folders: tuple[Path, ...]) -> int:
    """Check rule files and run their examples: the shipped rules, or those in DIR beside them.

    Ends with 0 when all is well, with 1 when an example does not say what it should, with 2 for a file that cannot be used.
    """
    from auditor import pipeline, report

    checked = pipeline.SHIPPED.check_rules(folders)
    for kind, told in (("warning: ", checked.warnings), ("", checked.problems)):
        for problem in told:
            click.echo("\n".join(report.visible(line) for line in f"{kind}{problem}".splitlines()))
    click.echo(
        f"{checked.rules} rules, {checked.examples} examples, {len(checked.problems)} problems, {len(checked.warnings)} warnings"
    )
    return 1 if checked.problems else 0
