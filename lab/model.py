"""The lab as frozen values: what the topology file says, once it has passed the gate in `lab.topology`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface

# An interface has at most one of each family.
Address = IPv4Address | IPv6Address
InterfaceAddress = IPv4Interface | IPv6Interface


class Kind(StrEnum):
    """What a node is; the inventory has a group of the same name."""

    SERVER = "server"
    LEAF = "leaf"
    SPINE = "spine"
    OUTSIDE = "outside"
    CLIENT = "client"


class Firewall(StrEnum):
    """Which program owns a server's packet filter."""

    IPTABLES = "iptables"
    NFTABLES = "nftables"
    FIREWALLD = "firewalld"
    UFW = "ufw"


class Distribution(StrEnum):
    """What a server passes for: Debian, which it is, or an Enterprise Linux, whose clothes it wears."""

    DEBIAN = "debian"
    EL = "el"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vlan:
    """A VLAN as one traditional bridge: the SVI is the bridge itself, because the kernel may lack 802.1Q."""

    name: str
    vni: int
    gateways: tuple[InterfaceAddress, ...]
    vrr_mac: str

    @property
    def vrr(self) -> str:
        """The macvlan that carries the anycast gateway on every leaf, named as Cumulus names it."""
        return f"{self.name}-v0"

    @property
    def vxlan(self) -> str:
        """The VXLAN interface of the VNI."""
        return f"vni{self.vni}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Svi:
    """A leaf's own addresses and MAC on a VLAN."""

    vlan: Vlan
    addresses: tuple[InterfaceAddress, ...]
    mac: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """An end of a link. `vlan` makes it an access port, `fabric` an unnumbered BGP interface."""

    name: str
    addresses: tuple[InterfaceAddress, ...] = ()
    mac: str | None = None
    vlan: Vlan | None = None
    fabric: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A machine of the lab. Routers (leaf, spine) have `asn` and `loopback`, hosts have `gateways`."""

    name: str
    kind: Kind
    user: str
    interfaces: tuple[Interface, ...]
    description: str = ""
    asn: int | None = None
    loopback: IPv4Address | None = None
    svis: tuple[Svi, ...] = ()
    gateways: tuple[Address, ...] = ()
    firewall: Firewall | None = None
    distribution: Distribution = Distribution.DEBIAN

    @property
    def is_router(self) -> bool:
        """Whether FRR runs here."""
        return self.asn is not None

    @property
    def fabric_ports(self) -> tuple[str, ...]:
        """Interfaces with a BGP session over IPv6 link-local addresses."""
        return tuple(interface.name for interface in self.interfaces if interface.fabric)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A cable: (node, interface) at either end. `mtu` in bytes."""

    a: tuple[str, str]
    b: tuple[str, str]
    mtu: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """Everything that is data about a lab. `clusters` is passed on to clusters.yaml as it was written."""

    suite: str
    packages: tuple[str, ...]
    offline_packages: tuple[str, ...]
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    clusters: Mapping[str, Mapping[str, object]]

    @property
    def users(self) -> tuple[str, ...]:
        """Every login name, each once, sorted."""
        return tuple(sorted({node.user for node in self.nodes}))

    def node(self, name: str) -> Node:
        """The node called so; KeyError when there is none."""
        return {node.name: node for node in self.nodes}[name]

    def vteps(self, vlan: Vlan) -> frozenset[IPv4Address]:
        """Loopbacks of the leaves that hold the VLAN."""
        return frozenset(
            node.loopback
            for node in self.nodes
            if node.loopback is not None and vlan in [svi.vlan for svi in node.svis]
        )
