"""Rules that look across the whole inventory: what two clusters would do to each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tasks.intent.document import Path
from tasks.intent.instances import families, instances_of
from tasks.intent.schema import ClustersFile
from tasks.model.address import IPV6, IpAddress

Problem = tuple[Path, str]


def _routers(parsed: ClustersFile) -> Iterator[tuple[str, Path, int, int]]:
    """Cluster, path of the VRID, family and VRID of every instance."""
    for name, cluster in parsed.clusters.items():
        for place, instance in instances_of(cluster):
            for family in families(cluster, instance):
                own = family == IPV6 and instance.vrid6 is not None
                vrid = instance.vrid6 if own and instance.vrid6 is not None else instance.vrid
                yield name, ("clusters", name, *place, "vrid6" if own else "vrid"), family, vrid


def _vrids(parsed: ClustersFile) -> Iterator[Problem]:
    """A VRID belongs to one instance in a VLAN and family: two would take each other's adverts."""
    seen: dict[tuple[int, int, int], str] = {}
    for name, path, family, vrid in _routers(parsed):
        key = (parsed.clusters[name].fabric.vni, family, vrid)
        if key in seen:
            why = f"{vrid} is cluster {seen[key]!r}'s on VNI {key[0]}"
            yield path, f"{why}; give each instance of a VLAN its own, 1 to 255"
        seen.setdefault(key, name)


def _macvlans(parsed: ClustersFile) -> Iterator[Problem]:
    """A macvlan is named by its VRID and family alone, and a server may have the same VRID in two VLANs."""
    seen: dict[tuple[str, int, int], str] = {}
    for name, path, family, vrid in _routers(parsed):
        cluster = parsed.clusters[name]
        for host in cluster.servers if cluster.use_vmac else ():
            other = seen.setdefault((host, family, vrid), name)
            if other != name:
                macvlan = f"vrrp6_{vrid}" if family == IPV6 else f"vrrp{vrid}"
                why = f"{vrid} is cluster {other!r}'s, whose macvlan {macvlan} stands on {host}"
                yield path, f"{why} already; give each cluster with use_vmac its own there"
                break


def _addresses(parsed: ClustersFile) -> Iterator[Problem]:
    """An address has one use in a VLAN."""
    seen: dict[tuple[int, str], str] = {}
    for name, cluster in parsed.clusters.items():
        uses: list[tuple[Path, IpAddress, str]] = []
        for place, instance in instances_of(cluster):
            for key in ("vips", "excluded"):
                vips = enumerate(getattr(instance, key))
                uses += [((*place, key, i), vip.ip, f"a VIP of {name}") for i, vip in vips]
        uses += [(("servers", host, "address"), s.address.ip, host) for host, s in cluster.servers.items()]
        uses += [
            (("servers", host, "address6"), s.address6.ip, host) for host, s in cluster.servers.items() if s.address6
        ]
        for path, address, use in uses:
            where = (cluster.fabric.vni, str(address))
            if where in seen and seen[where] != use:
                yield ("clusters", name, *path), f"{address} is already {seen[where]}; give each its own address"
            elif where in seen and path[0] != "servers":
                yield ("clusters", name, *path), f"{address} stands twice; keep one"
            seen.setdefault(where, use)


def _servers(parsed: ClustersFile) -> Iterator[Problem]:
    """A server's interface is one thing, however many clusters name it."""
    seen: dict[tuple[str, str], tuple[str, int, str]] = {}
    for name, cluster in parsed.clusters.items():
        for host, server in cluster.servers.items():
            known = (name, cluster.fabric.vni, str(server.address))
            other, vni, address = seen.setdefault((host, server.interface), known)
            path: Path = ("clusters", name, "servers", host)
            if vni != cluster.fabric.vni:
                why = f"{server.interface} of {host} is on VNI {vni} in cluster {other!r}, on {cluster.fabric.vni} here"
                yield (*path, "interface"), f"{why}; an interface is in one VLAN"
            elif address != str(server.address):
                why = f"{server.interface} of {host} has {address} in cluster {other!r}"
                yield (*path, "address"), f"{why}; name the same address in both"


ACROSS_RULES: tuple[Callable[[ClustersFile], Iterator[Problem]], ...] = (_vrids, _macvlans, _addresses, _servers)
