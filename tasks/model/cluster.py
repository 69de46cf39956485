"""The intent: what an operator declares of a VIP and of the fabric that carries it."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface
from typing import Literal

from tasks.model.address import IpInterface
from tasks.model.mac import MacAddress

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
    """A member of the pair: its place in VRRP and its place in the fabric.

    `leaves` is the one leaf it hangs on, both of an MLAG pair or of an Ethernet segment, or empty where nobody declared
    it: then FDB and LLDP tell. `port` is the leaf's port or bond, the same on both of a pair; None: found as well.
    """

    name: str
    interface: str
    address: IPv4Interface
    priority: int
    leaves: tuple[str, ...]
    port: str | None


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
    vmac_bases: tuple[str, ...] = ()
    """Interfaces that have a macvlan of use_vmac on them."""


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
    vips: tuple[IpInterface, ...]
    """IPv4 first; IPv6 ones travel with them, outside the adverts (`virtual_ipaddress_excluded`)."""
    servers: tuple[Server, ...]
    fabric: Fabric
    probes: tuple[str, ...]
    use_vmac: bool = False
    """The VIP has a MAC of its own that moves with it; without, it has the MAC of the server that bears it."""

    @property
    def vmac(self) -> MacAddress | None:
        """The virtual router's MAC of IPv4 adverts (RFC 5798 7.3), which keepalived gives to all VIPs of the instance.

        None without `use_vmac`.
        """
        return MacAddress(f"00:00:5e:00:01:{self.vrid:02x}") if self.use_vmac else None

    @property
    def vmac_interface(self) -> str:
        """The macvlan that keepalived makes for it. No dot in the name: sysctl paths would read it as a slash."""
        return f"vrrp{self.vrid}"

    def bearing_interface(self, server: Server) -> str:
        """The interface of that server that a VIP stands on."""
        return self.vmac_interface if self.use_vmac else server.interface

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
