"""Whatever happens to the process that made a lab, no process, mount, namespace or link is left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab import layers
from tests.lab.lab import Lab
from tests.lab.layers import LabError
from tests.lab.processes import children

ROOT = Path(__file__).parents[2]
UP = (sys.executable, "-m", "tests.lab", "up", "debian-default", "jump", "behind-jump")
ORACLE = (
    *(sys.executable, "-c"),
    "from tests.lab.oracle import PostfixOracle as O\nwith O('3.7') as o:\n print('}', flush=True)\n while o.many([('', '')] * 50): pass",
)


def descendants(pid: int) -> list[int]:
    """The process, its children, their children …"""
    try:
        return [pid, *(each for child in children(pid) for each in descendants(child))]
    except (FileNotFoundError, ProcessLookupError):
        return []


def namespaces(pid: int) -> set[str]:
    """The network, mount and PID namespaces that a process holds."""
    held = set()
    for kind in ("net", "mnt", "pid"):
        try:
            held.add(str(Path(f"/proc/{pid}/ns/{kind}").readlink()))
        except OSError:  # it ended, or is not ours
            continue
    return held


def private_namespaces(pid: int) -> set[str]:
    """Those of a lab: what the process' descendants hold and we do not."""
    return {name for each in descendants(pid) for name in namespaces(each)} - namespaces(os.getpid())


def holders(wanted: set[str]) -> list[int]:
    """Every process of the machine that is in one of the namespaces."""
    numbers = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return [pid for pid in numbers if namespaces(pid) & wanted]


def soon(condition: Callable[[], bool], seconds: float = 20) -> bool:
    """Whether the condition holds before the time is up."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def machine() -> tuple[str, list[str], list[str]]:
    """The machine's own mounts, links and files where a lab could leave something."""
    return (
        Path("/proc/self/mountinfo").read_text(),
        sorted(path.name for path in Path("/sys/class/net").iterdir()),
        sorted(path.name for path in layers.scratch().iterdir()),
    )


@contextmanager
def started(command: tuple[str, ...], *, booted: bool = True) -> Iterator[subprocess.Popen[str]]:
    """A process that makes a lab (and says `}` when it is up), with a check that nothing is left of it afterwards."""
    before = machine()
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if booted:
            assert any(line == "}\n" for line in process.stdout)
        yield process
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()
    assert machine() == before


def test_a_lab_that_ends_normally_leaves_nothing() -> None:
    with started(UP) as process:
        private = private_namespaces(process.pid)
        assert len(holders(private)) > 20
    assert process.returncode == 0
    assert soon(lambda: holders(private) == [])


def test_a_failing_test_leaves_nothing() -> None:
    before = machine()
    private: set[str] = set()
    with pytest.raises(ZeroDivisionError), Lab() as lab:
        lab.up("jump")
        private = private_namespaces(lab.pid)
        raise ZeroDivisionError
    assert private
    assert soon(lambda: holders(private) == [])
    assert machine() == before


@pytest.mark.parametrize("command", [UP, ORACLE], ids=["lab", "oracle"])
@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_killing_the_test_process_leaves_nothing(command: tuple[str, ...], kill: signal.Signals) -> None:
    with started(command) as process:
        private = private_namespaces(process.pid)
        process.send_signal(kill)
        assert soon(lambda: holders(private) == [])


@pytest.mark.parametrize("depth", [1, 2], ids=["unshare", "supervisor"])
def test_killing_the_lab_itself_leaves_nothing(depth: int) -> None:
    with started(UP) as process:
        private = private_namespaces(process.pid)
        os.kill(descendants(process.pid)[depth], signal.SIGKILL)
        assert soon(lambda: holders(private) == [])


@pytest.mark.parametrize("processes", [3, 8, 14])
def test_killing_the_test_process_while_hosts_boot_leaves_nothing(processes: int) -> None:
    with started(UP, booted=False) as process:
        assert soon(lambda: len(descendants(process.pid)) >= processes)
        private = private_namespaces(process.pid)
        process.kill()
        assert soon(lambda: holders(private) == [])


def test_two_labs_with_the_same_addresses_do_not_meet() -> None:
    with Lab() as first, Lab() as second:
        hosts = [lab.host("no-mail-server") for lab in (first, second)]
        hosts[0].run("touch /root/first")
        assert hosts[0].address == hosts[1].address
        assert hosts[0].host_key != hosts[1].host_key
        assert hosts[1].run("ls /root").stdout == ""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own cache folder beside the usual one, which has all layers but multi-instance."""
    layers.build("postfix-3.7")
    for name in layers.chain("postfix-3.7"):
        (tmp_path / layers.folder(name).name).symlink_to(layers.folder(name))
    monkeypatch.setenv("LAB_DIR", str(tmp_path))
    return tmp_path


def build() -> subprocess.Popen[bytes]:
    """Starts building the layer that the cache lacks."""
    return subprocess.Popen(
        (sys.executable, "-m", "tests.lab", "build", "multi-instance"), cwd=ROOT, stdout=subprocess.PIPE
    )


def test_two_builds_of_one_layer_wait_for_each_other(cache: Path) -> None:
    for process in (build(), build()):
        process.communicate()
        assert process.returncode == 0
    assert layers.folder("multi-instance").is_dir()
    assert list(cache.glob("*.tmp")) == []


def test_a_killed_build_is_not_taken_for_whole(cache: Path) -> None:
    process = build()
    assert soon(lambda: bool(list(cache.glob("*.tmp"))))
    started_by_it = descendants(process.pid)
    process.kill()
    os.kill(started_by_it[1], signal.SIGKILL)
    process.communicate()
    assert not layers.folder("multi-instance").exists()
    assert layers.build("multi-instance").is_dir()


def test_a_build_that_fails_says_why(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = layers.Recipe(below="postfix-3.7", script="echo the mirror is gone >&2; exit 7")
    monkeypatch.setattr(layers, "RECIPES", {**layers.RECIPES, "broken": broken})
    with pytest.raises(LabError, match="the mirror is gone"):
        layers.build("broken")
    assert not layers.folder("broken").exists()
    assert cache.is_dir()
