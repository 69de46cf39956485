"""Rules that look across the whole inventory: what two clusters would do to each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tasks.intent.document import Path
from tasks.intent.instances import instances_of
from tasks.intent.lint.fabric import places, ports, vlans
from tasks.intent.lint.names import keepalived_names, macvlan, macvlans, routers
from tasks.intent.schema import ClusterEntry, ClustersFile
from tasks.model.address import IpAddress

Problem = tuple[Path, str]


def _vrids(parsed: ClustersFile) -> Iterator[Problem]:
    """A VRID belongs to one instance in a VLAN and family: two would take each other's adverts."""
    seen: dict[tuple[int, int, int], str] = {}
    for name, path, family, vrid in routers(parsed):
        key = (parsed.clusters[name].fabric.vni, family, vrid)
        if key in seen:
            why = f"{vrid} is cluster {seen[key]!r}'s on VNI {key[0]}"
            yield path, f"{why}; give each instance of a VLAN its own, 1 to 255"
        seen.setdefault(key, name)


def _shared_macvlans(parsed: ClustersFile) -> Iterator[Problem]:
    """A macvlan is named by its VRID and family alone, and a server may have the same VRID in two VLANs."""
    seen: dict[tuple[str, int, int], str] = {}
    for name, path, family, vrid in routers(parsed):
        cluster = parsed.clusters[name]
        for host in cluster.servers if cluster.use_vmac else ():
            other = seen.setdefault((host, family, vrid), name)
            if other != name:
                why = f"{vrid} is cluster {other!r}'s, whose macvlan {macvlan(family, vrid)} stands on {host}"
                yield path, f"{why} already; give each cluster with use_vmac its own there"
                break


def _addresses(parsed: ClustersFile) -> Iterator[Problem]:
    """An address has one use in a VLAN, and a server has it on one interface."""
    seen: dict[tuple[int, str], tuple[str, str]] = {}
    for name, cluster in parsed.clusters.items():
        for path, address, use in _uses(name, cluster):
            where = (cluster.fabric.vni, str(address))
            owner, interface = seen.get(where, use)
            if (owner, interface) != use:
                known = owner if owner != use[0] else f"on {interface} of {owner}"
                yield ("clusters", name, *path), f"{address} is already {known}; give each its own address"
            elif where in seen and path[0] != "servers":
                yield ("clusters", name, *path), f"{address} stands twice; keep one"
            seen.setdefault(where, use)


def _uses(name: str, cluster: ClusterEntry) -> Iterator[tuple[Path, IpAddress, tuple[str, str]]]:
    """Path, address, and whose it is on which interface; a VIP is on none for good."""
    for place, instance in instances_of(cluster):
        for key in ("vips", "excluded"):
            for index, vip in enumerate(getattr(instance, key)):
                yield (*place, key, index), vip.ip, (f"a VIP of {name}", "")
    for key in ("address", "address6"):
        for host, server in cluster.servers.items():
            own = getattr(server, key)
            if own is not None:
                yield ("servers", host, key), own.ip, (host, server.interface)


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


ACROSS_RULES: tuple[Callable[[ClustersFile], Iterator[Problem]], ...] = (
    vlans,
    _vrids,
    _shared_macvlans,
    macvlans,
    keepalived_names,
    _addresses,
    _servers,
    ports,
    places,
)
