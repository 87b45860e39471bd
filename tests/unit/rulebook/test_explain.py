"""The story behind a verdict."""

from __future__ import annotations

from auditor.model.host import HostVariables
from auditor.model.network import Networks
from auditor.rulebook.explain import explain
from tests.unit.rulebook.judging import model, rule

CHECK = """\
  for_each: service in toy.services
  applies: service.is_public
  require: |
    not service.offers_auth
    or service.settings.limit > 3
    or any(within(s.clients, host.trusted_networks) and s.name != "smtp" for s in toy.services)
  message: "{service.name} lets anybody guess"
"""


def test_the_tree_shows_the_value_at_each_place_and_where_it_was_written() -> None:
    judged = rule(CHECK, more="remedy: limit 3\neffect: Slow clients wait.\nknown_false_positives: [A test server]\n")
    server = model("auth yes\nlisten smtp public 192.0.2.0/24\nlisten lmtp private\nlisten mx2 who\n")
    variables = HostVariables(trusted_networks=Networks.of("127.0.0.0/8"))
    assert (
        explain(judged, server, variables, "out")
        == """\
toy-rule: A rule
severity high
instance out
for each service in toy.services

smtp: pass
  written in smtpd.conf:2
  applies: true
    service.is_public = true  (smtpd.conf:2)
  require: true
    or: true
      not service.offers_auth: false
        service.offers_auth = true  (smtpd.conf:2)
          because auth = yes  (smtpd.conf:1)
      service.settings.limit > 3: false
        service.settings.limit = 0  (default)
      any(within(s.clients, host.trusted_networks) and s.name != "smtp" for s in toy.services): true
        s = smtp: false
          and: false
            within(s.clients, host.trusted_networks): false
              s.clients = 192.0.2.0/24  (smtpd.conf:2)
              host.trusted_networks = 127.0.0.0/8
            s.name != "smtp": false
              s.name = smtp  (smtpd.conf:2)
        s = lmtp: true
          and: true
            within(s.clients, host.trusted_networks): true
              s.clients = nobody  (smtpd.conf:3)
              host.trusted_networks = 127.0.0.0/8
            s.name != "smtp": true
              s.name = lmtp  (smtpd.conf:3)
        s = mx2: true
          and: true
            within(s.clients, host.trusted_networks): true
              s.clients = nobody  (smtpd.conf:4)
              host.trusted_networks = 127.0.0.0/8
            s.name != "smtp": true
              s.name = mx2  (smtpd.conf:4)

lmtp: not-applicable: it applies only if service.is_public
  written in smtpd.conf:3
  applies: false
    service.is_public = false  (smtpd.conf:3)

mx2: unknown: nobody knows who reaches mx2
  written in smtpd.conf:4
  applies: unknown (nobody knows who reaches mx2)
    service.is_public = unknown (nobody knows who reaches mx2)  (smtpd.conf:4)

why: Because.
fix: limit 3
the fix may break: Slow clients wait.
known false positive: A test server"""
    )


def test_nothing_to_judge_is_said() -> None:
    assert "  not-applicable: there is none" in explain(rule(CHECK), model(""), HostVariables()).splitlines()
