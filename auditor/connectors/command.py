"""Any command that offers a POSIX shell on its standard input: `sh`, `docker exec -i mail sh`, the user's own `ssh`."""

from __future__ import annotations

import atexit
import os
import selectors
import shlex
import signal
import subprocess
import time
from contextlib import suppress
from datetime import timedelta
from typing import IO, cast

from auditor.errors import TimedOut, Unreachable
from auditor.interfaces import Output, Script
from auditor.model.host import Command, Host, Shell
from auditor.shell.privilege import Session, last_line

CHUNK = 64 * 1024
AFTERGLOW = 1.0  # seconds to wait for the output of what the shell left running behind it

# Commands that run right now: their process groups get no Ctrl-C from the terminal, so they end with us.
_running: set[int] = set()


class CommandConnector:
    """Starts the command anew for every run."""

    def __init__(self, host: Host, settings: Command) -> None:
        self._host = host
        self._argv = settings.argv

    @property
    def shell(self) -> Shell:
        """A POSIX shell."""
        return Shell.SH

    def run(self, script: Script, *, timeout: timedelta) -> Output:
        """Start the command and feed it the script. At the deadline its whole process group is killed."""
        deadline = time.monotonic() + timeout.total_seconds()
        session = Session(self._host, script)
        process = self._start()
        _running.add(process.pid)
        try:
            _Pipes(process, session).carry(deadline)
            status = process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            raise TimedOut(
                self._host.name,
                f"`{self._shown}` did not end within {timeout.total_seconds():.0f} s: {session.waits_for}",
                "raise `deadline` in the inventory if the host is only slow",
            ) from None
        finally:
            _kill(process)
            _running.discard(process.pid)
        return self._checked(session.output(status))

    def close(self) -> None:
        """Nothing stays open between runs."""

    @property
    def _shown(self) -> str:
        return shlex.join(self._argv)

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603 - the command of the user's own inventory, without a shell
                self._argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
            )
        except (OSError, ValueError, IndexError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise Unreachable(
                self._host.name,
                f"`{self._shown}` could not be started: {reason}",
                f"is {self._argv[0] if self._argv else 'the command'} installed, and on the PATH?",
            ) from error

    def _checked(self, output: Output) -> Output:
        """A command that failed without any output is a connection that never was."""
        if output.stdout or not output.status:
            return output
        said = last_line(output.stderr)
        ended = f"was killed by signal {-output.status}" if output.status < 0 else f"ended with status {output.status}"
        raise Unreachable(
            self._host.name,
            f"`{self._shown}` {ended}" + (f": {said}" if said else " and said nothing"),
            _advice(self._argv[0], said, output.status),
        )


class _Pipes:
    """The three pipes of a process, and the session at our end of them."""

    def __init__(self, process: subprocess.Popen[bytes], session: Session) -> None:
        self._process = process
        self._session = session
        self._selector = selectors.DefaultSelector()
        self._stdin = cast("IO[bytes]", process.stdin)
        self._hear = {
            cast("IO[bytes]", process.stdout): session.hear_stdout,
            cast("IO[bytes]", process.stderr): session.hear_stderr,
        }

    def carry(self, deadline: float) -> None:
        """Move bytes until the process has closed its output, or has ended. Raises TimeoutError at the deadline."""
        for stream in (self._stdin, *self._hear):
            os.set_blocking(stream.fileno(), False)
        ended = None
        with self._selector:
            for stream in self._hear:
                self._selector.register(stream, selectors.EVENT_READ)
            while self._listening():
                now = time.monotonic()
                if now > deadline:
                    raise TimeoutError
                if self._process.poll() is not None:
                    ended = ended or now
                    if now - ended > AFTERGLOW:
                        return
                self._offer()
                for key, _ in self._selector.select(timeout=min(AFTERGLOW / 4, deadline - now)):
                    self._write() if key.fileobj is self._stdin else self._read(key.fd)

    def _listening(self) -> bool:
        return any(stream in self._selector.get_map() for stream in self._hear)

    def _offer(self) -> None:
        """Watch stdin only while there is something to say; close it after the last word."""
        if self._stdin.closed:
            return
        watched = self._stdin in self._selector.get_map()
        if self._session.outgoing and not watched:
            self._selector.register(self._stdin, selectors.EVENT_WRITE)
        elif not self._session.outgoing:
            if watched:
                self._selector.unregister(self._stdin)
            if self._session.complete:
                self._stdin.close()

    def _write(self) -> None:
        try:
            sent = os.write(self._stdin.fileno(), self._session.outgoing[:CHUNK])
        except BrokenPipeError:
            # The command stopped reading: what it says and its status tell why.
            self._selector.unregister(self._stdin)
            self._stdin.close()
        else:
            del self._session.outgoing[:sent]

    def _read(self, descriptor: int) -> None:
        stream = next(stream for stream in self._hear if stream.fileno() == descriptor)
        data = os.read(descriptor, CHUNK)
        if data:
            self._hear[stream](data)
        else:
            self._selector.unregister(stream)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the command and all that it started, unless it has ended by itself; free the pipes."""
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            with suppress(BrokenPipeError):
                stream.close()


@atexit.register
def _kill_all() -> None:
    for group in list(_running):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


# What the usual commands say when there is nobody at the other end → what to do.
_ADVICE = (
    ("No such container", "`docker ps` lists the containers that run"),
    ("no container with name or ID", "`podman ps` lists the containers that run"),
    ("is not running", "start the container, or scan its files: --files"),
    ("(NotFound)", "`kubectl get pods -A` lists the pods; add -n NAMESPACE to the command"),
    ("docker daemon", "is the docker daemon running, and may this user talk to it?"),
    ("executable file not found", "the container has no shell: scan an unpacked image with --files"),
    ("Permission denied (", "ssh could not log in: try the same command by hand"),
    ("Host key verification failed", "check the host key by hand with ssh, then run again"),
)


def _advice(command: str, said: str, status: int) -> str:
    for words, advice in _ADVICE:
        if words in said:
            return advice
    if status in (126, 127):
        return "the command, or the shell that it should start, was not found; it has to offer sh on its standard input"
    return f"run it by hand: {command} has to offer a POSIX shell on its standard input"
