"""Which VRRP instances a cluster of the file has, before they are made."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.intent.document import Path
from tasks.intent.schema import ClusterEntry, InstanceEntry
from tasks.model.cluster import Family


def instances_of(cluster: ClusterEntry) -> Iterator[tuple[Path, InstanceEntry]]:
    """The path, inside the cluster, and the values of each instance; those of the first stand at the cluster itself."""
    own = {key: getattr(cluster, key) for key in ("vrid", "vrid6", "vips", "excluded")}
    yield (), InstanceEntry.model_construct(None, **own)
    yield from ((("instances", name), instance) for name, instance in cluster.instances.items())


def families(entry: ClusterEntry, instance: InstanceEntry | ClusterEntry) -> tuple[Family, ...]:
    """The families that the instance has adverts of. VRRPv2 has IPv4 alone (RFC 3768)."""
    found = {vip.version for vip in instance.vips}
    if entry.version == 2:  # noqa: PLR2004 - VRRP version 2
        return (4,)
    every: tuple[Family, ...] = (4, 6)
    return tuple(family for family in every if family in found)
