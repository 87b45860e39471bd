"""The forms of `$name` that reference/postfix.md 3.5 lists, with the results of a real `postconf -x`."""

import pytest

from auditor.model.origin import Unknown
from auditor.platforms.postfix.expand import BadExpression, Expanded, expand, level

VALUES: dict[str, str | Unknown] = {
    "a": "1",
    "b": "",
    "v": "$a",
    "compatibility_level": "3.6",
    "myhostname": Unknown("the host's name"),
    "self": "$self",
    "left": "${{$left}=={1}?{x}}",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$a ${a} $(a) ${ a }", "1 1 1 1"),
        ("$a.x", "1.x"),
        ("$nosuch.x", ".x"),
        ("${a?yes}|${b?yes}", "yes|"),
        ("${a:no}|${b:no}|${nosuch:dflt}", "|no|dflt"),
        ("${a?{Y Y}:{N}} ${b?{Y}:{N}}", "Y Y N"),
        ("${{$a}=={1}?{eq}:{ne}}", "eq"),
        ("${{$compatibility_level} <level {3.10} ? {old} : {new}}", "old"),
        ("${{$compatibility_level} < {3.10} ? {old} : {new}}", "new"),
        ("${{$a} != {1} ? {p}}", ""),
        ("${{10} > {9}}", "true"),
        ("$$literal", "$literal"),
        ("${a?{$v}}", "1"),
        ("${a ? {x} : {y}}", "x"),
        ("${a??foo:{b}ar}", "?foo:{b}ar"),
    ],
)
def test_an_expression_expands_as_postconf_expands_it(text: str, expected: str) -> None:
    assert expected == expand(text, VALUES.get).text


@pytest.mark.parametrize(
    "text",
    [
        "$",
        "${",
        "${}",
        "$(a",
        "${a b}",
        "${{x}~~{y}}",
        "${{x}=={y}z}",
        "${a?{x}y}",
        "${a:{x}y}",
        "${{1} <nolevel {2}}",
        "$self",
        "$left",
    ],
)
def test_what_postfix_cannot_expand_is_refused(text: str) -> None:
    with pytest.raises(BadExpression):
        expand(text, VALUES.get)


def test_a_name_that_only_the_machine_knows_stays_in_the_text() -> None:
    assert Expanded("$myhostname ESMTP", "the host's name") == expand("$myhostname ESMTP", VALUES.get)


def test_names_that_nobody_set_are_told() -> None:
    assert ("nosuch",) == expand("x$nosuch", VALUES.get).undefined


def test_the_level_operator_came_with_3_6() -> None:
    with pytest.raises(BadExpression):
        expand("${{$compatibility_level} <level {1} ? {x}}", VALUES.get, has_level=False)


def test_text_that_grows_without_end_is_refused_soon() -> None:
    doubling = {f"x{i}": f"$x{i + 1}$x{i + 1}" for i in range(60)}
    with pytest.raises(BadExpression):
        expand("$x0", doubling.get)


@pytest.mark.parametrize(
    ("text", "numbers"), [("2", (2, 0, 0)), ("3.6.1", (3, 6, 1)), ("3.x", None), ("", None), ("1.2.3.4", None)]
)
def test_compatibility_levels_have_up_to_three_numbers(text: str, numbers: tuple[int, int, int] | None) -> None:
    assert numbers == level(text)
