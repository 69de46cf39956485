"""The lab's network as commands: pure, one plan a namespace, in the order in which the kernel wants them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lab.model import InterfaceAddress, Kind, Link, Node, Svi, Topology
from lab.place import LabPaths

# As on Cumulus: longer than neighmgrd's refresh, so that a silent server does not fall out of the FDB.
AGEING_CENTISECONDS = 180_000
# A connected route of the VRR interface must never win over the SVI's: traffic leaves by the SVI.
VRR_METRIC = 1024

Sysctls = tuple[tuple[str, str], ...]

# What Linux and systemd set on a server of any distribution.
HOST_SYSCTLS: Sysctls = (
    ("net.ipv4.ip_forward", "0"),
    ("net.ipv4.conf.all.rp_filter", "2"),
    ("net.ipv4.conf.default.rp_filter", "2"),
    ("net.ipv4.conf.all.promote_secondaries", "1"),
    ("net.ipv4.conf.default.promote_secondaries", "1"),
    ("net.ipv6.conf.all.disable_ipv6", "0"),
    ("net.ipv6.conf.default.disable_ipv6", "0"),
    ("net.ipv6.conf.default.accept_dad", "0"),
)
# arp_ignore 1: the gateway's address is answered by the VRR interface alone, with the VRR MAC, and not by the SVI too.
# accept_dad 0: BGP's link-local addresses are usable at once, not after a second of duplicate address detection.
ROUTER_SYSCTLS: Sysctls = (
    ("net.ipv4.ip_forward", "1"),
    ("net.ipv6.conf.all.disable_ipv6", "0"),
    ("net.ipv6.conf.default.disable_ipv6", "0"),
    ("net.ipv6.conf.all.forwarding", "1"),
    ("net.ipv6.conf.default.forwarding", "1"),
    ("net.ipv4.conf.all.rp_filter", "0"),
    ("net.ipv4.conf.default.rp_filter", "0"),
    ("net.ipv4.conf.all.arp_ignore", "1"),
    ("net.ipv4.conf.default.arp_ignore", "1"),
    ("net.ipv4.conf.all.arp_announce", "2"),
    ("net.ipv4.conf.default.arp_announce", "2"),
    ("net.ipv4.conf.default.arp_accept", "0"),
    ("net.ipv4.conf.all.ignore_routes_with_linkdown", "1"),
    ("net.ipv4.fib_multipath_hash_policy", "1"),
    ("net.ipv6.fib_multipath_hash_policy", "1"),
    ("net.ipv6.conf.default.accept_dad", "0"),
    ("net.ipv6.conf.default.keep_addr_on_down", "1"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespacePlan:
    """What to do inside a namespace: `before` sysctls, lines for `ip -batch`, lines for `bridge -batch`, `after`."""

    namespace: str
    before: Sysctls
    ip: tuple[str, ...]
    bridge: tuple[str, ...]
    after: Sysctls


def cable_plan(topology: Topology, paths: LabPaths) -> tuple[str, ...]:
    """`ip -batch` lines that make each veth pair with its ends already inside their namespaces."""
    return tuple(_cable(link, topology, paths) for link in topology.links)


def _cable(link: Link, topology: Topology, paths: LabPaths) -> str:
    ends = []
    for name, port in (link.a, link.b):
        (mac,) = (entry.mac for entry in topology.node(name).interfaces if entry.name == port)
        address = f" address {mac}" if mac else ""
        ends.append(f"name {port} netns {paths.namespace(name)}{address} mtu {link.mtu}")
    return f"link add {ends[0]} type veth peer {ends[1]}"


def node_plan(node: Node, paths: LabPaths) -> NamespacePlan:
    """The node's own configuration, for when its cables are plugged in."""
    lines = ["link set lo up"]
    if node.loopback is not None:
        lines.append(f"addr add {node.loopback}/32 dev lo")
    for svi in node.svis:
        lines += _svi_lines(svi, node)
    for interface in node.interfaces:
        if interface.vlan is not None:
            lines.append(f"link set {interface.name} master {interface.vlan.name}")
        lines += [_address(address, interface.name) for address in interface.addresses]
        lines.append(f"link set {interface.name} up")
    lines += [f"route add default via {gateway}" for gateway in node.gateways]
    return NamespacePlan(
        namespace=paths.namespace(node.name),
        before=ROUTER_SYSCTLS if node.is_router else HOST_SYSCTLS,
        ip=tuple(lines),
        bridge=tuple(_bridge_lines(node)),
        after=tuple(_svi_sysctls(node)),
    )


def _svi_lines(svi: Svi, node: Node) -> list[str]:
    vlan = svi.vlan
    bridge = f"stp_state 0 forward_delay 0 ageing_time {AGEING_CENTISECONDS} mcast_snooping 0"
    return [
        f"link add {vlan.name} address {svi.mac} type bridge {bridge}",
        f"link set {vlan.name} up",
        f"link add {vlan.vxlan} type vxlan id {vlan.vni} local {node.loopback} dstport 4789 nolearning",
        f"link set {vlan.vxlan} master {vlan.name}",
        f"link set {vlan.vxlan} up",
        *[_address(address, vlan.name) for address in svi.addresses],
        f"link add {vlan.vrr} link {vlan.name} address {vlan.vrr_mac} type macvlan mode private",
        f"link set {vlan.vrr} up",
        *[f"{_address(gateway, vlan.vrr)} metric {VRR_METRIC}" for gateway in vlan.gateways],
    ]


def _address(address: InterfaceAddress, interface: str) -> str:
    # nodad: usable at once; and whoever else has the anycast gateway is meant to have it.
    return f"addr add {address} dev {interface}" + (" nodad" if address.version == 6 else "")  # noqa: PLR2004


def _bridge_lines(node: Node) -> Iterator[str]:
    for svi in node.svis:
        # BGP alone says what is behind the VXLAN interface, and the bridge answers ARP and ND for it.
        yield f"link set dev {svi.vlan.vxlan} learning off neigh_suppress on"
        # Without a row of its own the VRR MAC is unknown to the bridge: it would flood frames for the gateway over
        # VXLAN, and every leaf, all having this MAC, would route its own copy.
        yield f"fdb add {svi.vlan.vrr_mac} dev {svi.vlan.name} self local"


def _svi_sysctls(node: Node) -> Iterator[tuple[str, str]]:
    if node.kind is not Kind.LEAF:
        return
    for svi in node.svis:
        # A gratuitous ARP makes a neighbor where there was none: the VIP must be learned before anyone asks for it.
        # 2: only inside the SVI's subnet (kernels before 5.18 take it for 1: any).
        yield f"net.ipv4.conf.{svi.vlan.name}.arp_accept", "2"
