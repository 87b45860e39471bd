"""Whole configurations of ordinary hosts: exactly the rules fail that have something to say, and none is in doubt.

A folder holds main.cf, master.cf, what a server would tell of its `files` and `certificates`, and tables of /etc/postfix.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from auditor import pipeline, resources
from auditor.interfaces import STATED
from auditor.model.finding import Finding, Verdict
from auditor.model.host import HostVariables, Release
from auditor.model.network import LOOPBACK, Networks
from auditor.rulebook import ALL, Rulebook, evaluate, load_rulebook

HOSTS = Path(__file__).with_name("false_alarm")
POSTFIX = pipeline.SHIPPED.registry["postfix"]
OFFICE = "10.20.0.0/24"
_STATED = ("files", "certificates")

# What is wrong with Debian's own configuration, as installed for an "Internet Site".
DEBIAN = {
    "postfix-banner-shows-version",  # "Debian/GNU" in the greeting
    "postfix-certificate-self-signed",  # the snakeoil certificate, made at installation
    "postfix-relay-refused-temporarily",  # defer_unauth_destination; only for information
    "postfix-vrfy-enabled",  # the compiled default
}
# … and with what Postfix 3.7 has as default and 3.9 changed.
UNTIL_3_9 = {"postfix-pipelining-not-refused", "postfix-smtp-smuggling"}

EXPECTED: Mapping[tuple[str, str], set[str]] = {
    ("debian-default", "3.7"): DEBIAN | UNTIL_3_9,
    ("debian-default", "3.10"): DEBIAN,
    ("null-client", "3.7"): set(),  # nobody reaches it
    ("null-client", "3.10"): set(),
    ("submission-only", "3.7"): set(),  # strangers get nothing from it: no smuggling, no backscatter
    ("submission-only", "3.10"): set(),
    ("backup-mx", "3.7"): set(),  # relay_domains, and all recipients known
    ("backup-mx", "3.10"): set(),
    ("content-filter", "3.7"): set(),  # what the port of re-injection leaves out, port 25 has done
    ("content-filter", "3.10"): set(),
}


def _name(file: str) -> str:
    if file in _STATED:
        return STATED + file
    return file if file in ("main.cf", "master.cf") else f"/etc/postfix/{file}"


@pytest.fixture(scope="module")
def rulebook() -> Rulebook:
    return load_rulebook([resources.shipped("rules")], pipeline.SHIPPED.registry, profile=ALL)


def findings(rulebook: Rulebook, host: str, release: str) -> list[Finding]:
    """What all rules say about the folder of that name."""
    texts = {path.name: path.read_bytes() for path in (HOSTS / host).iterdir()}
    given = {_name(name): text for name, text in texts.items()}
    snapshot = POSTFIX.from_files(given, Release.parse(release))
    variables = HostVariables(trusted_networks=Networks.of(*LOOPBACK, OFFICE))
    return [
        finding
        for instance in POSTFIX.instances(snapshot)
        for finding in evaluate(rulebook, POSTFIX, POSTFIX.parse(instance), variables, instance.instance)
    ]


@pytest.mark.parametrize(("host", "release"), EXPECTED)
def test_an_ordinary_host_fails_exactly_the_rules_that_it_breaks(rulebook: Rulebook, host: str, release: str) -> None:
    found = {each.rule_id for each in findings(rulebook, host, release) if each.verdict is Verdict.FAIL}
    assert EXPECTED[host, release] == found


@pytest.mark.parametrize(("host", "release"), EXPECTED)
def test_no_rule_is_in_doubt_about_an_ordinary_host(rulebook: Rulebook, host: str, release: str) -> None:
    doubts = {
        each.rule_id: each.reason for each in findings(rulebook, host, release) if each.verdict is Verdict.UNKNOWN
    }
    assert {} == doubts
