"""The parser against postconf itself: every parameter of every service, on random configurations, on three Postfix releases.

`EFFECTIVE_VALUES=20000 pytest tests/lab/test_effective_values.py` compares more pairs than the 700 per release of an ordinary run;
`EFFECTIVE_VALUES_SEED` starts somewhere else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pytest

from auditor.model.origin import Unknown
from auditor.model.snapshot import Section, Snapshot
from auditor.platforms.postfix import catalogue
from auditor.platforms.postfix.settings import Configuration, Scope, plain
from tests.lab.oracle import PX, VERSIONS, Answer, N, Output, P, PostfixOracle, X
from tests.lab.random_configurations import Configurations

COUNT = int(os.environ.get("EFFECTIVE_VALUES", "700"))
SEED = int(os.environ.get("EFFECTIVE_VALUES_SEED", "1"))
BATCH = 250
# All parameters as the first service with options sees them; its options are quoted in main.cf's first line.
SIMULATED = 'eval "postconf -c \\"$DIR\\" -x $(sed -n \'1s/^#simulate //p\' "$DIR/main.cf")"'
# postconf fills these in from the machine or the moment.
MACHINE = ("myhostname", "mydomain", "mynetworks")
_GIVEN_BY_THE_PROCESS = {"process_name", "process_id", "config_directory", "service_name"}


@dataclass(frozen=True, slots=True)
class Case:
    """One pair, and what was asked and answered."""

    main_cf: str
    master_cf: str
    answer: Answer
    configuration: Configuration


def snapshot(main_cf: str, master_cf: str, defaults: str, expanded: Mapping[str, str]) -> Snapshot:
    """What a server would have sent, without its own answers but for what it computes from the machine."""
    computed = "\n".join(f"{name} = {expanded[name]}" for name in MACHINE if name in expanded)
    texts = {
        "directory": "/etc/postfix",
        "main.cf": main_cf,
        "master.cf": master_cf,
        "postconf-d": defaults,
        "postconf-x": computed,
    }
    sections = {
        name: Section(name=name, content=text.encode("utf-8", "surrogateescape")) for name, text in texts.items()
    }
    return Snapshot(host="oracle", platform="postfix", sections=sections)


def simulated_options(main_cf: str, master_cf: str) -> str:
    """The options of the first service that has some, as shell words."""
    entries = Configuration(snapshot(main_cf, master_cf, "", {})).master.entries
    options = next((entry.options for entry in entries if entry.options), ())
    return " ".join(f"-o '{o.name}={o.value}'" for o in options if "'" not in o.value)


def with_simulation(pair: tuple[str, str]) -> tuple[str, str]:
    """The pair with a first line that tells the shell which options to simulate."""
    main_cf, master_cf = pair
    return f"#simulate {simulated_options(main_cf, master_cf)}\n{main_cf}", master_cf


def complete(output: Output) -> Mapping[str, str]:
    """The values of an answer; without the last line when postconf died writing it."""
    values = dict(output.values)
    if output.status != 0 and values:
        values.popitem()
    return values


def compared(oracle: PostfixOracle, count: int, seed: int) -> Iterator[Case]:
    """Random pairs with postconf's answers."""
    (empty,) = oracle.many([("", "")], ["postconf -d", X])
    defaults = empty["postconf -d"].stdout
    source = Configurations(seed)
    for start in range(0, count, BATCH):
        pairs = [with_simulation(source.pair()) for _ in range(min(BATCH, count - start))]
        for (main_cf, master_cf), answer in zip(pairs, oracle.many(pairs, (N, P, X, PX, SIMULATED)), strict=True):
            yield Case(
                main_cf,
                master_cf,
                answer,
                Configuration(snapshot(main_cf, master_cf, defaults, {**empty[X].values, **complete(answer[X])})),
            )


def mismatches(case: Case) -> Iterator[str]:
    """Where the parser and postconf disagree."""
    configuration = case.configuration
    if configuration.main.malformed or configuration.master.malformed:
        if case.answer[N].status == 0 and case.answer[P].status == 0:
            yield "postconf reads what the parser calls malformed"
        return
    if "Segmentation fault" in case.answer[N].stderr:
        # A text that reaches itself through a comparison overflows postconf's stack; the parser must refuse it.
        scopes = (configuration.top, *(Scope(configuration, entry) for entry in configuration.master.entries))
        if not any(
            _cannot_expand(scope, name) for scope in scopes for name in (*configuration.assigned, *scope.overrides())
        ):
            yield "postconf crashes on something that the parser can expand"
        return
    if "macro processing error" not in case.answer[N].stderr and case.answer[N].status != 0:
        yield f"postconf -n cannot read it: {case.answer[N].stderr[-300:]}"
        return
    yield from literals(case)
    yield from expansions(case, configuration.top, complete(case.answer[X]), case.answer[X].status)
    yield from services(case)


def literals(case: Case) -> Iterator[str]:
    """postconf -n: what main.cf says, before expansion."""
    for name, said in case.answer[N].values.items():
        assignment = case.configuration.assigned.get(name)
        if assignment is None or plain(assignment.value) != plain(said):
            yield f"-n {name}: postconf {said!r}, parser {assignment.value if assignment else None!r}"


def expansions(case: Case, scope: Scope, said: Mapping[str, str], status: int) -> Iterator[str]:
    """postconf -x: every parameter. It stops with status 1 at the first one that cannot be expanded."""
    unexpanded = [name for name in said if _cannot_expand(scope, name)]
    if unexpanded:
        yield f"-x {unexpanded[0]}: the parser cannot expand it, postconf says {said[unexpanded[0]]!r}"
    # An option of any service that cannot be expanded ends every postconf.
    scopes = (scope, *(Scope(case.configuration, entry) for entry in case.configuration.master.entries))
    names = (*case.configuration.own_defaults, *case.configuration.assigned)
    broken = (
        _cannot_expand(each, name) for each in scopes for name in (*(names if each is scope else ()), *each.overrides())
    )
    if status != 0 and not any(broken):
        yield "-x: postconf cannot expand something that the parser can"
    computed = complete(case.answer[X]).get("mynetworks")
    for name, value in said.items():
        if computed is None and (name == "mynetworks" or "203.0.113." in value):
            continue  # postconf died before it told which networks it computes for this configuration
        if name not in _GIVEN_BY_THE_PROCESS and not _cannot_expand(scope, name):
            found = scope.lookup(name)
            if found.text != plain(value):
                yield f"-x {name}: postconf {value!r}, parser {found.text!r}"


def services(case: Case) -> Iterator[str]:
    """postconf -P, -Px and `-x -o`: the options of each service, literal, expanded, and what they do to all other parameters."""
    scopes = {f"{e.service}/{e.type}": Scope(case.configuration, e) for e in case.configuration.master.entries}
    literal = {f"{key}/{name}": scope.raw(name) for key, scope in scopes.items() for name in scope.overrides()}
    for key, said in complete(case.answer[P]).items():
        if plain(str(literal.get(key))) != plain(said):
            yield f"-P {key}: postconf {said!r}, parser {literal.get(key)!r}"
    for key, said in complete(case.answer[PX]).items():
        service, kind, name = key.split("/", 2) if key.count("/") == 2 else (*key.rsplit("/", 2),)
        found = scopes[f"{service}/{kind}"].lookup(name)
        if not _cannot_expand(scopes[f"{service}/{kind}"], name) and found.text != plain(said):
            yield f"-Px {key}: postconf {said!r}, parser {found.text!r}"
    # `postconf -x -o` speaks for a process called postconf.
    entries = (replace(e, fields=(*e.fields[:7], "postconf")) for e in case.configuration.master.entries if e.options)
    first = next((Scope(case.configuration, entry) for entry in entries), None)
    if first is not None and not any("'" in str(first.raw(name)) for name in first.overrides()):
        # Simulated options reach every service, so that another one's may no longer be expandable: the status says nothing.
        yield from expansions(case, first, complete(case.answer[SIMULATED]), 0)


def _cannot_expand(scope: Scope, name: str) -> bool:
    value = scope.lookup(name).value
    return isinstance(value, Unknown) and "cannot expand" in value.reason


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_every_parameter_of_every_service_has_the_value_that_postconf_gives(version: str) -> None:
    with PostfixOracle(version) as oracle:
        found = []
        for number, case in enumerate(compared(oracle, COUNT, SEED)):
            for mismatch in mismatches(case):
                found.append(f"pair {number}: {mismatch}\n--- main.cf\n{case.main_cf}\n--- master.cf\n{case.master_cf}")
                break
        assert [] == found[:3]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_catalogue_has_the_defaults_of_the_real_release(version: str) -> None:
    with PostfixOracle(version) as oracle:
        (answer,) = oracle.many([("", "")], ["postconf -d"])
    said = answer["postconf -d"].values
    release = Configuration(snapshot("", "", answer["postconf -d"].stdout, {})).release
    assert not isinstance(release, Unknown)
    known = catalogue.defaults(release)
    assert {name: value for name, value in said.items() if name in catalogue.parameters() and name in known} == {
        name: value for name, value in known.items() if name in said
    }
    assert set() == {name for name in known if name not in said} - {"stress"}
