from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.model.network import Networks

# Small universes, so that brute force is the oracle: a /28 of each family.
V4 = int(ipaddress.ip_address("192.0.2.0"))
V6 = int(ipaddress.ip_address("2001:db8::"))


def address(number: int, version: int) -> str:
    base = V4 if version == 4 else V6
    return str(ipaddress.ip_address(base + number) if version == 4 else ipaddress.IPv6Address(base + number))


@st.composite
def networks(draw: st.DrawFn) -> Networks:
    texts = []
    for _ in range(draw(st.integers(0, 4))):
        version = draw(st.sampled_from([4, 6]))
        bits = draw(st.integers(0, 4))
        number = draw(st.integers(0, 15)) >> bits << bits
        texts.append(f"{address(number, version)}/{(32 if version == 4 else 128) - bits}")
    return Networks.of(*texts)


def members(nets: Networks) -> set[str]:
    return {str(host) for network in nets.ranges for host in network}


@given(networks(), networks())
def test_set_algebra_agrees_with_sets_of_addresses(a: Networks, b: Networks) -> None:
    assert members(a.union(b)) == members(a) | members(b)
    assert members(a.without(b)) == members(a) - members(b)
    assert a.within(b) == (members(a) <= members(b))
    assert a.overlaps(b) == bool(members(a) & members(b))
    assert a.size() == len(members(a))


@given(networks(), networks())
def test_equal_sets_are_equal_values(a: Networks, b: Networks) -> None:
    assert (a == b) == (members(a) == members(b))


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("127.0.0.0/8", False), ("10.0.0.0/8", False), ("100.64.0.0/10", False), ("fe80::/10", False), ("fd00::/8", False), ("::1", False),
        ("203.0.113.0/24", True), ("0.0.0.0/0", True), ("::/0", True), ("2001:db8::/32", True), ("172.0.0.0/8", True),
    ],
)  # fmt: skip
def test_public_is_what_a_stranger_can_have(text: str, public: bool) -> None:
    assert bool(Networks.of(text).public()) is public


def test_postfix_brackets_are_read() -> None:
    assert Networks.of("[::1]/128", "[2001:db8::]/32") == Networks.of("::1", "2001:db8::/32")


def test_host_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="host bits"):
        Networks.of("192.0.2.9/24")
