"""Laws of the expression language: Kleene soundness, and a parser that never crashes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.errors import InvalidFile, Where
from auditor.model.origin import Unknown
from auditor.rulebook.closures import Frame
from auditor.rulebook.expression import Scope, compile_condition, whole
from auditor.rulebook.load import read_rule
from auditor.rulebook.message import compile_message
from auditor.yamltree import Text, compose
from tests.unit.rulebook.toy import TOY

NAMES = ("a", "b", "c", "d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item of a list, with a truth value that may be unknown."""

    name: str
    holds: bool | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Four truth values and a list."""

    a: bool | Unknown
    b: bool | Unknown
    c: bool | Unknown
    d: bool | Unknown
    items: tuple[Item, ...]


SCOPE = Scope({"w": World}, {})
leaf = st.sampled_from([f"w.{name}" for name in NAMES])


def combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """One connective, comparison or quantifier over smaller expressions."""
    two = st.lists(inner, min_size=2, max_size=3)
    over_items = inner.map(lambda e: f"any(x.holds and ({e}) for x in w.items)")
    for_all = inner.map(lambda e: f"all(not x.holds or ({e}) for x in w.items)")
    return st.one_of(
        two.map(lambda parts: "(" + " and ".join(parts) + ")"),
        two.map(lambda parts: "(" + " or ".join(parts) + ")"),
        inner.map(lambda e: f"(not {e})"),
        st.tuples(leaf, leaf).map(lambda pair: f"({pair[0]} == {pair[1]})"),
        over_items.filter(lambda text: text.count("for x") == 1),
        for_all.filter(lambda text: text.count("for x") == 1),
        st.just("any(x.holds for x in w.items)"),
        st.just("all(x.holds for x in w.items)"),
    )


def numbered(values: Iterable[bool | Unknown]) -> tuple[Item, ...]:
    """Items of these truth values."""
    return tuple(Item(name=str(number), holds=value) for number, value in enumerate(values))


expressions = st.recursive(leaf, combined, max_leaves=8)
truth: st.SearchStrategy[bool | Unknown] = st.sampled_from([True, False, Unknown("not collected")])
worlds = st.builds(
    World, a=truth, b=truth, c=truth, d=truth,
    items=st.lists(truth, max_size=3).map(numbered),
)  # fmt: skip


def run(text: str, world: World, *, thorough: bool = False) -> Any:
    expression, problems = compile_condition(whole(Text(text, Where("t", 1, 1))), SCOPE)
    assert problems == ()
    assert expression is not None
    value = expression.run(Frame({"w": world}, thorough=thorough))
    return "unknown" if isinstance(value, Unknown) else value


def completions(world: World) -> list[World]:
    """Every world in which each unknown has become true or false."""
    values: list[Any] = [world.a, world.b, world.c, world.d, *(item.holds for item in world.items)]
    choices = [(True, False) if isinstance(value, Unknown) else (value,) for value in values]
    return [
        World(
            a=a, b=b, c=c, d=d, items=numbered(rest)
        )
        for a, b, c, d, *rest in itertools.product(*choices)
    ]  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(expressions, worlds)
def test_a_verdict_holds_whatever_the_unknown_values_are(text: str, world: World) -> None:
    said = run(text, world)
    if said != "unknown":
        assert {said} == {run(text, complete) for complete in completions(world)}


@settings(max_examples=500, deadline=None)
@given(expressions, worlds)
def test_an_expression_without_unknown_values_says_what_python_says(text: str, world: World) -> None:
    for complete in completions(world)[:4]:
        assert eval(text, {"w": complete, "any": any, "all": all}) is run(text, complete)  # noqa: S307 the oracle


@settings(max_examples=500, deadline=None)
@given(expressions, worlds)
def test_reading_everything_does_not_change_the_verdict(text: str, world: World) -> None:
    assert run(text, world) == run(text, world, thorough=True)


fragments = st.sampled_from(
    ["toy", ".", "settings", "services", "vrfy", "banner", "and", "or", "not", "in", "any(", "all(", " for s in ", "(", ")",
     "[", "]", '"', "'", "==", "<", "size(", "matches(", "within(", "is_set(", "1", "-", ",", " ", "\n", "{", "}", "lambda", ":",
     "\\", "#", "é", "\t", "=", "if", "None", "f'", "*", "@", "s"]
)  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(fragments, max_size=25).map("".join)))
def test_any_text_is_an_expression_or_a_problem(text: str) -> None:
    scope = Scope({"toy": TOY.model}, TOY.namespaces)
    found, problems = compile_condition(whole(Text(text, Where("t", 1, 1))), scope)
    assert (found is None) == bool(problems)
    compile_message(Text(text, Where("t", 1, 1)), scope)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=80), st.binary(max_size=80)))
def test_any_bytes_are_a_tree_or_a_problem(data: str | bytes) -> None:
    for options in ({}, {"anchors": True, "tags": True}):
        try:
            compose("f", data, **options)
        except InvalidFile as error:
            assert error.problems != ()  # noqa: PT017 either way is right


RULE = b"""id: toy-x
title: t
severity: low
why: w
check:
  for_each: s in toy.services
  require: |
    s.is_public
    or toy.settings.vrfy
  message: "{s.name} x"
"""
edits: st.SearchStrategy[Mapping[int, bytes]] = st.dictionaries(
    st.integers(0, len(RULE) - 1), st.sampled_from([b"", b":", b"{", b"[", b"'", b'"', b"\n", b" ", b"|", b">", b"-", b"\xff"]), max_size=4
)  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(edits)
def test_a_damaged_rule_file_is_a_rule_or_a_problem_in_that_file(changes: Mapping[int, bytes]) -> None:
    data = b"".join(changes.get(i, RULE[i : i + 1]) for i in range(len(RULE)))
    try:
        read_rule("toy-x.yaml", data, {"toy": TOY})
    except InvalidFile as error:
        assert {"toy-x.yaml"} == {problem.where.file for problem in error.problems}  # noqa: PT017 either way is right
