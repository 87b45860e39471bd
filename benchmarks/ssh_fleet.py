"""A scan of N servers against the same script sent by bare OpenSSH, and against Ansible.

The servers are N loopback addresses of one real host of the lab (Debian 12, OpenSSH 9.2, Postfix 3.7), reached from inside
its network namespace, so nothing but the client differs. As root: `python -m benchmarks.ssh_fleet`.

With more than one core, the servers have the first for themselves and the client has the others, as if they were other
machines; with `--share-cores` both use all, and what a client computes is taken from the servers.
Client CPU is that of the command and its children; Ansible's persistent ssh processes detach themselves and are not
counted, to its advantage.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from auditor import connectors, fleet
from auditor.interfaces import Script
from auditor.model.host import Host, Privilege, Shell, Ssh
from benchmarks.measure import Case, Figure, in_turn, median
from tests.lab.lab import Lab

BIN = Path(sys.executable).parent
ONE_COMMAND = "postconf -n"
FORKS = 20
# Twenty at a time, all from one address: more than sshd lets in by default.
SSHD = ("MaxStartups 2000", "UsePAM no", "LogLevel ERROR", "PrintLastLog no")

SAME_SCRIPT = "ssh, same script"
SAME_SCRIPT_DEFAULT = "ssh, same script, its default key exchange"
COLLECT = "mailaudit collect"
SCAN = "mailaudit scan"
SSH_ONE = "ssh, one command"
OURS_ONE = "mailaudit's connector, one command"
ANSIBLE_ONE = "Ansible, one command"
ANSIBLE_TEN = "Ansible, ten tasks"
ANSIBLE_SCRIPT = "Ansible, same script"


@dataclass(frozen=True, slots=True, kw_only=True)
class Farm:
    """N servers that are one: how to run a client beside them, and the files that clients need in `folder`."""

    hosts: tuple[str, ...]
    inside: tuple[str, ...]  # the command that enters the network of the servers
    folder: Path
    key: Path


@contextmanager
def farm(count: int, *, share_cores: bool) -> Iterator[Farm]:
    """Boot the host of the lab and write the clients' files."""
    cores = sorted(os.sched_getaffinity(0))
    apart = len(cores) > 1 and not share_cores
    hosts = tuple(f"127.0.{1 + number // 250}.{1 + number % 250}" for number in range(count))
    with (
        tempfile.TemporaryDirectory(prefix="mailaudit-bench-") as temporary,
        Lab() as lab,
        lab.fresh("debian-default", layer="python", sshd_options=SSHD) as running,
    ):
        folder = Path(temporary)
        if apart:
            running.run(f"taskset -acp {cores[0]} 1; pgrep . | xargs -n 1 taskset -acp {cores[0]}", check=False)
        clients = ("taskset", "-c", ",".join(map(str, cores[1:]))) if apart else ()
        servers = Farm(
            hosts=hosts,
            inside=(*clients, "nsenter", "-t", str(running.pid), "-n", "--"),
            folder=folder,
            key=Path(shutil.copy(lab.key, folder / "key")),
        )
        _write_files(servers, running.host_key)
        yield servers


def _write_files(servers: Farm, host_key: str) -> None:
    folder = servers.folder
    (folder / "key").chmod(0o600)
    (folder / "known_hosts").write_text("".join(f"{host} {host_key}\n" for host in servers.hosts))
    (folder / "hosts").write_text("\n".join(servers.hosts) + "\n")
    from auditor import pipeline  # not for the case of one command, which must not pay for it

    (folder / "script").write_text(pipeline.SHIPPED.script("postfix", privilege="root").text)
    (folder / "out").mkdir()
    (folder / "ssh_config").write_text(
        f"Host *\n  User root\n  IdentityFile {folder}/key\n  IdentitiesOnly yes\n  BatchMode yes\n"
        f"  UserKnownHostsFile {folder}/known_hosts\n  GlobalKnownHostsFile none\n  StrictHostKeyChecking yes\n"
    )
    (folder / "inventory.yaml").write_text(
        "all:\n  vars:\n    ansible_user: root\n    ansible_python_interpreter: /usr/bin/python3\n"
        f"    ansible_ssh_private_key_file: {folder}/key\n    known_hosts: [{folder}/known_hosts]\n  hosts:\n"
        + "".join(f"    {host}:\n" for host in servers.hosts)
    )
    task = f"    - ansible.builtin.command: {ONE_COMMAND}\n      changed_when: false\n"
    (folder / "ten.yaml").write_text("- hosts: all\n  gather_facts: false\n  tasks:\n" + task * 10)
    (folder / "script.yaml").write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.command:\n        argv: [sh, -s]\n"
        f"        stdin: \"{{{{ lookup('ansible.builtin.file', '{folder}/script') }}}}\"\n      changed_when: false\n"
    )


def _host(servers: Farm, address: str) -> Host:
    return Host(
        name=address,
        platform="postfix",
        privilege=Privilege(mode="root"),
        connection=Ssh(
            address=address,
            user="root",
            private_key_file=str(servers.key),
            known_hosts=(str(servers.folder / "known_hosts"),),
            agent=False,
        ),
    )


def cases(servers: Farm) -> list[Case]:
    """All ways to do the work; those of one kind one after the other."""
    folder, count = servers.folder, len(servers.hosts)

    def files(pattern: str, text: bytes) -> Callable[[str], None]:
        def check(_: str) -> None:
            found = [path for path in (folder / "out").glob(pattern) if text in path.read_bytes()]
            shutil.rmtree(folder / "out")
            (folder / "out").mkdir()
            assert len(found) == count, f"{len(found)} of {count} hosts answered"

        return check

    def lines(text: str) -> Callable[[str], None]:
        def check(output: str) -> None:
            assert output.count(text) == count, f"{output.count(text)} of {count} hosts answered"

        return check

    def audited(output: str) -> None:
        assert f"{count} of {count} hosts audited" in output, "not all hosts were audited"

    inventory = ("-i", str(folder / "inventory.yaml"), "-f", str(FORKS))
    ours = (str(BIN / "mailaudit"),)
    scan = (*inventory, "-b", "--platform", "postfix", "--fail-on", "never")
    return [
        _openssh(servers, SAME_SCRIPT, "sh -s", "curve25519-sha256", files("*", b"main.cf")),
        _openssh(servers, SAME_SCRIPT_DEFAULT, "sh -s", "", files("*", b"main.cf")),
        Case(
            name=COLLECT,
            argv=(*servers.inside, *ours, "collect", *inventory, "-b", "--platform", "postfix", "-o", f"{folder}/out"),
            check=files("*.snap", b"main.cf"),
        ),
        Case(name=SCAN, argv=(*servers.inside, *ours, "scan", *scan), check=audited),
        _openssh(servers, SSH_ONE, ONE_COMMAND, "curve25519-sha256", files("*", b"myhostname = ")),
        Case(
            name=OURS_ONE,
            argv=(*servers.inside, sys.executable, "-m", "benchmarks.ssh_fleet", "--one-command", str(folder)),
            check=lines("myhostname = "),
        ),
        _ansible(servers, ANSIBLE_ONE, ("ansible", "all", "-m", "command", "-a", ONE_COMMAND), lines("rc=0")),
        _ansible(servers, ANSIBLE_SCRIPT, ("ansible-playbook", f"{folder}/script.yaml"), lines("ok=1 ")),
        _ansible(servers, ANSIBLE_TEN, ("ansible-playbook", f"{folder}/ten.yaml"), lines("ok=10 ")),
    ]


def _openssh(servers: Farm, name: str, command: str, exchange: str, check: Callable[[str], None]) -> Case:
    folder = servers.folder
    options = f"-o KexAlgorithms={exchange}" if exchange else ""
    send = f"exec ssh -F {folder}/ssh_config {options} $1 '{command}' < {folder}/script > {folder}/out/$1"
    xargs = ("xargs", "-a", str(folder / "hosts"), "-P", str(FORKS), "-n", "1", "sh", "-c", send, "sh")
    return Case(name=name, argv=(*servers.inside, *xargs), check=check)


def _ansible(servers: Farm, name: str, arguments: Sequence[str], check: Callable[[str], None]) -> Case:
    folder = servers.folder
    return Case(
        name=name,
        argv=(
            *servers.inside,
            str(BIN / arguments[0]),
            *arguments[1:],
            "-i",
            f"{folder}/inventory.yaml",
            "-f",
            str(FORKS),
        ),
        check=check,
        once=True,
        environment={
            "ANSIBLE_PIPELINING": "True",
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_SSH_ARGS": f"-F {folder}/ssh_config -C -o ControlMaster=auto -o ControlPersist=60s",
            "LC_ALL": "C.UTF-8",
        },
    )


def one_command(folder: Path) -> None:
    """The work of Ansible's one command through our connector: what a connection costs, without the collection."""
    hosts = (folder / "hosts").read_text().split()
    servers = Farm(hosts=tuple(hosts), inside=(), folder=folder, key=folder / "key")
    script = Script(shell=Shell.SH, text=f"{ONE_COMMAND}\n")

    def ask(host: Host) -> bytes:
        with connectors.open(host) as connector:
            return connector.run(script, timeout=timedelta(seconds=120)).stdout

    targets = [_host(servers, address) for address in hosts]
    for result in fleet.run(targets, ask, workers=FORKS, name=lambda host: host.name):
        sys.stdout.write((result.value or b"").decode() + result.message)


def table(figures: dict[str, list[Figure]], count: int) -> Iterator[str]:
    """The figures as a Markdown table, and the ratios that matter."""
    yield "| client | wall s | client CPU ms/host | CPU of the servers and others s | runs |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    middle = {name: median(runs) for name, runs in figures.items() if runs}
    for name, figure in middle.items():
        cpu = 1000 * figure.cpu / count
        yield f"| {name} | {figure.wall:.2f} | {cpu:.1f} | {figure.others:.1f} | {len(figures[name])} |"
    yield ""
    yield "| ratio | wall | client CPU |"
    yield "| --- | ---: | ---: |"
    for ours, peer in (
        (SCAN, SAME_SCRIPT),
        (COLLECT, SAME_SCRIPT),
        (OURS_ONE, SSH_ONE),
        (OURS_ONE, ANSIBLE_ONE),
        (SCAN, ANSIBLE_ONE),
        (SCAN, ANSIBLE_SCRIPT),
        (SCAN, ANSIBLE_TEN),
    ):
        if ours in middle and peer in middle:
            wall = middle[ours].wall / middle[peer].wall
            yield f"| {ours} : {peer} | {wall:.2f} | {middle[ours].cpu / middle[peer].cpu:.2f} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--share-cores", action="store_true", help="clients and servers on all cores")
    parser.add_argument("--only", action="append", default=[], help="cases whose names start like this")
    parser.add_argument("--one-command", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one_command:
        one_command(arguments.one_command)
        return
    with farm(arguments.hosts, share_cores=arguments.share_cores) as servers:
        wanted = [case for case in cases(servers) if case.name.startswith(tuple(arguments.only) or "")]
        figures = in_turn(wanted, arguments.repeats)
    print("\n".join(table(figures, arguments.hosts)))


if __name__ == "__main__":
    main()
