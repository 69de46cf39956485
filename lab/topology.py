"""topology.yaml → `Topology`: the one gate through which the lab's data enters.

Raises LabUsageError with the file, the path inside it and what is wrong there.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from lab.coherence import contradictions
from lab.errors import LabUsageError
from lab.model import Distribution, Interface, Kind, Link, Node, Svi, Topology, Vlan
from lab.schema import HostSpec, LeafSpec, NodeSpec, ServerSpec, SpineSpec, TopologySpec
from tasks.intent.document import read_document
from tasks.model.errors import IntentError

TOPOLOGY_FILE = Path(__file__).with_name("topology.yaml")
ROUTERS = (Kind.LEAF, Kind.SPINE)


def load_topology(path: Path | None = None) -> Topology:
    """Read, check and freeze; LabUsageError when the file is missing, unreadable or contradicts itself."""
    path = path or TOPOLOGY_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path}: cannot be read: {error}"
        raise LabUsageError(message) from error
    return parse_topology(text, str(path))


def parse_topology(text: str, origin: str) -> Topology:
    """The same for text; `origin` names it in errors."""
    try:
        document = read_document(text, origin)
    except IntentError as error:
        raise LabUsageError("; ".join(error.problems)) from error
    try:
        spec = TopologySpec.model_validate(document.value)
    except ValidationError as error:
        raise LabUsageError(
            "; ".join(f"{document.place(each['loc'])}: {each['msg']}" for each in error.errors())
        ) from error
    problems = contradictions(spec)
    if problems:
        message = f"{origin}: {'; '.join(problems)}"
        raise LabUsageError(message)
    return _freeze(spec)


def _freeze(spec: TopologySpec) -> Topology:
    vlans = {
        name: Vlan(name=name, vni=vlan.vni, gateways=tuple(vlan.gateways), vrr_mac=vlan.vrr_mac)
        for name, vlan in spec.vlans.items()
    }
    links = tuple(_link(spec, a, b) for a, b in spec.links)
    fabric = {end for link in links for end in (link.a, link.b) if _is_fabric(spec, link)}
    return Topology(
        suite=spec.suite,
        packages=tuple(sorted(spec.packages)),
        offline_packages=tuple(sorted(spec.offline_packages)),
        nodes=tuple(_node(name, node, spec.users[node.kind], vlans, fabric) for name, node in spec.nodes.items()),
        links=links,
        clusters=spec.clusters,
    )


def _link(spec: TopologySpec, a: str, b: str) -> Link:
    (a_node, a_port), (b_node, b_port) = a.split(":"), b.split(":")
    link = Link(a=(a_node, a_port), b=(b_node, b_port), mtu=spec.mtu.access)
    return Link(a=link.a, b=link.b, mtu=spec.mtu.fabric) if _is_fabric(spec, link) else link


def _is_fabric(spec: TopologySpec, link: Link) -> bool:
    return all(spec.nodes[end[0]].kind in ROUTERS for end in (link.a, link.b))


def _node(name: str, spec: NodeSpec, user: str, vlans: dict[str, Vlan], fabric: set[tuple[str, str]]) -> Node:
    interfaces = tuple(
        Interface(
            name=port,
            addresses=tuple(entry.addresses),
            mac=entry.mac,
            vlan=vlans[entry.vlan] if entry.vlan else None,
            fabric=(name, port) in fabric,
        )
        for port, entry in spec.interfaces.items()
    )
    match spec:
        case HostSpec():
            return Node(
                name=name,
                kind=spec.kind,
                user=user,
                interfaces=interfaces,
                description=spec.description,
                gateways=tuple(spec.gateways),
                firewall=spec.firewall if isinstance(spec, ServerSpec) else None,
                distribution=spec.distribution if isinstance(spec, ServerSpec) else Distribution.DEBIAN,
            )
        case SpineSpec() | LeafSpec():
            svis = spec.svis if isinstance(spec, LeafSpec) else {}
            return Node(
                name=name,
                kind=spec.kind,
                user=user,
                interfaces=interfaces,
                description=spec.description,
                asn=spec.asn,
                loopback=spec.loopback,
                svis=tuple(
                    Svi(vlan=vlans[vlan], addresses=tuple(svi.addresses), mac=svi.mac) for vlan, svi in svis.items()
                ),
            )
    message = f"no such kind of node: {spec!r}"
    raise TypeError(message)
