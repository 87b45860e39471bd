"""`mailaudit scan`: audit, report, exit."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditor import report
from auditor.cli import EXIT_OUTPUT, patient, say
from auditor.cli.logging import log_options
from auditor.cli.options import PROFILE, SITE_RULES
from auditor.cli.targets import Targets, target_options
from auditor.errors import AuditorError

if TYPE_CHECKING:
    from auditor.model.run import Run

SEVERITIES = ("info", "low", "medium", "high", "critical")


@click.command("scan")
@target_options
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="FORMAT[:FILE]",
    help="terminal, text, json, html, csv, junit or sarif; without FILE to stdout. Repeatable.",
)
@click.option(
    "--by",
    type=click.Choice(["host", "rule"]),
    help="Group the terminal report; default: by rule for more than five hosts.",
)
@PROFILE
@SITE_RULES
@click.option(
    "--fail-on",
    type=click.Choice([*SEVERITIES, "never"]),
    default="high",
    show_default=True,
    help="End with 1 for findings from here on.",
)
@click.option(
    "--unreachable",
    default="fail",
    show_default=True,
    metavar="fail|warn|N%",
    help="How many hosts may be missing before the end is 3.",
)
@log_options
def command(
    targets: Targets,
    reports: tuple[str, ...],
    by: report.By | None,
    profile: str,
    site_rules: tuple[Path, ...],
    fail_on: str,
    unreachable: str,
) -> int:
    """Audit mail servers, read-only, and report what is insecure with the evidence.

    HOSTS is a pattern as Ansible knows it (web:&mx:!edge, mx*) with -i, or one server as user@host.

    \b
    Exit codes: 0 nothing at or above --fail-on; 1 findings; 2 a file or option is wrong;
    3 a host could not be audited, or a critical rule is unknown there; 130 interrupted.
    """
    from auditor import pipeline
    from auditor.model.finding import Severity

    threshold = None if fail_on == "never" else Severity(fail_on)
    tolerance = pipeline.Tolerance.parse(unreachable)
    wanted = [report.parse_target(text) for text in reports or ("terminal",)]
    report.check_targets(wanted)
    rules = pipeline.SHIPPED.load_rules(profile, site_rules)
    hosts = targets.load_to_contact()
    started = pipeline.now()
    with patient():
        with report.progress([host.name for host in hosts]) as observer:
            audited = tuple(pipeline.SHIPPED.scan(hosts, rules, workers=targets.forks, observer=observer))
        run = pipeline.conclude(
            audited, rules, started=started, finished=pipeline.now(), fail_on=threshold, tolerance=tolerance
        )
        return _told(run, wanted, by) or run.exit_code


def _told(run: Run, wanted: Sequence[report.Target], by: report.By | None) -> int:
    """Write every report, whatever becomes of the others; EXIT_OUTPUT when one could not be written, else 0."""
    failed = 0
    for target in wanted:
        try:
            report.emit(target, run, by=by, stream=sys.stdout)
            if target.path is not None:
                click.echo(f"{target.format} report: {report.visible(str(target.path))}", err=True)
        except AuditorError as error:
            failed = EXIT_OUTPUT
            say(error)
    return failed
