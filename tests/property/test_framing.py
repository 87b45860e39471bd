"""Whatever happens to the bytes of a snapshot, decoding ends with an answer that is true of what arrived, or with CollectionFailed."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from auditor import framing
from auditor.errors import CollectionFailed
from auditor.model.snapshot import Missing, Snapshot
from tests.unit.frames import end, frame, posix_cksum, recorded

SECTIONS = {
    "postfix/instances": b"-               -               y         /etc/postfix\n",
    "postfix[/etc/postfix]/main.cf": b"mynetworks = 127.0.0.0/8\n\nsmtpd_relay_restrictions =\n  permit_mynetworks\n",
    "postfix[/etc/postfix]/file /etc/postfix/access": b"203.0.113.9 REJECT\n@end 2\n",
    "host/system": b"system=Linux\n",
}
WHOLE = recorded(*(frame(name, content, errors=b"warning\n") for name, content in SECTIONS.items()))
EXPECTED = {**SECTIONS, "host/platforms": b"postfix found\n"}


def decoded(data: bytes) -> Snapshot | None:
    try:
        snapshots = framing.decode("mx1", data)
    except CollectionFailed:
        return None
    return snapshots[0] if snapshots else None


@given(st.integers(0, len(WHOLE)))
def test_a_cut_snapshot_never_says_anything_else_than_the_whole_one(length: int) -> None:
    snapshot = decoded(WHOLE[:length])
    if snapshot is not None:
        assert (snapshot.incomplete == "") is (length == len(WHOLE))
        for name, content in EXPECTED.items():
            assert snapshot.section(name).content in (content, Missing("the transfer was cut off"))


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_a_changed_byte_never_changes_the_content_of_a_section(position: int, change: int) -> None:
    data = bytearray(WHOLE)
    data[position] ^= change
    snapshot = decoded(bytes(data))
    if snapshot is not None:
        for name, section in snapshot.sections.items():
            # A changed name is another section; its content is still what was sent.
            assert isinstance(section.content, Missing) or section.content in EXPECTED.values() or name not in EXPECTED


@given(st.binary(max_size=2000))
def test_garbage_is_refused_or_read_but_never_raises_anything_else(data: bytes) -> None:
    decoded(data)
    decoded(WHOLE[:300] + data)
    decoded(WHOLE[:60] + data + WHOLE[60:])


@given(st.lists(st.tuples(st.binary(max_size=300), st.binary(max_size=50), st.integers(0, 255)), max_size=8))
def test_what_is_framed_comes_back(sections: list[tuple[bytes, bytes, int]]) -> None:
    frames = [frame(f"postfix/s{i}", out, errors=err, status=status) for i, (out, err, status) in enumerate(sections)]
    snapshot = decoded(recorded(*frames))
    assert snapshot is not None
    got = [snapshot.section(f"postfix/s{i}") for i in range(len(sections))]
    assert [(s.content, s.errors, s.status) for s in got] == sections


@given(st.binary(max_size=500))
def test_the_fast_checksum_is_the_defined_one(data: bytes) -> None:
    assert framing.cksum(data) == posix_cksum(data)


def test_endless_zeros_and_ten_thousand_sections_are_read_in_no_time() -> None:
    started = time.perf_counter()
    assert decoded(bytes(30_000_000)) is None
    many = decoded(recorded(*(frame(f"postfix/s{i}", b"") for i in range(10_000))))
    many_errors = decoded(WHOLE[: -len(end(5))] + bytes(30_000_000))
    assert many is not None
    assert len(many.sections) == 10_001
    assert many_errors is not None
    assert many_errors.incomplete == "the transfer was damaged"
    assert time.perf_counter() - started < 5
