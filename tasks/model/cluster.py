"""The intent: what an operator declares of a VIP and of the fabric that carries it."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv6Interface
from typing import Literal

from tasks.model.address import IPV6, IpAddress, IpInterface
from tasks.model.mac import MacAddress
from tasks.model.options import Garp, Notify, Track

VrrpVersion = Literal[2, 3]
Family = Literal[4, 6]
"""Of the adverts, and of the VIPs in them."""
AuthType = Literal["PASS", "AH"]
Protocol = Literal["vrrp", "ah"]
"""IP protocols 112 and 51."""


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
    address6: IPv6Interface | None = None
    """Where adverts of an IPv6 instance come from: link-local with multicast (RFC 9568 5.1.2.1)."""


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
class Opening:
    """What a firewall must let in: one IP protocol from one address."""

    address: IpAddress
    protocol: Protocol = "vrrp"

    def __str__(self) -> str:
        """For people: `100.65.0.12`, and `100.65.0.12 (AH)`."""
        return f"{self.address}" if self.protocol == "vrrp" else f"{self.address} (AH)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What one server should be, all its clusters together: a server has one keepalived.conf and one firewall."""

    host: str
    config: str = field(repr=False)
    """Text of keepalived.conf, its secrets included."""
    openings: tuple[Opening, ...]
    vmac_bases: tuple[str, ...] = ()
    """Interfaces that have a macvlan of use_vmac on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRule:
    """How much a check may say of this cluster: `warn` makes a warning of a failure, `skip` switches it off."""

    check: str
    at_most: Literal["warn", "skip"]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One VRRP instance of a cluster, on two or more servers. The instances of a cluster have its name in common."""

    name: str
    vrid: int
    version: VrrpVersion
    advert_int: float
    preempt: bool
    unicast: bool
    auth_pass: Secret | None
    vips: tuple[IpInterface, ...]
    """All that the instance carries, IPv4 first."""
    servers: tuple[Server, ...]
    fabric: Fabric
    probes: tuple[str, ...]
    use_vmac: bool = False
    """The VIP has a MAC of its own that moves with it; without, it has the MAC of the server that bears it."""
    label: str = ""
    """What tells the instances of a cluster apart; empty for the one, or for the first."""
    family: Family = 4
    excluded: tuple[IpInterface, ...] = ()
    """Those of the VIPs that are not in the adverts (`virtual_ipaddress_excluded`)."""
    preempt_delay_s: float = 0.0
    auth_type: AuthType = "PASS"
    sync_group: str | None = None
    track: Track = field(default_factory=Track)
    garp: Garp = field(default_factory=Garp)
    notify: Notify = field(default_factory=Notify)
    extra: tuple[str, ...] = ()
    """Lines of the operator's for the vrrp_instance, which vipbook does not know."""
    checks: tuple[CheckRule, ...] = ()

    @property
    def vmac(self) -> MacAddress | None:
        """The virtual router's MAC (RFC 5798 7.3), which keepalived gives to all VIPs of the instance.

        None without `use_vmac`.
        """
        kind = "02" if self.family == IPV6 else "01"
        return MacAddress(f"00:00:5e:00:{kind}:{self.vrid:02x}") if self.use_vmac else None

    @property
    def vmac_interface(self) -> str:
        """The macvlan that keepalived makes for it. No dot in the name: sysctl paths would read it as a slash."""
        return f"vrrp6_{self.vrid}" if self.family == IPV6 else f"vrrp{self.vrid}"

    def bearing_interface(self, server: Server) -> str:
        """The interface of that server that a VIP stands on."""
        return self.vmac_interface if self.use_vmac else server.interface

    @property
    def instance(self) -> str:
        """The name of the vrrp_instance in keepalived.conf and in its logs."""
        return f"VI_{self.name}_{self.label}" if self.label else f"VI_{self.name}"

    @property
    def programs(self) -> bool:
        """Does keepalived run programs for it?"""
        return bool(self.track.scripts or self.notify.lines())

    @property
    def owns_track(self) -> bool:
        """Is it the first instance of the cluster, where what all of them track is declared?"""
        return not self.label

    @property
    def advertised(self) -> tuple[IpInterface, ...]:
        """The VIPs that are in the adverts."""
        return tuple(vip for vip in self.vips if vip not in self.excluded)

    def server(self, name: str) -> Server:
        """The member of that name; KeyError when it is none of this cluster's."""
        for server in self.servers:
            if server.name == name:
                return server
        raise KeyError(name)

    def source(self, server: Server) -> IpAddress:
        """Where that server's adverts of this instance come from."""
        if self.family == IPV6:
            assert server.address6 is not None  # the gate demands it
            return server.address6.ip
        return server.address.ip

    def peers(self, name: str) -> tuple[IpAddress, ...]:
        """Where adverts of all other members come from, in the order of the intent."""
        return tuple(self.source(server) for server in self.servers if server.name != name)

    def openings(self, name: str) -> tuple[Opening, ...]:
        """What that server's firewall must let in for this instance.

        With AH the adverts are IP protocol 51; 112 stays open for the moment in which one member has it already.
        """
        protocols: tuple[Protocol, ...] = ("vrrp", "ah") if self.auth_type == "AH" else ("vrrp",)
        return tuple(Opening(address=peer, protocol=each) for peer in self.peers(name) for each in protocols)

    def hosts(self) -> tuple[str, ...]:
        """Every host that a verdict on this cluster depends on, each once."""
        names = [server.name for server in self.servers]
        return tuple(dict.fromkeys((*names, *self.fabric.leaves, *self.probes)))
