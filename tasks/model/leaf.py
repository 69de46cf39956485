"""What a leaf says: the rows of its tables, as types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tasks.model.address import IpAddress
from tasks.model.mac import MacAddress
from tasks.model.reading import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbor:
    """A row of the kernel's neighbor table (`ip neigh`). States and flags as the kernel names them."""

    address: IpAddress
    interface: str
    mac: MacAddress | None
    states: frozenset[str]
    extern_learn: bool
    permanent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FdbRow:
    """A row of the bridge FDB. A remote MAC has two: one of the bridge, and one of the VXLAN device with its VTEP.

    `nexthop_group` stands in the place of the VTEP where the MAC is behind an Ethernet segment (`nhid`).
    """

    mac: MacAddress
    interface: str
    bridge: str | None
    vlan: int | None
    vtep: IpAddress | None
    vni: int | None
    extern_learn: bool
    permanent: bool
    nexthop_group: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvpnMac:
    """A MAC in zebra's EVPN table of one VNI. `kind` is `local`, `remote` or what a newer FRR may say."""

    mac: MacAddress
    kind: str
    interface: str | None
    vtep: str | None
    local_sequence: int | None
    remote_sequence: int | None
    duplicate: bool
    segment: str | None = None
    """The Ethernet segment (ESI) that a multihomed MAC is behind."""
    moves: int | None = None
    """What duplicate address detection has counted (`detectionCount`)."""
    uptime: str | None = None
    """How long the entry has been there, as FRR words it (8.0 and newer, single entry only)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvpnNeighbor:
    """An address in zebra's EVPN ARP/ND cache of one VNI. `state` is None on an FRR that does not tell it."""

    address: str
    kind: str
    state: str | None
    mac: MacAddress | None
    vtep: str | None
    local_sequence: int | None
    remote_sequence: int | None
    duplicate: bool
    segment: str | None = None
    moves: int | None = None
    uptime: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MacIpPath:
    """One BGP path of an EVPN type-2 route with an address. `sequence` is the MAC mobility sequence (absent: 0)."""

    address: str
    mac: MacAddress
    vtep: str
    best: bool
    valid: bool
    sequence: int
    rd: str | None
    segment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VniFacts:
    """What the leaf says of the VNI itself: its own VTEP address is how other leaves name it."""

    vni: int
    local_vtep: str | None
    vxlan: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateDetection:
    """How zebra counts moves (`show evpn`): more than `max_moves` in `window_s` flag a MAC or an address.

    `freeze` is `no` (warn only), `permanent`, or the seconds after which a frozen entry is let go. It is None where the
    leaf did not tell: FRR up to 8.5 prints 0 both for no freeze and for a permanent one, and only its text knows.
    """

    enabled: bool
    max_moves: int
    window_s: int
    freeze: Literal["no", "permanent"] | int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveCount:
    """What duplicate detection holds against one MAC or address, from FRR's text of that one entry.

    `began_at` is when its window opened, in the leaf's own local time without a zone, as seconds since the epoch were
    it UTC; None when nothing is being counted, or when the leaf does not say. `now` is the leaf's clock read the same
    way in the same round trip.
    """

    moves: int
    duplicate: bool
    began_at: float | None
    now: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvpnSession:
    """A BGP session with the EVPN address family. `state` as FRR words it; `Established` carries routes."""

    peer: str
    state: str
    prefixes_received: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LldpNeighbor:
    """Who says over LLDP that it is at the other end of a port."""

    port: str
    system: str
    remote_port: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafFacts:
    """Everything one leaf said about one VNI in one round trip.

    Readings that not every leaf can give are None when they were not asked for or the leaf has no such program.
    """

    host: str
    neighbors: Reading[tuple[Neighbor, ...]]
    fdb: Reading[tuple[FdbRow, ...]]
    evpn_macs: Reading[tuple[EvpnMac, ...]]
    evpn_neighbors: Reading[tuple[EvpnNeighbor, ...]]
    paths: Reading[tuple[MacIpPath, ...]]
    vni: Reading[VniFacts]
    detection: Reading[DuplicateDetection]
    moves: Reading[MoveCount]
    """Of the VIP, or with a virtual MAC of that MAC: what duplicate detection has against it."""
    sessions: Reading[tuple[EvpnSession, ...]]
    lldp: Reading[tuple[LldpNeighbor, ...]] | None = None
