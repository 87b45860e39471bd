"""How a fault shows on a running Postfix: a function per kind of fault, true when the fault is there.

One thing, though long: the list of symptoms, and the example that they are looked for in.
"""

import re
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from socket import inet_aton
from typing import Self

from auditor.rulebook.rule import Example
from auditor.yamltree import MappingNode, ScalarNode, plain
from tests.lab.example_server import FOREIGN, ExampleServer, address_in, ask, eventually, port_of, tls
from tests.lab.layers import LabError
from tests.lab.peers import dovecot, mx, name_server, plain_login, playing, smtp

_RELAY_HOST = "smtp.example.net"
_SASL_HOST = "192.0.2.143"


_LOGINS = {"/etc/postfix/sender_logins": "ceo@example.org boss\nalice@example.org alice\n"}
SECRET = "geheim4711"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An example on a real server. `subject`: what the example says is wrong, "" when it says nothing."""

    server: ExampleServer
    files: Mapping[str, str]
    states: Mapping[str, Mapping[str, str] | None] = field(default_factory=dict)  # owner and mode; None: not there
    subject: str = ""

    @classmethod
    def of(cls, example: Example, servers: Mapping[str, ExampleServer]) -> Self:
        """The example on the server of its release, 3.7 where it says none."""
        release = example.given.get("release")
        states = example.given.get("files")
        return cls(
            server=servers[release.value if isinstance(release, ScalarNode) else "3.7"],
            files={name: node.value for name, node in example.given.items() if isinstance(node, ScalarNode)},
            states=plain(states) if isinstance(states, MappingNode) else {},
            subject=example.subject if isinstance(example.subject, str) else "",
        )

    def load(self, more: Mapping[str, str] | None = None, *, may_claim: bool = True) -> None:
        """Runs the example's configuration, with `more` files beside it. Raises LabError when Postfix refuses it."""
        absent = [path for path, state in self.states.items() if state is None]
        self.server.load({**self.files, **(more or {})}, absent, may_claim=may_claim)

    def through_the_client(self, more: Mapping[str, str] | None = None, recipient: str = FOREIGN) -> None:
        """Loads it, sends a message through the client that the example names, and waits until that has tried."""
        main = self.files["main.cf"]
        if self.subject not in ("", "smtp"):
            main += f"\ndefault_transport = {self.subject}\n"
        self.load({"main.cf": main, **(more or {})})
        self.server.host.run(f"echo x | sendmail -f auditor@example.org {recipient}")
        tried = re.compile(r"status=(sent|deferred|bounced)")
        assert eventually(lambda: bool(tried.search(self.server.log()))), self.server.log()

    def make_files(self) -> None:
        """Gives the files of the example the owners and modes that it states; those that do not exist are made."""
        for path, state in self.states.items():
            if state is None:
                continue
            owner, group, mode = state.get("owner", "root"), state.get("group", "root"), state["mode"]
            self.server.host.run(f"[ -e {path} ] || echo x > {path}; chown {owner}:{group} {path}; chmod {mode} {path}")

    def judged(self) -> tuple[str, ...]:
        """The files that the example is about."""
        return (
            (self.subject,)
            if self.subject
            else tuple(path for path in self.states if not path.startswith("/etc/ssl/certs"))
        )

    def anywhere(self, shows: Callable[[int], bool]) -> bool:
        """Whether the fault shows at the service that the example names; where it names none, at any."""
        master = self.files.get("master.cf", "smtp inet n - y - - smtpd\n")
        services = [line.split()[0] for line in master.splitlines() if re.match(r"\S+\s+inet\s", line)]
        ports = [port_of(name) for name in ([self.subject] if self.subject in services else services)]
        return any(_reachable(shows, port) for port in ports)

    def relays(self, recipient: str = FOREIGN, **asked: str) -> bool:
        """Loads it; whether a stranger gets mail through to that recipient. `asked` as in ExampleServer.answer."""
        self.load()
        return self.anywhere(lambda port: self.server.answer(recipient, port=port, **asked).startswith("250"))

    @property
    def key(self) -> str:
        """The last word of the subject: a table's key, an entry of a list."""
        return self.subject.split()[-1] if self.subject else ""

    def with_peer(self, name: str) -> "Case":
        """The same with this test in the place of that host."""
        swapped = {path: text.replace(name, self.server.prober) for path, text in self.files.items()}
        return replace(self, files=swapped)


def _reachable(shows: Callable[[int], bool], port: int) -> bool:
    try:
        return shows(port)
    except ConnectionRefusedError:
        return False


# --- relaying ---


def relays(case: Case) -> bool:
    """A stranger sends to a foreign domain."""
    return case.relays()


def relays_for_naked_address(case: Case) -> bool:
    """… if it greets with an address."""
    return case.relays(helo="1.2.3.4")


def relays_for_everyone(case: Case) -> bool:
    """… over IPv4 or IPv6."""
    return case.relays() or case.anywhere(lambda _: case.server.answer(client="2001:db8::9").startswith("250"))


def relays_for_network(case: Case) -> bool:
    """A client in the range that the subject names sends to a foreign domain."""
    return case.relays(client=address_in(case.key) if case.key else "203.0.113.77")


def relays_for_name(case: Case) -> bool:
    """A client with that name in DNS, or without any."""
    return case.relays(name="[UNAVAILABLE]" if case.key == "unknown" else f"host.{case.key or 'example.net'}")


def relays_for_excluded_client(case: Case) -> bool:
    """The client that mynetworks excludes."""
    excluded = re.search(r"!([\d.]+)", case.files["main.cf"])
    assert excluded
    return case.relays(client=excluded[1])


def relays_for_key(case: Case) -> bool:
    """Whoever matches the key of the access table: as HELO and sender, as client, or as recipient."""
    key = case.key or next((text.split()[0] for path, text in case.files.items() if path[0] == "/"), "")
    if re.match(r"\d", key):
        return case.relays(client=address_in(key))
    if "check_recipient_access" in case.files["main.cf"]:
        return case.relays(f"victim@{key}")
    return case.relays(helo=key, sender=f"x@{key}")


def relays_for_top_level_domain(case: Case) -> bool:
    """Mail to any domain below the entry."""
    return case.relays(f"victim@foreign.{case.key or 'com'}")


def takes_routed_address(case: Case) -> bool:
    """Mail to `user%foreign@relay-domain`."""
    return case.relays("user%foreign.example@example.org")


def relays_with_any_certificate(case: Case) -> bool:
    """A stranger with a certificate that the configured authorities vouch for."""
    case.load()
    context = tls()
    context.load_cert_chain(case.server.host.path("/etc/ssl/private/client.pem"))
    with case.server.session() as session:
        session.say("EHLO client.example.net")
        session.say("STARTTLS")
        session.start_tls(context)
        return ask(session, FOREIGN).startswith("250")


def relays_for_who_names_it_as_mx(case: Case) -> bool:
    """A domain in whose DNS this host is the secondary mail exchanger."""
    server = case.server
    own = {
        (server.host.fqdn, 1): [inet_aton(server.host.address)],
        ("mx.foreign.example", 1): [inet_aton("198.51.100.80")],
    }
    exchangers = {("foreign.example", 15): [mx(10, "mx.foreign.example"), mx(20, server.host.fqdn)]}
    files = dict.fromkeys(("/etc/resolv.conf", "/var/spool/postfix/etc/resolv.conf"), f"nameserver {server.prober}\n")
    before = {path: server.host.run(f"cat {path}", check=False).stdout for path in files}
    with name_server(server.prober, {**own, **exchangers}):
        case.load(files)
        shows = case.anywhere(lambda port: server.answer(port=port, client="").startswith("250"))
    for path, text in before.items():
        server.host.path(path).write_text(text)
    return shows


def believes_stranger(case: Case) -> bool:
    """A stranger says with XCLIENT that it is this host itself, and relays."""
    case.load(may_claim=False)
    return case.anywhere(lambda port: case.server.answer(port=port, client="127.0.0.1").startswith("250"))


def believes_proxy_header(case: Case) -> bool:
    """A stranger says with a PROXY header that it is this host itself, and relays."""
    case.load()

    def shows(port: int) -> bool:
        with case.server.session(port, f"PROXY TCP4 127.0.0.1 127.0.0.1 4242 {port}\r\n".encode()) as session:
            return ask(session, FOREIGN).startswith("250")

    return case.anywhere(shows)


def relays_by_qmqp(case: Case) -> bool:
    """The QMQP server takes a message for a foreign domain."""
    case.load()

    def netstring(data: bytes) -> bytes:
        return b"%d:%s," % (len(data), data)

    letter = netstring(b"Subject: x\n\nx\n") + netstring(b"someone@sender.example") + netstring(FOREIGN.encode())

    def shows(port: int) -> bool:
        with case.server.session(port, netstring(letter)) as session:
            return b":K" in session.rest

    return case.anywhere(shows)


def greets_strangers(case: Case) -> bool:
    """The port for re-injected mail greets somebody from outside."""
    case.load()

    def shows(port: int) -> bool:
        with case.server.session(port) as session:
            return session.banner.startswith("220")

    return _reachable(shows, 10025)


# --- services that do not work ---


def does_not_greet(case: Case) -> bool:
    """No banner."""
    case.load()

    def shows(port: int) -> bool:
        with case.server.session(port) as session:
            return not session.banner

    return case.anywhere(shows)


def answers_451(case: Case) -> bool:
    """A stranger's mail to a local recipient is answered with "server configuration error" or "lookup failure"."""
    case.load()
    recipient = case.server.local_recipient()
    return case.anywhere(lambda port: case.server.answer(recipient, port=port).startswith("451"))


def refuses_strangers(case: Case) -> bool:
    """A stranger's mail to a local recipient is refused for good."""
    case.load()
    recipient = case.server.local_recipient()
    return case.anywhere(lambda port: case.server.answer(recipient, port=port).startswith("5"))


def greets_the_wrong_way(case: Case) -> bool:
    """465 greets in clear text; another port waits for the client to begin with TLS."""
    case.load()

    def shows(port: int) -> bool:
        with case.server.session(port) as session:
            return bool(session.banner) == (port == port_of("smtps"))

    return case.anywhere(shows)


def postfix_refuses_to_start(case: Case) -> bool:
    """`postfix start` fails."""
    try:
        case.load()
    except LabError as error:
        return "default_privs" in str(error)
    return False


def local_delivery_stops(case: Case) -> bool:
    """local(8) refuses to work."""
    case.load()
    case.server.host.run("echo x | sendmail auditor")
    refused = "mailbox_size_limit is smaller than message_size_limit"
    eventually(lambda: refused in case.server.log() or "status=sent" in case.server.log())
    return refused in case.server.log()


# --- authentication ---


def takes_password_in_clear(case: Case) -> bool:
    """AUTH PLAIN or LOGIN is offered without TLS."""
    case.load()

    def shows(port: int) -> bool:
        with case.server.session(port) as session:
            offer = session.say("EHLO client.example.net") if session.banner else ""
            return bool(re.search(r"AUTH[ =].*(PLAIN|LOGIN)", offer))

    return case.anywhere(shows)


def sends_as_somebody_else(case: Case) -> bool:
    """Alice, logged in, sends as ceo@example.org, which belongs to somebody else."""
    case.load(_LOGINS)
    return case.anywhere(
        lambda port: case.server.answer(port=port, login="alice", sender="ceo@example.org").startswith("250")
    )


def refuses_own_address(case: Case) -> bool:
    """Alice, logged in, may not send as alice@example.org."""
    case.load(_LOGINS)

    def shows(port: int) -> bool:
        return case.server.answer(port=port, login="alice", sender="alice@example.org").startswith("553")

    return case.anywhere(shows)


def shows_password_to_the_network(case: Case) -> bool:
    """The password arrives in clear text at the authentication server, which is another host, played by this test."""
    with playing(dovecot, case.server.prober, 12345) as heard:
        case.with_peer(_SASL_HOST).load()
        with case.server.session() as session:
            if session.banner:
                session.say("EHLO client.example.net")
                session.say(f"AUTH PLAIN {plain_login('alice', SECRET)}")
        return any(plain_login("alice", SECRET) in line for line in heard)


def logs_password(case: Case) -> bool:
    """What a client sends with AUTH stands in the log."""
    case.load()

    def shows(port: int) -> bool:
        with case.server.session(port) as session:
            if "STARTTLS" in session.say("EHLO client.example.net"):
                session.say("STARTTLS")
                session.start_tls(tls())
                session.say("EHLO client.example.net")
            session.say(f"AUTH PLAIN {plain_login('alice', SECRET)}")
        return plain_login("alice", SECRET) in case.server.log()

    return case.anywhere(shows)


# --- TLS ---


def refuses_mail_without_tls(case: Case) -> bool:
    """Another server that does not use STARTTLS is refused with 530."""
    case.load()
    recipient = case.server.local_recipient()
    return case.anywhere(
        lambda port: port == port_of("smtp") and case.server.answer(recipient, port=port, client="").startswith("530")
    )


def cannot_start_tls(case: Case) -> bool:
    """STARTTLS is answered with 454."""
    case.load()

    def shows(port: int) -> bool:
        with case.server.session(port) as session:
            return "STARTTLS" in session.say("EHLO client.example.net") and session.say("STARTTLS").startswith("454")

    return case.anywhere(shows)


def refuses_newest_tls(case: Case) -> bool:
    """STARTTLS fails for a client that speaks TLS 1.3."""
    case.load()

    def shows(port: int) -> bool:
        with case.server.session(port) as session:
            session.say("EHLO client.example.net")
            if not session.say("STARTTLS").startswith("220"):
                return True
            try:
                session.start_tls(tls(minimum_version=ssl.TLSVersion.TLSv1_3))
            except (ssl.SSLError, OSError):
                return True
            return False

    return case.anywhere(shows)


def logs_content(case: Case) -> bool:
    """What a client sends inside TLS stands in the log."""
    case.load()

    def shows(port: int) -> bool:
        with case.server.session(port) as session:
            session.say("EHLO client.example.net")
            session.say("STARTTLS")
            session.start_tls(tls())
            session.say(f"NOOP {SECRET}")
        return SECRET in case.server.log()

    return case.anywhere(shows)


# --- smuggling ---


def takes_smuggled_commands(case: Case) -> bool:
    """A bare newline ends the message, and what follows is taken for commands."""
    case.load()
    recipient = case.server.local_recipient()

    def shows(port: int) -> bool:
        with case.server.session(port) as session:
            assert ask(session, recipient).startswith("250")
            session.say("DATA")
            session.socket.sendall(b"Subject: one\r\n\r\none\n.\nMAIL FROM:<boss@sender.example>\r\n.\r\n")
            session.reply()
            return session.say("QUIT").startswith("250")  # to the smuggled MAIL FROM

    return case.anywhere(shows)


# --- what Postfix sends ---


def sends_password_in_clear(case: Case) -> bool:
    """The relay host, played by this test without STARTTLS, is told the password."""
    server, swapped = case.server, case.with_peer(_RELAY_HOST)
    login = plain_login("relay-user", SECRET)
    table = {"/etc/postfix/sasl_passwd": f"[{server.prober}]:587 relay-user:{SECRET}\n"}
    with playing(smtp("AUTH PLAIN"), server.prober, 587) as heard:
        swapped.through_the_client(table)
        return f"AUTH PLAIN {login}" in heard


def keeps_mail_for_lack_of_tls(case: Case) -> bool:
    """A server without STARTTLS never gets its mail."""
    with playing(smtp(), case.server.prober, 25):
        case.through_the_client(recipient=f"someone@[{case.server.prober}]")
        return "TLS is required" in case.server.log()


def keeps_mail_for_lack_of_trust(case: Case) -> bool:
    """A relay host with a certificate of an authority that everybody trusts does not get the mail."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(case.server.host.path("/etc/ssl/private/client.pem"))
    with playing(smtp(context=context), case.server.prober, 587):
        case.with_peer(_RELAY_HOST).through_the_client()
        return bool(re.search("certificate verification failed.*(self-signed|untrusted issuer)", case.server.log()))


# --- files and programs ---


def others_read_it(case: Case) -> bool:
    """A user who is nobody reads the file."""
    case.make_files()
    return any(case.server.can("nobody", f"cat {path}") for path in case.judged())


def others_write_it(case: Case) -> bool:
    """A user who is not root writes to the file."""
    case.make_files()
    owners = {state.get("owner", "root") for state in case.states.values() if state} - {"root"}
    return any(case.server.can(user, f"test -w {path}") for path in case.judged() for user in ("nobody", *owners))


def nobody_reads_password(case: Case) -> bool:
    """A user who is nobody reads the password in Postfix's settings."""
    case.load()
    return case.server.can("nobody", "/usr/sbin/postconf smtp_sasl_password_maps | grep -q example-password")


def users_cannot_send(case: Case) -> bool:
    """A user's message is not taken by sendmail(1)."""
    case.load()
    case.make_files()
    return not case.server.can("auditor", "echo x | timeout 3 /usr/sbin/sendmail auditor")


def commands_die(case: Case) -> bool:
    """`postconf`, and with it everything else, ends with an error."""
    with suppress(LabError):
        case.load()
    return case.server.host.run("postconf mail_version", check=False).returncode != 0
