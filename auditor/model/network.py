"""Sets of IPv4 and IPv6 addresses as disjoint, sorted networks."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

IPNetwork = IPv4Network | IPv6Network

LOOPBACK = ("127.0.0.0/8", "::1/128")
# Addresses a stranger on the Internet can have: everything but what RFC 6890 reserves. Multicast and 240/4 cannot be a client.
_NOT_PUBLIC = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
            "224.0.0.0/4", "240.0.0.0/4", "::/128", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8",
        ),
    )
)  # fmt: skip


def _collapse(networks: Iterable[IPNetwork]) -> tuple[IPNetwork, ...]:
    networks = tuple(networks)
    v4 = ipaddress.collapse_addresses(n for n in networks if isinstance(n, IPv4Network))
    v6 = ipaddress.collapse_addresses(n for n in networks if isinstance(n, IPv6Network))
    return (*v4, *v6)


@dataclass(frozen=True, slots=True)
class Networks:
    """A set of addresses. The ranges are collapsed, disjoint and sorted, IPv4 first, so equal sets are equal values."""

    ranges: tuple[IPNetwork, ...] = ()

    @classmethod
    def of(cls, *texts: str) -> Networks:
        """The union of addresses and networks in CIDR notation. Raises ValueError on host bits or a malformed text."""
        return cls(_collapse(ipaddress.ip_network(text.strip("[]").replace("]/", "/")) for text in texts))

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __str__(self) -> str:
        return ", ".join(str(n.network_address) if n.num_addresses == 1 else str(n) for n in self.ranges) or "nobody"

    def union(self, other: Networks) -> Networks:
        """All addresses of both."""
        return Networks(_collapse((*self.ranges, *other.ranges)))

    def without(self, other: Networks) -> Networks:
        """The addresses of this set that are not in the other."""
        left = list(self.ranges)
        for cut in other.ranges:
            left = [piece for network in left for piece in _subtract(network, cut)]
        return Networks(_collapse(left))

    def within(self, other: Networks) -> bool:
        """Whether every address of this set is in the other."""
        return not self.without(other)

    def overlaps(self, other: Networks) -> bool:
        """Whether the two sets share an address."""
        return any(a.version == b.version and a.overlaps(b) for a in self.ranges for b in other.ranges)

    def size(self) -> int:
        """The number of addresses."""
        return sum(n.num_addresses for n in self.ranges)

    def public(self) -> Networks:
        """The part that a stranger on the Internet can have. Documentation ranges (RFC 5737, RFC 3849) count as public."""
        return self.without(Networks(_NOT_PUBLIC))


def _subtract(network: IPNetwork, cut: IPNetwork) -> Iterable[IPNetwork]:
    if isinstance(network, IPv4Network) and isinstance(cut, IPv4Network):
        return network.address_exclude(cut) if cut.subnet_of(network) else () if network.subnet_of(cut) else (network,)
    if isinstance(network, IPv6Network) and isinstance(cut, IPv6Network):
        return network.address_exclude(cut) if cut.subnet_of(network) else () if network.subnet_of(cut) else (network,)
    return (network,)
