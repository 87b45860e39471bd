"""A rule text and a configuration of the toy server, judged."""

from __future__ import annotations

from auditor.errors import InvalidFile
from auditor.model.finding import Finding
from auditor.model.host import HostVariables, Release
from auditor.rulebook.evaluate import judge
from auditor.rulebook.load import CompiledRule, read_rule
from tests.unit.rulebook.toy import TOY, Toy, from_files, parse

REGISTRY = {"toy": TOY}
NOBODY_SAID = HostVariables()


def rule(check: str, *, more: str = "", identity: str = "toy-rule") -> CompiledRule:
    """A rule with this check (lines of YAML, indented by two)."""
    text = f"id: {identity}\ntitle: A rule\nseverity: high\nwhy: Because.\ncheck:\n{check}{more}"
    return read_rule(f"rules/toy/{identity}.yaml", text.encode(), REGISTRY)


def requiring(expression: str) -> CompiledRule:
    """A rule of one expression."""
    block = expression.replace("\n", "\n    ")
    return rule(f"  require: |\n    {block}\n  message: wrong\n")


def model(configuration: str, release: str = "2.0") -> Toy:
    """The toy server with this smtpd.conf."""
    return parse(from_files({"smtpd.conf": configuration.encode()}, Release.parse(release)))


def findings(
    judged: CompiledRule, server: Toy, variables: HostVariables = NOBODY_SAID, instance: str = ""
) -> list[Finding]:
    """What the rule says."""
    return judge(judged, judged.programs["toy"], server, variables, instance)


def verdict(expression: str, configuration: str = "", release: str = "2.0") -> str:
    """The verdict of one expression about the whole server."""
    (found,) = findings(requiring(expression), model(configuration, release))
    return str(found.verdict)


def mistakes(expression: str) -> list[str]:
    """What is wrong with an expression, as `column: message`, counted from the expression's first character."""
    try:
        requiring(expression)
    except InvalidFile as error:
        found = error.problems
    else:
        found = ()
    return [f"{p.where.line - 6}:{p.where.column - 5}: {p.message}" for p in found]
