"""SSH servers that speak what old or very narrow servers speak, for the tests of the SSH connector (host `old-ssh`).

They are OpenSSH 9.2, so they announce newer signature types (EXT_INFO) than they accept: a client that signs with an RSA key
must be told `PubkeyAcceptedAlgorithms=ssh-rsa`, where `+ssh-rsa` is enough for a server that is really old.
"""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab.lab import Lab

PORTS = {
    "rhel5": 2205,  # OpenSSH 4.3: SHA-1 in the key exchange and the host key
    "rhel6": 2206,  # OpenSSH 5.3: SHA-1 in the host key and the user's signature
    "rhel7": 2207,  # OpenSSH 7.4: everything a modern client needs
    "ubuntu12": 2212,  # OpenSSH 5.9: SHA-1 in the signature of an RSA user key only
    "dss-host-key": 2221,
    "chacha20-only": 2222,
    "sntrup761-only": 2223,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OldServer:
    """One of them. Its keys are in `lab.known_hosts`; root logs in with `rsa_key` or the lab's own key."""

    address: str
    port: int
    rsa_key: Path


def start_old_servers(lab: Lab) -> Mapping[str, OldServer]:
    """Boots `old-ssh` and makes an RSA user key for it; by the names of `PORTS`."""
    host = lab.host("old-ssh")
    rsa_key = lab.files / "id_rsa"
    if not rsa_key.exists():
        command = ("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-C", "lab", "-f", str(rsa_key))
        subprocess.run(command, check=True, capture_output=True)
        host.run("cat >> /root/.ssh/authorized_keys", rsa_key.with_suffix(".pub").read_text())
        keys = host.run("cut -d ' ' -f 1,2 /etc/ssh/old_*.pub /etc/ssh/ssh_host_ed25519_key.pub").stdout.splitlines()
        with lab.known_hosts.open("a") as known_hosts:
            for port in PORTS.values():
                known_hosts.writelines(f"[{host.address}]:{port} {key}\n" for key in keys)
    return {name: OldServer(address=host.address, port=port, rsa_key=rsa_key) for name, port in PORTS.items()}
