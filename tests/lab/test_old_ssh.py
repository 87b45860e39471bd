"""The old servers refuse a modern client and take one that is told to speak their algorithms."""

import subprocess
from collections.abc import Mapping

import pytest

from tests.lab.lab import Lab
from tests.lab.old_ssh import PORTS, OldServer

OLD_ALGORITHMS = (
    *("-o", "KexAlgorithms=+diffie-hellman-group1-sha1,diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1"),
    *("-o", "HostKeyAlgorithms=+ssh-rsa,ssh-dss", "-o", "PubkeyAcceptedAlgorithms=ssh-rsa,ssh-ed25519"),
    *("-o", "Ciphers=+aes128-cbc,3des-cbc", "-o", "MACs=+hmac-sha1,hmac-md5"),
)
REFUSAL = {
    "rhel5": "no matching key exchange method",
    "rhel6": "no matching host key type found. Their offer: ssh-rsa,ssh-dss",
    "ubuntu12": "Permission denied",
    "dss-host-key": "no matching host key type found. Their offer: ssh-dss",
}


def ssh(lab: Lab, server: OldServer, *options: str) -> str:
    """What OpenSSH's client says, with the RSA user key and the lab's own."""
    done = subprocess.run(
        (
            *("ssh", "-F", "none", "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={lab.known_hosts}", *options),
            *("-o", "IdentitiesOnly=yes", "-i", str(server.rsa_key), "-p", str(server.port)),
            *(f"root@{server.address}", "hostname"),
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(("name", "message"), REFUSAL.items())
def test_old_servers_refuse_a_modern_client(
    lab: Lab, old_algorithms_sshd: Mapping[str, OldServer], name: str, message: str
) -> None:
    assert message in ssh(lab, old_algorithms_sshd[name])


@pytest.mark.parametrize("name", PORTS)
def test_every_server_takes_a_client_that_speaks_its_algorithms(
    lab: Lab, old_algorithms_sshd: Mapping[str, OldServer], name: str
) -> None:
    assert ssh(lab, old_algorithms_sshd[name], *OLD_ALGORITHMS, "-i", str(lab.key)) == "old-ssh.example.org\n"
