"""Sets of IPv4 and IPv6 addresses, as sorted, disjoint ranges of numbers."""

from __future__ import annotations

import bisect
import functools
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

IPNetwork = IPv4Network | IPv6Network
_FEW = 32  # spans; sets as small as that come again and again, larger ones are not worth remembering
LOOPBACK = ("127.0.0.0/8", "::1/128")

Span = tuple[int, int, int]
"""IP version, first address, last address."""


@dataclass(frozen=True, slots=True)
class Networks:
    """A set of addresses. The spans are merged and sorted, IPv4 first, so that equal sets are equal values."""

    spans: tuple[Span, ...] = ()

    @classmethod
    def of(cls, *texts: str) -> Networks:
        """The union of addresses and networks in CIDR notation. Raises ValueError on host bits or a malformed text."""
        return _parsed(texts)

    @classmethod
    def from_networks(cls, networks: Iterable[IPNetwork]) -> Networks:
        """The union of networks of the standard library."""
        return cls(_merged((n.version, int(n.network_address), int(n.broadcast_address)) for n in networks))

    @classmethod
    def union_of(cls, sets: Iterable[Networks]) -> Networks:
        """The union of any number of sets, merged at once."""
        return cls(_merged(span for each in sets for span in each.spans))

    @property
    def ranges(self) -> tuple[IPNetwork, ...]:
        """The fewest networks in CIDR notation that make up the set."""
        return tuple(network for span in self.spans for network in _networks(span))

    def __bool__(self) -> bool:
        return bool(self.spans)

    def __str__(self) -> str:
        return ", ".join(str(n.network_address) if n.num_addresses == 1 else str(n) for n in self.ranges) or "nobody"

    def union(self, other: Networks) -> Networks:
        """All addresses of both."""
        return Networks(_merged((*self.spans, *other.spans))) if other.spans else self

    def without(self, other: Networks) -> Networks:
        """The addresses of this set that are not in the other."""
        return Networks(tuple(piece for span in self.spans for piece in _cut(span, other.spans)))

    def within(self, other: Networks) -> bool:
        """Whether every address of this set is in the other."""
        return all(
            any(a <= span[1] and span[2] <= b for _, a, b in _touching(span, other.spans)) for span in self.spans
        )

    def overlaps(self, other: Networks) -> bool:
        """Whether the two sets share an address."""
        return any(True for span in self.spans for _ in _touching(span, other.spans))

    def size(self) -> int:
        """The number of addresses."""
        return sum(last - first + 1 for _, first, last in self.spans)

    def public(self) -> Networks:
        """The part that a stranger on the Internet can have. Documentation ranges (RFC 5737, RFC 3849) count as public."""
        return _public(self) if len(self.spans) <= _FEW else self.without(_NOT_PUBLIC)


@functools.lru_cache(maxsize=1024)
def _public(networks: Networks) -> Networks:
    return networks.without(_NOT_PUBLIC)


@functools.lru_cache(maxsize=1024)
def _parsed(texts: tuple[str, ...]) -> Networks:
    return Networks.from_networks(
        ipaddress.ip_network(text.strip("[]").replace("]/", "/") if "[" in text else text) for text in texts
    )


def _merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for version, first, last in sorted(spans):
        if merged and merged[-1][0] == version and first <= merged[-1][2] + 1:
            merged[-1] = (version, merged[-1][1], max(last, merged[-1][2]))
        else:
            merged.append((version, first, last))
    return tuple(merged)


def _touching(span: Span, spans: tuple[Span, ...]) -> Iterable[Span]:
    """Those of the merged spans that share an address with the one; it does not walk through all."""
    version, first, last = span
    for at in range(max(0, bisect.bisect_left(spans, span) - 1), len(spans)):
        other, a, b = spans[at]
        if (other, a) > (version, last):
            return
        if other == version and b >= first:
            yield spans[at]


def _cut(span: Span, cuts: tuple[Span, ...]) -> Iterable[Span]:
    version, first, last = span
    for _, a, b in _touching(span, cuts):
        if first < a:
            yield version, first, a - 1
        first = b + 1
        if first > last:
            return
    yield version, first, last


def _networks(span: Span) -> Iterable[IPNetwork]:
    version, first, last = span
    if version == 4:
        return ipaddress.summarize_address_range(IPv4Address(first), IPv4Address(last))
    return ipaddress.summarize_address_range(IPv6Address(first), IPv6Address(last))


# Everything but what RFC 6890 reserves is public. Multicast and 240.0.0.0/4 cannot be a client.
_NOT_PUBLIC = Networks.of(
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
    "224.0.0.0/4", "240.0.0.0/4", "::/128", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8",
)  # fmt: skip
