"""Every shipped rule does what its own examples say, and no passing verdict rests on what nobody read."""

from __future__ import annotations

import pytest

from auditor import pipeline, resources
from auditor.errors import AuditorError, InvalidFile
from auditor.rulebook import ALL, CompiledRule, Rulebook, examples, load_rulebook
from auditor.rulebook.rule import Example

REGISTRY = pipeline.SHIPPED.registry


def _load() -> Rulebook | AuditorError:
    try:
        return load_rulebook([resources.shipped("rules")], REGISTRY, profile=ALL)
    except InvalidFile as error:
        return error  # a test fails with it; collecting the tests must not


LOADED = _load()
RULES: tuple[CompiledRule, ...] = LOADED.rules if isinstance(LOADED, Rulebook) else ()
EXAMPLES = [(rule, example) for rule in RULES for example in rule.examples]

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
each_example = pytest.mark.parametrize(
    ("rule", "example"), EXAMPLES, ids=[f"{rule.id}[{example.name}]" for rule, example in EXAMPLES]
)


def test_every_rule_file_is_well_formed() -> None:
    assert isinstance(LOADED, Rulebook), str(LOADED)


@pytest.mark.parametrize("name", sorted(path.stem for path in (resources.shipped("rules") / "profiles").glob("*.yaml")))
def test_every_shipped_profile_loads(name: str) -> None:
    assert load_rulebook([resources.shipped("rules")], REGISTRY, profile=name).rules != ()


@each_example
def test_an_example_says_what_it_claims(rule: CompiledRule, example: Example) -> None:
    assert "" == "\n".join(map(str, examples.check_example(rule, example, REGISTRY)))


@each_example
def test_a_pass_rests_on_what_was_read(rule: CompiledRule, example: Example) -> None:
    assert "" == "\n".join(map(str, examples.knock_out(rule, example, REGISTRY)))


@each_rule
def test_a_rule_has_examples_that_fail_and_that_do_not(rule: CompiledRule) -> None:
    assert () == tuple(map(str, examples.completeness(rule)))


@each_rule
def test_a_rule_does_not_hide_servers_by_its_own_predicate(rule: CompiledRule) -> None:
    assert () == tuple(map(str, examples.warnings(rule)))


@each_rule
def test_a_rule_tells_why_how_to_cure_it_and_where_it_is_written(rule: CompiledRule) -> None:
    told = {
        "why": rule.rule.why,
        "effect": rule.rule.effect,
        "remedy": rule.rule.remedy,
        "references": rule.rule.references,
    }
    assert [] == [name for name, value in told.items() if not value]
