"""`python -m tests.lab build [LAYER…]`, `up [HOST…]`, `hosts`, `clean`: see the package's documentation."""

# ruff: noqa: T201 - a command prints

import json
import sys
import time

from tests.lab import layers
from tests.lab.hosts import HOSTS
from tests.lab.lab import Lab


def up(names: list[str]) -> None:
    """Boots hosts, prints how to reach them, and waits for the end of stdin or Ctrl-C."""
    with Lab() as lab:
        hosts = lab.up(*(names or HOSTS))
        print(
            json.dumps(
                {
                    "network": f"nsenter -t {lab.pid} -n",
                    "key": str(lab.key),
                    "known_hosts": str(lab.known_hosts),
                    "users": {"root": "key", "auditor": f"key or password {lab.password}"},
                    "hosts": {host.name: {"address": host.address, "host_key": host.host_key} for host in hosts},
                    "shell": {host.name: f"nsenter -t {host.pid} -m -u -i -n -p -r -w" for host in hosts},
                },
                indent=1,
            ),
            flush=True,
        )
        sys.stdin.read()


def build(names: list[str]) -> None:
    """Builds layers and says how long each took."""
    for name in names or [*layers.RECIPES]:
        start = time.monotonic()
        path = layers.build(name)
        print(f"{name}: {path} ({time.monotonic() - start:.1f} s)", flush=True)


def main(arguments: list[str]) -> int:
    """The command; returns the exit status."""
    match arguments:
        case ["up", *names] if all(name in HOSTS for name in names):
            up(names)
        case ["build", *names] if all(name in layers.RECIPES for name in names):
            build(names)
        case ["hosts"]:
            print("\n".join(HOSTS))
        case ["clean"]:
            print("\n".join(str(path) for path in layers.clean()))
        case _:
            print(f"{__doc__}\nhosts: {' '.join(HOSTS)}\nlayers: {' '.join(layers.RECIPES)}", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
    except layers.LabError as error:
        sys.exit(str(error))
