from auditor.fleet import HostFailed, HostFinished, HostStarted
from auditor.report.terminal.progress import Progress


def test_the_line_counts_hosts_and_names_those_that_are_slow() -> None:
    now = [0.0]
    told: list[str] = []
    progress = Progress(4, clock=lambda: now[0], failed=told.append)
    for host in ("mx1", "mx2", "mx3\x1b[2J"):
        progress(HostStarted(host=host))
    assert "0 of 4 hosts done, 3 at work" == progress.line()
    now[0] = 7.0
    progress(HostFinished(host="mx1", seconds=7.0))
    progress(HostFailed(host="mx2", state="login refused", message="mx2: no", seconds=7.0))
    assert "2 of 4 hosts done, 1 failed, 1 at work; waiting for mx3\\x1b[2J (7 s)" == progress.line()
    assert ["mx2: login refused"] == told


def test_a_host_that_fails_before_it_starts_counts() -> None:
    progress = Progress(1, clock=lambda: 0.0)
    progress(HostFailed(host="mx1", state="interrupted", message="", seconds=0.0))
    assert "1 of 1 host done, 1 failed" == progress.line()
