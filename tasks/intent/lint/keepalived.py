"""Rules on what keepalived makes of an intent: combinations that it ignores, refuses, or that never work."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tasks.intent.document import Path
from tasks.intent.expand import SECOND, clusters_of, garp_of, longest_down_s
from tasks.intent.instances import families, instances_of
from tasks.intent.lint.extra import extra_lines
from tasks.intent.lint.track import tracked, weak
from tasks.intent.schema import ClusterEntry
from tasks.model.address import IPV6

Problem = tuple[Path, str]
_GARP_FACTOR = 5
"""How many times the longest failover the second burst of a fast cluster may take; keepalived counts whole seconds."""


def _sources(cluster: ClusterEntry) -> Iterator[Problem]:
    """IPv6 adverts come from an IPv6 address, which the peers' firewalls must know."""
    six = any(IPV6 in families(cluster, instance) for _, instance in instances_of(cluster))
    example = "fd00:100:65::11/64" if cluster.unicast else "fe80::a00:27ff:fe7d:afb4/64"
    for name, server in cluster.servers.items():
        path: Path = ("servers", name, "address6")
        if six and server.address6 is None:
            why = "missing; with VRRPv3 IPv6 VIPs have adverts of their own, from an IPv6 address of each server"
            yield path, f"{why}; add it, as {example}"
        elif server.address6 is not None and not six:
            yield path, "no IPv6 VIP has adverts of its own here; remove it"
        elif server.address6 is not None and server.address6.ip.is_link_local == cluster.unicast:
            kind = "link-local, and peers are told a routable one" if cluster.unicast else "not link-local"
            why = f"{server.address6} is {kind}: multicast adverts come from a link-local address (RFC 9568 5.1.2.1)"
            yield path, f"{why}; write it as {example}"


def _second_vrid(cluster: ClusterEntry) -> Iterator[Problem]:
    for place, instance in instances_of(cluster):
        if instance.vrid6 is not None and families(cluster, instance) != (4, 6):
            yield (*place, "vrid6"), "there is no second instance for IPv6 VIPs; remove it"


def _subnets6(cluster: ClusterEntry) -> Iterator[Problem]:
    """The servers tell one IPv6 subnet, and an IPv6 VIP is inside it. Link-local addresses tell none."""
    told = {name: each.address6 for name, each in cluster.servers.items() if each.address6 is not None}
    routable = {name: address for name, address in told.items() if not address.ip.is_link_local}
    if not routable:
        return
    first, subnet = next((name, address.network) for name, address in routable.items())
    for name, address in routable.items():
        if address.network != subnet:
            why = f"{address} is outside {subnet}, the subnet of {first}"
            yield ("servers", name, "address6"), f"{why}; members of a cluster are in one"
    for place, instance in instances_of(cluster):
        for index, vip in enumerate(instance.vips):
            if vip.version == IPV6 and vip.network != subnet:
                yield (*place, "vips", index), f"{vip} is outside {subnet}, the subnet of the servers; take one inside"


def _preempt(cluster: ClusterEntry) -> Iterator[Problem]:
    if cluster.preempt:
        return
    if cluster.preempt_delay:
        yield ("preempt_delay",), "nothing to delay with preempt: false, and keepalived drops one of the two; remove it"
    for kind in ("scripts", "processes"):
        for name, each in getattr(cluster.track, kind).items():
            if each.weight:
                why = "with preempt: false nobody takes the VIP from a master whose priority fell"
                yield ("track", kind, name, "weight"), f"{why}; leave weight out, so that it goes to FAULT"


def _priorities_named(cluster: ClusterEntry) -> Iterator[Problem]:
    for name, instance in cluster.instances.items():
        for host in instance.priorities:
            if host not in cluster.servers:
                accepted = ", ".join(cluster.servers)
                yield ("instances", name, "priorities", host), f"not a server of this cluster; accepted: {accepted}"
        if name == "6" or name.endswith("_6"):
            yield ("instances", name), "a name that ends as those of IPv6 instances do; take another one"


def _sync_group(cluster: ClusterEntry) -> Iterator[Problem]:
    if not cluster.sync_group:
        return
    if len(clusters_of("any", cluster, None)) == 1:
        yield ("sync_group",), "one instance alone has nothing to be in step with; remove it, or add instances"
    for name, instance in cluster.instances.items():
        if instance.priorities:
            why = "instances of a sync group move together, and other priorities would pull them apart"
            yield ("instances", name, "priorities"), f"{why}; remove them, or set sync_group: false"


def _garp(cluster: ClusterEntry) -> Iterator[Problem]:
    """A fast failover whose first burst is lost lasts until the second one."""
    longest, delay = longest_down_s(cluster), garp_of(cluster).delay_s
    allowed = max(SECOND, _GARP_FACTOR * longest)
    if cluster.advert_int < SECOND and delay > allowed:
        why = f"{delay} s: a failover of {longest:.2f} s would last that long if its first gratuitous ARPs were lost"
        yield ("garp", "delay"), f"{why}; give at most {int(allowed)}, or leave it out (1)"


def _excluded(cluster: ClusterEntry) -> Iterator[Problem]:
    for place, instance in instances_of(cluster):
        known = {vip.ip for vip in instance.vips}
        for index, vip in enumerate(instance.excluded):
            if vip.ip in known:
                yield (*place, "excluded", index), f"{vip.ip} stands in vips too; keep one"


KEEPALIVED_RULES: tuple[Callable[[ClusterEntry], Iterator[Problem]], ...] = (
    _sources,
    _second_vrid,
    _subnets6,
    _preempt,
    _priorities_named,
    _sync_group,
    _garp,
    _excluded,
    tracked,
    extra_lines,
)


def _flapping(cluster: ClusterEntry) -> Iterator[Problem]:
    """A server whose way comes and goes takes the VIP each time that it comes."""
    if not cluster.preempt or cluster.preempt_delay:
        return
    mend = "set preempt_delay, as 30, or preempt: false"
    for name, server in cluster.servers.items():
        if len(server.leaves) > 1:
            why = f"{name} hangs on {' and '.join(server.leaves)}, whose ports may forward seconds after they are up"
            yield ("preempt_delay",), f"0 s, and {why}; {mend}"
            return
    tracked = [*cluster.track.interfaces, *cluster.track.scripts, *cluster.track.processes]
    if tracked:
        yield ("preempt_delay",), f"0 s, and each time that {tracked[0]} comes back the VIP moves; {mend}"


ADVICE: tuple[Callable[[ClusterEntry], Iterator[Problem]], ...] = (_flapping, weak)
