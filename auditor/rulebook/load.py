"""Rule files into a rulebook: read, checked and compiled once. Every problem of every file is told at once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, cast

from auditor import yamltree
from auditor.errors import InvalidFile, Problem, UsageError, Where
from auditor.interfaces import Platform
from auditor.model.finding import RuleSummary, Severity
from auditor.rulebook.profile import ALL, read_profile, select
from auditor.rulebook.program import Program, compile_rule
from auditor.rulebook.rule import Check, Example, Rule
from auditor.yamltree import MappingNode, Node, Text, suggest

FAMILY = "mail"
"""The prefix of rules that judge every mail server alike."""

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
_MAX_FOLDERS_DEEP = 4
_NOT_RULES = ("profiles", "frameworks")


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRule:
    """A rule with its programs (by platform), the severity of the profile, and where it was read."""

    rule: Rule
    severity: Severity
    file: str
    source: bytes
    programs: Mapping[str, Program]

    @property
    def id(self) -> str:
        """The rule's id."""
        return self.rule.id.value

    @property
    def examples(self) -> tuple[Example, ...]:
        """The examples, read from the file when they are asked for. Raises InvalidFile."""
        return self.rule.examples or yamltree.load(Path(self.file), Rule, source=self.source).examples

    @property
    def summary(self) -> RuleSummary:
        """What reports tell about the rule. A placeholder of the remedy reads `<service.name>`."""
        remedy = next((program.remedy.generic() for program in self.programs.values() if program.remedy), "")
        return RuleSummary(
            id=self.id,
            title=self.rule.title,
            severity=self.severity,
            why=self.rule.why.strip(),
            effect=self.rule.effect.strip(),
            remedy=remedy.strip(),
            references=self.rule.references,
            tags=self.rule.tags,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """The rules of a profile, worst severity first, then by id. `digest`: SHA-256 (hex) of the rule files and the profile."""

    rules: tuple[CompiledRule, ...]
    profile: str
    digest: str
    skipped: tuple[str, ...] = ()  # ids of rules for platforms that are not registered

    def programs(self, platform: str) -> Iterator[tuple[CompiledRule, Program]]:
        """The rules that judge this platform."""
        return ((rule, rule.programs[platform]) for rule in self.rules if platform in rule.programs)

    def rule(self, name: str) -> CompiledRule:
        """The rule of that id or former id. Raises UsageError with what was probably meant."""
        for rule in self.rules:
            if name == rule.id or name in map(str, rule.rule.aliases):
                return rule
        advice = suggest(name, (rule.id for rule in self.rules), "`mailaudit rules list` shows all")
        raise UsageError(f"there is no rule {name!r} in the profile {self.profile!r}", advice)

    def summaries(self) -> tuple[RuleSummary, ...]:
        """What reports tell about the rules, in the order of `rules`."""
        return tuple(rule.summary for rule in self.rules)


def load_rulebook(
    folders: Sequence[Path | Traversable],
    platforms: Mapping[str, Platform[Any]],
    profile: str | None = "default",
    site: Sequence[Path] = (),
) -> Rulebook:
    """The rules of `folders` and the site's own, as the profile (a name, a file, or "all") chooses them.

    Examples are read with the profile "all"; otherwise when they are asked for. Raises InvalidFile with every problem of all
    files, UsageError when a folder or a profile is not there.
    """
    profile = profile or ALL
    rules, problems = _read_rules([*folders, *site], platforms, with_examples=profile == ALL)
    ids, doubled = _identities(rules)
    problems += doubled
    if problems:
        raise InvalidFile(problems)
    profile_source = b""
    severities = {rule.id: rule.severity for rule in rules}
    if profile != ALL:
        chosen, profile_source = read_profile(profile, [*site, *folders])
        severities, found = select(chosen, ids, severities)
        if found:
            raise InvalidFile(found)
    kept = [replace(rule, severity=severities[rule.id]) for rule in rules if rule.id in severities]
    return Rulebook(
        rules=tuple(sorted((rule for rule in kept if rule.programs), key=lambda rule: (-rule.severity.rank, rule.id))),
        profile=profile,
        digest=_digest(kept, profile_source),
        skipped=tuple(sorted(rule.id for rule in kept if not rule.programs)),
    )


def rule_files(folder: Path | Traversable) -> list[Path | Traversable]:
    """The YAML files of a folder and the folders in it, sorted by path; links are followed. Raises UsageError, InvalidFile."""
    try:
        if not folder.is_dir():
            raise UsageError(f"{folder} is not a folder of rules", "name a folder that holds one YAML file per rule")
        found = list(_walk(folder, 0))
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise InvalidFile([Problem(Where(str(folder)), f"cannot be read: {reason}")]) from error
    if not found:
        raise UsageError(f"{folder} holds no rule", "a rule is a file named ID.yaml")
    return found


def _walk(folder: Path | Traversable, depth: int) -> Iterator[Path | Traversable]:
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.name.startswith(".") or (depth == 0 and entry.name in _NOT_RULES):
            continue
        if entry.is_dir():
            # A link to a folder above would never end: no rule is deeper than this.
            if depth < _MAX_FOLDERS_DEEP:
                yield from _walk(entry, depth + 1)
        elif entry.name.endswith((".yaml", ".yml")):
            yield entry


def _read_rules(
    folders: Sequence[Path | Traversable], platforms: Mapping[str, Platform[Any]], *, with_examples: bool
) -> tuple[list[CompiledRule], list[Problem]]:
    rules: list[CompiledRule] = []
    problems: list[Problem] = []
    for folder in folders:
        for file in rule_files(folder):
            try:
                source = yamltree.read(file)
                rules.append(read_rule(str(file), source, platforms, with_examples=with_examples))
            except InvalidFile as error:
                problems += error.problems
    return rules, problems


def read_rule(
    file: str, source: bytes, platforms: Mapping[str, Platform[Any]], *, with_examples: bool = True
) -> CompiledRule:
    """One rule file, checked and compiled. Raises InvalidFile with every problem of the file."""
    text = source if with_examples else _without_examples(source)
    node = yamltree.compose(file, text)
    if node is None:
        raise InvalidFile([Problem(Where(file), "the file is empty")])
    lines = yamltree.lines_of(file, text)
    built, problems = yamltree.build(node, Rule, lines)
    rule = cast("Rule | None", built)
    # A file with a wrong key still has its expressions checked: all problems at once.
    identity, names, check, remedy = _parts(rule, node, lines)
    found = list(problems)
    if identity is not None:
        found += _identity_problems(identity, names, file, platforms)
    programs: dict[str, Program] = {}
    if check is not None:
        programs, wrong = _compile(check, remedy, _judged(identity, names, platforms))
        found += wrong
    if rule is None or found:
        raise InvalidFile(sorted(dict.fromkeys(found), key=lambda p: (p.where.line, p.where.column)))
    return CompiledRule(rule=rule, severity=rule.severity, file=file, source=source, programs=programs)


def _without_examples(source: bytes) -> bytes:
    """The file with the lines of `examples:` blank: reading them takes longer than all the rest, and only tests and pages need them."""
    kept, dropping = [], False
    for line in source.split(b"\n"):
        if line[:1] not in (b"", b" ", b"#", b"\r", b"-", b"\t"):
            dropping = line.startswith(b"examples:")
        kept.append(b"" if dropping else line)
    return b"\n".join(kept)


def _parts(
    rule: Rule | None, node: Node, lines: tuple[str, ...]
) -> tuple[Text | None, tuple[Text, ...], Check | None, Text | None]:
    """Id, platforms, check and remedy, of a file that is wrong elsewhere as far as they can be read."""
    if rule is not None:
        return rule.id, rule.platforms, rule.check, rule.remedy

    def piece(parent: Node | None, key: str, hint: Any) -> Any:
        child = parent.get(key) if isinstance(parent, MappingNode) else None
        return yamltree.build(child, hint, lines)[0] if child is not None else None

    inside = node.get("check") if isinstance(node, MappingNode) else None
    require, message = piece(inside, "require", Text), piece(inside, "message", Text)
    loop, applies = piece(inside, "for_each", Text), piece(inside, "applies", Text)
    check = None
    if isinstance(inside, MappingNode) and require is not None:
        check = Check(for_each=loop, applies=applies, require=require, message=message or Text("", node.start))
    return piece(node, "id", Text), piece(node, "platforms", tuple[Text, ...]) or (), check, piece(node, "remedy", Text)


def _identity_problems(
    identity: Text, names: tuple[Text, ...], file: str, platforms: Mapping[str, Platform[Any]]
) -> Iterator[Problem]:
    stem = re.sub(r"\.ya?ml$", "", file.rpartition("/")[2])
    prefix = identity.value.partition("-")[0]
    if not _ID.fullmatch(identity.value):
        yield identity.problem("an id is lower-case words with - between them", "for example: postfix-vrfy-enabled")
    elif identity.value != stem:
        yield identity.problem(
            f"the id must be the name of the file, {stem!r}", "rename one of them; keep the old id in `aliases:`"
        )
    known = tuple(str(name) for name in names)
    if prefix == FAMILY:
        return
    if known and prefix not in known:
        yield identity.problem(
            f"the id must start with a platform of the rule: {', '.join(known)}", f"or with {FAMILY}"
        )
    elif not known and prefix not in platforms:
        hint = suggest(prefix, platforms, f"it is one of: {', '.join(sorted((*platforms, FAMILY)))}")
        yield identity.problem(f"the id must start with a platform, not {prefix!r}", hint)


def _judged(
    identity: Text | None, names: tuple[Text, ...], platforms: Mapping[str, Platform[Any]]
) -> tuple[Platform[Any], ...]:
    """The registered platforms that the rule is for."""
    wanted = [str(name) for name in names]
    prefix = identity.value.partition("-")[0] if identity else ""
    if not wanted:
        wanted = list(platforms) if prefix == FAMILY else [prefix]
    return tuple(platforms[name] for name in wanted if name in platforms)


def _compile(
    check: Check, remedy: Text | None, platforms: Sequence[Platform[Any]]
) -> tuple[dict[str, Program], list[Problem]]:
    programs: dict[str, Program] = {}
    problems: list[Problem] = []
    for platform in platforms:
        program, found = compile_rule(check, remedy, platform)
        problems += found
        if program is not None:
            programs[platform.name] = program
    return programs, problems


def _identities(rules: Sequence[CompiledRule]) -> tuple[dict[str, str], list[Problem]]:
    """Ids and former ids with the id that they stand for; an id that two files claim is a problem."""
    ids: dict[str, str] = {}
    files: dict[str, str] = {}
    problems: list[Problem] = []
    for rule in rules:
        for name in (rule.rule.id, *rule.rule.aliases):
            if name.value in files:
                message = f"the id {name.value!r} is already that of {files[name.value]}"
                problems.append(
                    name.problem(message, "choose another id, or leave the shipped rule out with a profile")
                )
            ids.setdefault(name.value, rule.id)
            files.setdefault(name.value, rule.file)
    return ids, problems


def _digest(rules: Sequence[CompiledRule], profile: bytes) -> str:
    digest = hashlib.sha256()
    for rule in sorted(rules, key=lambda each: each.id):
        digest.update(f"{rule.id}\0{len(rule.source)}\0".encode() + rule.source)
    digest.update(profile)
    return digest.hexdigest()
