"""Record the snapshots of the example inventory: `python -m tests.snapshots.record` (root).

The tool itself collects them over SSH from real servers of the lab; a snapshot is what came back, byte for byte.
"""

from __future__ import annotations

import sys
from pathlib import Path

from auditor import pipeline, private
from auditor.model.host import Host, Privilege, Ssh
from tests.lab.lab import Lab

DEMO = Path(__file__).parent / "demo"
# Host of the lab → the name that it has in inventory.example.yaml.
RECORDED = {
    "debian-default": "debian12.example.org",
    "vulnerable-mx": "mx-old.example.org",
    "hardened-mx": "mx1.example.org",
    "multi-instance": "gateway.example.org",
}


def main() -> int:
    """Boot the hosts, collect as root, and write one file each; 1 when a host failed."""
    with Lab() as lab, lab.network():
        hosts = [
            Host(
                name=RECORDED[running.name],
                connection=Ssh(
                    address=running.address,
                    user="root",
                    private_key_file=str(lab.key),
                    agent=False,
                    known_hosts=(str(lab.known_hosts),),
                    ssh_config="",
                ),
                privilege=Privilege(mode="root"),
            )
            for running in lab.up(*RECORDED)
        ]
        failed = 0
        for host, result in pipeline.SHIPPED.collect(hosts):
            if result.value is None:
                failed += 1
                print(result.message, file=sys.stderr)  # noqa: T201 a command prints
            else:
                private.write(DEMO / f"{host.name}.snap", [result.value])
                print(f"{host.name}: {len(result.value)} bytes")  # noqa: T201 a command prints
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
