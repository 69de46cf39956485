"""What a probe host says, as types."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.model.address import IpAddress
from tasks.model.leaf import Neighbor
from tasks.model.reading import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class PingFacts:
    """What a short ping to one address from one probe host said."""

    sent: int
    received: int
    rtt_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTimers:
    """How a host's kernel ages a neighbor that it uses (/proc/sys/net/ipv4/neigh/DEV, arp(7)); seconds and counts."""

    interface: str
    base_reachable_s: float
    delay_first_probe_s: float
    unicast_probes: int
    retransmit_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How a host sends to an address: by which interface, and through which gateway (None: it is on the link)."""

    interface: str
    gateway: IpAddress | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeFacts:
    """Reachability of each VIP from one probe host, and what a host in the VIP's own subnet holds for it."""

    host: str
    pings: dict[IpAddress, Reading[PingFacts]]
    routes: dict[IpAddress, Reading[Route]]
    neighbors: dict[IpAddress, Reading[tuple[Neighbor, ...]]]
    """As they stood before the echoes were sent, which could have mended them."""
    timers: dict[IpAddress, Reading[ClientTimers]]
