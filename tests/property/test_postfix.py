"""Laws of the Postfix parser: it loses no byte, and nothing that a file or a server says makes it raise."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.model.origin import Fact, Setting, Unknown
from auditor.model.snapshot import Missing, Section
from auditor.platforms.postfix import POSTFIX, catalogue
from auditor.platforms.postfix.document import MainCf, MasterCf, words
from auditor.platforms.postfix.expand import BadExpression, expand
from auditor.platforms.postfix.tables import TYPES, read
from auditor.platforms.postfix.tls import protocols

POSTFIX_TEXT = st.text(alphabet=st.sampled_from("ab$ {}()?:=<>!#,/\n\t\r-o.0123456789[]\0é\udc80")) | st.text()
NAMES = st.sampled_from([*catalogue.parameters()][::7])
LINES = st.lists(
    st.tuples(NAMES, POSTFIX_TEXT).map(lambda pair: f"{pair[0]} = {pair[1]}") | POSTFIX_TEXT, max_size=12
).map("\n".join)


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def every_value(value: Any) -> None:
    """Read every field, and every setting of every service."""
    if isinstance(value, tuple):
        for each in value:
            every_value(each)
    elif hasattr(value, "__dataclass_fields__"):
        for field in fields(value):
            every_value(getattr(value, field.name))
        if hasattr(value, "lookup"):
            for name in ("smtpd_banner", "mynetworks", "compatibility_level", "smtpd_recipient_restrictions"):
                assert isinstance(value.lookup(name), Setting)


@given(POSTFIX_TEXT)
def test_what_was_parsed_is_emitted_byte_for_byte(text: str) -> None:
    assert (text, text) == (MainCf.parse(text).emit(), MasterCf.parse(text).emit())


@given(POSTFIX_TEXT)
def test_every_logical_line_is_made_of_its_physical_lines(text: str) -> None:
    physical = text.split("\n")
    for assignment in MainCf.parse(text).assignments:
        assert all(physical[number - 1] == part for number, part in assignment.source.parts)


@given(POSTFIX_TEXT)
def test_a_list_without_braces_splits_at_blanks_and_commas(text: str) -> None:
    plain = text.replace("{", "").replace("}", "")
    assert all(word and "," not in word for word in words(plain))


@given(POSTFIX_TEXT, st.dictionaries(st.sampled_from(["a", "b", "ab"]), POSTFIX_TEXT))
def test_expansion_ends_with_a_text_or_a_refusal(text: str, values: dict[str, str]) -> None:
    try:
        expanded = expand(text, values.get).text
    except BadExpression:
        expanded = ""
    assert len(expanded) <= 1_000_100


@given(st.sampled_from(sorted(TYPES)), POSTFIX_TEXT)
def test_any_text_is_a_table_with_its_problems(kind: str, text: str) -> None:
    assert all(line.key and line.value for line in read(kind, text).lines)


@given(POSTFIX_TEXT)
def test_any_protocol_list_is_read(text: str) -> None:
    chosen, problem = protocols(text, catalogue.NEWEST)
    assert chosen or problem or text.strip()


@settings(max_examples=60, deadline=None)
@given(LINES, LINES, st.binary(max_size=200))
def test_any_files_make_a_model(main: str, master: str, table: bytes) -> None:
    files = {"main.cf": encoded(main), "master.cf": encoded(master), "access": table}
    postfix = POSTFIX.parse(POSTFIX.from_files(files, None))
    every_value(postfix)
    assert POSTFIX.release(postfix) == "3.10.13"


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["postconf-d", "postconf-n", "postconf-x", "postconf-P", "files", "host/listening", "host/addresses",
                                        "tables", "instances", "certificate /etc/ssl/mx.pem", "index hash:/etc/postfix/access"]),
                       st.binary(max_size=300) | st.none()))  # fmt: skip
def test_any_answers_of_a_server_make_a_model(answers: dict[str, bytes | None]) -> None:
    main = b"smtpd_tls_cert_file = /etc/ssl/mx.pem\nsmtpd_client_restrictions = check_client_access hash:/etc/postfix/access\n"
    snapshot = POSTFIX.from_files({"main.cf": main}, None)
    sections = dict(snapshot.sections)
    for name, content in answers.items():
        sections[name] = Section(
            name=name, content=Missing("not there") if content is None else content, errors=content or b""
        )
    for instance in POSTFIX.instances(type(snapshot)(host="x", platform="postfix", sections=sections)):
        every_value(POSTFIX.parse(instance))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_each_section_may_be_missing(data: st.DataObject) -> None:
    snapshot = POSTFIX.from_files({"main.cf": b"mynetworks = /etc/postfix/nets\n", "nets": b"10.0.0.0/8\n"}, None)
    gone = data.draw(st.sets(st.sampled_from(sorted(snapshot.sections))))
    sections = {
        name: Section(name=name, content=Missing("gone")) if name in gone else section
        for name, section in snapshot.sections.items()
    }
    postfix = POSTFIX.parse(type(snapshot)(host="x", platform="postfix", sections=sections))
    every_value(postfix)
    assert isinstance(postfix.smtpd_services, Unknown) is ("master.cf" in gone)
    assert isinstance(postfix.compatibility_level, Fact)
