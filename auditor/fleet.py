"""Run one function per host: workers, order, interruption, events.

Threads, because what is run waits for servers. It knows nothing of what it runs: a host is any value with a name.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import FrameType
from typing import Generic, TypeVar

from auditor import errors

T = TypeVar("T")
R = TypeVar("R")

OK = "ok"
INTERRUPTED = "interrupted"
INTERNAL_ERROR = "internal error"
OVERDUE = "timed out"

AHEAD = 1000  # results that may wait behind one slow host: an arbitrary bound on memory
TICK = 0.2  # seconds until Ctrl-C or an overdue host is noticed

log = logging.getLogger(__name__)

# The name of the host that this thread works for, for log lines; empty outside of `run`.
current_host: ContextVar[str] = ContextVar("current_host", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(Generic[R]):
    """What became of one host.

    `state` is "ok" (then `value` is what the function returned), the state of the HostFailed that it raised,
    "interrupted", "timed out" or "internal error". `seconds` is the time that it took.
    """

    name: str
    state: str
    value: R | None = None
    message: str = ""
    advice: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HostStarted:
    """Work on a host has begun."""

    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFinished:
    """The function returned for this host."""

    host: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFailed:
    """A host is done without a value; `state` as in Result."""

    host: str
    state: str
    message: str
    seconds: float


Event = HostStarted | HostFinished | HostFailed
Observer = Callable[[Event], None]


def run(
    items: Sequence[T],
    work: Callable[[T], R],
    *,
    workers: int = 20,
    name: Callable[[T], str] = str,
    limit: Callable[[T], float] | None = None,
    observer: Observer | None = None,
) -> Iterator[Result[R]]:
    """Call `work` for every item in at most `workers` threads; results come in the order of the items, as they are there.

    A HostFailed (or another AuditorError) that `work` raises is a failed result, any other exception an "internal error"
    whose traceback is logged. Whoever reads the results slowly slows the workers down: few results wait in memory.

    `work` keeps its own deadline. `limit` (seconds per item) is for the case that it does not: then its host is "timed
    out", its thread is left behind and another takes its place.

    In the main thread Ctrl-C ends the run: what is not done is "interrupted" and every item still has its result;
    a second one raises KeyboardInterrupt. `observer` is called by one thread at a time.
    """
    fleet = _Fleet(items, work, name=name, limit=limit, observer=observer, workers=max(1, min(workers, len(items))))
    return fleet.results()


class _Fleet(Generic[T, R]):
    """The state of one run, guarded by `changed`."""

    def __init__(
        self,
        items: Sequence[T],
        work: Callable[[T], R],
        *,
        name: Callable[[T], str],
        limit: Callable[[T], float] | None,
        observer: Observer | None,
        workers: int,
    ) -> None:
        self.items = items
        self.work = work
        self.name = name
        self.limit = limit
        self.observer = observer
        self.workers = workers
        self.changed = threading.Condition()
        self.observing = threading.Lock()
        self.next_start = 0
        self.next_result = 0
        self.running: dict[int, float] = {}  # index → when it started
        self.done: dict[int, Result[R]] = {}
        self.interrupted = False
        self.closed = False

    def results(self) -> Iterator[Result[R]]:
        with self._interruptible():
            try:
                for _ in range(self.workers if self.items else 0):
                    self._start_worker()
                for index in range(len(self.items)):
                    yield self._result(index)
            finally:
                with self.changed:
                    self.closed = True
                    self.changed.notify_all()

    def _start_worker(self) -> None:
        # Daemons: a thread that hangs in a library must not keep the process alive.
        threading.Thread(target=self._worker, name="fleet", daemon=True).start()

    def _worker(self) -> None:
        while (index := self._take()) is not None:
            result = self._run(index)
            with self.changed:
                given_up = index not in self.running
                if not given_up:
                    del self.running[index]
                    self.done[index] = result
                    self.changed.notify_all()
            if given_up:
                return
            self._tell(result)

    def _take(self) -> int | None:
        """The index of the next item to work on; None when there is no more to do."""
        with self.changed:
            self.changed.wait_for(lambda: self._over() or self._may_start())
            if self._over():
                return None
            index = self.next_start
            self.next_start += 1
            self.running[index] = time.monotonic()
            return index

    def _over(self) -> bool:
        return self.closed or self.interrupted or self.next_start >= len(self.items)

    def _may_start(self) -> bool:
        # When the next result is there, the reader is what is slow; otherwise one slow host is, and many may wait behind it.
        allowed = 2 * self.workers if self.next_result in self.done else AHEAD + self.workers
        return self.next_start - self.next_result < allowed

    def _run(self, index: int) -> Result[R]:
        item = self.items[index]
        name = self.name(item)
        token = current_host.set(name)
        started = time.monotonic()
        self._observe(HostStarted(host=name))
        state, message, advice, value = OK, "", "", None
        try:
            value = self.work(item)
        except errors.HostFailed as error:
            state, message, advice = error.state, error.message, error.advice
        except errors.AuditorError as error:
            state, message, advice = errors.HostFailed.state, error.message, error.advice
        except BaseException as error:  # one host never breaks the others; nor does a library that calls sys.exit
            log.exception("internal error")
            state, message = INTERNAL_ERROR, f"{type(error).__name__}: {error}"
            advice = "run again with -v for the traceback and report it, please"
        finally:
            current_host.reset(token)
        seconds = time.monotonic() - started
        return Result(name=name, state=state, value=value, message=message, advice=advice, seconds=seconds)

    def _result(self, index: int) -> Result[R]:
        """Wait for the result of one item."""
        while True:
            with self.changed:
                self.changed.wait_for(lambda: index in self.done or self.interrupted, timeout=TICK)
                result = self.done.pop(index, None)
                if result is not None:
                    self.next_result = index + 1
                    self.changed.notify_all()
                    return result
                if self.interrupted:
                    self.running.pop(index, None)
                    return Result(name=self.name(self.items[index]), state=INTERRUPTED, message="interrupted")
            self._give_up_overdue()

    def _give_up_overdue(self) -> None:
        if self.limit is None:
            return
        now = time.monotonic()
        with self.changed:
            overdue = {i: now - since for i, since in self.running.items() if now - since > self.limit(self.items[i])}
            for index, seconds in overdue.items():
                del self.running[index]
                self.done[index] = Result(
                    name=self.name(self.items[index]),
                    state=OVERDUE,
                    message=f"{self.name(self.items[index])}: gave no result within {seconds:.0f} s and was left behind",
                    seconds=seconds,
                )
        for index in overdue:
            self._tell(self.done[index])
            self._start_worker()

    def _tell(self, result: Result[R]) -> None:
        if result.state == OK:
            self._observe(HostFinished(host=result.name, seconds=result.seconds))
        else:
            self._observe(
                HostFailed(host=result.name, state=result.state, message=result.message, seconds=result.seconds)
            )

    def _observe(self, event: Event) -> None:
        if self.observer is None:
            return
        with self.observing:
            try:
                self.observer(event)
            except Exception:  # a broken display must not cost a host its result
                log.exception("the observer of the fleet failed")

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Ctrl-C sets a flag, wherever in the main thread it arrives; the second one interrupts as usual."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def interrupt(_signum: int, _frame: FrameType | None) -> None:
            if self.interrupted:
                raise KeyboardInterrupt
            self.interrupted = True

        before = signal.signal(signal.SIGINT, interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
