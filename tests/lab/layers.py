"""The root filesystems of the lab's hosts: Debian releases and overlay layers, built once and cached outside the clone.

The cache is `$LAB_DIR` (default /var/tmp/mailaudit-lab), one folder per layer, named by a hash of everything that goes into
it. A layer is built under a lock into NAME.tmp and then renamed, so a killed build leaves nothing that is taken for whole.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

SCRIPTS = Path(__file__).with_name("scripts")
NAMESPACES = ("unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc")
TOOLS = ("mmdebstrap", "unshare", "nsenter", "ip", "ssh-keygen")
POSTFIX_DEBCONF = (
    "postfix postfix/main_mailer_type select Internet Site\npostfix postfix/mailname string build.example.org"
)
COMMON = (
    *("openssh-server", "sudo", "iproute2", "procps", "openssl", "ca-certificates", "netbase"),
    *("busybox", "mksh"),
)
POSTFIX = ("postfix", "postfix-pcre", "postfix-lmdb", "libsasl2-modules", "sasl2-bin")
MULTI_INSTANCE = r"""
settle() { touch -d -9sec /etc/postfix*/main.cf; }  # Postfix sleeps until main.cf is two seconds old
settle; postmulti -e init; settle
postmulti -I postfix-out -G mta -e create; settle
postconf -c /etc/postfix-out -e master_service_disable= inet_interfaces=127.0.0.1 authorized_submit_users=root
settle; postmulti -i postfix-out -e enable; settle
"""


class LabError(Exception):
    """The lab could not be built or started; the message carries the end of the failing command's output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one layer is made: a Debian release (`suite`), or an overlay over the layer named `below`."""

    suite: str = ""
    below: str = ""
    packages: tuple[str, ...] = ()
    script: str = ":"


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "debian-11": Recipe(suite="bullseye", packages=COMMON),
        "debian-12": Recipe(suite="bookworm", packages=COMMON),
        "debian-13": Recipe(suite="trixie", packages=COMMON),
        "postfix-3.5": Recipe(below="debian-11", packages=POSTFIX),
        "postfix-3.7": Recipe(below="debian-12", packages=POSTFIX),
        "postfix-3.10": Recipe(below="debian-13", packages=POSTFIX),
        "multi-instance": Recipe(below="postfix-3.7", script=MULTI_INSTANCE),
        "python": Recipe(below="postfix-3.7", packages=("python3",)),
    }
)


def lab_dir() -> Path:
    """The folder of the cache."""
    return Path(os.environ.get("LAB_DIR", "/var/tmp/mailaudit-lab"))


def scratch() -> Path:
    """An empty folder to mount on, in private mount namespaces only."""
    path = lab_dir() / "scratch"
    path.mkdir(parents=True, exist_ok=True)
    return path


def unavailable() -> str:
    """Why no lab can be made on this machine; empty when it can."""
    if os.geteuid():
        return "the lab needs root (network and mount namespaces)"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    return f"the lab needs {', '.join(missing)}: run tests/debian-packages.sh" if missing else ""


def require() -> None:
    """Raises LabError where no lab can be made."""
    if reason := unavailable():
        raise LabError(reason)


def chain(name: str) -> tuple[str, ...]:
    """The names of the layers under and including NAME, top first."""
    return (name, *chain(RECIPES[name].below)) if name else ()


def folder(name: str) -> Path:
    """Where the layer lives (or will live)."""
    sources = "".join((SCRIPTS / file).read_text() for file in ("mounts.sh", "layer.sh"))
    parts = [(RECIPES[part], _bootstrap(RECIPES[part], Path(part))) for part in chain(name)]
    key = hashlib.sha256(repr((sources, POSTFIX_DEBCONF, parts)).encode()).hexdigest()
    return lab_dir() / f"{name}-{key[:12]}"


def lower_dirs(name: str) -> str:
    """The `lowerdir=` of an overlay mount for the layer NAME."""
    return ":".join(str(folder(part)) for part in chain(name))


def build(name: str) -> Path:
    """Builds the layer and what is under it, unless they are there; concurrent callers wait. Raises LabError."""
    require()
    for part in reversed(chain(name)):
        if not folder(part).exists():
            with _locked(folder(part)) as lock:
                if not folder(part).exists():
                    _build_one(part, folder(part), lock)
    return folder(name)


def clean() -> tuple[Path, ...]:
    """Removes what no present recipe makes (layers of older recipes, interrupted builds); no lab may be running."""
    wanted = {scratch(), *(folder(name) for name in RECIPES)}
    stale = tuple(path for path in sorted(lab_dir().glob("*")) if path not in wanted)
    for path in stale:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return stale


@contextmanager
def _locked(target: Path) -> Iterator[int]:
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(target.with_name(target.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _build_one(name: str, target: Path, lock: int) -> None:
    recipe = RECIPES[name]
    building, work = (target.with_name(target.name + suffix) for suffix in (".tmp", ".work"))
    for leftover in (building, work):
        shutil.rmtree(leftover, ignore_errors=True)
    if recipe.suite:
        _run(_bootstrap(recipe, building), {}, lock)
    else:
        building.mkdir()
        work.mkdir()
        environment = {
            "MOUNTS": str(SCRIPTS / "mounts.sh"),
            "SCRATCH": str(scratch()),
            "LOWER": lower_dirs(recipe.below),
            "UPPER": str(building),
            "WORK": str(work),
            "PACKAGES": " ".join(recipe.packages),
            "DEBCONF": POSTFIX_DEBCONF,
            "SCRIPT": recipe.script,
        }
        _run(("sh", str(SCRIPTS / "layer.sh")), environment, lock)
        shutil.rmtree(work)
    building.rename(target)


def _bootstrap(recipe: Recipe, target: Path) -> tuple[str, ...]:
    excluded = (f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("man", "doc", "locale"))
    return (
        *("mmdebstrap", "--mode=root", "--variant=minbase", "--quiet", f"--include={','.join(recipe.packages)}"),
        *('--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Languages "none"'),
        '--aptopt=Acquire::Check-Valid-Until "false"',  # a release that is no longer updated
        *excluded,
        '--customize-hook=rm -f "$1"/etc/ssh/ssh_host_*',  # or every host has one identity
        '--customize-hook=chroot "$1" useradd -m -s /bin/bash -G sudo auditor',
        "--skip=cleanup/apt/lists",  # the layers above install from the same lists
        *(recipe.suite, str(target)),  # no mirror named: mmdebstrap takes Debian's own, with updates and security
    )


def _run(command: tuple[str, ...], environment: Mapping[str, str], lock: int) -> None:
    # the child holds the lock too: a build whose parent was killed goes on and nobody starts a second one beside it
    done = subprocess.run(
        (*NAMESPACES, *command),
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=(lock,),
        check=False,
    )
    if done.returncode:
        raise LabError(f"{' '.join(command[:4])} … ended with {done.returncode}:\n{done.stdout[-3000:]}")
