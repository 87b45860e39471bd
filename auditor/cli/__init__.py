"""The command line: parses, calls the pipeline, prints, exits. No logic of its own.

One module per command; a command's module is imported when the command is asked for, so that `--help` stays fast.
"""

from __future__ import annotations

import difflib
import importlib
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from auditor import __version__
from auditor.errors import AuditorError, HostFailed

if TYPE_CHECKING:
    from auditor import fleet

# command → (module, what it does, in one line): the help of the group needs no import.
COMMANDS = {
    "scan": ("scan", "Audit mail servers and report what is insecure, with the evidence."),
    "collect": ("collect", "Collect only: write snapshots to scan later, or print the script for a person to run."),
    "explain": ("explain", "Explain a rule's verdict on a host: the expression with every value it read."),
    "rules": ("rules", "List, show and check rules."),
    "inventory": ("inventory", "List, check and show the inventory; trust a host key; print the sudoers lines."),
}

EXIT_USAGE, EXIT_HOST, EXIT_FAULT, EXIT_OUTPUT, EXIT_INTERRUPTED = 2, 3, 70, 74, 130


class _Commands(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 click's signature
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"auditor.cli.{COMMANDS[cmd_name][0]}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"auditor.cli.{COMMANDS[cmd_name][0]}.command is not a command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Commands: {', '.join(COMMANDS)}."
            raise click.UsageError(f"{error.message} {hint}", ctx) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="mailaudit")
def mailaudit() -> None:
    """Audits the relay and authentication configuration of mail servers, read-only, with evidence.

    \b
      mailaudit scan -i inventory.yaml            every host of an inventory
      mailaudit scan root@mx1.example.org         one server over SSH
      mailaudit scan --files /etc/postfix         a folder of configuration files, no server needed
      mailaudit scan --demo                       recorded example servers
    """


def main() -> NoReturn:
    """Run the command line and end the process with the exit code of DESIGN section 12."""
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _interrupt)
    # Started with a closed output (>&-), there is no stream at all.
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; every error becomes a message on stderr."""
    try:
        result = mailaudit.main(arguments, prog_name="mailaudit", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("mailaudit: interrupted", err=True)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe went away (head, less): not our error.
        _give_up_output()
        return 0
    except OSError as error:
        _give_up_output()
        click.echo(f"mailaudit: the output could not be written: {error}", err=True)
        return EXIT_OUTPUT
    except AuditorError as error:
        say(error)
        return EXIT_HOST if isinstance(error, HostFailed) else EXIT_USAGE
    except Exception:  # noqa: BLE001 the last handler: a fault of ours, told in one line
        return _fault()


def say_failed(result: fleet.Result[Any]) -> None:
    """Tell on standard error why a host has no result."""
    from auditor.report import visible

    click.echo(visible(result.message) + (f"\n  try: {visible(result.advice)}" if result.advice else ""), err=True)


@contextmanager
def patient() -> Iterator[None]:
    """For the time of the block the first Ctrl-C only says that reports are still being written; a second one interrupts.

    `fleet.run` listens to Ctrl-C itself while it runs.
    """
    asked = False

    def once(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 signal's signature
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        click.echo("mailaudit: the reports are being written; interrupt again to give them up", err=True)

    before = signal.signal(signal.SIGINT, once)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 it lives as long as the process


def _give_up_output() -> None:
    # What is still in the buffer must not fail once more when Python ends.
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stdout = _nowhere()


def say(error: AuditorError) -> None:
    """Tell an error and its advice on standard error."""
    from auditor.report import visible

    lines = "\n".join(visible(line) for line in str(error).splitlines())
    click.echo(f"mailaudit: {lines}" + (f"\n  try: {visible(error.advice)}" if error.advice else ""), err=True)


def _fault() -> int:
    handle, name = tempfile.mkstemp(prefix="mailaudit-fault-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"mailaudit {__version__}\n{traceback.format_exc()}")
    last = traceback.format_exc().strip().splitlines()[-1][:200]
    click.echo(
        f"mailaudit: a fault of mailaudit itself: {last!r}; details are in {Path(name)}; please report it with that file",
        err=True,
    )
    return EXIT_FAULT


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 signal's signature
    # SIGTERM ends like Ctrl-C, whoever handles that now: with a valid report of what is done.
    signal.raise_signal(signal.SIGINT)
