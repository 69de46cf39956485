"""Which running vrrp_instance is a cluster's: the same virtual router, whatever its name is."""

from __future__ import annotations

from collections.abc import Iterable

from tasks.model.cluster import Cluster, Server
from tasks.model.server import Instance

_IPV4 = 4
_V2 = 2


def instance_of(instances: Iterable[Instance], cluster: Cluster, server: Server) -> Instance | None:
    """The instance of the cluster's VRID and family on the server's interface (with use_vmac: on what it is made on).

    keepalived leaves the interface out while it is gone, and old releases do with use_vmac: then the one of that VRID
    and family that no other interface claims, and of several the one that bears the cluster's name.
    """
    same = [each for each in instances if each.vrid == cluster.vrid and family_of(each) in {cluster.family, None}]
    found = [each for each in same if each.interface == server.interface]
    found = found or [each for each in same if not each.interface]
    named = [each for each in found if each.name == cluster.instance]
    if len(found) > 1 and not named:
        # One virtual router can't run twice on an interface: which of these it is can't be told.
        certain = [each for each in found if each.advertised]
        found = certain if len(certain) == 1 else []
    return next(iter(named or found), None)


def carries(instance: Instance, cluster: Cluster) -> bool:
    """Does it hold a VIP of the cluster when it is master, as whatever virtual router?"""
    wanted = {vip.ip for vip in cluster.vips}
    return any(vip.ip in wanted for vip in instance.vips)


def family_of(instance: Instance) -> int | None:
    """IP version of its adverts: that of the VIPs in them, whatever the family of those that are not.

    Without any in them it is IPv4: keepalived's default, and VRRPv2 has no other. None where that can't be told.
    """
    if instance.advertised:
        return instance.advertised[0].version
    return _IPV4 if instance.version == _V2 else None
