"""The intent: what an operator declares of a VIP and of the fabric that carries it."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface
from typing import Literal

VrrpVersion = Literal[2, 3]


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that must not be shown: its repr and str are `***`."""

    _text: str

    def reveal(self) -> str:
        """The text itself, for the one place that needs it (the rendered configuration)."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A member of the pair: its place in VRRP and its place in the fabric."""

    name: str
    interface: str
    address: IPv4Interface
    priority: int
    leaf: str
    port: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fabric:
    """Where the VLAN of the VIP lives on every leaf.

    `bridge` and `vlan` say where the kernel keeps the FDB: a traditional bridge is its own SVI and has no VLAN id
    in its rows; a VLAN-aware bridge has one name for all VLANs.
    """

    vni: int
    svi: str
    vrr: str | None
    vxlan: str
    bridge: str
    vlan: int | None
    leaves: tuple[str, ...]
    allowance_s: float
    """What the fabric may take, beyond the protocol's own timers, until it forwards to the new master."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What one server should be, all its clusters together: a server has one keepalived.conf and one firewall."""

    host: str
    config: str = field(repr=False)
    """Text of keepalived.conf, its secrets included."""
    peers: tuple[IPv4Address, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One VRRP instance on two or more servers."""

    name: str
    vrid: int
    version: VrrpVersion
    advert_int: float
    preempt: bool
    unicast: bool
    auth_pass: Secret | None
    vips: tuple[IPv4Interface, ...]
    servers: tuple[Server, ...]
    fabric: Fabric
    probes: tuple[str, ...]

    @property
    def instance(self) -> str:
        """The name of the vrrp_instance in keepalived.conf and in its logs."""
        return f"VI_{self.name}"

    def server(self, name: str) -> Server:
        """The member of that name; KeyError when it is none of this cluster's."""
        for server in self.servers:
            if server.name == name:
                return server
        raise KeyError(name)

    def peers(self, name: str) -> tuple[IPv4Address, ...]:
        """Addresses of all other members, in the order of the intent."""
        return tuple(server.address.ip for server in self.servers if server.name != name)

    def hosts(self) -> tuple[str, ...]:
        """Every host that a verdict on this cluster depends on, each once."""
        names = [server.name for server in self.servers]
        return tuple(dict.fromkeys((*names, *self.fabric.leaves, *self.probes)))
