"""The expression language: what is true, what is unknown, what is refused and where."""

from __future__ import annotations

import pytest

from auditor.errors import InvalidFile
from tests.unit.rulebook.judging import mistakes, requiring, verdict

SERVICES = "listen smtp public 192.0.2.0/24\nlisten submission private 10.0.0.0/8\n"
UNKNOWN_SERVICE = SERVICES + "listen smtps who 10.0.0.0/8\n"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("toy.settings.vrfy", "pass"),
        ("not toy.settings.vrfy", "fail"),
        ("toy.settings.vrfy == True", "pass"),
        ('toy.settings.banner == "toy"', "pass"),
        ('toy.settings.banner != "toy"', "fail"),
        ('"to" in toy.settings.banner', "pass"),
        ('"noanonymous" in toy.settings.options', "pass"),
        ('"noplaintext" not in toy.settings.options', "pass"),
        ('toy.settings.banner in ["a", "toy"]', "pass"),
        ("toy.settings.limit >= 0", "pass"),
        ("toy.settings.limit > -1", "pass"),
        ("-1 < toy.settings.limit < 1", "pass"),
        ("0 < toy.settings.limit < 1", "fail"),
        ("toy.banner_length == 3", "pass"),
        ("size(toy.services) == 2", "pass"),
        ("size(toy.settings.banner) == 3", "pass"),
        ('matches(toy.settings.banner, "^t.y$")', "pass"),
        ('matches(toy.settings.banner, "\\d")', "fail"),
        ('starts_with(toy.settings.banner, "t")', "pass"),
        ('any(s.name == "smtp" for s in toy.services)', "pass"),
        ('all(s.kind == "mx" or s.kind == "submission" for s in toy.services)', "pass"),
        ('any(within(s.clients, ["10.0.0.0/8", "::1"]) for s in toy.services)', "pass"),
        ('all(overlaps(s.clients, "10.0.0.0/8") for s in toy.services)', "fail"),
        ("any(public(s.clients) for s in toy.services)", "pass"),
        ("all(any(w == s.name for w in toy.words) for s in toy.services)", "fail"),
        ("toy.settings.auth\n  or toy.settings.vrfy", "pass"),
    ],
)
def test_what_an_expression_says(expression: str, expected: str) -> None:
    assert expected == verdict(expression, SERVICES)


@pytest.mark.parametrize(
    ("expression", "release", "expected"),
    [
        ('toy.release >= "3.8"', "3.10.1", "pass"),
        ('toy.release >= "3.8"', "3.7.11", "fail"),
        ('"3.8" <= toy.release < "3.9"', "3.8.4", "pass"),
        ('toy.release in ["2.0", "3.0"]', "2.0", "pass"),
        ('toy.release == "2.0"', "garbage 2", "unknown"),
    ],
)
def test_releases_compare_by_their_numbers(expression: str, release: str, expected: str) -> None:
    if release.startswith("garbage"):
        from auditor.model.snapshot import Section, Snapshot
        from tests.unit.rulebook.judging import findings
        from tests.unit.rulebook.toy import parse

        odd = Snapshot(host="h", platform="toy", sections={"release": Section(name="release", content=b"garbage")})
        assert [expected] == [f.verdict for f in findings(requiring(expression), parse(odd))]
    else:
        assert expected == verdict(expression, release=release)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("toy.settings.auth", "unknown"),
        ("not toy.settings.auth", "unknown"),
        ("toy.settings.auth and toy.settings.limit == 1", "fail"),
        ("toy.settings.auth and toy.settings.vrfy", "unknown"),
        ("toy.settings.auth or toy.settings.vrfy", "pass"),
        ("toy.settings.vrfy or toy.settings.auth", "pass"),
        ("toy.settings.auth or toy.settings.limit == 1", "unknown"),
        ("toy.settings.auth == True", "unknown"),
        ("toy.settings.auth != True", "unknown"),
        ("is_set(toy.settings.auth)", "unknown"),
        ("any(s.is_public for s in toy.services)", "pass"),
        ("all(s.is_public for s in toy.services)", "fail"),
        ('any(s.is_public and s.name == "smtps" for s in toy.services)', "unknown"),
        ('all(s.is_public or s.name != "smtps" for s in toy.services)', "unknown"),
        ('all(not s.is_public or s.name == "smtp" for s in toy.services)', "unknown"),
    ],
)
def test_what_is_unknown_is_contagious_only_where_it_matters(expression: str, expected: str) -> None:
    assert expected == verdict(expression, f"auth maybe\n{UNKNOWN_SERVICE}")


@pytest.mark.parametrize(
    ("expression", "release", "expected"),
    [
        ('toy.settings.newline != "no"', "2.0", "unknown"),
        ("is_set(toy.settings.newline)", "2.0", "fail"),
        ('is_set(toy.settings.newline) and toy.settings.newline != "no"', "2.0", "fail"),
        ("is_supported(toy.settings.newline)", "2.0", "pass"),
        ("is_supported(toy.settings.newline)", "1.9", "fail"),
        ('is_supported(toy.settings.newline) and toy.settings.newline == "yes"', "1.9", "fail"),
        ('toy.settings.newline == "yes"', "1.9", "unknown"),
        ("is_set(toy.settings.newline)", "1.9", "fail"),
        ('host.role != "mx"', "2.0", "unknown"),
        ("is_set(host.own_domains)", "2.0", "fail"),
        ("within(host.trusted_networks, host.trusted_networks)", "2.0", "unknown"),
    ],
)
def test_what_is_not_set_or_not_supported_is_unknown_unless_it_was_asked_for(
    expression: str, release: str, expected: str
) -> None:
    assert expected == verdict(expression, release=release)


def test_an_unknown_verdict_says_why() -> None:
    from tests.unit.rulebook.judging import findings, model

    reasons = [
        findings(requiring(expression), model("auth maybe\n", "1.9"))[0].reason
        for expression in ("toy.settings.auth", 'toy.settings.newline == "x"', 'host.role == "mx"')
    ]
    assert reasons == [
        "auth is neither yes nor no: the daemon would die of it",
        "toy.settings.newline: release 1.9 has no such parameter",
        "host.role is not set",
    ]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("toy.settings.vryf", ["1:13: Settings has no 'vryf'"]),
        ("toy.servises", ["1:4: Toy has no 'servises'"]),
        ("toi.settings.vrfy", ["1:0: unknown name 'toi'"]),
        ('toy.settings.auth == "no"', ["1:21: cannot compare true/false with text"]),
        ("toy.settings.options == 3", ["1:24: cannot compare a list of text with a number"]),
        ("toy.settings.banner", ["1:0: this must be true or false, it is text"]),
        ("toy.services", ["1:0: this must be true or false, it is a list of Service"]),
        ('any(s.kind == "mtx" for s in toy.services)', ["1:14: s.kind is never 'mtx'"]),
        ('any(s.kind in ["mx", "mtx"] for s in toy.services)', ["1:21: s.kind is never 'mtx'"]),
        ('toy.release > "new"', ["1:14: 'new' is not a release number"]),
        ('toy.release in ["3.x"]', ["1:15: '3.x' is not a release number"]),
        ('toy.settings.banner < "z"', ["1:22: text has no order"]),
        ("3 in toy.words", ["1:5: a number is never in a list of text"]),
        ('"x" in toy.settings.limit', ["1:7: this must be a list, it is a number"]),
        ('[1, "a"] == [1]', ["1:4: a list holds values of one type: a number first, then text"]),
        ("toy.words == [toy.settings.banner]", ["1:14: a list holds constants only"]),
        ("size(toy.words, 1) == 1", ["1:0: size takes 1 argument"]),
        ("size(toy.settings.auth) == 1", ["1:5: size wants a list, text or networks here, this is true/false"]),
        ("within(toy.words, host.trusted_networks)", ["1:7: within wants networks here, this is a list of text"]),
        ('within(host.trusted_networks, "10.0.0.1/8")', ["1:30: 10.0.0.1/8 has host bits set"]),
        ("within(host.trusted_networks, [1])", ['1:30: networks are written as texts: ["192.0.2.0/24"]']),
        ("sizes(toy.wordz) == 1", ["1:0: unknown function 'sizes'", "1:10: Toy has no 'wordz'"]),
        ("is_set(3)", ["1:7: is_set asks about a value of the server, this is a constant"]),
        ('matches(toy.settings.banner, "(")', ["1:29: missing ), unterminated subpattern at position 0"]),
        ('matches(toy.settings.banner, "(a+)+")', ["1:29: a repetition inside a repeated group can take for ever"]),
        ("matches(toy.settings.banner, toy.settings.newline)", ["1:29: a regular expression is a constant text"]),
        ("toy.settings.banner is None", ["1:23: 'is' is not part of the rule language"]),
        ("toy.settings.banner == None", ["1:23: None is not part of the rule language"]),
        ("toy.settings.limit == 1.5", ["1:22: 1.5 is not part of the rule language"]),
        ("toy.settings.limit + 1 == 2", ["1:0: arithmetic is not part of the rule language"]),
        ('toy.words[0] == "x"', ["1:0: indexing is not part of the rule language"]),
        ("not (lambda: 1)", ["1:5: lambda is not part of the rule language"]),
        ('f"{toy}" == "x"', ["1:0: an f-string is not part of the rule language"]),
        ('toy.settings.banner.lower() == "x"', ["1:0: only named functions can be called"]),
        ('__import__("os").system("x")', ["1:0: only named functions can be called"]),
        ("toy.__class__ == toy", ["1:4: Toy has no '__class__'"]),
        ("toy.settings.lookup", ["1:13: Settings has no 'lookup'"]),
        ("any(s.is_public for s in toy.services if s.is_public)", ["1:41: 'if' is not part of the rule language"]),
        ("any(toy.words)", ["1:0: any() is written any(CONDITION for NAME in LIST)"]),
        ("all(toy.is_x for toy in toy.words)", ["1:8: text has no 'is_x'", "1:17: the name 'toy' is taken"]),
        ("a) or (b", ["1:0: cannot read this expression: a bracket is closed that was not opened"]),
        ("toy.settings.auth and", ["1:21: cannot read this expression: invalid syntax"]),
        ('"Üß" == toy.settings.bannr', ["1:21: Settings has no 'bannr'"]),
        ("toy.settings.auth\nand toy.settings.bannr == 1", ["2:17: Settings has no 'bannr'"]),
        ("not " * 300 + "True", ["1:164: nested deeper than 40 levels"]),
        ("(" * 300 + "True" + ")" * 300, ["1:199: cannot read this expression: too many nested parentheses"]),
        ("x" * 2001, ["1:0: longer than 2000 characters"]),
    ],
)  # fmt: skip
def test_a_mistake_is_told_once_with_its_place(expression: str, expected: list[str]) -> None:
    assert expected == mistakes(expression)


@pytest.mark.parametrize(
    ("expression", "hint"),
    [
        ("toy.settings.vryf", "did you mean 'vrfy'?"),
        ("true", "write True"),
        ("toy.settings.auth && toy.settings.vrfy", "write and instead of &&"),
        ("toy.settings.auth || toy.settings.vrfy", "write or instead of ||"),
        ("!toy.settings.auth", "write not instead of !"),
        ("toy.settings.banner == None", "ask is_set(…) or not is_set(…)"),
        ("all(s.is_public for s in toy.services if s.is_public)", "write all(not x.a or x.b for x in xs)"),
    ],
)
def test_a_mistake_comes_with_its_cure(expression: str, hint: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        requiring(expression)
    assert hint == caught.value.problems[0].hint
