"""Settings that would hurt this machine: a known-hosts file that is a device, a host name that is a shell command."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.connectors.ssh import known_hosts, settings
from auditor.errors import ConnectionFailed
from auditor.model.host import Host, Ssh


def test_a_device_is_never_replaced_by_a_known_hosts_file(tmp_path: Path) -> None:
    link = tmp_path / "known_hosts"
    link.symlink_to("/dev/null")
    with pytest.raises(OSError, match="no regular file"):
        known_hosts.record(str(link), "mx.example.org", "ssh-ed25519", b"key")
    assert Path("/dev/null").is_char_device()


def test_a_host_name_with_shell_characters_never_reaches_a_proxy_command(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host *\n  ProxyCommand nc %h %p\n")
    ssh = Ssh(address="x$(touch${IFS}pwned)", user="audit", ssh_config=str(config))
    with pytest.raises(ConnectionFailed):
        settings.resolve(Host(name="mx", connection=ssh), ssh)
