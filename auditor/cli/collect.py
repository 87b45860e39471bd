"""`mailaudit collect`: snapshots to scan later or elsewhere, or the script for a person to run."""

from __future__ import annotations

from pathlib import Path

import click

from auditor import fleet
from auditor.cli import EXIT_HOST, EXIT_INTERRUPTED, EXIT_OUTPUT, say, say_failed
from auditor.cli.logging import log_options
from auditor.cli.targets import SNAPSHOT_SUFFIX, Targets, target_options
from auditor.errors import AuditorError, UsageError


@click.command("collect")
@target_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder to write one snapshot per host to.",
)
@click.option(
    "--print-script", metavar="PLATFORM", help="Print the collection script (auto: for all platforms) and stop."
)
@log_options
def command(targets: Targets, output: Path | None, print_script: str | None) -> int:
    """Collect from mail servers without judging, and write one HOST.snap per host.

    A snapshot is scanned with `mailaudit scan --snapshots PATH` and gives exactly the findings of a live scan.

    \b
    Where mailaudit may not log in, somebody runs the script there and sends its output:
      mailaudit collect --print-script postfix > collect.sh
      sh collect.sh > mx1.snap        (as root, or as a user with less to see)
    """
    from auditor import pipeline, report

    if print_script is not None:
        # Run by hand, what that person may read is read: sudo is not called.
        click.echo(pipeline.SHIPPED.script(print_script, privilege="none").text, nl=False)
        return 0
    if output is None:
        raise UsageError("where to write the snapshots was not said", "give -o DIR, or --print-script PLATFORM")
    if targets.files is not None:
        raise UsageError("a folder of files has nothing to collect", "scan it as it is: mailaudit scan --files DIR")
    hosts = targets.load_to_contact()
    paths = {host.name: output / f"{file_name(host.name)}{SNAPSHOT_SUFFIX}" for host in hosts}
    try:
        output.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise UsageError(
            f"-o {output}: {error.strerror or error}", "name a folder, or a place where one can be made"
        ) from error
    codes = {0}
    with report.progress([host.name for host in hosts]) as observer:
        for host, result in pipeline.SHIPPED.collect(hosts, workers=targets.forks, observer=observer):
            codes.add(_kept(result, paths[host.name]))
    return max(codes)


def _kept(result: fleet.Result[bytes], path: Path) -> int:
    """Write one snapshot, or say why there is none; the exit code that this host asks for."""
    from auditor import private

    if result.value is None:
        say_failed(result)
        return EXIT_INTERRUPTED if result.state == fleet.INTERRUPTED else EXIT_HOST
    try:
        private.write(path, [result.value])
    except AuditorError as error:
        say(error)
        return EXIT_OUTPUT
    click.echo(str(path))
    return 0


def file_name(host: str) -> str:
    """A host's name as a file name. Raises UsageError for a name that would leave the folder or hide."""
    if "/" in host or "\0" in host or host.startswith("."):
        raise UsageError(
            f"{host!r} cannot be the name of a snapshot file",
            "give the host a plain name in the inventory and its address as ansible_host",
        )
    return host
