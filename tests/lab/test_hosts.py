"""Each host of the catalogue is what its name says, asked over the network."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.hosts import CANARIES, HOSTS, SCRIPTS
from tests.lab.lab import Lab
from tests.lab.running import RunningHost

OUTSIDE = ("someone@outside.example", "other@elsewhere.example")


@contextmanager
def session(host: RunningHost, port: int = 25) -> Iterator[smtplib.SMTP]:
    """An SMTP session after EHLO, with TLS on the submission ports."""
    context = ssl.create_default_context()
    context.check_hostname = False  # connected by address; the authority is the host's own
    context.verify_mode = ssl.CERT_NONE
    if port == 465:
        client: smtplib.SMTP = smtplib.SMTP_SSL(host.address, port, timeout=10, context=context)
    else:
        client = smtplib.SMTP(host.address, port, timeout=10)
    with client:
        client.ehlo("probe.example.com")
        if port == 587 and not client.has_extn("auth"):
            client.starttls(context=context)
            client.ehlo("probe.example.com")
        yield client


def recipient(client: smtplib.SMTP, sender: str, to: str) -> int:
    """The reply code to RCPT TO."""
    client.mail(sender)
    code, _ = client.rcpt(to)
    client.rset()
    return code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("debian-default", 454),
        ("vulnerable-mx", 250),
        ("hardened-mx", 554),
        ("backup-mx", 554),
        ("content-filter", 554),
    ],
)
def test_who_relays_for_strangers(lab: Lab, name: str, code: int) -> None:
    with session(lab.host(name)) as client:
        assert recipient(client, *OUTSIDE) == code


@pytest.mark.parametrize("port", [587, 10025])
def test_the_vulnerable_host_relays_on_every_port(lab: Lab, port: int) -> None:
    with session(lab.host("vulnerable-mx"), port) as client:
        assert recipient(client, *OUTSIDE) == 250


def test_the_vulnerable_host_takes_passwords_in_the_clear(lab: Lab) -> None:
    host = lab.host("vulnerable-mx")
    with session(host) as client:
        assert client.login(f"bob@{host.fqdn}", CANARIES[1])[0] == 235


def test_the_vulnerable_host_tells_its_version_and_its_users(lab: Lab) -> None:
    host = lab.host("vulnerable-mx")
    with smtplib.SMTP(timeout=10) as client:
        assert client.connect(host.address, 25)[1].startswith(host.fqdn.encode() + b" ESMTP Postfix 3.7.")
        assert client.vrfy("root")[0] == 252


def test_the_hardened_host_offers_logins_on_the_submission_ports_under_tls_only(lab: Lab) -> None:
    host = lab.host("hardened-mx")
    with session(host) as client:
        assert not client.has_extn("auth")
    for port in (587, 465):
        with session(host, port) as client:
            assert client.login(f"alice@{host.fqdn}", CANARIES[0])[0] == 235


def test_the_hardened_host_binds_senders_to_logins(lab: Lab) -> None:
    host = lab.host("hardened-mx")
    with session(host, 587) as client:
        client.login(f"alice@{host.fqdn}", CANARIES[0])
        assert recipient(client, "alice@example.org", OUTSIDE[1]) == 250
        assert recipient(client, "ceo@example.org", OUTSIDE[1]) == 553


def test_the_submission_host_listens_for_submission_only(lab: Lab) -> None:
    host = lab.host("submission-only")
    with pytest.raises(ConnectionRefusedError), session(host, 25):
        pass
    with session(host, 465) as client:
        assert client.login(f"alice@{host.fqdn}", CANARIES[0])[0] == 235


def test_the_null_client_listens_on_the_loopback_address_only(lab: Lab) -> None:
    with pytest.raises(ConnectionRefusedError), session(lab.host("null-client")):
        pass


def test_the_backup_mx_takes_mail_for_the_recipients_it_knows(lab: Lab) -> None:
    with session(lab.host("backup-mx")) as client:
        assert recipient(client, OUTSIDE[0], "info@example.net") == 250
        assert recipient(client, OUTSIDE[0], "nobody@example.net") == 550


def test_the_filter_hands_mail_back_on_the_loopback_address(lab: Lab) -> None:
    host = lab.host("content-filter")
    with pytest.raises(ConnectionRefusedError), session(host, 10025):
        pass
    assert "127.0.0.1:10025" in host.run("ss -ltn").stdout


def test_postfix_finds_nothing_wrong_with_the_well_kept_hosts(lab: Lab) -> None:
    for name in ("hardened-mx", "submission-only", "backup-mx", "content-filter", "null-client", "multi-instance"):
        host = lab.host(name)
        assert host.run("postconf -n > /dev/null").stderr == "", name
        log = host.path("/var/log/syslog").read_text()
        assert [line for line in log.splitlines() if " mail.warn " in line or "fatal" in line] == [], name


def test_the_planted_secrets_are_there(lab: Lab) -> None:
    assert CANARIES[0] in lab.run("hardened-mx", "grep -a canary /etc/sasldb2 | tr -d '\\0'").stdout
    assert CANARIES[2] in lab.run("vulnerable-mx", "cat /etc/postfix/sasl_passwd").stdout


def test_every_set_up_script_belongs_to_a_host() -> None:
    assert {path.stem for path in SCRIPTS.glob("*.sh")} - {"common"} <= set(HOSTS)
