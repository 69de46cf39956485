"""Whether a well-formed topology fits together: pure, and it names every contradiction it finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import chain

from lab.model import Kind
from lab.schema import (
    ClientSpec,
    HostSpec,
    InterfaceSpec,
    LeafSpec,
    ServerSpec,
    SpineSpec,
    SviSpec,
    TopologySpec,
    VlanSpec,
)


def contradictions(spec: TopologySpec) -> list[str]:
    """One line each, "path: what is wrong"; empty when the topology fits together."""
    checks: list[Callable[[TopologySpec], Iterator[str]]] = [
        _users,
        _ports,
        _links,
        _vlans,
        _svis,
        _gateways,
        _in_a_vlan,
        _twice,
    ]
    # A link to a node that does not exist makes the later checks meaningless.
    unknown = list(_links_unknown(spec))
    return unknown or list(chain.from_iterable(check(spec) for check in checks))


def _users(spec: TopologySpec) -> Iterator[str]:
    for kind in sorted({node.kind for node in spec.nodes.values()} - set(spec.users)):
        yield f"users.{kind}: missing, and there is a node of this kind"


def _links_unknown(spec: TopologySpec) -> Iterator[str]:
    for index, link in enumerate(spec.links):
        for end in link:
            node, port = end.split(":")
            if node not in spec.nodes:
                yield f"links.{index}: no node {node} (nodes: {', '.join(spec.nodes)})"
            elif port not in spec.nodes[node].interfaces:
                yield f"links.{index}: {node} has no interface {port}"


def _links(spec: TopologySpec) -> Iterator[str]:
    ends = Counter(end for link in spec.links for end in link)
    yield from (f"links: {end} is used {count} times" for end, count in ends.items() if count > 1)
    for name, node in spec.nodes.items():
        yield from (
            f"nodes.{name}.interfaces.{port}: no link ends there"
            for port in node.interfaces
            if f"{name}:{port}" not in ends
        )


def _ports(spec: TopologySpec) -> Iterator[str]:
    for name, node in spec.nodes.items():
        for port, entry in node.interfaces.items():
            where = f"nodes.{name}.interfaces.{port}"
            if entry.vlan is not None and node.kind is not Kind.LEAF:
                yield f"{where}.vlan: only a leaf has access ports"
            elif entry.vlan is not None and isinstance(node, LeafSpec) and entry.vlan not in node.svis:
                yield f"{where}.vlan: {name} has no SVI of {entry.vlan}"
            if entry.vlan is not None and entry.addresses:
                yield f"{where}: an access port has no address"


def _vlans(spec: TopologySpec) -> Iterator[str]:
    yield from _repeated("vlans: VNI", (vlan.vni for vlan in spec.vlans.values()))
    # 15 characters is the kernel's limit; the name of the VXLAN interface is made from the VNI.
    for name in spec.vlans:
        if name in {f"vni{vlan.vni}" for vlan in spec.vlans.values()}:
            yield f"vlans.{name}: the name of a VXLAN interface"


def _svis(spec: TopologySpec) -> Iterator[str]:
    for name, node in spec.nodes.items():
        for vlan, svi in node.svis.items() if isinstance(node, LeafSpec) else ():
            where = f"nodes.{name}.svis.{vlan}"
            if vlan not in spec.vlans:
                yield f"{where}: no such VLAN"
            else:
                yield from _svi(where, svi, spec.vlans[vlan])


def _svi(where: str, svi: SviSpec, vlan: VlanSpec) -> Iterator[str]:
    gateways = {gateway.network: gateway.ip for gateway in vlan.gateways}
    for address in svi.addresses:
        if address.network not in gateways:
            yield f"{where}.addresses: {address} is not in {' or '.join(map(str, gateways))}"
        elif address.ip == gateways[address.network]:
            yield f"{where}.addresses: {address.ip} is the anycast gateway"
    # A gateway is answered for by leaves that route there: without an address of its own a leaf asks for no neighbor.
    yield from (
        f"{where}.addresses: none in {network}"
        for network in gateways
        if network not in {address.network for address in svi.addresses}
    )


def _gateways(spec: TopologySpec) -> Iterator[str]:
    for name, node in spec.nodes.items():
        networks = [address.network for entry in node.interfaces.values() for address in entry.addresses]
        for gateway in node.gateways if isinstance(node, HostSpec) else ():
            if not any(gateway in network for network in networks):
                yield f"nodes.{name}.gateways: {gateway} is on no interface's network"


def _in_a_vlan(spec: TopologySpec) -> Iterator[str]:
    """Servers and clients are behind access ports; whoever is elsewhere is outside."""
    peers = dict(chain.from_iterable(((a, b), (b, a)) for a, b in spec.links))
    for name, node in spec.nodes.items():
        for port in node.interfaces if isinstance(node, ServerSpec | ClientSpec) else ():
            peer, _, peer_port = peers.get(f"{name}:{port}", "").partition(":")
            if peer and spec.nodes[peer].interfaces[peer_port].vlan is None:
                yield f"nodes.{name}.interfaces.{port}: {peer}:{peer_port} is no access port of a VLAN"


def _twice(spec: TopologySpec) -> Iterator[str]:
    routers = [node for node in spec.nodes.values() if isinstance(node, LeafSpec | SpineSpec)]
    svis = [svi for node in routers if isinstance(node, LeafSpec) for svi in node.svis.values()]
    entries: list[SviSpec | InterfaceSpec] = [*svis]
    entries += [entry for node in spec.nodes.values() for entry in node.interfaces.values()]
    yield from _repeated("nodes: loopback", (node.loopback for node in routers))
    yield from _repeated("nodes: AS number", (node.asn for node in routers))
    yield from _repeated("nodes: address", (address.ip for entry in entries for address in entry.addresses))
    yield from _repeated("nodes: MAC", (entry.mac for entry in entries if entry.mac))


def _repeated(what: str, values: Iterable[Hashable]) -> Iterator[str]:
    yield from (f"{what} {value} is there {count} times" for value, count in Counter(values).items() if count > 1)
