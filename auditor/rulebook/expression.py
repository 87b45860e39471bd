"""The rule expression language: a small, typed, three-valued subset of Python's expression syntax.

Python's parser reads it (`ast.parse`); nothing is compiled or run by Python. One walk over the tree resolves every name against
the platform's model, collects every mistake, and makes a closure for each node (`closures.py`). DESIGN section 8.
One thing, though long: a method per kind of node, and the places of mistakes in a text inside a YAML file.
"""

from __future__ import annotations

import ast
import operator
import re
import types
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditor.errors import Problem
from auditor.interfaces import Namespace
from auditor.model.host import Release
from auditor.model.network import Networks
from auditor.rulebook import functions, hints
from auditor.rulebook.closures import (
    Expression,
    attribute_closures,
    called,
    comparison,
    contains,
    contains_not,
    decide,
    negated,
    quantify,
    truth,
)
from auditor.rulebook.functions import FUNCTIONS
from auditor.rulebook.hints import Unusable, alike, family, item_of, label, plain
from auditor.yamltree import Text, suggest

MAX_LENGTH = 2000
MAX_DEPTH = 40
QUANTIFIERS = ("any", "all")
RESERVED = frozenset((*FUNCTIONS, *QUANTIFIERS))


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that an expression may use, with their types, and the families of names behind some types."""

    names: Mapping[str, Any]
    namespaces: Mapping[type, Namespace]
    loops: frozenset[str] = frozenset()

    def within(self, name: str, hint: Any, *, loop: bool = False) -> Scope:
        """This scope with one more name."""
        return Scope({**self.names, name: hint}, self.namespaces, self.loops | {name} if loop else self.loops)


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a rule's text that is an expression: all of it, or a placeholder that begins at `line` and `column`."""

    text: Text
    source: str
    line: int = 1
    column: int = 0

    def problem(self, message: str, hint: str, line: int, column: int) -> Problem:
        """A problem at a place of the fragment (line from 1, column from 0)."""
        return self.text.problem(message, hint, self.line + line - 1, column + (self.column if line == 1 else 0))


def whole(text: Text) -> Fragment:
    """The text as one expression."""
    return Fragment(text, text.value)


def compile_condition(fragment: Fragment, scope: Scope) -> tuple[Expression | None, tuple[Problem, ...]]:
    """An expression that is true, false or unknown, or else its problems."""
    return _compile(fragment, scope, condition=True)


def compile_value(fragment: Fragment, scope: Scope) -> tuple[Expression | None, tuple[Problem, ...]]:
    """An expression of any type, or else its problems."""
    return _compile(fragment, scope, condition=False)


def compile_loop(fragment: Fragment, scope: Scope) -> tuple[str, Expression | None, tuple[Problem, ...]]:
    """`NAME in LIST`: the name, the list, or else the problems."""
    compiler = _Compiler(fragment, scope)
    node = compiler.parse()
    match node:
        case ast.Compare(left=ast.Name(id=name), ops=[ast.In()], comparators=[over]):
            if name in RESERVED or name in scope.names:
                compiler.fail(node.left, f"the name {name!r} is taken", "choose another name for the item")
            found = compiler.visit(over)
            compiler.item_type(found, over)
            return name, None if compiler.problems else found, tuple(compiler.problems)
        case None:
            pass
        case _:
            compiler.fail(node, "expected NAME in LIST", "for example: service in postfix.smtpd_services")
    return "", None, tuple(compiler.problems)


def _compile(fragment: Fragment, scope: Scope, *, condition: bool) -> tuple[Expression | None, tuple[Problem, ...]]:
    compiler = _Compiler(fragment, scope)
    node = compiler.parse()
    if node is None:
        return None, tuple(compiler.problems)
    found = compiler.condition(node) if condition else compiler.visit(node)
    return (None, tuple(compiler.problems)) if compiler.problems else (found, ())


_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.In: contains, ast.NotIn: contains_not,
}  # fmt: skip
_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)

_NOT_PART = {
    "BinOp": "arithmetic", "Subscript": "indexing", "Lambda": "lambda", "JoinedStr": "an f-string", "IfExp": "if … else",
    "Dict": "a dictionary", "Set": "a set", "Tuple": "a list without [ ]", "ListComp": "a list comprehension",
    "SetComp": "a set comprehension", "DictComp": "a dictionary comprehension", "GeneratorExp": "a generator outside any() and all()",
    "NamedExpr": "assignment", "Await": "await", "Yield": "yield", "YieldFrom": "yield", "Starred": "*",
}  # fmt: skip


class _Compiler:
    """Walks one expression. After a mistake it goes on with the type `Any`, so that each mistake is told once, and all are."""

    def __init__(self, fragment: Fragment, scope: Scope, problems: list[Problem] | None = None, depth: int = 0) -> None:
        self.fragment, self.scope, self.depth = fragment, scope, depth
        self.problems: list[Problem] = [] if problems is None else problems
        self.lines = [line.encode("utf-8") for line in ("(" + fragment.source).split("\n")]

    # --- places ---

    def place(self, line: int, byte: int) -> tuple[int, int]:
        """A position of Python's parser (bytes, one bracket before line 1) as line and column of the fragment."""
        text = self.lines[line - 1][:byte].decode("utf-8", "replace") if line <= len(self.lines) else ""
        return line, max(len(text) - (line == 1), 0)

    def fail(self, node: ast.AST, message: str, hint: str = "") -> None:
        line, column = self.place(getattr(node, "lineno", 1), getattr(node, "col_offset", 1))
        self.problems.append(self.fragment.problem(message, hint, line, column))

    def written(self, node: ast.expr) -> str:
        """The node as written, on one line."""
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        pieces = self.lines[first : last + 1]
        pieces[-1] = pieces[-1][: node.end_col_offset]
        pieces[0] = pieces[0][node.col_offset :]
        return " ".join(b" ".join(pieces).decode("utf-8", "replace").split())

    # --- syntax ---

    def parse(self) -> ast.expr | None:
        source = self.fragment.source.rstrip()
        if not source.strip():
            self.refuse("an expression is missing here")
            return None
        if len(source) > MAX_LENGTH:
            self.refuse(f"longer than {MAX_LENGTH} characters", "move part of it into the platform's model")
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "\d" in a pattern is no mistake of Python code
                node = ast.parse("(" + source + "\n)", mode="eval").body
            # The bracket added in front must belong to the one added at the end, not to one in the text.
            if (node.lineno, node.col_offset) != (1, 0) or isinstance(node, (ast.Tuple, ast.GeneratorExp)):
                return node
            self.refuse("cannot read this expression: a bracket is closed that was not opened")
        except SyntaxError as error:
            line, column = error.lineno or 1, (error.offset or 1) - 1 - ((error.lineno or 1) == 1)
            lines = source.split("\n")
            if line > len(lines):  # the bracket added above: the text ends too early
                line, column = len(lines), len(lines[-1])
            self.refuse(*_syntax(error.msg or "malformed", lines[line - 1][max(column - 1, 0) :]), line, max(column, 0))
        except (RecursionError, MemoryError, ValueError):
            self.refuse("cannot read this expression: nested too deeply, or it holds a control character")
        return None

    def refuse(self, message: str, hint: str = "", line: int = 1, column: int = 0) -> None:
        self.problems.append(self.fragment.problem(message, hint, line, column))

    # --- types ---

    def visit(self, node: ast.expr) -> Expression:
        if self.depth > MAX_DEPTH:
            self.fail(node, f"nested deeper than {MAX_DEPTH} levels")
            return self.unusable(node)
        self.depth += 1
        try:
            visitor = _VISITORS.get(type(node))
            if visitor is not None:
                return visitor(self, node)
            name = type(node).__name__
            self.fail(node, f"{_NOT_PART.get(name, name)} is not part of the rule language")
            return self.unusable(node)
        finally:
            self.depth -= 1

    def unusable(self, node: ast.expr) -> Expression:
        """What stands for a part with a mistake; it never runs."""
        return Expression("constant", self.written(node), Unusable, lambda _: None)

    def condition(self, node: ast.expr) -> Expression:
        """The node, which must be true/false."""
        found = self.visit(node)
        if not alike(found.type, bool):
            hint = f"compare it: {found.text} == …" if family(found.type) in ("text", "number") else ""
            self.fail(node, f"this must be true or false, it is {label(found.type)}", hint)
        return found

    def item_type(self, found: Expression, node: ast.expr) -> Any:
        item = item_of(found.type)
        if item is not None:
            return item
        if found.type is not Unusable:
            self.fail(node, f"this must be a list, it is {label(found.type)}")
        return Unusable

    # --- one method per kind of node ---

    def constant(self, node: ast.Constant) -> Expression:
        value = node.value
        if value is None:
            self.fail(node, "None is not part of the rule language", "ask is_set(…) or not is_set(…)")
            return self.unusable(node)
        if type(value) not in (str, int, bool):
            self.fail(
                node,
                f"{self.written(node)} is not part of the rule language",
                "text, whole numbers, True and False are",
            )
            return self.unusable(node)
        return Expression("constant", self.written(node), type(value), lambda _: value, value=value)

    def sequence(self, node: ast.List) -> Expression:
        parts = tuple(self.visit(each) for each in node.elts)
        for part, each in zip(parts, node.elts, strict=True):
            if part.kind != "constant":
                self.fail(each, "a list holds constants only")
            elif not alike(part.type, parts[0].type):
                self.fail(
                    each, f"a list holds values of one type: {label(parts[0].type)} first, then {label(part.type)}"
                )
        value = tuple(part.value for part in parts)
        kind = types.GenericAlias(tuple, (parts[0].type if parts else Any, ...))
        return Expression("list", self.written(node), kind, lambda _: value, parts, value=value)

    def name(self, node: ast.Name) -> Expression:
        name = node.id
        if name not in self.scope.names:
            known = {"true": "write True", "false": "write False", "null": "ask is_set(…)"}
            self.fail(
                node, f"unknown name {name!r}", known.get(name) or suggest(name, self.scope.names, self.known_names())
            )
            return self.unusable(node)
        return Expression("name", name, plain(self.scope.names[name]), lambda frame: frame.names[name], root=name)

    def known_names(self) -> str:
        return f"known here: {', '.join(self.scope.names)}"

    def attribute(self, node: ast.Attribute) -> Expression:
        owner = self.visit(node.value)
        hint = self.attribute_type(owner, node)
        if hint is None:
            return self.unusable(node)
        box: list[Expression] = []  # the closure tells which attribute it read, and is part of it
        loop = owner.root if owner.root in self.scope.loops else ""
        raw, run = attribute_closures(
            owner, node.attr, owner.type in self.scope.namespaces, hints.is_object(hint), loop, box
        )
        found = Expression("attribute", f"{owner.text}.{node.attr}", hint, run, (owner,), raw=raw, root=owner.root)
        box.append(found)
        return found

    def attribute_type(self, owner: Expression, node: ast.Attribute) -> Any | None:
        """The type of the attribute; None, and a problem, when there is no such thing."""
        if owner.type is Unusable:
            return None
        if (space := self.scope.namespaces.get(owner.type)) is not None:
            if node.attr in space.names():
                return plain(space.type_of(node.attr))
            names: Sequence[str] = sorted(space.names())
        else:
            known = hints.attributes(owner.type)
            if node.attr in known and known[node.attr] is not None:
                return plain(known[node.attr])
            names = list(known)
        line, column = self.place(node.end_lineno or node.lineno, (node.end_col_offset or 1) - len(node.attr.encode()))
        message = f"{label(owner.type)} has no {node.attr!r}"
        shown = f"it has: {', '.join(names)}" if 0 < len(names) <= 40 else ""
        self.problems.append(self.fragment.problem(message, suggest(node.attr, names, shown), line, column))
        return None

    def and_or(self, node: ast.BoolOp) -> Expression:
        deciding = isinstance(node.op, ast.Or)
        parts = tuple(self.condition(each) for each in node.values)
        run = decide([truth(part) for part in parts], deciding)
        return Expression("or" if deciding else "and", self.written(node), bool, run, parts)

    def negation(self, node: ast.UnaryOp) -> Expression:
        if isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant) and type(node.operand.value) is int:
            value = -node.operand.value
            return Expression("constant", self.written(node), int, lambda _: value, value=value)
        if not isinstance(node.op, ast.Not):
            self.fail(node, "arithmetic is not part of the rule language")
            return self.unusable(node)
        part = self.condition(node.operand)
        return Expression("not", self.written(node), bool, negated(truth(part)), (part,))

    def compare(self, node: ast.Compare) -> Expression:
        for op, right_node in zip(node.ops, node.comparators, strict=True):
            if isinstance(op, (ast.Is, ast.IsNot)):
                none = isinstance(right_node, ast.Constant) and right_node.value is None
                hint = "ask is_set(…) or not is_set(…)" if none else "use == or !="
                self.fail(right_node, "'is' is not part of the rule language", hint)
                return self.unusable(node)
        parts = [self.visit(node.left), *(self.visit(each) for each in node.comparators)]
        nodes = [node.left, *node.comparators]
        runs = []
        for index, op in enumerate(node.ops):
            left, right = self.comparable(op, parts[index], parts[index + 1], nodes[index], nodes[index + 1])
            runs.append(comparison(_COMPARE[type(op)], left, right))
        run = runs[0] if len(runs) == 1 else decide(runs, deciding=False)
        return Expression("compare", self.written(node), bool, run, tuple(parts))

    def comparable(
        self, op: ast.cmpop, left: Expression, right: Expression, left_node: ast.expr, right_node: ast.expr
    ) -> tuple[Expression, Expression]:
        """Both sides as they are compared; a text constant beside a release has become a release."""
        if isinstance(op, (ast.In, ast.NotIn)):
            return self.member(left, right, right_node)
        left, right = self.release(left, right, left_node), self.release(right, left, right_node)
        if not alike(left.type, right.type):
            self.fail(right_node, f"cannot compare {label(left.type)} with {label(right.type)}")
        elif isinstance(op, _ORDER) and family(left.type) not in ("number", "release", "any"):
            self.fail(right_node, f"{label(left.type)} has no order", "use == or !=, or in [ … ]")
        self.words(left, right, right_node)
        self.words(right, left, left_node)
        return left, right

    def member(self, left: Expression, right: Expression, node: ast.expr) -> tuple[Expression, Expression]:
        if family(right.type) == "text" and alike(left.type, str):
            return left, right
        item = self.item_type(right, node)
        if right.kind == "list" and family(left.type) == "release":
            releases = tuple(self.release(part, left, node) for part in right.parts)
            value = tuple(each.value for each in releases)
            return left, Expression("list", right.text, tuple[Release, ...], lambda _: value, releases, value=value)
        if not alike(left.type, item):
            self.fail(node, f"{label(left.type)} is never in {label(right.type)}")
        if isinstance(node, ast.List):
            for part, each in zip(right.parts, node.elts, strict=True):
                self.words(left, part, each)
        if left.kind == "constant":
            self.words(Expression("item", "", item, right.run), left, node)
        return left, right

    def words(self, typed: Expression, constant: Expression, node: ast.expr) -> None:
        """A constant beside a type of few words must be one of them."""
        allowed = hints.words_of(typed.type)
        if (
            allowed is not None
            and constant.kind == "constant"
            and isinstance(constant.value, str)
            and constant.value not in allowed
        ):
            shown = f"one of: {', '.join(allowed)}" if len(allowed) <= 30 else ""
            self.fail(
                node, f"{typed.text or 'it'} is never {constant.value!r}", suggest(constant.value, allowed, shown)
            )

    def release(self, found: Expression, beside: Expression, node: ast.expr) -> Expression:
        if family(beside.type) != "release" or found.kind != "constant" or found.type is not str:
            return found
        return self.converted(found, node, _release, Release)

    def converted(self, found: Expression, node: ast.expr, convert: Callable[[Any], Any], kind: Any) -> Expression:
        """A constant as a value of another type; a constant that is none is a problem."""
        try:
            value = convert(found.value)
        except ValueError as error:
            self.fail(node, str(error))
            return Expression("constant", found.text, Unusable, found.run)
        return Expression("constant", found.text, kind, lambda _: value, value=value)

    def call(self, node: ast.Call) -> Expression:
        if not isinstance(node.func, ast.Name):
            self.fail(node, "only named functions can be called", f"functions: {', '.join(sorted(RESERVED))}")
            return self.unusable(node)
        name = node.func.id
        if name in QUANTIFIERS:
            return self.quantifier(name, node)
        function = FUNCTIONS.get(name)
        if function is None:
            self.fail(
                node, f"unknown function {name!r}", suggest(name, RESERVED, f"functions: {', '.join(sorted(RESERVED))}")
            )
            for argument in node.args:
                self.visit(argument)
            return self.unusable(node)
        wanted = len(function.parameters)
        if node.keywords or len(node.args) != wanted or any(isinstance(each, ast.Starred) for each in node.args):
            self.fail(node, f"{name} takes {wanted} argument{'s' * (wanted != 1)}")
            return self.unusable(node)
        parts = tuple(
            self.argument(name, kind, each) for kind, each in zip(function.parameters, node.args, strict=True)
        )
        return Expression("call", self.written(node), function.returns, called(function, parts), parts)

    def argument(self, function: str, kind: str, node: ast.expr) -> Expression:
        found = self.visit(node)
        constant = found.kind in ("constant", "list")
        if kind == "networks" and constant and found.type is not Unusable:
            return self.converted(found, node, _networks, Networks)
        if kind == "pattern":
            if found.kind != "constant" or found.type is not str:
                self.fail(node, "a regular expression is a constant text")
                return found
            return self.converted(found, node, functions.pattern, re.Pattern)
        if kind == "value":
            if constant and found.type is not Unusable:
                self.fail(node, f"{function} asks about a value of the server, this is a constant")
            return found
        families = {"networks": ("networks",), "text": ("text",), "countable": ("networks", "text", "list")}[kind]
        this = "list" if item_of(found.type) is not None else family(found.type)
        if this not in (*families, "any"):
            words = {"networks": "networks", "text": "text", "countable": "a list, text or networks"}[kind]
            self.fail(node, f"{function} wants {words} here, this is {label(found.type)}")
        return found

    def quantifier(self, name: str, node: ast.Call) -> Expression:
        match node:
            case ast.Call(
                args=[
                    ast.GeneratorExp(
                        elt=condition, generators=[ast.comprehension(target=ast.Name(id=variable)) as loop]
                    )
                ],
                keywords=[],
            ):
                pass
            case _:
                self.fail(node, f"{name}() is written {name}(CONDITION for NAME in LIST)")
                return self.unusable(node)
        for each in loop.ifs:
            cure = f"{name}(x.a and x.b for x in xs)" if name == "any" else f"{name}(not x.a or x.b for x in xs)"
            self.fail(each, "'if' is not part of the rule language", f"write {cure}")
        if variable in self.scope.names or variable in RESERVED:
            self.fail(loop.target, f"the name {variable!r} is taken", "choose another name for the item")
        items = self.visit(loop.iter)
        inner = self.scope.within(variable, self.item_type(items, loop.iter), loop=True)
        part = _Compiler(self.fragment, inner, self.problems, self.depth).condition(condition)
        run = quantify(items.run, items.text, variable, truth(part), name == "any")
        return Expression(name, self.written(node), bool, run, (items, part), variable=variable)


_VISITORS: Mapping[type[ast.expr], Callable[[_Compiler, Any], Expression]] = {
    ast.Constant: _Compiler.constant, ast.List: _Compiler.sequence, ast.Name: _Compiler.name, ast.Attribute: _Compiler.attribute,
    ast.BoolOp: _Compiler.and_or, ast.UnaryOp: _Compiler.negation, ast.Compare: _Compiler.compare, ast.Call: _Compiler.call,
}  # fmt: skip


def _release(text: str) -> Release:
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})*", text):
        raise ValueError(f"{text!r} is not a release number")
    return Release.parse(text)


def _networks(value: Any) -> Networks:
    texts = (value,) if isinstance(value, str) else value
    if not all(isinstance(each, str) for each in texts):
        raise ValueError('networks are written as texts: ["192.0.2.0/24"]')
    return Networks.of(*texts)


def _syntax(message: str, rest: str) -> tuple[str, str]:
    """Python's complaint in the words of the rule language, and a hint."""
    message = (
        message.replace("invalid syntax. ", "")
        .replace(" or ':='", "")
        .replace("'(' was never closed", "a bracket is not closed")
    )
    for wrong, right in (("&&", "and"), ("||", "or"), ("!", "not")):
        if wrong in rest[:3]:
            return "cannot read this expression", f"write {right} instead of {wrong}"
    return f"cannot read this expression: {message[:1].lower()}{message[1:]}", ""
