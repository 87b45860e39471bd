"""The answers of real commands, as different systems give them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from auditor.model.network import Networks
from auditor.model.snapshot import Missing, Section, Snapshot
from auditor.platforms.postfix import readings
from auditor.platforms.postfix.readings import FileReading, SocketReading

SS = """# ss -ltnp
State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process
LISTEN 0      100          0.0.0.0:25        0.0.0.0:*    users:(("master",pid=133,fd=13))
LISTEN 0      4096   127.0.0.53%lo:53        0.0.0.0:*
LISTEN 0      100             [::]:25           [::]:*    users:(("master",pid=133,fd=14))
LISTEN 0      511                *:80              *:*
"""
NETSTAT = """# netstat -ltnp
Active Internet connections (only servers)
Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name
tcp        0      0 0.0.0.0:25              0.0.0.0:*               LISTEN      133/master
tcp6       0      0 :::25                   :::*                    LISTEN      133/master
tcp        0      0 192.0.2.1:22            198.51.100.7:50213      ESTABLISHED 77/sshd
"""
FREEBSD = """# netstat -ltnp
Active Internet connections (including servers)
Proto Recv-Q Send-Q Local Address          Foreign Address        (state)
tcp4       0      0 127.0.0.1.25           *.*                    LISTEN
tcp6       0      0 *.587                  *.*                    LISTEN
udp4       0      0 *.514                  *.*
"""
PROC = """# cat /proc/net/tcp /proc/net/tcp6
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0019 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 15413 1
   1: 0100007F:0019 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 15414 1
   0: 00000000000000000000000001000000:024B 00000000000000000000000000000000:0000 0A 0 0 0 0 0 1
"""


def snapshot(name: str, content: str, errors: str = "") -> Snapshot:
    section = Section(name=name, content=content.encode(), errors=errors.encode())
    return Snapshot(host="mx1", platform="postfix", sections={name: section})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SS, [("0.0.0.0", 25, "master"), ("::", 25, "master"), ("127.0.0.53", 53, ""), ("*", 80, "")]),  # noqa: S104
        (NETSTAT, [("0.0.0.0", 25, "master"), ("::", 25, "master")]),  # noqa: S104
        (FREEBSD, [("127.0.0.1", 25, ""), ("*", 587, "")]),
        (PROC, [("127.0.0.1", 25, ""), ("::1", 587, "")]),
        ("# ss -ltnp\nLISTEN 0 garbage\nLISTEN 0 1 x:y z\n\x00\n", []),
    ],
    ids=["ss", "netstat", "FreeBSD", "/proc/net/tcp", "garbage"],
)
def test_listening_sockets(text: str, expected: list[tuple[str, int, str]]) -> None:
    sockets = tuple(SocketReading(address=address, port=port, program=program) for address, port, program in expected)
    assert readings.listening(snapshot("host/listening", text)) == sockets


IP = """# ip -o addr show
1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever
2: eth0    inet 203.0.113.10/24 brd 203.0.113.255 scope global eth0\\       valid_lft forever preferred_lft forever
2: eth0    inet6 2001:db8::10/64 scope global \\       valid_lft forever preferred_lft forever
"""
IFCONFIG = """# ifconfig -a
eth0      Link encap:Ethernet  HWaddr 02:42:ac:11:00:02
          inet addr:203.0.113.10  Bcast:203.0.113.255  Mask:255.255.255.0
          inet6 addr: 2001:db8::10/64 Scope:Global
lo0: flags=8049<UP,LOOPBACK,RUNNING,MULTICAST> metric 0 mtu 16384
        inet 127.0.0.1 netmask 0xff000000
"""


@pytest.mark.parametrize("text", [IP, IFCONFIG], ids=["ip", "ifconfig"])
def test_own_addresses(text: str) -> None:
    expected = Networks.of("127.0.0.1", "203.0.113.10", "2001:db8::10")
    assert readings.addresses(snapshot("host/addresses", text)) == expected


def test_no_address_is_missing_not_the_empty_set() -> None:
    found = readings.addresses(snapshot("host/addresses", "# ifconfig -a\n"))
    assert found == Missing("the host told no address")


def test_the_state_of_a_file_and_the_reasons_for_the_others() -> None:
    files = readings.files(
        snapshot(
            "files",
            "81a4/0/root/102/ssl-cert/6944/1795571719//etc/postfix/master.cf\nlink /etc/postfix/master.cf\nrubbish\n",
            "/etc/postfix/x: No such file or directory\n/etc/ssl/private/k: Permission denied\n",
        )
    )
    assert files == {
        "/etc/postfix/master.cf": FileReading(
            path="/etc/postfix/master.cf",
            mode=0o100644,
            uid=0,
            user="root",
            gid=102,
            group="ssl-cert",
            size=6944,
            changed=datetime(2026, 11, 25, 1, 55, 19, tzinfo=UTC),
            is_link=True,
        ),
        "/etc/postfix/x": Missing("No such file or directory"),
        "/etc/ssl/private/k": Missing("Permission denied"),
    }
    state = files["/etc/postfix/master.cf"]
    assert isinstance(state, FileReading)
    assert state.permissions == "0644"


def test_an_owner_without_a_name_is_a_number() -> None:
    files = readings.files(snapshot("files", "8180/1234/UNKNOWN/1234/UNKNOWN/1/1//x\n"))
    assert not isinstance(files, Missing)
    state = files["/x"]
    assert isinstance(state, FileReading)
    assert (state.user, state.group) == ("1234", "1234")


X509 = """Certificate:
    Data:
        Version: 3 (0x2)
        Signature Algorithm: ecdsa-with-SHA256
        Issuer: CN=Example CA,O=Example
        Validity
            Not Before: Nov 25 01:48:38 2026 GMT
            Not After : Dec  5 01:48:38 2026 GMT
        Subject: CN=mx.example.org
        Subject Public Key Info:
            Public Key Algorithm: id-ecPublicKey
                Public-Key: (256 bit)
        X509v3 extensions:
            X509v3 Subject Alternative Name: critical
                DNS:mx.example.org, DNS:*.example.net, IP Address:192.0.2.1, email:a@example.org
    Signature Algorithm: ecdsa-with-SHA256
sha256 Fingerprint=AB:CD
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
-----END PUBLIC KEY-----
"""


def test_a_certificate_as_openssl_prints_it() -> None:
    certificate = readings.certificate(Section(name="certificate /c", content=X509.encode()))
    assert not isinstance(certificate, Missing)
    assert certificate.subject == "CN=mx.example.org"
    assert certificate.issuer == "CN=Example CA,O=Example"
    assert not certificate.is_self_signed
    assert certificate.not_after == datetime(2026, 12, 5, 1, 48, 38, tzinfo=UTC)
    assert certificate.names == ("mx.example.org", "*.example.net", "192.0.2.1")
    assert (certificate.key_type, certificate.key_bits) == ("id-ecPublicKey", 256)
    assert (certificate.signature, certificate.fingerprint) == ("ecdsa-with-SHA256", "AB:CD")
    assert certificate.public_key.startswith("-----BEGIN PUBLIC KEY-----\nMFkw")


def test_what_openssl_could_not_read_is_missing_in_its_own_words() -> None:
    section = Section(name="x", content=b"", errors=b"Could not read certificate from /c\n808B: error\n", status=1)
    assert readings.certificate(section) == Missing(
        "openssl cannot read a certificate: Could not read certificate from /c"
    )
    assert readings.public_key(section) == Missing(
        "openssl cannot read a private key: Could not read certificate from /c"
    )


def test_a_reader_of_a_missing_section_gives_its_reason() -> None:
    empty = Snapshot(host="mx1", platform="postfix", incomplete="the transfer was cut off", sections={})
    gone = Missing("the transfer was cut off")
    found = [readings.files(empty), readings.listening(empty), readings.addresses(empty), readings.tables(empty)]
    assert found == [gone] * 4
    assert readings.system(empty) == {}
