from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from auditor import fleet
from auditor.errors import LoginRefused, UsageError
from auditor.fleet import Event, HostFailed, HostFinished, HostStarted, Result


def values(results: Iterator[Result[str]]) -> list[str | None]:
    return [result.value for result in results]


def test_results_come_in_the_order_of_the_hosts() -> None:
    def work(host: str) -> str:
        time.sleep(0.2 if host == "slow" else 0.0)
        return host.upper()

    assert ["SLOW", "MX1", "MX2"] == values(fleet.run(["slow", "mx1", "mx2"], work))


def test_hosts_are_worked_on_at_the_same_time() -> None:
    meeting = threading.Barrier(5)

    def work(host: str) -> str:
        meeting.wait(timeout=5)
        return host

    hosts = [f"mx{n}" for n in range(5)]
    assert hosts == values(fleet.run(hosts, work, workers=5))


def test_no_more_workers_than_asked_for_run_at_once() -> None:
    now, most, lock = 0, 0, threading.Lock()

    def work(_: str) -> str:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1
        return ""

    list(fleet.run([f"mx{n}" for n in range(30)], work, workers=3))
    assert 3 == most


def test_a_host_that_fails_has_its_state_and_its_advice() -> None:
    def work(host: str) -> str:
        raise LoginRefused(host, "root was not accepted", "try by hand")

    [result] = fleet.run(["mx1"], work)
    assert ("login refused", "mx1: root was not accepted", "try by hand", None) == (
        result.state,
        result.message,
        result.advice,
        result.value,
    )


def test_an_error_of_the_user_is_a_failed_host_and_not_an_internal_error() -> None:
    def work(host: str) -> str:
        raise UsageError(f"{host}: there is no platform 'exim'", "known: postfix")

    [result] = fleet.run(["mx1"], work)
    assert ("failed", "mx1: there is no platform 'exim'", "known: postfix") == (
        result.state,
        result.message,
        result.advice,
    )


def test_a_bug_is_an_internal_error_of_one_host_and_its_traceback_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def work(host: str) -> str:
        return {"mx1": "fine"}[host]

    with caplog.at_level(logging.ERROR):
        results = list(fleet.run(["mx1", "mx2"], work))
    assert ["ok", "internal error"] == [result.state for result in results]
    assert "KeyError: 'mx2'" == results[1].message
    assert caplog.records[0].exc_info is not None


def test_a_library_that_exits_breaks_one_host_only(caplog: pytest.LogCaptureFixture) -> None:
    def work(host: str) -> str:
        if host == "mx1":
            raise SystemExit(1)
        return host

    assert ["internal error", "ok"] == [result.state for result in fleet.run(["mx1", "mx2"], work, workers=1)]
    assert "SystemExit" in caplog.text


def test_events_tell_what_happens() -> None:
    events: list[Event] = []

    def work(host: str) -> str:
        if host == "mx2":
            raise LoginRefused(host, "no")
        return host

    list(fleet.run(["mx1", "mx2"], work, workers=1, observer=events.append))
    assert [HostStarted, HostFinished, HostStarted, HostFailed] == [type(event) for event in events]
    assert "login refused" == events[3].state  # type: ignore[union-attr]


def test_a_broken_observer_costs_no_result(caplog: pytest.LogCaptureFixture) -> None:
    def observer(_: Event) -> None:
        raise ValueError("no terminal")

    assert ["mx1"] == values(fleet.run(["mx1"], str, observer=observer))
    assert "the observer of the fleet failed" in caplog.text


def test_log_lines_know_their_host() -> None:
    assert ["mx1", "mx2"] == values(fleet.run(["mx1", "mx2"], lambda _: fleet.current_host.get()))
    assert "" == fleet.current_host.get()


def test_a_slow_reader_slows_the_workers_down() -> None:
    started: list[int] = []

    def work(number: int) -> int:
        started.append(number)
        return number

    results = fleet.run(range(500), work, workers=5)
    next(results)
    time.sleep(0.2)
    assert len(started) <= 2 * 5 + 5 + 1


def test_one_slow_host_at_the_head_does_not_hold_up_the_others() -> None:
    done = threading.Event()
    finished: list[int] = []

    def work(number: int) -> int:
        if number == 0:
            done.wait(10)
        else:
            finished.append(number)
            if len(finished) == 299:
                done.set()
        return number

    started = time.monotonic()
    assert list(range(300)) == [result.value for result in fleet.run(range(300), work, workers=4)]
    assert time.monotonic() - started < 5


def test_a_host_that_overruns_its_limit_is_left_behind() -> None:
    forever = threading.Event()

    def work(host: str) -> str:
        if host == "mx2":
            forever.wait(60)
        return host

    results = list(fleet.run(["mx1", "mx2", "mx3"], work, workers=1, limit=lambda _: 0.3))
    forever.set()
    assert ["ok", "timed out", "ok"] == [result.state for result in results]
    assert "left behind" in results[1].message


def test_ctrl_c_keeps_what_is_done_and_marks_the_rest() -> None:
    hang = threading.Event()

    def work(host: str) -> str:
        if host != "mx0":
            hang.wait(60)
        return host

    results = fleet.run([f"mx{n}" for n in range(100)], work, workers=4)
    first = next(results)
    os.kill(os.getpid(), signal.SIGINT)
    rest = list(results)
    hang.set()
    assert "ok" == first.state
    assert 99 == len(rest)
    assert {"interrupted"} == {result.state for result in rest}


def test_a_second_ctrl_c_ends_at_once() -> None:
    hang = threading.Event()
    results = fleet.run(["mx1", "mx2"], lambda _: hang.wait(60), workers=1)

    def interrupt() -> None:
        for _ in range(2):
            time.sleep(0.1)
            os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        for _ in results:
            time.sleep(0.3)
    hang.set()


def test_the_handler_of_ctrl_c_is_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    list(fleet.run(["mx1"], str))
    assert before is signal.getsignal(signal.SIGINT)


def test_no_hosts_are_no_results() -> None:
    assert [] == list(fleet.run([], str))


def test_a_reader_that_stops_early_stops_the_workers() -> None:
    started: list[int] = []

    def work(number: int) -> None:
        started.append(number)
        time.sleep(0.001)

    results = fleet.run(range(10_000), work, workers=2)
    next(results)
    results.close()  # type: ignore[attr-defined]
    time.sleep(0.1)
    count = len(started)
    time.sleep(0.1)
    assert count == len(started)
