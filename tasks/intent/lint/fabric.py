"""Rules that look across the whole inventory at the fabric: what its VLANs are, and who hangs where."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.intent.document import Path
from tasks.intent.schema import ClustersFile, FabricEntry

Problem = tuple[Path, str]


def vlans(parsed: ClustersFile) -> Iterator[Problem]:
    """A VLAN is described alike by all its clusters: VRIDs and addresses are told apart by the VNI alone.

    Where they share a leaf, since two fabrics may use one number or name for different things.
    """
    earlier: list[tuple[str, FabricEntry]] = []
    for name, cluster in parsed.clusters.items():
        here = cluster.fabric
        for other, there in earlier:
            leaf = next((each for each in here.leaves if each in there.leaves), None)
            clash = _clash(here, there, other, leaf) if leaf is not None else None
            if clash is not None:
                kind, text = clash
                yield ("clusters", name, "fabric", kind), text
                break
        earlier.append((name, here))


def _clash(here: FabricEntry, there: FabricEntry, other: str, leaf: str) -> tuple[str, str] | None:
    """The first of a VLAN's interfaces that two clusters disagree on; what follows from one typo is told once."""
    for kind in ("svi", "vxlan", "vrr"):
        mine, known = getattr(here, kind), getattr(there, kind)
        many = kind == "vxlan" and _vlan_aware(here) and _vlan_aware(there)
        if mine is None or known is None:
            continue
        if mine == known and here.vni != there.vni and not many:
            why = f"{mine} on {leaf} has VNI {there.vni} in cluster {other!r}, {here.vni} here"
            return kind, f"{why}; name the same vni in both, or this VLAN's own {kind}"
        if mine != known and here.vni == there.vni:
            why = f"VNI {here.vni} on {leaf} has {known} in cluster {other!r}, {mine} here"
            return kind, f"{why}; name the same {kind} in both, or this VLAN's own vni"
    return None


def _vlan_aware(fabric: FabricEntry) -> bool:
    """May a VXLAN device of its bridge carry many VNIs? A traditional bridge is its own SVI and has one VLAN."""
    return fabric.vlan is not None or fabric.bridge not in {None, fabric.svi}


def ports(parsed: ClustersFile) -> Iterator[Problem]:
    """A port has one server behind it; a pair's bond is one port on each of the two, a trunk is one server's too."""
    seen: dict[tuple[str, str], str] = {}
    for cluster, entry in parsed.clusters.items():
        for name, server in entry.servers.items():
            for leaf in dict.fromkeys(server.leaves):
                if server.port is None:
                    continue
                other = seen.setdefault((leaf, server.port), name)
                if other != name:
                    why = f"{leaf} {server.port} is {other}'s port"
                    mend = f"name {name}'s own, or leave port out where both are behind it"
                    yield ("clusters", cluster, "servers", name, "port"), f"{why}; {mend}"


def places(parsed: ClustersFile) -> Iterator[Problem]:
    """A server's interface hangs in one place, however many clusters name it."""
    seen: dict[tuple[str, str, str], tuple[str, str]] = {}
    for name, cluster in parsed.clusters.items():
        for host, server in cluster.servers.items():
            declared = {"leaf": " and ".join(sorted(set(server.leaves))), "port": server.port or ""}
            for key, value in declared.items():
                other, known = seen.setdefault((host, server.interface, key), (name, value)) if value else (name, "")
                if known != value:
                    why = f"{server.interface} of {host} hangs on {known} in cluster {other!r}, on {value} here"
                    yield ("clusters", name, "servers", host, key), f"{why}; name the same {key} in both"
                    break
