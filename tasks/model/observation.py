"""What was read, as types. "Could not look" (Unread) is another type than "looked and found nothing"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from tasks.model.address import IpAddress, IpInterface
from tasks.model.answer import Answer
from tasks.model.mac import MacAddress

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Read(Generic[T]):
    """Something that was read, with the answer it was read from."""

    value: T
    source: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Something that could not be read; `source` is None when the host did not answer at all."""

    reason: str
    source: Answer | None


Reading = Read[T] | Unread


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """A network interface of a server with its addresses. `up` is administrative state and carrier together."""

    name: str
    mac: MacAddress | None
    up: bool
    addresses: tuple[IpInterface, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """keepalived.service as systemd sees it. Times are seconds since the epoch; None: never."""

    active: str
    enabled: str
    main_pid: int
    loaded_at: float | None
    """When the daemon last read its configuration: started, or was reloaded through systemd."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFile:
    """A file on disk that is ours to write; `text` is None when there is none."""

    text: str | None
    owner: str | None
    group: str | None
    mode: int | None
    modified_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A running vrrp_instance, as keepalived itself tells it (SIGJSON)."""

    name: str
    vrid: int
    interface: str
    state: str
    """`init`, `backup`, `master`, `fault`, or the number as text."""
    base_priority: int
    effective_priority: int
    version: int
    advert_int: float
    nopreempt: bool
    vips: tuple[IpInterface, ...]
    last_transition: float
    adverts_received: int
    adverts_sent: int
    vmac_interface: str | None = None
    """The macvlan of use_vmac that it runs with; `interface` is the one beneath it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirewallRule:
    """One rule of an input chain, reduced to what decides on VRRP."""

    text: str
    verdict: str
    """`accept`, `drop`, `reject`, `jump`, `other`."""
    source: str | None
    protocol: str | None
    narrow: bool
    """True when anything but source and protocol narrows what the rule matches."""
    ours: bool
    handle: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InputChain:
    """A chain on the input hook, with its policy and its rules in order."""

    family: str
    table: str
    name: str
    policy: str
    rules: tuple[FirewallRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Firewall:
    """The firewall in charge: `iptables`, `nftables`, `none`, or one that is not handled (`firewalld`, `ufw`)."""

    manager: str
    chains: tuple[InputChain, ...]
    persistent: str | None
    """Text of the file that the firewall's service loads at boot."""
    saved: tuple[InputChain, ...]
    """iptables only: the input chains of that file."""
    snippet: str | None
    """nftables only: text of our own file that the persistent one includes."""
    at_boot: bool = True
    """Is the service enabled that loads the persistent file?"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """keepalived's package; `version` is None when it is not installed."""

    manager: str
    version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """Everything one server said in one round trip."""

    host: str
    package: Reading[Package]
    config: Reading[ConfigFile]
    service: Reading[Service]
    instances: Reading[tuple[Instance, ...]]
    """As the round trip began."""
    later: Reading[tuple[Instance, ...]]
    """As it ended, at least one advert interval later where the server is backup."""
    interfaces: Reading[tuple[Interface, ...]]
    firewall: Reading[Firewall]
    sysctl_file: Reading[ConfigFile]
    """Our own file in /etc/sysctl.d."""
    arp_announce: Reading[Mapping[str, int]]
    """net.ipv4.conf.*.arp_announce by interface, `all` among them."""


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
