"""What a fleet is doing, while it is doing it: one live line on standard error, and a line for each host that failed."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from auditor import fleet
from auditor.report.text import counted, visible

MOST_SLOW = 3
SLOW_SECONDS = 3.0  # what a healthy host takes: longer is worth a name

log = logging.getLogger(__name__)


class Progress:
    """The state of a fleet as its events tell it. `clock` gives seconds; `failed` is told each failure in words."""

    def __init__(
        self, total: int, *, clock: Callable[[], float] = time.monotonic, failed: Callable[[str], None] = log.info
    ) -> None:
        self._total = total
        self._clock = clock
        self._told = failed
        self._lock = threading.Lock()  # the line is drawn by another thread than the one that brings events
        self._since: dict[str, float] = {}
        self._done = 0
        self._failed = 0

    def __call__(self, event: fleet.Event) -> None:
        """Take one event of `fleet.run`."""
        with self._lock:
            match event:
                case fleet.HostStarted():
                    self._since[event.host] = self._clock()
                case fleet.HostFinished():
                    self._end(event.host)
                case fleet.HostFailed():
                    self._end(event.host)
                    self._failed += 1
        if isinstance(event, fleet.HostFailed):
            self._told(f"{visible(event.host)}: {visible(event.state)}")
        elif isinstance(event, fleet.HostFinished):
            log.info("%s: read in %.1f s", visible(event.host), event.seconds)

    def _end(self, host: str) -> None:
        self._since.pop(host, None)
        self._done += 1

    def line(self) -> str:
        """The fleet in one line: `12 of 40 hosts done, 2 failed, 20 at work; waiting for mx3.example.org (12 s)`."""
        with self._lock:
            now = self._clock()
            since = dict(self._since)
            said = f"{self._done} of {counted(self._total, 'host')} done"
            said += f", {self._failed} failed" if self._failed else ""
        said += f", {len(since)} at work" if since else ""
        slow = sorted((start, host) for host, start in since.items() if now - start >= SLOW_SECONDS)
        waiting = [f"{visible(host)} ({now - start:.0f} s)" for start, host in slow[:MOST_SLOW]]
        return said + (f"; waiting for {', '.join(waiting)}" if waiting else "")


@contextmanager
def observing(hosts: Sequence[str]) -> Iterator[Callable[[fleet.Event], None]]:
    """A live line while the block runs, if standard error is a terminal; else the same facts in the log at INFO."""
    if not sys.stderr.isatty():
        yield Progress(len(hosts))
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(stderr=True, highlight=False)
    if console.is_dumb_terminal:
        yield Progress(len(hosts))
        return
    progress = Progress(len(hosts), failed=lambda words: console.print(Text(words, style="bold red")))
    with Live(
        console=console,
        transient=True,
        refresh_per_second=5,
        get_renderable=lambda: Text(progress.line(), style="dim", no_wrap=True, overflow="ellipsis"),
    ):
        yield progress
