"""What every rule file must satisfy: its examples say what they claim, and a passing verdict rests on what was really read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from auditor import framing, resources, yamltree
from auditor.errors import AuditorError, InvalidFile, Problem
from auditor.interfaces import STATED, Platform
from auditor.model.finding import Finding, Verdict
from auditor.model.host import HostVariables, Release
from auditor.model.network import Networks
from auditor.model.origin import Unknown
from auditor.model.snapshot import Missing, Section, Snapshot
from auditor.rulebook.evaluate import evidence_of, frames, judge
from auditor.rulebook.load import CompiledRule
from auditor.rulebook.message import UNKNOWN_VALUE
from auditor.rulebook.program import Program
from auditor.rulebook.rule import Example
from auditor.yamltree import Node, ScalarNode, Text, suggest

Registry = Mapping[str, Platform[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An example made ready: the snapshot that it describes, and what its owner said about the host."""

    rule: CompiledRule
    example: Example
    platform: Platform[Any]
    program: Program
    snapshot: Snapshot
    variables: HostVariables

    def findings(self, snapshot: Snapshot) -> tuple[Finding, ...]:
        """What the rule says about a snapshot, this case's own or a changed one."""
        found: list[Finding] = []
        for instance in self.platform.instances(snapshot):
            model = self.platform.parse(instance)
            found += judge(self.rule, self.program, model, self.site_facts(model), instance.instance)
        return tuple(found)

    def site_facts(self, model: Any) -> HostVariables:
        """The host's variables; where nobody declared trusted networks, what holds then (DESIGN section 3)."""
        return self.variables.with_own_addresses(self.platform.addresses(model))


def check(rule: CompiledRule, registry: Registry) -> tuple[Problem, ...]:
    """Everything that is wrong with the examples of a rule. Raises InvalidFile when they cannot be read."""
    problems = [*completeness(rule)]
    for example in rule.examples:
        problems += check_example(rule, example, registry)
        problems += knock_out(rule, example, registry)
    return tuple(problems)


def warnings(rule: CompiledRule) -> tuple[Problem, ...]:
    """What is legal and probably a mistake: a predicate in `applies` that hides what `require` should judge (cnspec's lesson)."""
    found: dict[Problem, None] = {}
    for program in rule.programs.values():
        for path in program.repeated_reads():
            message = f"warning: `applies` and `require` both read {path}"
            hint = "what `applies` leaves out is never judged: ask there only whether there is something to judge"
            where = rule.rule.check.applies or rule.rule.check.require
            found[where.problem(message, hint)] = None
    return tuple(found)


def prepare(rule: CompiledRule, example: Example, registry: Registry) -> Case | None:
    """The case of an example; None when its platform is not registered. Raises InvalidFile when `given` cannot be used."""
    name = _platform_name(rule, example)
    if name not in rule.programs or name not in registry:
        return None
    platform = registry[name]
    given = _Given(rule, example)
    variables, release = given.host(), given.release()
    snapshot = given.recorded(platform) or platform.from_files(given.files(), release)
    program = rule.programs[name]
    return Case(rule=rule, example=example, platform=platform, program=program, snapshot=snapshot, variables=variables)


def check_example(rule: CompiledRule, example: Example, registry: Registry) -> tuple[Problem, ...]:
    """What an example gets wrong: the verdict, the subjects that have it, or a `given` that cannot be used."""
    try:
        case = prepare(rule, example, registry)
    except InvalidFile as error:
        return error.problems
    if case is None:
        return ()
    findings = case.findings(case.snapshot)
    verdict = overall(findings)
    if verdict is not example.expect:
        return (
            example.name.problem(
                f"{rule.id}[{example.name}] expects {example.expect}, it is {verdict}", _told(findings)
            ),
        )
    if example.subject is not None:
        stated = {example.subject} if isinstance(example.subject, str) else set(example.subject)
        found = {finding.subject for finding in findings if finding.verdict is verdict}
        if stated != found:
            message = f"{rule.id}[{example.name}] expects {verdict} for {_listed(stated)}, it is for {_listed(found)}"
            return (example.name.problem(message, _told(findings)),)
    return ()


def knock_out(rule: CompiledRule, example: Example, registry: Registry) -> tuple[Problem, ...]:
    """For a passing example: without any one section of the snapshot the verdict is unknown, or rests on what it rested on."""
    if example.expect is not Verdict.PASS:
        return ()
    try:
        case = prepare(rule, example, registry)
    except InvalidFile:
        return ()  # check_example reports it
    if case is None:
        return ()
    problems = []
    before = {(finding.instance, finding.subject): finding for finding in case.findings(case.snapshot)}
    values = _every_value(case)
    for name, section in case.snapshot.sections.items():
        if isinstance(section.content, Missing):
            continue
        without = {**case.snapshot.sections, name: Section(name=name, content=Missing("knocked out"))}
        after = case.findings(replace(case.snapshot, sections=without))
        if wrong := _unfounded(before, after, values, case.program.variable):
            message = f"{rule.id}[{example.name}] without {name}: {wrong}"
            problems.append(example.name.problem(message, "what cannot be read must be unknown"))
    return tuple(problems)


def overall(findings: tuple[Finding, ...]) -> Verdict:
    """One verdict of several: the worst of fail, unknown, pass, not-applicable."""
    order = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS)
    verdicts = {finding.verdict for finding in findings}
    return next((verdict for verdict in order if verdict in verdicts), Verdict.NOT_APPLICABLE)


def _unfounded(
    before: Mapping[tuple[str, str], Finding], after: tuple[Finding, ...], values: set[tuple[str, str]], variable: str
) -> str:
    """What a verdict says that nobody read; empty when all is well."""
    for finding in after:
        if finding.verdict is Verdict.UNKNOWN:
            continue
        old = before.get((finding.instance, finding.subject))
        subject = f" for {finding.subject}" if finding.subject else ""
        if old is None or old.verdict is not finding.verdict:
            return f"{finding.verdict}{subject}, it was {old.verdict if old else 'not judged'}"
        # An unknown value beside a known one that decides is honest: `known_true or unknown` is true.
        read = [each for each in finding.evidence if each.path != variable]
        known = [each for each in read if not each.value.startswith(UNKNOWN_VALUE)]
        if read and not known:
            return f"still {finding.verdict}{subject}, and every value is unknown"
        changed = [f"{each.path} = {each.value}" for each in known if (each.path, each.value) not in values]
        if changed:
            return f"still {finding.verdict}{subject}, on values that were not there before: {'; '.join(changed)}"
    if any(finding.verdict is Verdict.UNKNOWN for finding in after):
        return ""
    lost = sorted(subject for key, finding in before.items() if finding.verdict is Verdict.PASS and key not in _keys(after)
                  for subject in [key[1] or "the whole"])  # fmt: skip
    return f"{', '.join(lost)}: no longer judged" if lost else ""


def _keys(findings: tuple[Finding, ...]) -> set[tuple[str, str]]:
    return {(finding.instance, finding.subject) for finding in findings}


def _every_value(case: Case) -> set[tuple[str, str]]:
    """All values that the rule's expressions can read in the case as given, decided or not."""
    found: set[tuple[str, str]] = set()
    for instance in case.platform.instances(case.snapshot):
        model = case.platform.parse(instance)
        subjects = frames(case.program, model, case.site_facts(model))
        for _, frame in () if isinstance(subjects, Unknown) else subjects:
            frame.thorough = True
            for run in (case.program.applies_run, case.program.require_run):
                if run is not None:
                    run(frame)
            found |= {(each.path, each.value) for each in evidence_of(frame.reads, {})}
    return found


def completeness(rule: CompiledRule) -> Iterator[Problem]:
    """What the set of examples lacks: one that fails, one that does not, distinct names, a platform where there are several."""
    verdicts = {example.expect for example in rule.examples}
    if Verdict.FAIL not in verdicts:
        yield rule.rule.id.problem("no example fails", "add one with `expect: fail`")
    if not verdicts - {Verdict.FAIL}:
        yield rule.rule.id.problem(
            "every example fails", "add one that passes, and one to which the rule does not apply"
        )
    seen: set[str] = set()
    for example in rule.examples:
        if example.name.value in seen:
            yield example.name.problem(f"there is already an example {example.name.value!r}")
        seen.add(example.name.value)
        if example.platform is None and len(rule.programs) > 1:
            yield example.name.problem("which platform is this?", f"add `platform:` with {', '.join(rule.programs)}")


def _platform_name(rule: CompiledRule, example: Example) -> str:
    return example.platform.value if example.platform else next(iter(rule.programs), "")


class _Given:
    """The `given:` of an example, piece by piece."""

    def __init__(self, rule: CompiledRule, example: Example) -> None:
        self.rule, self.example, self.given = rule, example, example.given
        self.lines = yamltree.lines_of(rule.file, rule.source)

    def invalid(self, node: Node, message: str, hint: str = "") -> InvalidFile:
        return InvalidFile([Problem(node.start, message, hint, self.lines[node.start.line - 1])])

    def release(self) -> Release | None:
        node = self.given.get("release")
        if node is None:
            return None
        try:
            return Release.parse(node.value if isinstance(node, ScalarNode) and node.tag == "str" else "")
        except ValueError:
            raise self.invalid(
                node, "a release is a text of dotted numbers", 'for example: release: "3.7.11"'
            ) from None

    def host(self) -> HostVariables:
        node = self.given.get("host")
        if node is None:
            return HostVariables()
        built, problems = yamltree.build(node, _HostGiven, self.lines)
        if problems:
            raise InvalidFile(problems)
        networks = None
        if built.trusted_networks is not None:
            networks = Networks().union(Networks.of(*map(self.network, built.trusted_networks)))
        return HostVariables(trusted_networks=networks, own_domains=built.own_domains, role=built.role)

    def network(self, text: Text) -> str:
        try:
            Networks.of(text.value)
        except ValueError as error:
            raise InvalidFile([text.problem(str(error))]) from None
        return text.value

    def files(self) -> dict[str, bytes]:
        """File texts as bytes; facts, written as a mapping or a list, as JSON under a name that no file can have."""
        files: dict[str, bytes] = {}
        for name, node in self.given.items():
            if name in ("release", "host", "snapshot"):
                continue
            if isinstance(node, ScalarNode):
                files[name] = node.value.encode("utf-8")
            else:
                files[STATED + name] = json.dumps(yamltree.plain(node)).encode()
        return files

    def recorded(self, platform: Platform[Any]) -> Snapshot | None:
        """The recorded snapshot that `given` names: beside the rule file, or one of the shipped ones."""
        node = self.given.get("snapshot")
        if node is None:
            return None
        if not isinstance(node, ScalarNode) or "/" in node.value or node.value.startswith("."):
            raise self.invalid(node, "the name of a recorded snapshot, without folder and .snap")
        homes = [Path(self.rule.file).parent, *_shipped_snapshots()]
        files = {path.stem: path for home in reversed(homes) for path in sorted(home.glob("*.snap"))}
        if node.value not in files:
            raise self.invalid(node, f"there is no recorded snapshot {node.value!r}", suggest(node.value, files))
        try:
            found = framing.decode(node.value, files[node.value].read_bytes())
        except (AuditorError, OSError) as error:
            raise self.invalid(node, f"{files[node.value].name} cannot be used: {error}") from error
        chosen = next((each for each in found if each.platform == platform.name), None)
        if chosen is None:
            raise self.invalid(node, f"{files[node.value].name} holds no {platform.name}")
        return chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class _HostGiven:
    """`given: host:`, the site facts of an example."""

    trusted_networks: tuple[Text, ...] | None = None
    own_domains: tuple[str, ...] = ()
    role: str | None = None


def _shipped_snapshots() -> Iterator[Path]:
    for name in ("tests/snapshots", "tests/snapshots/demo"):
        try:
            yield resources.shipped(name)
        except AuditorError:
            continue  # a wheel ships the demo's only


def _listed(subjects: set[str]) -> str:
    return ", ".join(sorted(subject or "the whole" for subject in subjects)) or "nothing"


def _told(findings: tuple[Finding, ...]) -> str:
    """The verdicts in short, with what they rest on."""
    lines = []
    for finding in findings[:10]:
        values = ", ".join(f"{each.path} = {each.value}" for each in finding.evidence)
        text = finding.message or finding.reason
        lines.append(f"{finding.subject or 'the whole'}: {finding.verdict} {text}{f' ({values})' if values else ''}")
    return "\n        ".join(lines)
