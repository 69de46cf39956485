"""Two looks at servers around a change: what is not as it was, and what became worse of their clusters."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from tasks.judge.instances import carries, family_of, instance_of
from tasks.model.cluster import Cluster, Server
from tasks.model.reading import Read, Reading, Unread
from tasks.model.server import ConfigFile, Instance, ServerFacts, Service
from tasks.render.sysctl import SYSCTL_FILE
from tasks.server.firewall.model import Firewall


def masters_of(
    clusters: Sequence[Cluster],
    told: Mapping[str, Reading[tuple[Instance, ...]]],
    outside: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> dict[str, int]:
    """Masters by instance, of those whose servers all told: whatever holds a VIP of the cluster counts, too.

    `outside`: by instance, servers that run it and are not in the cluster (any more).
    """
    found: dict[str, int] = {}
    for cluster in clusters:
        states = {server: told[server.name] for server in cluster.servers}
        others = [told[name] for name in outside.get(cluster.instance, ())]
        if any(isinstance(each, Unread) for each in (*states.values(), *others)):
            continue
        found[cluster.instance] = sum(
            any(_leads(each, read.value, cluster, server) for each in read.value)
            for server, read in states.items()
            if isinstance(read, Read)
        ) + sum(any(_holds(each, cluster) for each in read.value) for read in others if isinstance(read, Read))
    return found


def _leads(each: Instance, among: Sequence[Instance], cluster: Cluster, server: Server) -> bool:
    return each.state == "master" and (carries(each, cluster) or each is instance_of(among, cluster, server))


def _holds(each: Instance, cluster: Cluster) -> bool:
    same = (each.vrid, family_of(each)) == (cluster.vrid, cluster.family)
    return each.state == "master" and (carries(each, cluster) or same)


def worse(before: Mapping[str, int], after: Mapping[str, int], leaves: Collection[str] = ()) -> str | None:
    """What a change made worse of a cluster, beyond the server itself; None: nothing.

    `leaves`: instances that the server gives up; who is their master next may come after it.
    """
    for instance, count in after.items():
        was = before.get(instance, 0)
        if count > max(1, was):
            return f"{instance} has {count} masters"
        if was and not count and instance not in leaves:
            return f"{instance} has no master any more"
    return None


def differing(before: ServerFacts, after: ServerFacts) -> list[str]:
    """What the way back did not make as it was; what can't be read counts as differing."""
    pairs: tuple[tuple[str, Reading[Any], Reading[Any]], ...] = (
        ("keepalived.conf", before.config, after.config),
        ("keepalived.service", before.service, after.service),
        ("firewall", before.firewall, after.firewall),
        (SYSCTL_FILE, before.sysctl_file, after.sysctl_file),
        ("arp_announce", _shared(before, after), _shared(after, before)),
    )
    found = []
    for name, old, new in pairs:
        if isinstance(old, Read) and isinstance(new, Read) and _essence(old.value) == _essence(new.value):
            continue
        found.append(name)
    return found


def _shared(facts: ServerFacts, other: ServerFacts) -> Reading[Mapping[str, int]]:
    """arp_announce of the interfaces that were there both times: the macvlan of use_vmac comes and goes."""
    read, also = facts.arp_announce, other.arp_announce
    if isinstance(read, Unread) or isinstance(also, Unread):
        return read
    return Read(value={name: value for name, value in read.value.items() if name in also.value}, source=read.source)


def _essence(value: object) -> object:
    """What counts of it: not when it happened, nor what counters say, nor the handles that a kernel gives anew."""
    if isinstance(value, Service):
        # Whoever stops a service that had failed finds it inactive: it runs as little as before.
        return ("inactive" if value.active == "failed" else value.active, value.enabled)
    if isinstance(value, ConfigFile):
        return (value.text, value.owner, value.group, value.mode)
    if isinstance(value, Firewall):
        rules = [(chain.policy, [rule.steady for rule in chain.rules]) for chain in value.chains]
        return (value.manager, rules, value.kept)
    return value
