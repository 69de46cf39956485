"""What was read, as types. "Could not look" (Unread) is another type than "looked and found nothing"."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface
from typing import Generic, TypeVar

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

    address: IPv4Address
    interface: str
    mac: MacAddress | None
    states: frozenset[str]
    extern_learn: bool
    permanent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FdbRow:
    """A row of the bridge FDB. A remote MAC has two: one of the bridge, and one of the VXLAN device with its VTEP."""

    mac: MacAddress
    interface: str
    bridge: str | None
    vlan: int | None
    vtep: IPv4Address | None
    vni: int | None
    extern_learn: bool
    permanent: bool


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


@dataclass(frozen=True, slots=True, kw_only=True)
class VniFacts:
    """What the leaf says of the VNI itself: its own VTEP address is how other leaves name it."""

    vni: int
    local_vtep: str | None
    vxlan: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafFacts:
    """Everything one leaf said about one VNI in one round trip."""

    host: str
    neighbors: Reading[tuple[Neighbor, ...]]
    fdb: Reading[tuple[FdbRow, ...]]
    evpn_macs: Reading[tuple[EvpnMac, ...]]
    evpn_neighbors: Reading[tuple[EvpnNeighbor, ...]]
    paths: Reading[tuple[MacIpPath, ...]]
    vni: Reading[VniFacts]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """A network interface of a server with its addresses. `up` is administrative state and carrier together."""

    name: str
    mac: MacAddress | None
    up: bool
    addresses: tuple[IPv4Interface, ...]


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
    """keepalived.conf on disk; `text` is None when there is none."""

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
    vips: tuple[IPv4Interface, ...]
    last_transition: float
    adverts_received: int
    adverts_sent: int


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PingFacts:
    """What a short ping to one address from one probe host said."""

    sent: int
    received: int
    rtt_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeFacts:
    """Reachability of each VIP from one probe host."""

    host: str
    pings: dict[IPv4Address, Reading[PingFacts]]
