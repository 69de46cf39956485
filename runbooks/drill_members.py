"""Who takes over from whom in a drill, within what time, and what moves with it."""

from __future__ import annotations

from collections.abc import Mapping

from runbooks.session import Session
from tasks.intent.timers import Bound, failback_bound, failover_bound
from tasks.judge.duplicates import flagged
from tasks.judge.instances import instance_of
from tasks.judge.subject import Subject
from tasks.model.address import IpInterface
from tasks.model.answer import Reply
from tasks.model.cluster import Cluster, Server
from tasks.model.errors import RefusedError
from tasks.model.reading import Read
from tasks.observe.server import server_facts


def heir_of(cluster: Cluster, target: str, owner: str) -> Server:
    """Who has the VIPs while the target is down: whoever has them, or the highest of the others."""
    if target != owner:
        return cluster.server(owner)
    return max((server for server in cluster.servers if server.name != target), key=lambda server: server.priority)


def vips_of(session: Session, server: Server) -> list[IpInterface]:
    """Every VIP that keepalived may put on this server: they come and go by its word, not by the drill's."""
    return [vip for cluster in session.memberships(server.name) for vip in cluster.vips]


def flagged_leaves(facts: tuple[Subject, ...]) -> tuple[str, ...]:
    """The leaves that hold a VIP for a duplicate."""
    return tuple(
        dict.fromkeys(leaf for subject in facts for leaf, table in subject.leaves.items() if flagged(subject, table))
    )


def bound_of(cluster: Cluster, target: Server, owner: Server, heir: Server, replies: Mapping[str, Reply]) -> Bound:
    """From the timers in force, as the heir's keepalived tells them; tripping a backup explains no outage."""
    if target.name != owner.name:
        return failback_bound(cluster.fabric.allowance_s)
    instances = server_facts(heir.name, replies[heir.name]).instances
    running = instances.value if isinstance(instances, Read) else ()
    instance = instance_of(running, cluster, heir)
    if instance is not None:
        allowance = cluster.fabric.allowance_s
        return failover_bound(instance.version, instance.advert_int, instance.effective_priority, allowance)
    raise RefusedError(f"{heir.name} did not tell its timers, so no bound can be computed")
