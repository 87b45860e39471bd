"""The documentation that is made from the rules and the models: a page per rule, their index, and the reference of the language."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
import typing
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from auditor.interfaces import Platform
from auditor.model.finding import Verdict
from auditor.model.host import HostVariables
from auditor.model.origin import Fact, Unknown
from auditor.rulebook.functions import FUNCTIONS
from auditor.rulebook.load import CompiledRule, Rulebook
from auditor.yamltree import MappingNode, Node, ScalarNode, SequenceNode

_HEADINGS = {
    Verdict.FAIL: "Fails",
    Verdict.PASS: "Passes",
    Verdict.NOT_APPLICABLE: "Does not apply",
    Verdict.UNKNOWN: "Cannot be known",
}


def page(rule: CompiledRule) -> str:
    """A rule's page in Markdown. The headings are always the same."""
    written = rule.rule
    out = [
        f"# {written.title}",
        "",
        f"`{rule.id}` · severity {written.severity} · {', '.join(written.tags) or 'no tags'}",
        "",
    ]
    out += ["## Why", "", written.why.strip(), ""]
    out += ["## Condition", "", *_condition(rule), ""]
    if written.remedy:
        out += ["## Remedy", "", "```", written.remedy.value.strip(), "```", ""]
    if written.effect:
        out += ["## What the remedy may break", "", written.effect.strip(), ""]
    if written.known_false_positives:
        out += ["## Known false positives", "", *(f"* {each.strip()}" for each in written.known_false_positives), ""]
    out += ["## Examples", ""]
    for example in rule.examples:
        out += [f"### {_HEADINGS[example.expect]}: {example.name}", "", *_given(example.given)]
    if written.references:
        out += ["## References", "", *(f"* {each}" for each in written.references), ""]
    return "\n".join(out)


def index(rules: Rulebook) -> str:
    """The list of all rules, worst first, in Markdown."""
    lines = [f"| {each.severity} | [{each.id}]({each.id}.md) | {each.rule.title} |" for each in rules.rules]
    return "\n".join(
        [
            "# Rules",
            "",
            f"{len(lines)} rules; `mailaudit rules show ID` prints a page.",
            "",
            "| severity | rule | says |",
            "| --- | --- | --- |",
            *lines,
            "",
        ]
    )


def reference(platforms: Mapping[str, Platform[Any]]) -> str:
    """docs/rule-language.md: the language, its functions, and every name that a rule may use."""
    out = [_LANGUAGE.strip(), "", "## Functions", "", "| function | answers |", "| --- | --- |"]
    for name, function in FUNCTIONS.items():
        out.append(f"| `{name}({', '.join(function.parameters)})` | {function.explanation} |")
    out += [
        "| `any(C for x in LIST)` | C is true for at least one item. |",
        "| `all(C for x in LIST)` | C is true for every item. |",
        "",
    ]
    out += ["## host", "", *_class(HostVariables)]
    for name, platform in platforms.items():
        out += [f"## {name}", "", f"The root `{name}` is a `{platform.model.__name__}`.", ""]
        for cls in _classes(platform.model):
            out += [f"### {cls.__name__}", "", *_class(cls, platform)]
    return "\n".join(out)


def _condition(rule: CompiledRule) -> Iterator[str]:
    check = rule.rule.check
    yield "```yaml"
    for name, text in (("for_each", check.for_each), ("applies", check.applies), ("require", check.require)):
        if text is None:
            continue
        lines = text.value.strip().splitlines()
        yield f"{name}: {lines[0]}" if len(lines) == 1 else f"{name}: |\n" + textwrap.indent("\n".join(lines), "  ")
    yield "```"
    yield ""
    yield "Otherwise it says: " + check.message.value.strip()


def _given(given: Mapping[str, Node]) -> Iterator[str]:
    for name, node in given.items():
        text = node.value.rstrip("\n") if isinstance(node, ScalarNode) else "\n".join(_yaml(node))
        if "\n" not in text and isinstance(node, ScalarNode) and name in ("release", "snapshot"):
            yield f"{name}: `{text}`"
        else:
            yield f"`{name}`:"
            yield ""
            yield "```"
            yield text
            yield "```"
        yield ""


def _yaml(node: Node) -> Iterator[str]:
    match node:
        case ScalarNode():
            yield node.value
        case SequenceNode():
            for item in node.items:
                lines = list(_yaml(item))
                yield "- " + lines[0]
                yield from ("  " + line for line in lines[1:])
        case MappingNode():
            for key, value in node.entries:
                if isinstance(value, ScalarNode):
                    yield f"{key.value}: {value.value}"
                else:
                    yield f"{key.value}:"
                    yield from ("  " + line for line in _yaml(value))


def _classes(root: type) -> list[type]:
    """The dataclasses that are reachable from a model, in the order of their first mention."""
    found: list[type] = []
    waiting = [root]
    while waiting:
        cls = waiting.pop(0)
        if cls in found:
            continue
        found.append(cls)
        waiting += [
            each
            for hint in typing.get_type_hints(cls).values()
            for each in _mentioned(hint)
            if each.__module__ == root.__module__
        ]
    return found


def _mentioned(hint: Any) -> Iterator[type]:
    if is_dataclass(hint) and isinstance(hint, type):
        yield hint
    for argument in typing.get_args(hint):
        yield from _mentioned(argument)


def _class(cls: type, platform: Platform[Any] | None = None) -> Iterator[str]:
    yield inspect.cleandoc(cls.__doc__ or "")
    yield ""
    if platform and cls in platform.namespaces:
        yield f"{len(platform.namespaces[cls].names())} names, as the vendor writes them."
        yield ""
        return
    comments = _comments(cls)
    yield "| name | type | meaning |"
    yield "| --- | --- | --- |"
    hints = typing.get_type_hints(cls)
    for each in fields(cls) if is_dataclass(cls) else ():
        yield f"| `{each.name}` | {_type(hints[each.name])} | {comments.get(each.name, '')} |"
    yield ""


def _type(hint: Any) -> str:
    if hint in (str, bool, int):
        return {str: "text", bool: "true/false", int: "number"}[hint]
    origin: Any = typing.get_origin(hint)
    arguments = [a for a in typing.get_args(hint) if a not in (type(None), Unknown, ...)]
    if origin is tuple:
        return f"list of {_type(arguments[0])}"
    if origin is Fact:
        return _type(arguments[0])
    if origin is typing.Literal:
        return "one of " + ", ".join(f"`{a}`" for a in arguments)
    if arguments:
        return " or ".join(_type(a) for a in arguments)
    return getattr(hint, "__name__", str(hint))


def _comments(cls: type) -> dict[str, str]:
    """The comment behind each field, or inside the brackets that the formatter put around its type."""
    source = textwrap.dedent(inspect.getsource(cls))
    lines = source.splitlines()
    (definition,) = ast.parse(source).body
    found = {}
    for node in definition.body if isinstance(definition, ast.ClassDef) else ():
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            text = "\n".join(lines[node.lineno - 1 : node.end_lineno])
            comment = re.search(r"#\s*(?!type:|noqa)(.*)", text)
            found[node.target.id] = comment[1].replace("|", "\\|") if comment else ""
    return found


_LANGUAGE = """
# Rule language

Written by `make docs`.
A rule's `for_each`, `applies` and `require` are expressions of a small part of Python's syntax, checked when the rule is loaded:
names, attributes, texts, whole numbers, `True`, `False`, `None`, lists of constants, `== != < <= > >= in not in`, `and or not`,
and the functions below.
Everything else is refused, with its place.

* **Typed.** A misspelt name, a comparison of a list with a text, or a word that a setting cannot have is an error of the rule file.
* **Three-valued.** What could not be read is unknown, and unknown is contagious only where it matters:
  `false and unknown` is false. A setting that is not set, or that the release does not have, is unknown too,
  unless `is_set` or `is_supported` asked first.
* **It explains itself.** What an expression read is the finding's evidence.

1. `for_each` is empty, or `applies` is false: not applicable.
2. `require` true: pass; false: fail; unknown where it matters: unknown.
3. With `for_each` there is one verdict per item, and the item's name is the subject.
4. `applies` says whether there is anything to judge, `require` judges: both reading the same setting is a warning of `rules check`.
"""
