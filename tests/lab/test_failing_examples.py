"""Every rule of severity high or above is shown on a real Postfix: its failing examples have the fault, its other examples have not.

`SYMPTOMS` says how each fault shows. An example that cannot be shown says why in the rule file (`not_in_lab`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from auditor import yamltree
from auditor.model.finding import Severity, Verdict
from auditor.rulebook.rule import Example, Rule
from tests.lab import symptoms
from tests.lab.example_server import ExampleServer
from tests.lab.lab import Lab
from tests.lab.symptoms import Case

RULES = Path(__file__).parents[2] / "rules" / "postfix"

SYMPTOMS: Mapping[str, Callable[[Case], bool]] = {
    "postfix-access-entry-relays": symptoms.relays_for_key,
    "postfix-all-client-certificates-relay": symptoms.relays_with_any_certificate,
    "postfix-auth-without-tls": symptoms.takes_password_in_clear,
    "postfix-client-password-file-readable": symptoms.others_read_it,
    "postfix-client-password-in-main-cf": symptoms.nobody_reads_password,
    "postfix-client-password-without-tls": symptoms.sends_password_in_clear,
    "postfix-client-verifies-without-authorities": symptoms.keeps_mail_for_lack_of_trust,
    "postfix-configuration-malformed": symptoms.commands_die,
    "postfix-configuration-writable": symptoms.others_write_it,
    "postfix-database-password-readable": symptoms.others_read_it,
    "postfix-default-privileges-refused": symptoms.postfix_refuses_to_start,
    "postfix-domain-list-matches-everything": symptoms.relays,
    "postfix-message-larger-than-mailbox": symptoms.local_delivery_stops,
    "postfix-mx-backup-relays-for-strangers": symptoms.relays_for_who_names_it_as_mx,
    "postfix-mx-refuses-everybody": symptoms.refuses_strangers,
    "postfix-mx-requires-tls": symptoms.refuses_mail_without_tls,
    "postfix-naked-ip-address-relays": symptoms.relays_for_naked_address,
    "postfix-networks-entry-broken": symptoms.answers_451,
    "postfix-networks-exclusion-too-late": symptoms.relays_for_excluded_client,
    "postfix-networks-trust-everyone": symptoms.relays_for_everyone,
    "postfix-networks-trust-host-name": symptoms.relays_for_name,
    "postfix-networks-trust-public-range": symptoms.relays_for_network,
    "postfix-open-relay": symptoms.relays,
    "postfix-outbound-tls-mandatory": symptoms.keeps_mail_for_lack_of_tls,
    "postfix-private-key-readable": symptoms.others_read_it,
    "postfix-proxy-protocol-public": symptoms.believes_proxy_header,
    "postfix-qmqp-server": symptoms.relays_by_qmqp,
    "postfix-reinjection-port-public": symptoms.greets_strangers,
    "postfix-relay-domains-top-level": symptoms.relays_for_top_level_domain,
    "postfix-restriction-removed": symptoms.answers_451,
    "postfix-restriction-unknown": symptoms.answers_451,
    "postfix-sasl-backend-over-network": symptoms.shows_password_to_the_network,
    "postfix-sasl-file-readable": symptoms.others_read_it,
    "postfix-sender-binding-bypassed": symptoms.sends_as_somebody_else,
    "postfix-sender-binding-rejects-everybody": symptoms.refuses_own_address,
    "postfix-setgid-program-changed": symptoms.users_cannot_send,
    "postfix-smtp-smuggling": symptoms.takes_smuggled_commands,
    "postfix-smtpd-does-not-start": symptoms.does_not_greet,
    "postfix-spoofable-access-entry-relays": symptoms.relays_for_key,
    "postfix-table-missing": symptoms.answers_451,
    "postfix-tls-log-shows-content": symptoms.logs_content,
    "postfix-tls-protocols-malformed": symptoms.refuses_newest_tls,
    "postfix-tls-without-certificate": symptoms.cannot_start_tls,
    "postfix-untrusted-routing": symptoms.takes_routed_address,
    "postfix-verbose-smtpd-logs-passwords": symptoms.logs_password,
    "postfix-wrappermode-on-wrong-port": symptoms.greets_the_wrong_way,
    "postfix-xclient-for-strangers": symptoms.believes_stranger,
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One example, and whether its fault must show."""

    rule: Rule
    example: Example
    fault: bool

    def __str__(self) -> str:
        return f"{self.rule.id}[{self.example.name}]"


def _rules() -> list[Rule]:
    loaded = (yamltree.load(path, Rule) for path in sorted(RULES.glob("*.yaml")))
    return [rule for rule in loaded if rule.severity.rank >= Severity.HIGH.rank]


def _shown() -> Iterator[Shown]:
    for rule in _rules():
        if rule.id.value in SYMPTOMS:
            for example in rule.examples:
                if example.expect is Verdict.FAIL and not example.not_in_lab:
                    yield Shown(rule, example, fault=True)
                elif example.expect is Verdict.PASS and "host" not in example.given:  # trust is the inventory's word
                    yield Shown(rule, example, fault=False)


@pytest.fixture(scope="module")
def servers(lab: Lab) -> Iterator[Mapping[str, ExampleServer]]:
    """One private host per release."""
    with (
        lab.network(),
        lab.fresh("debian-default") as newer,
        lab.fresh("postfix-3.5") as old,
        lab.fresh("postfix-3.10") as newest,
    ):
        yield {name: ExampleServer(host) for name, host in (("3.7", newer), ("3.5", old), ("3.10", newest))}


@pytest.mark.parametrize("shown", list(_shown()), ids=str)
def test_the_fault_shows_on_a_real_postfix_exactly_where_the_example_fails(
    shown: Shown, servers: Mapping[str, ExampleServer]
) -> None:
    case = Case.of(shown.example, servers)
    assert shown.fault == SYMPTOMS[shown.rule.id.value](case), case.server.log()[-2000:]


def test_every_failing_example_of_high_severity_is_shown_or_says_why_not() -> None:
    silent = [
        f"{rule.id}[{example.name}]"
        for rule in _rules()
        for example in rule.examples
        if example.expect is Verdict.FAIL and not example.not_in_lab and rule.id.value not in SYMPTOMS
    ]
    assert [] == silent


def test_every_symptom_belongs_to_a_rule_of_high_severity() -> None:
    assert set() == set(SYMPTOMS) - {rule.id.value for rule in _rules()}
