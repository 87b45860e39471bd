"""Runs as scans give them, for the tests of reports: realistic, hostile, and large."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from auditor.model.finding import Evidence, Finding, RuleSummary, Severity, Verdict
from auditor.model.origin import Layer, Origin
from auditor.model.run import Audited, HostReport, Run

AT = datetime(2026, 11, 23, 5, 0, 3, tzinfo=UTC)

RULES = (
    RuleSummary(
        id="postfix-open-relay",
        title="Strangers can send mail through this server to anywhere",
        severity=Severity.CRITICAL,
        why="An open relay is found within hours and used for spam; the address is then listed and your own mail is refused.",
        effect="Clients outside trusted_networks that relied on it can no longer relay.",
        remedy="smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination",
        references=("RFC 5321 section 7.9", "https://www.postfix.org/SMTPD_ACCESS_README.html"),
        tags=("relay",),
    ),
    RuleSummary(
        id="postfix-auth-without-tls",
        title="Passwords are accepted on unencrypted connections",
        severity=Severity.HIGH,
        why="Whoever can read the network between a client and this server reads the password, and sends spam with it.\n\n"
        "Clients that use port 587 with STARTTLS or port 465 do not notice the fix.",
        effect="Clients that log in without TLS are refused.",
        remedy="smtpd_tls_auth_only = yes\nsmtpd_tls_security_level = may",
        references=("RFC 8314 section 4.1",),
        tags=("authentication", "tls"),
    ),
    RuleSummary(
        id="postfix-smtp-smuggling",
        title="Bare line feeds end a message: mail can be smuggled in",
        severity=Severity.HIGH,
        why="A crafted message becomes two, and the second one carries a sender that nobody checked.",
        effect="Clients that send bare line feeds are refused; list them in smtpd_forbid_bare_newline_exclusions.",
        remedy="smtpd_forbid_bare_newline = normalize",
        references=("CVE-2023-51764",),
        tags=("smuggling",),
    ),
    RuleSummary(
        id="postfix-tls-old-protocols",
        title="TLS 1.0 or 1.1 is accepted where people log in",
        severity=Severity.MEDIUM,
        why="Both are formally deprecated.",
        effect="Mail programs from before 2014 cannot connect.",
        remedy="smtpd_tls_mandatory_protocols = >=TLSv1.2",
        references=("RFC 8996",),
        tags=("tls",),
    ),
    RuleSummary(
        id="postfix-vrfy-enabled",
        title="VRFY tells strangers which mailboxes exist",
        severity=Severity.LOW,
        why="It saves a spammer the guessing.",
        remedy="disable_vrfy_command = yes",
        tags=("information",),
    ),
    RuleSummary(
        id="postfix-banner-version",
        title="The greeting names the software version",
        severity=Severity.INFO,
        why="It helps nobody but a scanner.",
        remedy="smtpd_banner = $myhostname ESMTP",
        tags=("information",),
    ),
    RuleSummary(
        id="postfix-table-writable-by-others",
        title="Somebody else than root can change a lookup table",
        severity=Severity.CRITICAL,
        why="Whoever can write an access table decides who may relay.",
        remedy="chmod 0644 FILE; chown root:root FILE",
        tags=("permissions",),
    ),
)

_SEVERITY = {rule.id: rule.severity for rule in RULES}


def evidence(
    path: str, value: str, file: str = "/etc/postfix/main.cf", line: int | None = 12, layer: Layer = "file"
) -> Evidence:
    """One value with its place."""
    return Evidence(path=path, value=value, origin=Origin(file=file, line=line, layer=layer))


def finding(
    rule: str,
    verdict: Verdict,
    subject: str = "",
    message: str = "",
    *values: Evidence,
    reason: str = "",
    instance: str = "",
) -> Finding:
    """A verdict of one of RULES."""
    return Finding(
        rule_id=rule,
        platform="postfix",
        verdict=verdict,
        severity=_SEVERITY[rule],
        instance=instance,
        subject=subject,
        message=message,
        reason=reason,
        evidence=values,
    )


def rest(*found: Finding) -> tuple[Finding, ...]:
    """The findings of a host, worst rule first, with a pass or not-applicable for every rule that is not among them."""
    named = {f.rule_id for f in found}
    filled = [
        finding(rule.id, Verdict.NOT_APPLICABLE, reason="there is no service that accepts logins")
        if rule.id == "postfix-auth-without-tls"
        else finding(rule.id, Verdict.PASS)
        for rule in RULES
        if rule.id not in named
    ]
    return tuple(sorted((*found, *filled), key=lambda f: (-f.severity.rank, f.rule_id, f.instance, f.subject)))


OPEN_RELAY = finding(
    "postfix-open-relay",
    Verdict.FAIL,
    "smtp",
    "anyone may relay to any domain through smtp: mynetworks holds 0.0.0.0/0 and permit_mynetworks comes first",
    evidence("service.mynetworks", "127.0.0.0/8 203.0.113.0/24 0.0.0.0/0", line=41),
    evidence("service.smtpd_relay_restrictions", "permit_mynetworks, defer_unauth_destination", line=58),
)
SMUGGLING = finding(
    "postfix-smtp-smuggling",
    Verdict.FAIL,
    "smtp",
    "smtp accepts a bare line feed as the end of a message",
    evidence("service.smtpd_forbid_bare_newline", "no", "default", None, "default"),
)
VRFY = finding(
    "postfix-vrfy-enabled",
    Verdict.FAIL,
    "smtp",
    "VRFY is answered",
    evidence("service.disable_vrfy_command", "no", line=73),
)


def auth_without_tls(service: str, line: int) -> Finding:
    """A submission service that offers AUTH in clear text."""
    return finding(
        "postfix-auth-without-tls",
        Verdict.FAIL,
        service,
        f"{service} offers AUTH before STARTTLS",
        evidence("service.smtpd_tls_auth_only", "no", "/etc/postfix/master.cf", line, "service"),
        evidence("service.smtpd_sasl_auth_enable", "yes"),
    )


UNKNOWN_TABLE = finding(
    "postfix-open-relay",
    Verdict.UNKNOWN,
    "smtp",
    reason="mynetworks is in ldap:/etc/postfix/networks.cf, which is not read",
    instance="postfix-app",
)


def host(
    name: str,
    *findings: Finding,
    release: str = "3.7.11",
    groups: tuple[str, ...] = ("mx",),
    notes: tuple[str, ...] = (),
) -> HostReport:
    """A host that was audited."""
    instances = tuple(dict.fromkeys(f.instance for f in findings if f.instance)) or ("postfix",)
    return HostReport(
        host=name,
        state="ok",
        source=f"ssh audit@{name}",
        groups=groups,
        audited=tuple(Audited(platform="postfix", instance=instance, release=release) for instance in instances),
        findings=findings,
        notes=notes,
        taken_at=AT,
        seconds=1.2,
    )


REFUSED = HostReport(
    host="backup.example.org",
    state="login refused",
    source="ssh audit@backup.example.org",
    groups=("mx",),
    error="backup.example.org: the server refused the key and there is no password",
    advice="try ssh audit@backup.example.org; then check `ansible_user` in inventory.yaml:14",
)
SILENT = HostReport(
    host="mx9.example.org",
    state="timed out",
    source="ssh audit@mx9.example.org",
    error="mx9.example.org: nothing answered on 198.51.100.9:22 within 10 seconds",
    advice="is a firewall between you and it?",
    seconds=10.0,
)


def small() -> Run:
    """Three hosts, by host: an open relay, a clean one, one that refused the login."""
    return run(
        host(
            "mx3.example.org",
            *rest(OPEN_RELAY, auth_without_tls("submission", 31), auth_without_tls("smtps", 35), VRFY),
            release="3.5.18",
        ),
        host("null.example.org", *rest()),
        REFUSED,
    )


def fleet() -> Run:
    """Eight hosts, by rule, with everything that reports tell: failures of each severity, unknowns, notes, missing hosts."""
    old = finding(
        "postfix-tls-old-protocols",
        Verdict.FAIL,
        "submission",
        "submission allows TLSv1 and TLSv1.1",
        evidence("service.smtpd_tls_mandatory_protocols", "!SSLv2, !SSLv3", line=33),
    )
    banner = finding(
        "postfix-banner-version",
        Verdict.FAIL,
        "smtp",
        "the greeting shows $mail_version",
        evidence("service.smtpd_banner", "$myhostname ESMTP $mail_version", line=9),
    )
    unread = finding(
        "postfix-table-writable-by-others", Verdict.UNKNOWN, reason="permissions could not be read: sudo refused stat"
    )
    defaults = ("trusted_networks is not declared: loopback and the host's own addresses are trusted",)
    return run(
        host("mx1.example.org", *rest(SMUGGLING, VRFY)),
        host("mx2.example.org", *rest(SMUGGLING, VRFY)),
        host("mx3.example.org", *rest(OPEN_RELAY, SMUGGLING, VRFY, banner), release="3.5.18", notes=defaults),
        host(
            "submit1.example.org",
            *rest(auth_without_tls("submission", 31), auth_without_tls("smtps", 35), old),
            groups=("submission",),
        ),
        host("app-relay2.example.org", *rest(UNKNOWN_TABLE), groups=("app",), notes=defaults),
        host("hpc-login.example.org", *rest(unread), groups=("internal",)),
        REFUSED,
        SILENT,
    )


def hostile() -> Run:
    """Every text that a host, an inventory or a rule can supply, full of what terminals and browsers would execute."""
    evil = (
        "</script><script>window.pwned=1</script><img src=x onerror=window.pwned=1>\"'><b onclick=x>{{7*7}} "
        "[bold]\x1b[2J\x00\x9b31m\u202etxt.exe\u2028\n\udcff&amp;javascript:alert(1)"
    )
    rule = RuleSummary(
        id="postfix-vrfy-enabled",
        title=evil,
        severity=Severity.HIGH,
        why=evil,
        effect=evil,
        remedy=evil,
        references=(evil, "javascript:window.pwned=1", 'https://example.org/"onmouseover="window.pwned=1'),
        tags=(evil,),
    )
    bad = replace(
        VRFY,
        severity=Severity.HIGH,
        subject=evil,
        instance=evil,
        message=evil,
        evidence=(evidence(evil, evil, file=evil),),
    )
    unknown = replace(bad, verdict=Verdict.UNKNOWN, reason=evil, subject=evil + "2")
    good = replace(bad, verdict=Verdict.PASS, subject="quiet", evidence=())
    name = "evil\x1b]0;title\x07\u202e/<i>~#%41"
    reached = replace(host(name, bad, unknown, good, release=evil, groups=(evil,), notes=(evil,)), source=evil)
    reached = replace(reached, audited=tuple(replace(a, problems=(evil,)) for a in reached.audited))
    lost = HostReport(host="~lost'\"><svg onload=window.pwned=1>", state=evil, source=evil, error=evil, advice=evil)
    return replace(run(reached, lost), rules=(rule,), profile=evil, exit_reason=evil)


def large(hosts: int = 1000, rules: int = 40) -> Run:
    """A fleet whose hosts share a few configurations, as fleets do."""
    many = tuple(
        replace(RULES[number % len(RULES)], id=f"postfix-rule-{number:03d}-with-a-usual-name")
        for number in range(rules)
    )

    def one(index: int, number: int) -> Finding:
        rule = many[number]
        fate = (index % 37 * 7 + number * 11) % 20
        base = Finding(
            rule_id=rule.id, platform="postfix", verdict=Verdict.PASS, severity=rule.severity, subject="smtp"
        )
        if fate > 3:
            return base
        values = (evidence(f"service.parameter_{number}", f"value of host {index % 50}", line=number + 1),)
        if fate == 3:
            return replace(base, verdict=Verdict.UNKNOWN, reason=f"file {number} could not be read", evidence=values)
        return replace(base, verdict=Verdict.FAIL, message=f"parameter_{number} is value {index % 50}", evidence=values)

    reports = []
    for index in range(hosts):
        name = f"host{index:05d}.region{index % 17}.example.org"
        found = sorted((one(index, number) for number in range(rules)), key=lambda f: (-f.severity.rank, f.rule_id))
        reports.append(host(name, *found) if index % 50 != 7 else replace(SILENT, host=name))
    return replace(run(*reports), rules=many)


def run(*hosts: HostReport) -> Run:
    """A run over these hosts, with the exit code a scan would give."""
    missing = [h for h in hosts if h.state != "ok"]
    return Run(
        tool_version="0.1.0",
        rulebook_digest="9f3c5a0b17d2" * 5 + "9f3c",
        profile="default",
        started_at=AT,
        finished_at=AT.replace(second=47),
        complete=True,
        fail_on=Severity.HIGH,
        exit_code=3 if missing else 1,
        exit_reason=f"{len(missing)} of {len(hosts)} hosts could not be audited"
        if missing
        else "findings at or above high",
        rules=RULES,
        hosts=hosts,
    )
