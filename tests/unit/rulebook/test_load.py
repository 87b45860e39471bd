"""Rule files into a rulebook: what is refused, what is chosen, what identifies it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from auditor.errors import InvalidFile, UsageError
from auditor.model.finding import RuleSummary, Severity
from auditor.rulebook.load import Rulebook, load_rulebook, read_rule
from tests.unit.rulebook.judging import REGISTRY

RULE = """\
id: {id}
title: VRFY lets strangers test addresses
severity: {severity}
why: |
  Address lists can be harvested.
check:
  for_each: service in toy.services
  require: not service.settings.vrfy
  message: "{{service.name}} answers VRFY"
remedy: "vrfy no  # for {{service.name}}"
effect: Clients cannot use VRFY.
references: [RFC 5321]
{more}"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a rule into the folder of rules that this gives back."""
    (tmp_path / "rules" / "toy").mkdir(parents=True)
    (tmp_path / "rules" / "profiles").mkdir()
    (tmp_path / "rules" / "profiles" / "default.yaml").write_text("title: Everything\n")

    def writing(identity: str, severity: str = "low", more: str = "", folder: str = "rules/toy") -> Path:
        home = tmp_path / folder
        home.mkdir(parents=True, exist_ok=True)
        (home / f"{identity}.yaml").write_text(RULE.format(id=identity, severity=severity, more=more))
        return tmp_path / "rules"

    return writing


def load(folder: Path, profile: str = "default", *site: Path) -> Rulebook:
    return load_rulebook([folder], REGISTRY, profile, site)


def problems(text: str, name: str = "toy-vrfy") -> str:
    with pytest.raises(InvalidFile) as caught:
        read_rule(f"rules/toy/{name}.yaml", text.encode(), REGISTRY)
    return str(caught.value)


def test_rules_come_worst_first_then_by_id(write: Write) -> None:
    write("toy-b", "low")
    write("toy-c", "critical")
    folder = write("toy-a", "low")
    assert ["toy-c", "toy-a", "toy-b"] == [rule.id for rule in load(folder).rules]


def test_a_summary_holds_what_reports_tell(write: Write) -> None:
    (summary,) = load(write("toy-vrfy")).summaries()
    assert summary == RuleSummary(
        id="toy-vrfy",
        title="VRFY lets strangers test addresses",
        severity=Severity.LOW,
        why="Address lists can be harvested.",
        effect="Clients cannot use VRFY.",
        remedy="vrfy no  # for <service.name>",
        references=("RFC 5321",),
    )


def test_all_mistakes_of_a_rule_file_are_told_at_once() -> None:
    text = """\
id: toy-mistakes
title: Twelve mistakes
severity: hihg
tilte: again
why: 3.10
check:
  for_each: service in toy.servics
  applies: service.is_public and
  require: |
    toy.settings.vryf
    or toy.settings.auth == "no"
    or any(s.kind == "mtx" for s in toy.services if s.is_public)
    or service.anything
  message: "{service.name} answers {toy.setings.vrfy} } twice"
remedy: vrfy {
examples:
  - name: the default
    given: {smtpd.conf: ""}
    expect: fial
"""
    assert (
        problems(text, "toy-mistakes")
        == """\
rules/toy/toy-mistakes.yaml:3:11: the text 'hihg' is not one of info, low, medium, high, critical
3 | severity: hihg
              ^
  hint: did you mean 'high'?
rules/toy/toy-mistakes.yaml:4:1: unknown key 'tilte'
4 | tilte: again
    ^
  hint: did you mean 'title'?
rules/toy/toy-mistakes.yaml:5:6: expected text, found the number '3.10'
5 | why: 3.10
         ^
  hint: write "3.10" in quotes
rules/toy/toy-mistakes.yaml:7:28: Toy has no 'servics'
7 |   for_each: service in toy.servics
                               ^
  hint: did you mean 'services'?
rules/toy/toy-mistakes.yaml:8:33: cannot read this expression: invalid syntax
8 |   applies: service.is_public and
                                    ^
rules/toy/toy-mistakes.yaml:10:18: Settings has no 'vryf'
10 |     toy.settings.vryf
                      ^
  hint: did you mean 'vrfy'?
rules/toy/toy-mistakes.yaml:11:29: cannot compare true/false with text
11 |     or toy.settings.auth == "no"
                                 ^
rules/toy/toy-mistakes.yaml:12:22: s.kind is never 'mtx'
12 |     or any(s.kind == "mtx" for s in toy.services if s.is_public)
                          ^
  hint: did you mean 'mx'?
rules/toy/toy-mistakes.yaml:12:53: 'if' is not part of the rule language
12 |     or any(s.kind == "mtx" for s in toy.services if s.is_public)
                                                         ^
  hint: write any(x.a and x.b for x in xs)
rules/toy/toy-mistakes.yaml:14:41: Toy has no 'setings'
14 |   message: "{service.name} answers {toy.setings.vrfy} } twice"
                                             ^
  hint: did you mean 'settings'?
rules/toy/toy-mistakes.yaml:14:55: a single '}'
14 |   message: "{service.name} answers {toy.setings.vrfy} } twice"
                                                           ^
  hint: write }} for a brace that is meant as text
rules/toy/toy-mistakes.yaml:15:14: a single '{'
15 | remedy: vrfy {
                  ^
  hint: write {{ for a brace that is meant as text
rules/toy/toy-mistakes.yaml:19:13: the text 'fial' is not one of pass, fail, not-applicable, unknown
19 |     expect: fial
                 ^
  hint: did you mean 'fail'?"""
    )


@pytest.mark.parametrize(
    ("identity", "name", "more", "expected"),
    [
        ("toy-other", "toy-vrfy", "", "1:5: the id must be the name of the file, 'toy-vrfy'"),
        ("Toy_vrfy", "Toy_vrfy", "", "1:5: an id is lower-case words with - between them"),
        ("tyo-vrfy", "tyo-vrfy", "", "1:5: the id must start with a platform, not 'tyo'"),
        ("toy-vrfy", "toy-vrfy", "platforms: [other]\n", "1:5: the id must start with a platform of the rule: other"),
    ],
)
def test_an_id_is_the_file_name_and_starts_with_its_platform(
    identity: str, name: str, more: str, expected: str
) -> None:
    assert problems(RULE.format(id=identity, severity="low", more=more), name).splitlines()[0].endswith(expected)


def test_a_loop_variable_must_be_used() -> None:
    text = RULE.format(id="toy-vrfy", severity="low", more="").replace("not service.settings", "not toy.settings")
    assert "toy-vrfy.yaml:8:12: 'service' is never used here" in problems(text)


def test_the_problems_of_all_files_are_told_together(write: Write) -> None:
    write("toy-a", "hihg")
    folder = write("toy-b", "lwo")
    with pytest.raises(InvalidFile) as caught:
        load(folder)
    assert [("toy-a.yaml", 3), ("toy-b.yaml", 3)] == [
        (p.where.file.rpartition("/")[2], p.where.line) for p in caught.value.problems
    ]


def test_an_id_that_two_files_claim_names_both(write: Write, tmp_path: Path) -> None:
    folder = write("toy-vrfy")
    write("toy-vrfy", folder="site")
    with pytest.raises(InvalidFile) as caught:
        load(folder, "default", tmp_path / "site")
    (problem,) = caught.value.problems
    assert f"{tmp_path}/site/toy-vrfy.yaml" == problem.where.file
    assert f"the id 'toy-vrfy' is already that of {folder}/toy/toy-vrfy.yaml" == problem.message


def test_site_rules_are_added(write: Write, tmp_path: Path) -> None:
    folder = write("toy-vrfy")
    write("toy-own", folder="site")
    assert ["toy-own", "toy-vrfy"] == [rule.id for rule in load(folder, "default", tmp_path / "site").rules]


def test_odd_files_and_links_do_no_harm(write: Write) -> None:
    folder = write("toy-vrfy")
    (folder / "README.md").write_text("not a rule")
    (folder / ".hidden.yaml").write_text("not: a rule")
    (folder / "toy" / "toy-vrfy.yaml").rename(folder.parent / "elsewhere")
    (folder / "toy" / "toy-vrfy.yaml").symlink_to(folder.parent / "elsewhere")
    assert ["toy-vrfy"] == [rule.id for rule in load(folder).rules]


def test_files_that_are_no_rules_are_told_one_by_one(write: Write) -> None:
    folder = write("toy-vrfy")
    (folder / "a-binary.yaml").write_bytes(b"\x7fELF\x00\x01")
    (folder / "b-gone.yaml").symlink_to(folder / "nowhere")
    (folder / "c-list.yaml").write_text("- id: x\n")
    (folder / "d-deep.yaml").write_text("[" * 3000)
    (folder / "e-empty.yaml").write_text("")
    (folder / "f-text.yaml").write_text("rule")
    with pytest.raises(InvalidFile) as caught:
        load(folder)
    assert [
        "a-binary.yaml:1:1: the control character U+007F is not allowed here",
        "b-gone.yaml: no such file",
        "c-list.yaml:1:1: expected a mapping, found a list",
        "d-deep.yaml:1:41: nested deeper than 40 levels",
        "e-empty.yaml: the file is empty",
        "f-text.yaml:1:1: expected a mapping, found the text 'rule'",
    ] == [str(p).splitlines()[0].removeprefix(f"{folder}/") for p in caught.value.problems]


def test_a_loop_of_links_ends(write: Write) -> None:
    folder = write("toy-vrfy")
    (folder / "toy" / "again").symlink_to(folder)
    with pytest.raises(InvalidFile, match="is already that of"):
        load(folder)


def test_a_rule_for_a_platform_that_is_not_registered_is_skipped_and_counted(write: Write) -> None:
    folder = write("toy-vrfy")
    text = RULE.format(id="exchange-vrfy", severity="low", more="platforms: [exchange]\n")
    (folder / "exchange-vrfy.yaml").write_text(text)
    book = load(folder)
    assert (["toy-vrfy"], ("exchange-vrfy",)) == ([rule.id for rule in book.rules], book.skipped)


def test_a_former_id_finds_the_rule(write: Write) -> None:
    book = load(write("toy-vrfy", more="aliases: [toy-vrfy-on]\n"))
    assert book.rule("toy-vrfy-on") is book.rule("toy-vrfy")


def test_an_unknown_id_is_told_with_what_was_meant(write: Write) -> None:
    with pytest.raises(UsageError) as caught:
        load(write("toy-vrfy")).rule("toy-vryf")
    assert "did you mean 'toy-vrfy'?" == caught.value.advice


def test_a_profile_chooses_rules_and_severities(write: Write) -> None:
    for identity in ("toy-a", "toy-b", "toy-tls-a", "toy-tls-b"):
        folder = write(identity)
    (folder / "profiles" / "strict.yaml").write_text(
        "title: Strict\nrules: [toy-a, toy-tls-*]\nwithout: [toy-tls-b]\nseverities: {toy-tls-*: high}\n"
    )
    book = load(folder, "strict")
    assert [("toy-tls-a", "high"), ("toy-a", "low")] == [(rule.id, str(rule.severity)) for rule in book.rules]
    assert ["high", "low"] == [str(summary.severity) for summary in book.summaries()]


def test_a_profile_that_names_no_rule_is_told_with_its_place(write: Write) -> None:
    folder = write("toy-vrfy")
    (folder / "profiles" / "strict.yaml").write_text(
        "title: Strict\nwithout:\n  - toy-vryf\nseverities: {toy-x-*: low}\n"
    )
    with pytest.raises(InvalidFile) as caught:
        load(folder, "strict")
    assert [(3, 5, "did you mean 'toy-vrfy'?"), (4, 14, "")] == [
        (p.where.line, p.where.column, p.hint) for p in caught.value.problems
    ]


def test_a_profile_may_be_a_file_of_ones_own(write: Write, tmp_path: Path) -> None:
    folder = write("toy-vrfy")
    own = tmp_path / "own.yaml"
    own.write_text("title: Own\nrules: []\n")
    assert () == load(folder, str(own)).rules


@pytest.mark.parametrize("name", ["defualt", "../default"])
def test_a_profile_that_is_not_there_is_told(write: Write, name: str) -> None:
    folder = write("toy-vrfy")
    with pytest.raises((UsageError, InvalidFile), match=r"no profile 'defualt'|no such file"):
        load(folder, name)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder of rules"):
        load(tmp_path / "absent")


def test_the_digest_changes_with_every_rule_and_with_the_profile(write: Write) -> None:
    folder = write("toy-vrfy")
    first, again = load(folder).digest, load(folder).digest
    write("toy-vrfy", more="# a comment\n")
    changed = load(folder).digest
    (folder / "profiles" / "default.yaml").write_text("title: Everything else\n")
    assert (first == again, len({first, changed, load(folder).digest})) == (True, 3)


def test_examples_are_read_when_they_are_asked_for(write: Write) -> None:
    more = "examples:\n  - name: x\n    given: {smtpd.conf: ''}\n    expect: pass\ntags: [a]\n"
    rule = load(write("toy-vrfy", more=more)).rule("toy-vrfy")
    assert ((), ("a",), ["x"]) == (rule.rule.examples, rule.rule.tags, [str(e.name) for e in rule.examples])


def test_a_mistake_below_the_examples_keeps_its_line(write: Write) -> None:
    folder = write("toy-vrfy", more="examples:\n  - name: x\n    given: {}\n    expect: pass\ntgas: [a]\n")
    with pytest.raises(InvalidFile) as caught:
        load(folder)
    assert [(17, "unknown key 'tgas'")] == [(p.where.line, p.message) for p in caught.value.problems]
