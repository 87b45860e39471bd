"""YAML as a tree of nodes that know their place, and from there into dataclasses; every mistake with line, column and hint.

The text is only *parsed* (ruamel's events), never constructed: no tag can build an object, nothing recurses while
reading, and an alias cannot grow beyond `MAX_NODES`. `build` then walks nodes and type hints together.
One module because both halves share the nodes and their places.
"""

from __future__ import annotations

import dataclasses
import difflib
import enum
import re
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, cast

from auditor.errors import InvalidFile, Problem, Where

T = TypeVar("T")

MAX_BYTES = 1 << 20
MAX_DEPTH = 40
MAX_NODES = 100_000

# What YAML 1.2 section 5.1 calls printable, without C1 controls and without the line breaks that only YAML 1.1 knew.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# The core schema of YAML 1.2 section 10.3.2: `yes`, `no` and `on` are text.
_PLAIN = (
    ("null", re.compile(r"~|null|Null|NULL|")),
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE")),
    ("int", re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")),
    ("float", re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")),
    ("merge", re.compile(r"<<")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """Text, number, true/false or null, as written. `style` is its quote or block mark; "" means plain.

    `tag` is what YAML 1.2 makes of it ("str", "int", "float", "bool", "null", "merge") or an explicit tag ("!vault").
    """

    value: str
    tag: str
    style: str
    start: Where
    end: Where


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list."""

    items: tuple[Node, ...]
    tag: str
    start: Where


@dataclass(frozen=True, slots=True)
class MappingNode:
    """A mapping in the order of the file. Keys are scalars, each once."""

    entries: tuple[tuple[ScalarNode, Node], ...]
    tag: str
    start: Where

    def get(self, key: str) -> Node | None:
        """The value under that key, or None."""
        return next((value for name, value in self.entries if name.value == key), None)


Node = ScalarNode | SequenceNode | MappingNode


@dataclass(frozen=True, slots=True)
class Text:
    """A string that remembers where it was written, for languages embedded in YAML.

    `start` is the place of its first character: after the quote, or at the block's indentation.
    `columns` maps characters to file columns (from 0) where escapes in quotes make a difference; empty: one to one.
    """

    value: str
    start: Where
    source_lines: tuple[str, ...] = dataclasses.field(default=(), repr=False, compare=False)
    columns: tuple[int, ...] = dataclasses.field(default=(), repr=False, compare=False)

    def __str__(self) -> str:
        return self.value

    def where(self, line: int = 1, column: int = 0) -> Where:
        """The place in the file of a position inside this text (line from 1, column in characters from 0)."""
        if self.columns:
            column = self.columns[min(column, len(self.columns) - 1)]
        return Where(self.start.file, self.start.line + line - 1, self.start.column + column)

    def problem(self, message: str, hint: str = "", line: int = 1, column: int = 0) -> Problem:
        """A problem at a position inside this text, with the line of the file for the caret."""
        text = self.source_lines[line - 1] if line <= len(self.source_lines) else ""
        return Problem(self.where(line, column), message, hint, text)


def read(path: Path | Traversable, *, name: str = "", max_bytes: int = MAX_BYTES) -> bytes:
    """The bytes of a file that a person wrote. Raises InvalidFile when it cannot be read, is too large or no regular file."""
    name = name or str(path)
    try:
        if path.is_dir():
            raise InvalidFile([Problem(Where(name), "this is a folder, a file was expected")])
        if not path.is_file():
            reason = "this is not a regular file" if not isinstance(path, Path) or path.exists() else "no such file"
            raise InvalidFile([Problem(Where(name), reason)])
        with path.open("rb") as stream:
            data = stream.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise InvalidFile([Problem(Where(name), f"cannot be read: {reason}")]) from error
    if len(data) > max_bytes:
        raise InvalidFile([Problem(Where(name), f"larger than {max_bytes:,} bytes, which no file of this kind needs")])
    return data


def compose(
    name: str, source: str | bytes, *, anchors: bool = False, tags: bool = False, max_depth: int = MAX_DEPTH
) -> Node | None:
    """The node tree of one YAML document; None when there is nothing in it. `name` is what problems call the file.

    `anchors` allows anchors, aliases and merge keys (left in the tree as tag "merge"); `tags` allows explicit tags.
    Raises InvalidFile: not YAML, not UTF-8, control characters, duplicate or non-scalar keys, nested deeper than
    `max_depth`, more than `MAX_NODES` nodes once aliases are counted in full.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    text = _decode(name, source)
    composer = _Composer(name, text.splitlines(), anchors=anchors, tags=tags, max_depth=max_depth)
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            composer.take(event)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = f"{error.problem or 'this is not YAML'}{f' ({error.context})' if error.context else ''}"
        composer.fail(Where(name, mark.line + 1, mark.column + 1) if mark else Where(name), what)
    except (YAMLError, ValueError, OverflowError) as error:
        # ruamel's scanner meets some malformed escapes and headers with errors that carry no mark.
        composer.fail(Where(name), f"this is not YAML: {str(error).splitlines()[0] if str(error) else 'malformed'}")
    except _TooMuch:
        pass
    if composer.problems:
        raise InvalidFile(_sorted(composer.problems))
    return composer.root


def load(path: Path | Traversable, cls: type[T], *, source: str | bytes | None = None, name: str = "") -> T:
    """The dataclass that a YAML file describes. Raises InvalidFile with every problem of the file."""
    name = name or str(path)
    source = read(path, name=name) if source is None else source
    node = compose(name, source)
    if node is None:
        raise InvalidFile([Problem(Where(name), "the file is empty")])
    value, problems = build(node, cls, lines_of(name, source))
    if problems:
        raise InvalidFile(problems)
    return cast("T", value)


def build(node: Node, hint: Any, lines: tuple[str, ...]) -> tuple[Any, tuple[Problem, ...]]:
    """What `node` is as a value of the type hint `hint`, and the problems on the way; with problems the value is None.

    Hints: dataclasses (`-` in a key is `_`), tuple[X, ...], Mapping[str, X], X | None, Literal, Enum, str, int, bool,
    Text, Node (the node itself). In a union the shape of the node decides. `lines` are the lines of the file, for carets.
    A ValueError of a dataclass's `__post_init__` is a problem of its mapping.
    """
    builder = _Builder(lines)
    value = builder.build(node, hint)
    return (None if builder.problems else value), tuple(_sorted(builder.problems))


def lines_of(name: str, source: str | bytes) -> tuple[str, ...]:
    """The lines of a file, without their ends. Raises InvalidFile as `compose` does."""
    return tuple(_decode(name, source).splitlines())


def plain(node: Node) -> Any:
    """The tree as lists, dicts, str, int, float, bool and None, by the core schema of YAML 1.2."""
    if isinstance(node, MappingNode):
        return {key.value: plain(value) for key, value in node.entries}
    if isinstance(node, SequenceNode):
        return [plain(item) for item in node.items]
    if node.tag == "int":
        return int(node.value, 0) if node.value[:2] in ("0o", "0x") else int(node.value)
    if node.tag == "float":
        return float(re.sub(r"\.(?=[infaINFA]{3})", "", node.value))
    return {"bool": node.value.lower() == "true", "null": None}.get(node.tag, node.value)


def kind(node: Node) -> str:
    """What a node is, in words, for messages."""
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list"
    words = {"int": "the number ", "float": "the number ", "bool": "the true/false value ", "str": "the text "}
    return "nothing" if node.tag == "null" else words.get(node.tag, "") + _quoted(node.value)


def suggest(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """The hint "did you mean …?" when a known name is close, else `otherwise`."""
    close = difflib.get_close_matches(name, list(known), n=1) if len(name) <= 100 else []
    return f"did you mean {close[0]!r}?" if close else otherwise


def _decode(name: str, source: str | bytes) -> str:
    if isinstance(source, bytes):
        try:
            source = source.decode("utf-8")
        except UnicodeDecodeError as error:
            good = error.object[: error.start].decode("utf-8")
            where = Where(name, good.count("\n") + 1, len(good) - good.rfind("\n"))
            message = f"byte 0x{error.object[error.start]:02x} is not UTF-8"
            raise InvalidFile([Problem(where, message, "save the file as UTF-8")]) from None
    source = source.removeprefix("\ufeff")
    if bad := _UNPRINTABLE.search(source):
        before = source[: bad.start()]
        where = Where(name, before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise InvalidFile([Problem(where, f"the control character U+{ord(bad.group()):04X} is not allowed here")])
    return source


def _sorted(problems: Iterable[Problem]) -> list[Problem]:
    return sorted(dict.fromkeys(problems), key=lambda p: (p.where.file, p.where.line, p.where.column))


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "…")


class _TooMuch(Exception):
    """Reading on would only cost memory; the problem has been recorded."""


@dataclass(slots=True)
class _Open:
    """A collection whose end has not been read. `size` counts its nodes, aliases in full."""

    event: Any
    children: list[Node] = dataclasses.field(default_factory=list)
    size: int = 1


class _Composer:
    """Puts nodes together from ruamel's events, with a stack of its own instead of recursion."""

    def __init__(self, name: str, lines: list[str], *, anchors: bool, tags: bool, max_depth: int) -> None:
        self.name, self.lines = name, lines
        self.anchors_allowed, self.tags_allowed, self.max_depth = anchors, tags, max_depth
        self.problems: list[Problem] = []
        self.root: Node | None = None
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.nodes = 0

    def fail(self, where: Where, message: str, hint: str = "") -> None:
        line = self.lines[where.line - 1] if 0 < where.line <= len(self.lines) else ""
        self.problems.append(Problem(where, message, hint, line))

    def where(self, mark: Any) -> Where:
        return Where(self.name, mark.line + 1, mark.column + 1)

    def take(self, event: Any) -> None:
        match type(event).__name__:
            case "ScalarEvent":
                self.refuse(event)
                self.close(self.scalar(event), event, 1)
            case "AliasEvent":
                self.alias(event)
            case "MappingStartEvent" | "SequenceStartEvent":
                self.refuse(event)
                self.open(event)
            case "MappingEndEvent" | "SequenceEndEvent":
                top = self.stack.pop()
                self.close(self.collection(top), top.event, top.size)
            case "DocumentStartEvent" if self.root is not None:
                self.fail(self.where(event.start_mark), "one document per file; a second one starts here")
                raise _TooMuch

    def refuse(self, event: Any) -> None:
        if event.anchor and not self.anchors_allowed:
            self.fail(
                self.where(event.start_mark), "anchors and aliases are not used in this file", "write the value out"
            )
        if event.tag and not self.tags_allowed:
            self.fail(
                self.where(event.start_mark), f"the tag {_quoted(event.tag)} is not used in this file", "leave it out"
            )

    def open(self, event: Any) -> None:
        if len(self.stack) >= self.max_depth:
            self.fail(self.where(event.start_mark), f"nested deeper than {self.max_depth} levels")
            raise _TooMuch
        self.stack.append(_Open(event))

    def alias(self, event: Any) -> None:
        where = self.where(event.start_mark)
        if not self.anchors_allowed:
            return self.fail(where, "anchors and aliases are not used in this file", "write the value out")
        if event.anchor not in self.anchors:
            return self.fail(
                where,
                f"no finished anchor {_quoted(event.anchor)} before this alias",
                suggest(event.anchor, self.anchors),
            )
        node, size = self.anchors[event.anchor]
        return self.close(node, None, size, where=where)

    def close(self, node: Node, event: Any, size: int, *, where: Where | None = None) -> None:
        """Hand a finished node to the collection around it."""
        if event is not None and event.anchor:
            self.anchors[event.anchor] = (node, size)
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        top.size += size
        if top.size > MAX_NODES:
            self.fail(where or node.start, f"more than {MAX_NODES:,} values, aliases counted in full")
            raise _TooMuch
        top.children.append(node)

    def scalar(self, event: Any) -> ScalarNode:
        tag = event.tag
        if not tag:
            tag = _plain_tag(event.value) if event.implicit[0] else "str"
        start, end = self.where(event.start_mark), self.where(event.end_mark)
        if bad := _UNPRINTABLE.search(event.value):
            self.fail(start, f"the control character U+{ord(bad.group()):04X} is not allowed here")
        return ScalarNode(event.value, _short(tag), event.style or "", start, end)

    def collection(self, top: _Open) -> Node:
        start, tag = self.where(top.event.start_mark), _short(top.event.tag or "")
        if type(top.event).__name__ == "SequenceStartEvent":
            return SequenceNode(tuple(top.children), tag or "seq", start)
        entries: list[tuple[ScalarNode, Node]] = []
        seen: dict[str, Where] = {}
        for key, value in zip(top.children[::2], top.children[1::2], strict=False):
            if not isinstance(key, ScalarNode):
                self.fail(key.start, f"a key is one word, this is {kind(key)}")
            elif key.value in seen:
                self.fail(
                    key.start,
                    f"{_quoted(key.value)} was given before, on line {seen[key.value].line}",
                    "keep one of them",
                )
            else:
                seen[key.value] = key.start
                entries.append((key, value))
        return MappingNode(tuple(entries), tag or "map", start)


def _plain_tag(value: str) -> str:
    return next((tag for tag, pattern in _PLAIN if pattern.fullmatch(value)), "str")


def _short(tag: str) -> str:
    return tag.removeprefix("tag:yaml.org,2002:")


class _Builder:
    """Collects problems while it builds; a value that could not be built is None and never handed out."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        self.lines = lines
        self.problems: list[Problem] = []

    def fail(self, node: Node, message: str, hint: str = "") -> None:
        line = self.lines[node.start.line - 1] if 0 < node.start.line <= len(self.lines) else ""
        self.problems.append(Problem(node.start, message, hint, line))

    def build(self, node: Node, hint: Any) -> Any:
        origin: Any = typing.get_origin(hint)
        arguments = typing.get_args(hint)
        if hint == Node:
            return node
        if origin in (Union, types.UnionType):
            return self.union(node, arguments)
        if origin is Literal:
            return self.choice(node, {str(a): a for a in arguments})
        if origin is tuple:
            return self.items(node, arguments[0])
        if origin is Mapping:
            return self.mapping(node, *arguments)
        return self.single(node, hint)

    def single(self, node: Node, hint: Any) -> Any:
        if isinstance(hint, type) and issubclass(hint, enum.Enum):
            return self.choice(node, {str(m.value): m for m in hint})
        if hint is Text:
            return self.text(node)
        return self.dataclass(node, hint) if dataclasses.is_dataclass(hint) else self.scalar(node, hint)

    def dataclass(self, node: Node, cls: Any) -> Any:
        if not isinstance(node, MappingNode):
            return self.fail(node, f"expected a mapping, found {kind(node)}", f"keys: {_keys(cls)}")
        hints = typing.get_type_hints(cls)
        fields = {f.name: f for f in dataclasses.fields(cls) if f.init}
        values: dict[str, Any] = {}
        before = len(self.problems)
        for key, value in node.entries:
            name = key.value.replace("-", "_")
            if name in fields:
                values[name] = self.build(value, hints[name])
            else:
                self.fail(
                    key, f"unknown key {_quoted(key.value)}", suggest(key.value, fields, f"allowed: {_keys(cls)}")
                )
        missing = [
            n for n, f in fields.items() if n not in values and f.default is f.default_factory is dataclasses.MISSING
        ]
        if missing:
            self.fail(node, f"missing {', '.join(repr(m) for m in missing)}")
        if len(self.problems) > before:
            return None
        try:
            return cls(**values)
        except ValueError as error:
            return self.fail(node, str(error))

    def mapping(self, node: Node, key_hint: Any, value_hint: Any) -> Any:
        if not isinstance(node, MappingNode):
            return self.fail(node, f"expected a mapping, found {kind(node)}")
        return {
            self.text(key) if key_hint is Text else key.value: self.build(value, value_hint)
            for key, value in node.entries
        }

    def items(self, node: Node, hint: Any) -> Any:
        if not isinstance(node, SequenceNode):
            return self.fail(node, f"expected a list, found {kind(node)}", "write [a, b] or one `- item` per line")
        return tuple(self.build(item, hint) for item in node.items)

    def union(self, node: Node, options: tuple[Any, ...]) -> Any:
        if type(None) in options and isinstance(node, ScalarNode) and node.tag == "null":
            return None
        rest = [o for o in options if o is not type(None)]
        return self.build(node, next((o for o in rest if _fits(node, o)), rest[0]))

    def text(self, node: Node) -> Text | None:
        value = self.scalar(node, str)
        if value is None or not isinstance(node, ScalarNode):
            return None
        line = node.start.line
        if node.style == "|":
            header = self.lines[line - 1][node.start.column :]
            if any(c.isdigit() for c in header.partition("#")[0]):
                self.fail(node, "write the block without an indentation number: | alone")
                return None
            body = self.lines[line:]
            first = next((text for text in body if text.strip()), "")
            start = Where(node.start.file, line + 1, len(first) - len(first.lstrip(" ")) + 1)
            return Text(value, start, body[: value.count("\n") + 1])
        if node.style == ">" or node.end.line != line:
            self.fail(node, "write this on one line, or as a block with |")
            return None
        start = Where(node.start.file, line, node.start.column + (node.style in ("'", '"')))
        return Text(value, start, self.lines[line - 1 : line], _columns(self.lines[line - 1], start.column - 1, node))

    def choice(self, node: Node, choices: Mapping[str, Any]) -> Any:
        if isinstance(node, ScalarNode) and node.value in choices:
            return choices[node.value]
        close = suggest(node.value, choices) if isinstance(node, ScalarNode) else ""
        return self.fail(node, f"{kind(node)} is not one of {', '.join(choices)}", close)

    def scalar(self, node: Node, cls: type) -> Any:
        if isinstance(node, ScalarNode) and node.tag == cls.__name__:
            return plain(node)
        words = {str: "text", int: "a whole number", bool: "true or false"}
        quotes = f'write "{node.value}" in quotes' if cls is str and isinstance(node, ScalarNode) and node.value else ""
        return self.fail(node, f"expected {words.get(cls, cls.__name__)}, found {kind(node)}", quotes)


def _columns(line: str, start: int, node: ScalarNode) -> tuple[int, ...]:
    """For each character of a quoted scalar (and its end) how many columns after `start` it is written; empty: no escapes."""
    if node.style not in ("'", '"') or len(node.value) == node.end.column - 1 - start - 1:
        return ()
    widths = {"x": 4, "u": 6, "U": 10}
    columns, at = [], start
    for _ in range(len(node.value) + 1):
        columns.append(at - start)
        if node.style == "'":
            at += 2 if line[at : at + 2] == "''" else 1
        else:
            at += widths.get(line[at + 1 : at + 2], 2) if line[at : at + 1] == "\\" else 1
    return tuple(columns)


def _keys(cls: Any) -> str:
    return ", ".join(f.name for f in dataclasses.fields(cls) if f.init)


def _fits(node: Node, hint: Any) -> bool:
    if hint == Node:
        return True
    origin: Any = typing.get_origin(hint)
    if isinstance(node, MappingNode):
        return dataclasses.is_dataclass(hint) or origin is Mapping
    if isinstance(node, SequenceNode):
        return bool(origin is tuple)
    return hint in (str, int, bool, Text) and (node.tag == hint.__name__ if hint is not Text else node.tag == "str")
