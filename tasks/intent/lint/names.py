"""Rules on names: those that the kernel knows interfaces by, and those that keepalived is told."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.intent.document import Path
from tasks.intent.expand import clusters_of
from tasks.intent.instances import families, instances_of
from tasks.intent.schema import ClusterEntry, ClustersFile
from tasks.model.address import IPV6

Problem = tuple[Path, str]
# The kernel refuses the dots, sysctl has the words for itself, and tools take what begins with a dash for an option.
_NO_INTERFACES = {".", "..", "all", "default"}


def interfaces(cluster: ClusterEntry) -> Iterator[Problem]:
    """What is declared as an interface can be one's name."""
    fabric = cluster.fabric
    for path, name in (
        *((("servers", host, "interface"), each.interface) for host, each in cluster.servers.items()),
        *((("servers", host, "port"), each.port) for host, each in cluster.servers.items()),
        *((("fabric", key), getattr(fabric, key)) for key in ("svi", "vxlan", "vrr", "bridge")),
        *((("track", "interfaces", index), each) for index, each in enumerate(cluster.track.interfaces)),
    ):
        if name is not None and (name in _NO_INTERFACES or name.startswith("-")):
            why = f"{name!r} can be no interface's name"
            yield path, f"{why}; name one as `ip link` shows it, not '.', '..', 'all', 'default' or with a dash first"


def routers(parsed: ClustersFile) -> Iterator[tuple[str, Path, int, int]]:
    """Cluster, path of the VRID, family and VRID of every instance."""
    for name, cluster in parsed.clusters.items():
        for place, instance in instances_of(cluster):
            for family in families(cluster, instance):
                own = instance.vrid6 if family == IPV6 else None
                vrid, key = (instance.vrid, "vrid") if own is None else (own, "vrid6")
                yield name, ("clusters", name, *place, key), family, vrid


def macvlan(family: int, vrid: int) -> str:
    """What keepalived is told to name the interface of use_vmac."""
    return f"vrrp6_{vrid}" if family == IPV6 else f"vrrp{vrid}"


def macvlans(parsed: ClustersFile) -> Iterator[Problem]:
    """A macvlan of use_vmac is keepalived's to make: no cluster stands on it, or tracks it, where it is."""
    made: dict[tuple[str, str], str] = {}
    for name, _, family, vrid in routers(parsed):
        cluster = parsed.clusters[name]
        for host in cluster.servers if cluster.use_vmac else ():
            made.setdefault((host, macvlan(family, vrid)), name)
    for name, cluster in parsed.clusters.items():
        named: list[tuple[Path, str, str]] = [
            (("servers", host, "interface"), host, each.interface) for host, each in cluster.servers.items()
        ]
        for index, each in enumerate(cluster.track.interfaces):
            host = next((host for host in cluster.servers if (host, each) in made), "")
            named.append((("track", "interfaces", index), host, each))
        for path, host, each in named:
            if (host, each) in made:
                why = f"{each} on {host} is cluster {made[host, each]!r}'s macvlan that keepalived makes for use_vmac"
                yield ("clusters", name, *path), f"{why}; name the interface that it stands on"


def keepalived_names(parsed: ClustersFile) -> Iterator[Problem]:
    """Each vrrp_instance, script and process has a name of its own: of two alike keepalived takes one, or none.

    Scripts and processes in the file of one server, instances everywhere: masters are counted by their names. A sync
    group has the name of an instance in it, and collides where that does.
    """
    seen: dict[tuple[str, str, str], tuple[str, str]] = {}
    for cluster, entry in parsed.clusters.items():
        for kind, path, name, hosts in _named(cluster, entry):
            what = ".".join(map(str, (cluster, *path)))
            others = [seen.setdefault((kind, name, host), (cluster, what)) for host in hosts]
            other = next((known for known in others if known[0] != cluster), None)
            if other is not None:
                why = f"its {kind} in keepalived.conf is {name}, and so is that of {other[1]}"
                yield ("clusters", cluster, *path), f"{why}; rename one of the two"


def _named(cluster: str, entry: ClusterEntry) -> Iterator[tuple[str, Path, str, tuple[str, ...]]]:
    """Kind, path, name and servers of what keepalived is told by name; no server where the name is everybody's."""
    for each in clusters_of(cluster, entry, None):
        own = next((name for name in entry.instances if each.label in {name, f"{name}_6"}), None)
        yield "instance", () if own is None else ("instances", own), each.instance, ("",)
    hosts = tuple(entry.servers)
    for name in entry.track.scripts:
        yield "script", ("track", "scripts", name), f"{cluster}_{name}", hosts
    for name in entry.track.processes:
        yield "process", ("track", "processes", name), f"{cluster}_{name}", hosts
