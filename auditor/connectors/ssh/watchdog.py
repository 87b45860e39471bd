"""The end of waiting: closes a connection when its time is up, whatever a library is blocked in."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Watchdog:
    """Calls `close` after some seconds, from another thread, unless the block has ended before. Then `expired` is true."""

    def __init__(self, seconds: float, close: Callable[[], None]) -> None:
        self.expired = False
        self._close = close
        self._timer = threading.Timer(max(0.0, seconds), self._bite)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.cancel()

    def _bite(self) -> None:
        self.expired = True
        self._close()


class Deadline:
    """A moment on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._at = time.monotonic() + seconds

    @property
    def remaining(self) -> float:
        """Seconds until then; never less than 0."""
        return max(0.0, self._at - time.monotonic())
