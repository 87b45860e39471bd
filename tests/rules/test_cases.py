"""Real administrators' cases, reduced to small configurations in `cases/`, judged by the shipped default rules.

Each test names what has to be said about the case and what may not be: a false "open relay" is the worst mistake, as such a
report sends people off to mend what is right. The configurations are those of Postfix 3.7.

What else is asked in these cases needs more than configuration and belongs to commands to come:

======  ====================================================================================  ==============
case    asked                                                                                 needs
======  ====================================================================================  ==============
A003    witness: 203.0.200.9 relays, 198.51.100.7 gets 554                                    relay analysis
A006    "open to the world", from the gateway's address in the log of an outside test         logs
A012    whether a stolen password explains the spam                                           logs
A015    "not compliant" with a demand that would stop all mail: the waiver                    change plans
A018    the answer 554 to a host that postscreen allows                                       relay analysis
A021    which logins of last week's log a sender binding would refuse; the 553 explained      logs, bounces
A033    bounces in the queue; that discarding bounces loses notifications                     logs, bounces
A039    which clients still use old TLS, before the floor is raised                           logs
A042    "blocked using … Error: open resolver" in a bounce; the resolver in use               bounces, DNS
A048    the dead alias: the recipient is refused with 454                                     relay analysis
======  ====================================================================================  ==============
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from auditor import pipeline
from auditor.model.finding import Finding, Verdict
from auditor.model.host import Files, Host, HostVariables, Release
from auditor.model.network import Networks
from auditor.rulebook import Rulebook

CASES = Path(__file__).parent / "cases"
WORLD = {
    "postfix-open-relay",
    "postfix-access-entry-relays",
    "postfix-all-client-certificates-relay",
    "postfix-domain-list-matches-everything",
    "postfix-mx-backup-relays-for-strangers",
    "postfix-naked-ip-address-relays",
    "postfix-networks-trust-everyone",
    "postfix-networks-trust-host-name",
    "postfix-reinjection-port-public",
    "postfix-spoofable-access-entry-relays",
    "postfix-untrusted-routing",
    "postfix-xclient-for-strangers",
}
"""The rules that say that anybody may relay."""

Verdicts = dict[str, dict[str, Finding]]
"""The failing findings by rule and subject."""


@cache
def rules() -> Rulebook:
    """The default profile."""
    return pipeline.SHIPPED.load_rules()


def findings(case: str, **facts: object) -> tuple[Finding, ...]:
    """What `mailaudit scan --files DIR --release 3.7` says about a case. `facts`: `trusted` networks, `role`, `own_domains`."""
    trusted = facts.get("trusted")
    variables = HostVariables(
        trusted_networks=Networks.of(*trusted) if isinstance(trusted, tuple) else None,
        role=str(facts["role"]) if "role" in facts else None,
        own_domains=("example.org",) if "own_domains" in facts else (),
    )
    connection = Files(folder=str(CASES / case), release=Release.parse("3.7"))
    report = pipeline.SHIPPED.audit(Host(name="mx.example.org", connection=connection, variables=variables), rules())
    assert "ok" == report.state, report.error
    return report.findings


def failing(case: str, **facts: object) -> Verdicts:
    """What is wrong with a case."""
    found: Verdicts = {}
    for finding in findings(case, **facts):
        if finding.verdict is Verdict.FAIL:
            found.setdefault(finding.rule_id, {})[finding.subject] = finding
    return found


def places(finding: Finding) -> set[str]:
    """The lines that a finding points at."""
    return {f"{e.origin.file}:{e.origin.line}" for e in finding.evidence if e.origin and e.origin.line}


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_no_case_is_an_open_relay(case: str) -> None:
    assert set() == {
        (f.rule_id, f.subject, f.verdict)
        for f in findings(case)
        if f.rule_id in WORLD and f.verdict in {Verdict.FAIL, Verdict.UNKNOWN}
    }


def test_a003_neighbours_of_the_provider_may_relay() -> None:
    found = failing("A003")["postfix-networks-trust-public-range"]
    assert ["mynetworks 203.0.0.0/16"] == list(found)
    assert "main.cf:3" in places(found["mynetworks 203.0.0.0/16"])
    assert "65536 addresses" in found["mynetworks 203.0.0.0/16"].message


def test_a006_three_private_ranges_where_one_host_is_meant() -> None:
    found = failing("A006", trusted=("127.0.0.0/8", "192.168.1.20/32"))
    assert ["mynetworks 10.0.0.0/8", "mynetworks 172.16.0.0/12", "mynetworks 192.168.0.0/16"] == sorted(
        found["postfix-networks-trust-private-range"]
    )
    why = rules().rule("postfix-networks-trust-private-range").rule.why
    assert "Behind a router" in str(why)


def test_a009_the_subnet_of_the_provider_and_a_recipient_list_without_a_gate() -> None:
    found = failing("A009")
    assert ["mynetworks 203.0.112.0/20"] == list(found["postfix-networks-trust-public-range"])
    assert "main.cf:5" in places(found["postfix-relay-gate-by-default"]["smtp"])
    assert "postfix-networks-by-style" not in found


def test_a009_with_old_defaults_smtpd_does_not_start() -> None:
    found = failing("A009-level-0")
    assert ["smtp"] == list(found["postfix-smtpd-does-not-start"])
    assert "no restriction that rejects relaying" in found["postfix-smtpd-does-not-start"]["smtp"].message


def test_a012_a_correct_list_leaves_only_passwords_on_port_25() -> None:
    found = failing("A012")
    assert ["smtp"] == list(found["postfix-auth-on-mx-port"])
    assert {"postfix-relay-check-only-warns", "postfix-relay-decided-by-recipient-list"}.isdisjoint(found)
    assert {"postfix-relay-gate-by-default", "postfix-smtpd-does-not-start"}.isdisjoint(found)


def test_a015_the_hardening_line_stops_the_mail_of_an_mx() -> None:
    found = failing("A015", role="mx")["postfix-mx-refuses-everybody"]
    assert ["smtp"] == list(found)
    assert "main.cf:5" in places(found["smtp"])


def test_a015_own_domains_say_too_that_mail_is_expected() -> None:
    assert "postfix-mx-refuses-everybody" in failing("A015", own_domains=True)


def test_a015_the_hardening_line_suits_a_host_that_takes_no_mail() -> None:
    assert "postfix-mx-refuses-everybody" not in failing("A015", role="null-client")


def test_a018_the_allow_list_of_postscreen_is_no_relay_path() -> None:
    relay = {f.subject: f.verdict for f in findings("A018") if f.rule_id == "postfix-open-relay"}
    assert {"smtpd": Verdict.PASS} == relay


def test_a021_a_sender_binding_with_maps_is_no_fault() -> None:
    found = failing("A021")
    assert set() == {rule for rule in found if "sender" in rule}


def test_a024_helo_checks_hit_users_who_logged_in() -> None:
    found = failing("A024")["postfix-server-checks-hit-users"]
    assert ["smtps"] == list(found)
    assert "main.cf:5" in places(found["smtps"])


def test_a024_both_cures_work() -> None:
    assert "postfix-server-checks-hit-users" not in failing("A024-users-first")
    assert "postfix-server-checks-hit-users" not in failing("A024-own-list")


def test_a027_a_comment_at_the_end_of_the_line_loses_the_entry_behind_it() -> None:
    found = failing("A027")
    assert ["mynetworks # office 198.51.100.0/24"] == list(found["postfix-networks-entry-matches-nobody"])
    assert ["mynetworks 192.0.2.0/24"] == list(found["postfix-networks-trust-public-range"])
    assert {"postfix-configuration-malformed", "postfix-networks-entry-broken"}.isdisjoint(found)


def test_a030_the_override_of_port_25_wins_over_main_cf() -> None:
    found = failing("A030", trusted=("127.0.0.0/8", "192.0.2.130/32"))
    refused = found["postfix-mx-refuses-everybody"]["smtp"]
    assert "master.cf:2" in places(refused)
    assert "permit_sasl_authenticated,reject" in refused.message
    assert {rule for rule in found if rule.startswith("postfix-networks-")} == set()


def test_a033_unknown_local_recipients_are_accepted() -> None:
    found = failing("A033")["postfix-local-recipients-not-checked"]
    assert ["smtp"] == list(found)
    assert "main.cf:4" in places(found["smtp"])


def test_a036_who_is_behind_the_gateway_may_smuggle() -> None:
    found = failing("A036")
    assert "172.18.0.0/16" in found["postfix-bare-newline-exclusions-wide"]["smtp"].message
    assert "main.cf:4" in places(found["postfix-bare-newline-exclusions-wide"]["smtp"])
    assert "postfix-smtp-smuggling" not in found


def test_a036_the_workaround_alone_does_not_stop_smuggling() -> None:
    found = failing("A036-workaround")
    assert ["smtp"] == list(found["postfix-smtp-smuggling"])
    assert "postfix-pipelining-not-refused" not in found


def test_a039_no_cipher_list_is_demanded_of_a_hardened_server() -> None:
    assert set() == {rule for rule in failing("A039") if "cipher" in rule or "tls-versions" in rule}


def test_a042_errors_of_a_block_list_count_as_listings() -> None:
    found = failing("A042")["postfix-dnsbl-errors-count-as-listed"]
    assert ["reject_rbl_client zen.spamhaus.org", "reject_rhsbl_sender dbl.spamhaus.org"] == sorted(found)
    assert {"main.cf:5"} == places(found["reject_rbl_client zen.spamhaus.org"])


def test_a042_postscreen_was_forgotten() -> None:
    found = failing("A042-postscreen")["postfix-dnsbl-errors-count-as-listed"]
    assert ["postscreen_dnsbl_sites zen.spamhaus.org"] == list(found)


def test_a045_deferred_relay_attempts_are_told_and_no_alarm() -> None:
    finding = failing("A045")["postfix-relay-refused-temporarily"]["smtp"]
    assert "main.cf:4" in places(finding)
    assert finding.severity.rank < 2


def test_a108_a_list_for_bounces_refuses_all_mail() -> None:
    found = failing("A108")["postfix-dnsbl-too-wide"]
    assert ["reject_rbl_client ips.backscatterer.org"] == list(found)


def test_a048_a_catch_all_forwards_spam() -> None:
    found = failing("A048")["postfix-catch-all-forwards"]
    assert ["virtual:1 @example.org"] == list(found)
    assert "boss@gmail.test" in found["virtual:1 @example.org"].message


def test_a048_a_dead_alias_is_no_catch_all() -> None:
    assert "postfix-catch-all-forwards" not in failing("A048-dead-alias")
