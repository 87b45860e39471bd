"""YAML into dataclasses: what is accepted, and how each mistake is reported."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

import pytest

from auditor.errors import InvalidFile, Where
from auditor.yamltree import (
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    Text,
    build,
    compose,
    lines_of,
    load,
    plain,
    read,
)


class Severity(StrEnum):
    LOW = "low"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    require: Text
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    id: str
    severity: Severity
    check: Condition
    tags: tuple[str, ...] = ()
    level: int | None = None
    enabled: bool = True
    style: Literal["short", "long"] = "short"
    values: Mapping[str, str] | None = None
    known_false_positives: str | None = None
    given: Node | None = None


def parse(text: str) -> Rule:
    return load(Path("rule.yaml"), Rule, source=text)


def problems(text: str | bytes, **options: bool) -> list[str]:
    """The first line of each problem of a text, as a Rule when it is YAML at all."""
    try:
        tree = compose("rule.yaml", text, **options)
    except InvalidFile as error:
        found = error.problems
    else:
        assert tree is not None
        _, found = build(tree, Rule, lines_of("rule.yaml", text))
    return [str(p).splitlines()[0] for p in found]


def test_a_file_becomes_a_dataclass() -> None:
    rule = parse(
        'id: "1"\nseverity: high\ncheck: {require: a.b}\ntags: [x, y]\nlevel: 0x10\nenabled: false\nstyle: long\n'
        "values: {smtpd_tls_auth_only: yes}\nknown-false-positives: ~\n"
    )
    assert rule == Rule(
        id="1",
        severity=Severity.HIGH,
        check=Condition(require=Text("a.b", Where("rule.yaml", 3, 18))),
        tags=("x", "y"),
        level=16,
        enabled=False,
        style="long",
        values={"smtpd_tls_auth_only": "yes"},
    )


def test_every_mistake_of_a_file_is_reported_with_line_caret_and_hint() -> None:
    text = """\
id: 3.10
severity: hihg
zone: VRFY
check:
  require: [a, b]
  mesage: x
tags: one
level: many
enabled: maybe
style: shorter
values: {a: [1]}
"""
    with pytest.raises(InvalidFile) as caught:
        parse(text)
    assert (
        str(caught.value)
        == """\
rule.yaml:1:5: expected text, found the number '3.10'
1 | id: 3.10
        ^
  hint: write "3.10" in quotes
rule.yaml:2:11: the text 'hihg' is not one of low, high
2 | severity: hihg
              ^
  hint: did you mean 'high'?
rule.yaml:3:1: unknown key 'zone'
3 | zone: VRFY
    ^
  hint: allowed: id, severity, check, tags, level, enabled, style, values, known_false_positives, given
rule.yaml:5:12: expected text, found a list
5 |   require: [a, b]
               ^
rule.yaml:6:3: unknown key 'mesage'
6 |   mesage: x
      ^
  hint: did you mean 'message'?
rule.yaml:7:7: expected a list, found the text 'one'
7 | tags: one
          ^
  hint: write [a, b] or one `- item` per line
rule.yaml:8:8: expected a whole number, found the text 'many'
8 | level: many
           ^
rule.yaml:9:10: expected true or false, found the text 'maybe'
9 | enabled: maybe
             ^
rule.yaml:10:8: the text 'shorter' is not one of short, long
10 | style: shorter
            ^
  hint: did you mean 'short'?
rule.yaml:11:13: expected text, found a list
11 | values: {a: [1]}
                 ^"""
    )


def test_missing_keys_are_named_at_the_mapping() -> None:
    assert problems("severity: low\n") == ["rule.yaml:1:1: missing 'id', 'check'"]


def test_yes_and_no_stay_text_as_postfix_needs_them() -> None:
    tree = compose("x", "a: yes\nb: no\nc: on\nd: true\ne: 3.10\nf:\ng: '1'\n")
    assert tree is not None
    assert plain(tree) == {"a": "yes", "b": "no", "c": "on", "d": True, "e": 3.1, "f": None, "g": "1"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", "rule.yaml:2:1: 'a' was given before, on line 1"),
        ("? [a]\n: 1\n", "rule.yaml:1:3: a key is one word, this is a list"),
        ("? {a: b}\n: 1\n", "rule.yaml:1:3: a key is one word, this is a mapping"),
        ("a: \0\n", "rule.yaml:1:4: the control character U+0000 is not allowed here"),
        ("a: b\nc: \x1b[31m\n", "rule.yaml:2:4: the control character U+001B is not allowed here"),
        ("a: \u2028\n", "rule.yaml:1:4: the control character U+2028 is not allowed here"),
        ("a: \ud800\n", "rule.yaml:1:4: the control character U+D800 is not allowed here"),
        (b"a: b\nc: d\xff\n", "rule.yaml:2:5: byte 0xff is not UTF-8"),
        ("a: &x 1\n", "rule.yaml:1:4: anchors and aliases are not used in this file"),
        ("a: *x\n", "rule.yaml:1:4: anchors and aliases are not used in this file"),
        ("a: !!python/object:os.system ls\n", "rule.yaml:1:4: the tag 'tag:yaml.org,2002:python/object:os.system' is not used"),
        ("a: 1\n---\nb: 1\n", "rule.yaml:2:1: one document per file; a second one starts here"),
        ("a: 'x\n", "rule.yaml:2:1: found unexpected end of stream (while scanning a quoted scalar)"),
        ("a: b: c\n", "rule.yaml:1:5: mapping values are not allowed here"),
        ("\ta: b\n", "rule.yaml:1:1: found character '\\t' that cannot start any token (while scanning for the next token)"),
        ('a: "\\UFFFFFFFF"\n', "rule.yaml: this is not YAML"),
        ('a: "b\\e"\n', "rule.yaml:1:4: the control character U+001B is not allowed here"),
        ("a: " + "[" * 5000, "rule.yaml:1:43: nested deeper than 40 levels"),
        ("".join("  " * n + "a:\n" for n in range(200)), "rule.yaml:41:81: nested deeper than 40 levels"),
    ],
)  # fmt: skip
def test_what_is_not_acceptable_yaml_is_refused_with_its_place(text: str | bytes, message: str) -> None:
    assert [p[: len(message)] for p in problems(text)] == [message]


def test_an_empty_file_is_said_to_be_empty() -> None:
    with pytest.raises(InvalidFile, match=r"^rule.yaml: the file is empty$"):
        parse("# nothing\n")


def test_anchors_and_tags_are_kept_where_they_are_allowed() -> None:
    tree = compose("i", "a: &x {k: 1}\nb: *x\nc: {<<: *x}\nd: !vault |\n  66\n", anchors=True, tags=True)
    assert isinstance(tree, MappingNode)
    assert tree.get("a") is tree.get("b")
    vault, merged = tree.get("d"), tree.get("c")
    assert isinstance(vault, ScalarNode)
    assert vault.tag == "!vault"
    assert isinstance(merged, MappingNode)
    assert merged.entries[0][0].tag == "merge"


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    assert problems(bomb, anchors=True)[0].endswith("more than 100,000 values, aliases counted in full")


def test_an_alias_inside_its_own_anchor_is_refused() -> None:
    assert problems("a: &x [*x]\n", anchors=True) == ["rule.yaml:1:8: no finished anchor 'x' before this alias"]


def test_nodes_know_where_they_stand() -> None:
    tree = compose("i", "hosts:\n  - mx1\n  - 'mx2'\n")
    assert isinstance(tree, MappingNode)
    hosts = tree.get("hosts")
    assert isinstance(hosts, SequenceNode)
    assert [Where("i", 2, 5), Where("i", 3, 5)] == [item.start for item in hosts.items]


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ("require: one two", "two"),
        ("require: 'one two'", "two"),
        ("require: 'it''s two'", "two"),
        (r'require: "a \"quoted\" \u0041 two"', "two"),
        ("require: |\n    one\n    and two\n  message: x", "two"),
        ("require: |\n\n    one\n      and two", "two"),
    ],
)
def test_a_position_inside_a_text_is_a_position_in_the_file(written: str, word: str) -> None:
    text = f"id: x\nseverity: low\ncheck:\n  {written}\n"
    require = parse(text).check.require
    before, _, _ = require.value.partition(word)
    where = require.where(before.count("\n") + 1, len(before) - before.rfind("\n") - 1)
    assert text.splitlines()[where.line - 1][where.column - 1 :].startswith(word)
    problem = require.problem("wrong", line=before.count("\n") + 1, column=0)
    assert text.splitlines()[where.line - 1] == problem.source_line


@pytest.mark.parametrize(
    "written", ["require: >\n    one\n    two", "require: one\n    two", "require: 'one\n    two'"]
)
def test_folded_texts_are_refused_where_positions_matter(written: str) -> None:
    assert problems(f"id: x\nseverity: low\ncheck:\n  {written}\n") == [
        "rule.yaml:4:12: write this on one line, or as a block with |"
    ]


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"#" * 101)
    said = []
    for name in ("absent", ".", "pipe", "large"):
        with pytest.raises(InvalidFile) as caught:
            read(tmp_path / name, name=name, max_bytes=100)
        said.append(str(caught.value))
    assert said == [
        "absent: no such file",
        ".: this is a folder, a file was expected",
        "pipe: this is not a regular file",
        "large: larger than 100 bytes, which no file of this kind needs",
    ]
