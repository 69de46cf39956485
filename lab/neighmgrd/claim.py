"""What ARP and ND have in common: a host says at which MAC an address is. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

Address = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Claim:
    """A host says that this address is at this MAC (six bytes)."""

    address: Address
    mac: bytes


def is_host_mac(mac: bytes) -> bool:
    """A MAC that a single host can have: neither zero nor a group address."""
    return mac != bytes(6) and not mac[0] & 1
