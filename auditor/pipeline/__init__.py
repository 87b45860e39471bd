"""The stages chained for one host and over the fleet: the only place that combines inventory, connectors, platforms and rules.

This is the documented Python API:

    from auditor import inventory, pipeline

    rules = pipeline.SHIPPED.load_rules()
    hosts = inventory.load(["inventory.yaml"]).hosts
    for report in pipeline.SHIPPED.scan(hosts, rules):
        print(report.host, report.state, len(report.findings))
"""

from auditor.pipeline.outcome import Tolerance, conclude, exit_code, now
from auditor.pipeline.stages import DEFAULT_WORKERS, NO_SITE_FACTS, Parsed, Pipeline, RulesChecked, describe, order

SHIPPED = Pipeline()

__all__ = [
    "DEFAULT_WORKERS",
    "NO_SITE_FACTS",
    "SHIPPED",
    "Parsed",
    "Pipeline",
    "RulesChecked",
    "Tolerance",
    "conclude",
    "describe",
    "exit_code",
    "now",
    "order",
]
