"""Real Postfix commands on many configurations: the oracle of the tests that compare us with Postfix itself.

    with PostfixOracle("3.10") as oracle:
        answers = oracle.many([(main_cf, master_cf), …])        # 4 postconf runs per configuration, both cores
        answers[0][N].values["myhostname"]                      # postconf -n
        answers[0][P].values["smtp/inet/smtpd_tls_security_level"]
        answers[0][X].stderr, answers[0][X].status
        oracle.many(configurations, ['postconf -c "$DIR" -M', smtpd_start("-o smtpd_sasl_auth_enable=yes")])

A command is shell text in which `$DIR` (and MAIL_CONFIG) is the configuration's directory; its stdin says QUIT. The answers
hold what this directory is named, so compare `values`, which leave out the `config_directory` that `-c` adds.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab import layers
from tests.lab.layers import LabError
from tests.lab.processes import children, pipes

VERSIONS = ("3.5", "3.7", "3.10")
N, P, X, PX = (f'postconf -c "$DIR" {option}' for option in ("-n", "-P", "-x", "-Px"))
"""Set in main.cf; set in master.cf; every main.cf parameter expanded; the master.cf ones expanded."""

Answer = Mapping[str, "Output"]
"""What each command said about one configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What one command said; bytes that are no UTF-8 are surrogate escapes."""

    stdout: str
    stderr: str
    status: int
    directory: str

    @property
    def values(self) -> Mapping[str, str]:
        """The lines `name = value` of postconf as a mapping; `service/type/name` for -P."""
        pairs = (line.partition(" =") for line in self.stdout.splitlines())
        found = {name: value.removeprefix(" ") for name, _, value in pairs}
        if found.get("config_directory") == self.directory:
            del found["config_directory"]
        return found


class PostfixOracle:
    """One Postfix release ("3.5", "3.7" or "3.10") in private namespaces; a context manager, or call `close`.

    `jobs`: many, because a fatal error costs a second of sleep and no CPU.
    """

    def __init__(self, version: str, *, jobs: int = 24) -> None:
        self.version = version
        layer = f"postfix-{version}"
        layers.build(layer)
        environment = {
            "MOUNTS": str(layers.SCRIPTS / "mounts.sh"),
            "SCRATCH": str(layers.scratch()),
            "LOWER": layers.lower_dirs(layer),
            "JOBS": str(jobs),
        }
        self._process = subprocess.Popen(
            (*layers.NAMESPACES, "--net", "sh", str(layers.SCRIPTS / "oracle.sh")),
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._requests, self._answers = pipes(self._process)
        self._batches = 0
        self._expect("ready")
        self._pid = children(self._process.pid)[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the shell and everything in its namespaces."""
        self._requests.close()
        self._process.wait()
        self._answers.close()

    def many(
        self, configurations: Sequence[tuple[str, str]], commands: Sequence[str] = (N, P, X, PX)
    ) -> tuple[Answer, ...]:
        """Runs the commands on every (main.cf, master.cf); the answers come in the order of the configurations."""
        self._batches += 1
        name = f"batch{self._batches}"
        folder = Path(f"/proc/{self._pid}/root/oracle") / name
        folder.mkdir()
        (folder / "script").write_text(_script(commands))
        for number, (main_cf, master_cf) in enumerate(configurations):
            _write(folder / str(number), main_cf, master_cf)
        self._requests.write(f"{name}\n")
        self._requests.flush()
        self._expect(name)
        inside = f"/oracle/{name}"
        answers = tuple(
            {
                command: _output(folder, f"{number}.{index}", f"{inside}/{number}")
                for index, command in enumerate(commands)
            }
            for number in range(len(configurations))
        )
        shutil.rmtree(folder)
        return answers

    def _expect(self, word: str) -> None:
        line = self._answers.readline()
        if line != f"{word}\n":
            raise LabError(f"the oracle of Postfix {self.version} ended ({line!r}); it needs root and namespaces")


def smtpd_start(options: str = "") -> str:
    """The command that loads a service as smtpd(8) would at start: complaints on stderr, status 1 when it would die.

    `options` is the service's own `-o` list as shell text. What it does not see: unknown restriction names, a bad
    mynetworks. A fatal error takes a second, in which Postfix sleeps.
    """
    return f"timeout 5 smtpd -S -V -o local_recipient_maps= {options}"  # Postfix is stopped: it would wait for proxymap


def _script(commands: Sequence[str]) -> str:
    runs = (
        f'{{ {command}\n}} < /oracle/quit > "$DIR.{index}.out" 2> "$DIR.{index}.err"; echo $? > "$DIR.{index}.status"'
        for index, command in enumerate(commands)
    )
    return "\n".join(('for DIR in "$@"; do', "export DIR MAIL_CONFIG=$DIR", *runs, "done\n"))


def _write(folder: Path, main_cf: str, master_cf: str) -> None:
    folder.mkdir()
    for name, text in (("main.cf", main_cf), ("master.cf", master_cf)):
        (folder / name).write_bytes(text.encode(errors="surrogateescape"))
        os.utime(folder / name, (0, 0))  # Postfix sleeps until a new main.cf is two seconds old


def _output(folder: Path, stem: str, directory: str) -> Output:
    out, err = ((folder / f"{stem}.{kind}").read_bytes().decode(errors="surrogateescape") for kind in ("out", "err"))
    return Output(stdout=out, stderr=err, status=int((folder / f"{stem}.status").read_text()), directory=directory)
