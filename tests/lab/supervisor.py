"""PID 1 of one lab: makes the networks, boots and stops hosts on request, and ends the whole lab when its stdin closes.

It is started by `tests.lab.lab` inside fresh network, mount and PID namespaces and imports nothing of the project. Requests
are lines of JSON on stdin, `{"boot": {…}}` or `{"stop": NAME}`; answers are lines of JSON on stdout. When PID 1 ends, the
kernel kills every process of the lab and drops its mounts and links, so nothing outlives the process that holds the pipe.
"""

import json
import os
import selectors
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

READY = 9  # the descriptor on which hosts report; dash redirects single digits only
BRIDGES = {"lab": "203.0.113.1/24", "inner": ""}  # inner: no address here, so only a host on both reaches it


class Supervisor:
    """The hosts of one lab, their processes and folders; `folder` is a private tmpfs."""

    def __init__(self, folder: Path, scripts: Path) -> None:
        self.folder = folder
        self.scripts = scripts
        self.processes: dict[str, int] = {}
        self.booting: set[str] = set()
        self.stopping: set[str] = set()

    def boot(self, spec: dict[str, str]) -> None:
        """Starts one host; the answer follows when it reports on the ready pipe or dies."""
        name = spec["NAME"]
        folder = self.folder / name
        folder.mkdir()
        environment = {**spec, "PATH": os.environ["PATH"], "FOLDER": str(folder), "SCRIPTS": str(self.scripts)}
        with (folder / "boot.log").open("wb") as log:
            process = subprocess.Popen(
                ["unshare", "--net", "sh", str(self.scripts / "network.sh")],
                env=environment,
                pass_fds=(READY,),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.processes[name] = process.pid
        process.returncode = 0  # reaped below, with the orphans of the PID namespace
        self.booting.add(name)

    def ready(self, line: str) -> None:
        """A host reports that its set-up script ended."""
        name, status, host_key = line.split(" ", 2)
        self.booting.discard(name)
        answer(name=name, pid=self.processes[name], status=int(status), host_key=host_key)

    def stop(self, name: str) -> None:
        """Kills a host; the answer follows when its process is gone."""
        self.stopping.add(name)
        os.kill(self.processes[name], 9)

    def reap(self) -> None:
        """Collects every ended process and answers for hosts that died or were stopped."""
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            for name in [name for name, process in self.processes.items() if process == pid]:
                self._gone(name)

    def _gone(self, name: str) -> None:
        del self.processes[name]
        log = (self.folder / name / "boot.log").read_text(errors="replace")
        shutil.rmtree(self.folder / name, ignore_errors=True)
        if name in self.booting or name in self.stopping:
            answer(name=name, log=log[-3000:])
        self.booting.discard(name)
        self.stopping.discard(name)


def answer(**fields: object) -> None:
    """One line of JSON to the process that started the lab."""
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def make_networks() -> None:
    """The bridges; the lab has no route out, so no packet leaves the machine."""
    commands = ["link set lo up"]
    for number, (bridge, address) in enumerate(BRIDGES.items(), 1):
        # A bridge without an address of its own takes its lowest port's: the others lose it when that host stops.
        commands += [f"link add {bridge} address 02:00:00:00:00:{number:02x} type bridge", f"link set {bridge} up"]
        commands += [f"addr add {address} dev {bridge}"] if address else []
    for command in commands:
        subprocess.run(["ip", *command.split()], check=True)


def serve(supervisor: Supervisor, ready: int) -> None:
    """Handles requests and reports until stdin closes."""
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    selector.register(ready, selectors.EVENT_READ)
    pending = {0: b"", ready: b""}
    while True:
        for key, _ in selector.select(timeout=0.1):
            chunk = os.read(key.fd, 65536)
            if not chunk:
                return
            *lines, pending[key.fd] = (pending[key.fd] + chunk).split(b"\n")
            for line in lines:
                if key.fd == ready:
                    supervisor.ready(line.decode())
                else:
                    request(supervisor, json.loads(line))
        supervisor.reap()


def request(supervisor: Supervisor, message: dict[str, Any]) -> None:
    """Carries out one request."""
    if "boot" in message:
        supervisor.boot(message["boot"])
    else:
        supervisor.stop(message["stop"])


def main(folder: str, scripts: str) -> None:
    """Sets the lab up, serves, and ends without clean-up: that is the kernel's part."""
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=700", "tmpfs", folder], check=True)
    make_networks()
    ready, write = os.pipe()
    os.dup2(write, READY)
    answer(lab="up")
    serve(Supervisor(Path(folder), Path(scripts)), ready)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
