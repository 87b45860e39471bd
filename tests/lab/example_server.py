"""Runs the configuration of a rule's example on a real Postfix of the lab, and asks it what a stranger or a user would."""

import re
import socket
import ssl
import time
from collections.abc import Callable, Collection, Mapping
from ipaddress import ip_network
from typing import Self

from tests.lab.layers import LabError
from tests.lab.running import RunningHost

STRANGER = "192.0.2.99"
FOREIGN = "victim@foreign.example"
_PATIENCE = 4.0  # seconds; smtpd answers in milliseconds, or not at all
_PORTS = {"smtp": 25, "submission": 587, "smtps": 465, "submissions": 465}
_INDEXED = re.compile(r"\b(?:hash|lmdb):(/[\w./-]+)")
# `postfix stop` sleeps a second at least.
_RESET = """
kill $(cat /var/spool/postfix/pid/master.pid)
rm -rf /etc/postfix /var/spool/postfix/deferred/* /var/spool/postfix/maildrop/*
cp -a /root/postfix.shipped /etc/postfix
chown root:sasl /etc/sasldb2; chmod 660 /etc/sasldb2
chown root:postdrop /usr/sbin/postdrop; chmod 2555 /usr/sbin/postdrop
tries=0
until /usr/lib/postfix/sbin/master -t || [ $tries -gt 200 ]; do tries=$((tries + 1)); sleep 0.05; done
: > /var/log/syslog
"""
# Postfix waits until main.cf is two seconds old.
_START = "touch -d -9sec /etc/postfix/main.cf && postfix start"
_CERTIFICATE = """
cd /etc/ssl/private
openssl req -x509 -newkey rsa:2048 -nodes -keyout mx.key -out ../certs/mx.pem -days 30 -subj /CN=mx.example.org 2>/dev/null
cat mx.key >> ../certs/mx.pem
chmod 600 mx.key ../certs/mx.pem
cp ../certs/mx.pem client.pem
cat ../certs/mx.pem >> ../certs/ca-certificates.crt
cp -a /etc/postfix /root/postfix.shipped
"""


class Session:
    """One SMTP dialogue. Replies are text, all lines of a reply together; a peer that says nothing in time says ""."""

    def __init__(self, address: str, port: int, first: bytes = b"") -> None:
        self.socket = socket.create_connection((address, port), timeout=_PATIENCE)
        self.rest = b""
        if first:
            self.socket.sendall(first)
        self.banner = self.reply()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def reply(self) -> str:
        """The next reply of the server, or "" when none comes."""
        lines: list[bytes] = []
        while not lines or lines[-1][3:4] == b"-":
            line, newline, rest = self.rest.partition(b"\n")
            if newline:
                self.rest = rest
                lines.append(line.strip())
                continue
            try:
                more = self.socket.recv(65536)
            except OSError:
                return ""
            if not more:
                return ""
            self.rest += more
        return b"\n".join(lines).decode("utf-8", "replace")

    def say(self, command: str) -> str:
        """Sends one command; the reply."""
        try:
            self.socket.sendall(command.encode() + b"\r\n")
        except OSError:
            return ""
        return self.reply()

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Begins TLS on this connection. Raises ssl.SSLError or OSError when the server will not."""
        self.socket = context.wrap_socket(self.socket)


def tls(**changes: object) -> ssl.SSLContext:
    """A client's TLS settings that believe any certificate; `changes` set attributes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for name, value in changes.items():
        setattr(context, name, value)
    return context


class ExampleServer:
    """A private host of the lab that takes one example after the other."""

    def __init__(self, host: RunningHost) -> None:
        self.host = host
        with socket.create_connection((host.address, 22), timeout=_PATIENCE) as probe:
            self.prober: str = probe.getsockname()[0]
        host.run(_CERTIFICATE)
        self.stock = host.path("/etc/postfix/master.cf").read_text()

    def load(self, files: Mapping[str, str], absent: Collection[str] = (), *, may_claim: bool = True) -> None:
        """Runs Postfix with an example's files; tables get their index unless it is `absent`.

        `may_claim`: this test may pretend to be any client (XCLIENT). Raises LabError.
        """
        self.host.run(_RESET, check=False)
        main = files["main.cf"]
        if may_claim and "xclient_hosts" not in main:
            main += f"\nsmtpd_authorized_xclient_hosts = {self.prober}\n"
        for path, text in files.items():
            if path.startswith("/"):
                self.host.path(path).write_text(text)
        for path in sorted(set(_INDEXED.findall(main + files.get("master.cf", "")))):
            if path in files and f"{path}.db" not in absent:
                self.host.run(f"postmap {path}")
        self.host.path("/etc/postfix/main.cf").write_text(main + "\nin_flow_delay = 0\n")
        self.host.path("/etc/postfix/master.cf").write_text(self.whole(files.get("master.cf", self.stock)))
        done = self.host.run(_START, check=False)
        if done.returncode:
            raise LabError(f"Postfix did not start: {done.stderr}{self.log()}")

    def whole(self, master: str) -> str:
        """An example's master.cf with the internal services that it leaves out, as Debian ships them."""
        present = {tuple(line.split()[:2]) for line in master.splitlines() if line[:1].strip() and line[0] != "#"}
        out, skipping = [], False
        for line in self.stock.splitlines():
            if line[:1] in ("", "#"):
                continue
            if line[0] not in " \t":
                words = line.split()
                skipping = words[1] == "inet" or tuple(words[:2]) in present
            if not skipping:
                out.append(line)
        return master.rstrip("\n") + "\n" + "\n".join(out) + "\n"

    def session(self, port: int = 25, first: bytes = b"") -> Session:
        """A connection from outside, from `self.prober`."""
        return Session(self.host.address, port, first)

    def log(self) -> str:
        """What the host logged since `load`."""
        return self.host.path("/var/log/syslog").read_text(errors="replace")

    def queue(self) -> str:
        """The queue, with the reason why each message waits."""
        return self.host.run("postqueue -p", check=False).stdout

    def can(self, user: str, command: str) -> bool:
        """Whether a user of the host can do this."""
        return not self.host.run(f"su {user} -s /bin/sh -c '{command}'", check=False).returncode

    def local_recipient(self) -> str:
        """An address that this configuration receives mail for."""
        done = self.host.run("postconf -xh mydestination relay_domains virtual_mailbox_domains")
        names = [word.strip(",") for word in done.stdout.split() if re.fullmatch(r"[\w.-]*[a-z],?", word)]
        return f"auditor@{names[0]}"

    def answer(
        self,
        recipient: str = FOREIGN,
        *,
        port: int = 25,
        client: str = STRANGER,
        name: str = "[UNAVAILABLE]",
        login: str = "",
        helo: str = "client.example.net",
        sender: str = "someone@sender.example",
    ) -> str:
        """The reply to RCPT TO, or to the command before it that was refused. `client` "" asks as the prober that it is."""
        with self.session(port) as session:
            if not session.banner.startswith("220"):
                return session.banner
            if client:
                session.say("EHLO prober.example.net")
                claim = (
                    f"XCLIENT NAME={name} ADDR={'IPV6:' * (':' in client)}{client} PORT=4242"
                    + f" LOGIN={login}" * bool(login)
                )
                if not (reply := session.say(claim)).startswith("220"):
                    return reply
            return ask(session, recipient, sender, helo)


def ask(
    session: Session, recipient: str, sender: str = "someone@sender.example", helo: str = "client.example.net"
) -> str:
    """HELO, MAIL and RCPT on an open session: the reply to RCPT TO, or to the command before it that was refused."""
    for command in (f"EHLO {helo}", f"MAIL FROM:<{sender}>"):
        if not (reply := session.say(command)).startswith("250"):
            return reply
    return session.say(f"RCPT TO:<{recipient}>")


def port_of(service: str) -> int:
    """The TCP port of a service of master.cf: `smtp`, `2525`, `127.0.0.1:10025`."""
    name = service.rpartition(":")[2]
    return _PORTS.get(name) or int(name)


def address_in(text: str) -> str:
    """An address inside `203.0.113`, `203.0.112.0/20` or `203.0.113.9`, as access tables and networks are written."""
    host, slash, bits = text.strip("[]!").partition("/")
    parts = host.rstrip(".").split(".")
    if len(parts) < 4 and not slash:
        return ".".join([*parts, "9", "9", "9"][:4])
    network = ip_network(f"{host}/{bits}" if slash else host)
    return str(network[min(9, network.num_addresses - 1)])


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether the condition becomes true within some seconds."""
    end = time.monotonic() + 2 * _PATIENCE
    while not (now := holds()) and time.monotonic() < end:
        time.sleep(0.1)
    return now
