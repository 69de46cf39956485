"""A cluster of the file becomes its VRRP instances: one a family with VRRPv3, and those that it names beside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tasks.intent.instances import families, instances_of
from tasks.intent.schema import ClusterEntry, InstanceEntry, ServerEntry, TrackEntry
from tasks.intent.timers import master_down_s
from tasks.model.address import IPV6
from tasks.model.cluster import CheckRule, Cluster, Fabric, Family, Secret, Server
from tasks.model.options import Garp, Notify, Track, TrackProcess, TrackScript

_GARP_DELAY_S = 5
_FAST_GARP_DELAY_S = 1
"""The second burst of a cluster that counts in fractions of a second; keepalived takes whole seconds."""
SECOND = 1.0


def clusters_of(name: str, entry: ClusterEntry, auth_pass: Secret | None) -> tuple[Cluster, ...]:
    """Every VRRP instance of the cluster, the first one first."""
    made = tuple(_instances(name, entry, auth_pass))
    if entry.sync_group is False or len(made) == 1:
        return made
    if entry.sync_group:
        return tuple(replace(each, sync_group=f"VG_{name}") for each in made)
    return tuple(_both_families(each, made) for each in made)


def _both_families(cluster: Cluster, made: tuple[Cluster, ...]) -> Cluster:
    """IPv4 and IPv6 of one service stay on one server: a sync group of the two."""
    key = _key(cluster)
    if sum(_key(each) == key for each in made) == 1:
        return cluster
    return replace(cluster, sync_group="_".join(part for part in ("VG", cluster.name, key) if part))


def _key(cluster: Cluster) -> str:
    """The label without its family."""
    return "" if cluster.label == str(IPV6) else cluster.label.removesuffix(f"_{IPV6}")


def _instances(name: str, entry: ClusterEntry, auth_pass: Secret | None) -> Iterator[Cluster]:
    base = _base(name, entry, auth_pass)
    for path, instance in instances_of(entry):
        key = path[-1] if path else ""
        servers = tuple(
            replace(each, priority=instance.priorities.get(each.name, each.priority)) for each in base.servers
        )
        for index, family in enumerate(families(entry, instance)):
            yield _instance(replace(base, servers=servers), str(key), instance, family, first=index == 0)


def _instance(base: Cluster, key: str, instance: InstanceEntry, family: Family, *, first: bool) -> Cluster:
    """One instance. What is outside the adverts travels with the first family; with VRRPv2 that is all of IPv6."""
    inside = [vip for vip in instance.vips if vip.version == family]
    outside = list(instance.excluded) if first else []
    if base.version == 2:  # noqa: PLR2004 - VRRP version 2
        outside = [vip for vip in instance.vips if vip.version == IPV6] + outside
    six = family == IPV6
    return replace(
        base,
        label="_".join(part for part in (key, "" if first else str(family)) if part),
        family=family,
        vrid=instance.vrid6 if six and instance.vrid6 is not None else instance.vrid,
        vips=tuple(sorted([*inside, *outside], key=lambda vip: vip.version)),
        excluded=tuple(outside),
    )


def _base(name: str, entry: ClusterEntry, auth_pass: Secret | None) -> Cluster:
    """What all instances have in common."""
    fabric = entry.fabric
    return Cluster(
        name=name,
        vrid=entry.vrid,
        version=entry.version,
        advert_int=entry.advert_int,
        preempt=entry.preempt,
        preempt_delay_s=entry.preempt_delay,
        unicast=entry.unicast,
        auth_type=entry.auth_type,
        auth_pass=auth_pass,
        vips=(),
        use_vmac=entry.use_vmac,
        servers=tuple(_server(host, server) for host, server in entry.servers.items()),
        fabric=Fabric(
            vni=fabric.vni,
            svi=fabric.svi,
            vrr=fabric.vrr,
            vxlan=fabric.vxlan,
            bridge=fabric.bridge or fabric.svi,
            vlan=fabric.vlan,
            leaves=tuple(fabric.leaves),
            allowance_s=fabric.allowance,
        ),
        probes=tuple(entry.probes),
        track=_track(entry.track, entry.script_user),
        garp=garp_of(entry),
        notify=Notify(**entry.notify.model_dump()),
        extra=tuple(entry.extra),
        checks=tuple(
            CheckRule(check=check, at_most=each.at_most, reason=each.reason) for check, each in entry.checks.items()
        ),
    )


def _server(host: str, server: ServerEntry) -> Server:
    return Server(
        name=host,
        interface=server.interface,
        address=server.address,
        address6=server.address6,
        priority=server.priority,
        leaves=server.leaves,
        port=server.port,
    )


def _track(entry: TrackEntry, user: str) -> Track:
    return Track(
        interfaces=tuple(entry.interfaces),
        scripts=tuple(
            TrackScript(
                name=name,
                command=each.command,
                interval_s=each.interval,
                timeout_s=each.timeout,
                fall=each.fall,
                rise=each.rise,
                weight=each.weight,
            )
            for name, each in entry.scripts.items()
        ),
        processes=tuple(
            TrackProcess(name=name, process=each.process, quorum=each.quorum, delay_s=each.delay, weight=each.weight)
            for name, each in entry.processes.items()
        ),
        script_user=user,
    )


def garp_of(entry: ClusterEntry) -> Garp:
    """A lost first burst must not cost many times what the failover takes: fast adverts get a fast second burst."""
    usual = _GARP_DELAY_S if entry.advert_int >= SECOND else _FAST_GARP_DELAY_S
    return Garp(
        delay_s=usual if entry.garp.delay is None else entry.garp.delay,
        repeat=entry.garp.repeat,
        refresh_s=entry.garp.refresh,
        lower_prio_delay_s=entry.garp.lower_prio_delay,
        lower_prio_repeat=entry.garp.lower_prio_repeat,
    )


def longest_down_s(entry: ClusterEntry) -> float:
    """The longest that a member waits for a silent master."""
    return max(master_down_s(entry.version, entry.advert_int, each.priority) for each in entry.servers.values())
