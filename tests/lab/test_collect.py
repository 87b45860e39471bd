"""The collection script on real Postfix hosts: what it sees, what it may not see, and what it leaves behind."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Sequence

import pytest

from auditor import framing, shell
from auditor.model.snapshot import Missing, Snapshot
from auditor.platforms.postfix import collect, readings
from tests.lab.lab import Lab
from tests.lab.running import LOGIN_TRACES, RunningHost, difference

CANARY = "CANARY"


def collected(
    lab: Lab, host: RunningHost, *, user: str = "root", command: str = "sh -s", **settings: str
) -> tuple[bytes, Snapshot]:
    """The raw answer over OpenSSH's client, and what it decodes to."""
    script = shell.compose([("postfix", collect.DETECT, collect.body())], settings=settings)
    known = f"UserKnownHostsFile={lab.known_hosts}"
    done = subprocess.run(
        (
            *("ssh", "-F", "none", "-T", "-i", str(lab.key), "-o", known, "-o", "BatchMode=yes"),
            *(f"{user}@{host.address}", command),
        ),
        input=script.text.encode(),
        capture_output=True,
        check=False,
    )
    (snapshot,) = framing.decode(host.name, done.stdout, done.stderr, done.returncode)
    assert snapshot.incomplete == ""
    assert done.stderr == b""
    return done.stdout, snapshot


def missing(snapshot: Snapshot) -> dict[str, str]:
    """What could not be seen, with the reasons; files one by one."""
    unseen = {
        name: section.content.reason
        for name, section in snapshot.sections.items()
        if isinstance(section.content, Missing)
    }
    for instance in collect.instances(snapshot):
        states = readings.files(instance)
        assert not isinstance(states, Missing)
        unseen |= {f"state of {path}": state.reason for path, state in states.items() if isinstance(state, Missing)}
    if "allow this command" in snapshot.section("host/listening").errors.decode().lower():
        unseen["programs of sockets"] = snapshot.section("host/listening").errors.decode()
    return unseen


def sudoers(commands: Sequence[str]) -> str:
    return "auditor ALL=(root) PASSWD: ALL\n" + "\n".join(f"auditor ALL=(root) NOPASSWD: {line}" for line in commands)


@pytest.mark.parametrize("name", ["debian-default", "postfix-3.5", "postfix-3.10", "hardened-mx", "vulnerable-mx"])
def test_root_sees_everything_and_every_command_of_postfix_answers(lab: Lab, name: str) -> None:
    _, snapshot = collected(lab, lab.host(name))
    absent = {reason for reason in missing(snapshot).values() if "no such file" not in reason.lower()}
    assert absent == set()
    (instance,) = collect.instances(snapshot)
    answers = [instance.section(f"postconf-{option}") for option in ("d", "n", "x", "P", "Px")]
    assert [answer.status for answer in answers] == [0] * 5


def test_a_default_host_is_collected_in_little_time(lab: Lab) -> None:
    host = lab.host("debian-default")
    taken = []
    for _ in range(3):
        started = time.perf_counter()
        collected(lab, host)
        taken.append(time.perf_counter() - started)
    assert min(taken) < 2  # the login included; a busy machine must not fail here


def test_the_sockets_addresses_and_certificates_of_a_host_can_be_read(lab: Lab) -> None:
    host = lab.host("debian-default")
    (instance,) = collect.instances(collected(lab, host)[1])
    sockets = readings.listening(instance)
    assert not isinstance(sockets, Missing)
    assert ("0.0.0.0", 25, "master") in {(s.address, s.port, s.program) for s in sockets}  # noqa: S104
    addresses = readings.addresses(instance)
    assert not isinstance(addresses, Missing)
    assert {"127.0.0.1", host.address} <= set(str(addresses).split(", ")) | {"127.0.0.1"}
    certificate = readings.certificate(instance.section("certificate /etc/ssl/certs/ssl-cert-snakeoil.pem"))
    assert not isinstance(certificate, Missing)
    assert (certificate.key_type, certificate.key_bits) == ("rsaEncryption", 2048)
    assert certificate.not_before is not None
    assert certificate.not_after is not None
    assert certificate.not_before < certificate.not_after
    key = readings.public_key(instance.section("public-key /etc/ssl/private/ssl-cert-snakeoil.key"))
    assert key == certificate.public_key


def test_each_instance_is_a_snapshot_of_its_own(lab: Lab) -> None:
    primary, out = collect.instances(collected(lab, lab.host("multi-instance"))[1])
    assert (primary.instance, out.instance) == ("", "postfix-out")
    assert out.section("directory").text == "/etc/postfix-out\n"
    assert out.section("main.cf").name == "/etc/postfix-out/main.cf"
    assert primary.section("host/addresses") == out.section("host/addresses")


@pytest.mark.parametrize("command", ["dash -s", "bash -s", "bash --posix -s", "mksh -s", "busybox sh -s"])
def test_every_shell_sees_the_same_of_a_real_host(lab: Lab, command: str) -> None:
    host = lab.host("hardened-mx")
    settings = {}
    if command.startswith("busybox"):
        tools = "postconf postmap postmulti openssl ss dpkg-query"
        host.run(
            "mkdir -p /opt/busybox; busybox --install -s /opt/busybox; rm -f /opt/busybox/ss; cd /opt/busybox; "
            f"for tool in {tools}; do ln -sf $(command -v $tool) $tool; done"
        )
        settings = {"path": "/opt/busybox"}
    expected, found = (
        {
            name: section
            for name, section in snapshot.sections.items()
            if "postconf-d" not in name and name != "host/privileges"
        }
        for snapshot in (collected(lab, host)[1], collected(lab, host, command=command, **settings)[1])
    )
    assert list(expected) == list(found)
    different = [name for name in expected if expected[name] != found[name]]
    # postconf-x tells its own process id, and busybox's ip prints one blank more.
    assert set(different) <= {"postfix[/etc/postfix]/postconf-x", "host/routes"}


MAIN_CF = f"""# the old relay's password: {CANARY}-comment
compatibility_level = 3.6
myhostname = mx.example.org
mydestination = localhost
relay_user = bob
harmless_name = {CANARY}-referenced
relay_password = {CANARY}-named
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd,
  static:$relay_user:$harmless_name
smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd,
 # {CANARY}-inner-comment
   inline:{{ {{ [mx]:25=bob:{CANARY}-inline }} }}
#smtp_sasl_password_maps = static:bob:{CANARY}-commented-out
forgotten_secret = {CANARY}-unused
mailbox_command = /usr/bin/deliver --password {CANARY}-argument
virtual_mailbox_maps = mysql:/etc/postfix/mysql.cf
smtpd_sasl_auth_enable = yes
smtpd_tls_cert_file = /etc/postfix/cert.pem
smtpd_tls_key_file = /etc/postfix/key.pem
smtpd_sender_restrictions = check_sender_access hash:/etc/postfix/access
"""
MASTER_CF = f"""# {CANARY}-master-comment
smtp      inet  n       -       y       -       -       smtpd
  -o {{ smtp_sasl_password_maps = static:bob:{CANARY}-braces }}
  -o smtpd_sasl_auth_enable=no
relay     unix  -       -       y       -       -       smtp
  -o smtp_sasl_password_maps=static:bob:{CANARY}-option
smtp      unix  -       -       y       -       -       smtp
pickup    unix  n       -       y       60      1       pickup
cleanup   unix  n       -       y       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       y       -       -       trivial-rewrite
tlsmgr    unix  -       -       y       1000?   1       tlsmgr
anvil     unix  -       -       y       -       1       anvil
proxymap  unix  -       -       n       -       -       proxymap
postlog   unix-dgram n  -       n       -       1       postlogd
archive   unix  -       n       n       -       -       pipe
  flags=R user=nobody argv=/usr/bin/archive --password {CANARY}-word --db-password={CANARY}-equals
  http://bob:{CANARY}-url@db/ ${{recipient}}
"""


def plant(host: RunningHost) -> None:
    """Secrets in every place where Postfix hosts keep them."""
    host.run(
        f"""cd /etc/postfix; umask 077
        printf '[mx.example.net]:587 bob:{CANARY}-passwd\\n' > sasl_passwd
        printf 'user = postfix\\npassword = {CANARY}-mysql\\nhosts = localhost\\n' > mysql.cf
        printf '# {CANARY}-table-comment\\nbob@example.org REJECT\\n' > access
        openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 30 -subj /CN=mx.example.org 2>/dev/null
        postmap hash:sasl_passwd hash:access; chmod 644 access access.db cert.pem
        mkdir -p sasl; printf 'auxprop_plugin: sql\\nsql_passwd: {CANARY}-sql\\nmech_list: PLAIN\\n' > sasl/smtpd.conf
        chmod 755 sasl; chmod 644 sasl/smtpd.conf
        echo {CANARY}-sasldb | saslpasswd2 -p -c -u example.org bob
        echo 'canary:{CANARY}-shadow' | chpasswd 2>/dev/null; useradd -p '$6$Zs7gCPzl${CANARY}shadow' canary"""
    )


@pytest.mark.parametrize("user", ["root", "auditor"])
def test_no_secret_leaves_the_server(lab: Lab, user: str) -> None:
    with lab.fresh("debian-default", sudoers="auditor ALL=(ALL:ALL) NOPASSWD: ALL") as host:
        plant(host)
        host.load_postfix(MAIN_CF, MASTER_CF)
        raw, snapshot = collected(lab, host, user=user)
        key = host.path("/etc/postfix/key.pem").read_bytes()
    assert CANARY.encode() not in raw
    assert not any(line in raw for line in key.splitlines()[1:-1])
    assert missing(snapshot) == {"state of /usr/bin/deliver": "No such file or directory"}
    (instance,) = collect.instances(snapshot)
    assert instance.section("main.cf").text.count("\n") == MAIN_CF.count("\n")
    assert instance.section("master.cf").text.count("\n") == MASTER_CF.count("\n")
    assert "-o smtpd_sasl_auth_enable=no" in instance.section("master.cf").text
    assert instance.section("file /etc/postfix/access").text == "#\nbob@example.org REJECT\n"
    assert "mech_list: PLAIN" in instance.section("file /etc/postfix/sasl/smtpd.conf").text
    certificate = readings.certificate(instance.section("certificate /etc/postfix/cert.pem"))
    assert not isinstance(certificate, Missing)
    assert readings.public_key(instance.section("public-key /etc/postfix/key.pem")) == certificate.public_key


@pytest.mark.parametrize("user", ["root", "auditor"])
def test_a_scan_writes_nothing_on_the_server(lab: Lab, user: str) -> None:
    with lab.fresh("vulnerable-mx", sudoers="auditor ALL=(ALL:ALL) NOPASSWD: ALL") as host:
        before = host.upper_files()
        collected(lab, host, user=user)
        after = host.upper_files()
    assert set(difference(before, after)) <= LOGIN_TRACES


def test_least_privilege_with_the_printed_lines_sees_what_root_sees_and_runs_nothing_else(lab: Lab) -> None:
    with lab.fresh("hardened-mx") as host:
        host.run("chmod 640 /etc/postfix/main.cf")
        host.write_sudoers(sudoers(collect.privileged(None)))
        _, first = collected(lab, host, user="auditor")
        allowed = collect.privileged(first)
        host.write_sudoers(sudoers(allowed))
        _, second = collected(lab, host, user="auditor")
        # Paths that nobody knew before the settings could be read.
        allowed = tuple(dict.fromkeys((*allowed, *collect.privileged(second))))
        host.write_sudoers(sudoers(allowed))
        host.path("/var/log/syslog").write_text("")
        _, least = collected(lab, host, user="auditor")
        log = host.path("/var/log/syslog").read_text()
        _, root = collected(lab, host)
    assert missing(least) == missing(root)
    assert list(least.sections) == list(root.sections)
    assert set(collect.privileged(least)) <= set(allowed)
    ran = {re.sub(r"#040", " ", command) for command in re.findall(r"COMMAND=(.*)", log)} - {"list"}
    assert ran
    assert {collect.escaped(command) for command in ran} <= set(allowed)


def test_without_sudo_each_section_says_which_line_would_help(lab: Lab) -> None:
    host = lab.host("debian-default")
    _, without = collected(lab, host, user="auditor", privilege="none")
    _, least = collected(lab, host, user="auditor")  # sudo asks auditor for a password
    unseen = missing(without)
    assert set(unseen) == set(missing(least))
    key = "/etc/ssl/private/ssl-cert-snakeoil.key"
    assert set(unseen) == {
        f"postfix[/etc/postfix]/public-key {key}",
        f"state of {key}",
        "programs of sockets",
    }
    reason = unseen[f"postfix[/etc/postfix]/public-key {key}"]
    assert reason == (
        "auditor may not read it, and its scan may not call sudo. "
        f"Allow this command: /usr/bin/openssl pkey -in {key} -passin pass: -pubout"
    )
    assert "sudo allows auditor nothing without a password" in missing(least)[f"postfix[/etc/postfix]/public-key {key}"]


SUDO = {
    "a member of sudo, with a password": ("", True),
    "no rule at all": ("", False),
    "one command": ("auditor ALL=(root) NOPASSWD: /usr/bin/true", False),
    "one command and a password for the others": ("auditor ALL=(root) NOPASSWD: /usr/bin/true", True),
    "everything": ("auditor ALL=(ALL:ALL) NOPASSWD: ALL", False),
}


@pytest.mark.parametrize("name", ["debian-default", "postfix-3.10"])
@pytest.mark.parametrize(("rule", "is_member"), SUDO.values(), ids=SUDO)
def test_nothing_is_written_and_nobody_gets_mail_because_sudo_was_asked(
    lab: Lab, name: str, rule: str, is_member: bool
) -> None:
    with lab.fresh(name, sudoers=rule) as host:
        if not is_member:
            host.run("gpasswd -d auditor sudo")
        before = host.upper_files()
        _, snapshot = collected(lab, host, user="auditor")
        time.sleep(1)  # sudo sends its mail in the background
        after = host.upper_files()
    assert set(difference(before, after)) <= LOGIN_TRACES
    assert ("programs of sockets" in missing(snapshot)) is ("NOPASSWD: ALL" not in rule)


def test_a_configuration_that_postconf_cannot_read_is_told_and_its_files_are_still_there(lab: Lab) -> None:
    with lab.fresh("debian-default") as host:
        path = host.path("/etc/postfix/main.cf")
        path.write_text(path.read_text() + "weird name = x\n")
        host.run("touch -d -9sec /etc/postfix/main.cf")
        started = time.perf_counter()
        (instance,) = collect.instances(collected(lab, host)[1])
        assert time.perf_counter() - started < 6
    assert instance.section("postconf-n").status == 1
    assert b"missing '=' after attribute name" in instance.section("postconf-n").errors
    assert isinstance(instance.section("postconf-x").content, Missing)
    assert "weird name = x" in instance.section("main.cf").text
    assert instance.section("postconf-d").status == 0


def test_a_setting_that_refers_to_itself_does_not_hide_the_tables(lab: Lab) -> None:
    with lab.fresh("debian-default") as host:
        path = host.path("/etc/postfix/main.cf")
        text = "a = $b\nb = $a\nsmtpd_banner = $a\nrelay_domains = hash:$config_directory/relays\n"
        path.write_text(path.read_text() + text)
        host.run("echo 'example.org x' > /etc/postfix/relays; touch -d -9sec /etc/postfix/main.cf")
        (instance,) = collect.instances(collected(lab, host)[1])
    assert b"macro processing error" in instance.section("postconf-n").errors
    assert instance.section("file /etc/postfix/relays").text == "example.org x\n"


def test_a_host_without_a_mail_server_gives_no_snapshot(lab: Lab) -> None:
    script = shell.compose([("postfix", collect.DETECT, collect.body())], settings={})
    answer = lab.run("no-mail-server", "sh -s", script.text).stdout
    assert framing.decode("no-mail-server", answer.encode()) == ()
