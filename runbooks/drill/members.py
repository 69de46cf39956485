"""What a drill begins with: the state before, who takes over from whom, within what time, and what moves with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runbooks.drill.probes import ProbePlan
from runbooks.session import Session, answers_of
from tasks.change.faults import Fault
from tasks.intent.timers import Bound
from tasks.judge.checks.duplicates import flagged
from tasks.judge.instances import instance_of
from tasks.judge.subject import Subject
from tasks.model.address import IpInterface
from tasks.model.answer import Answers, Command, Reply
from tasks.model.cluster import Cluster, Server
from tasks.model.errors import RefusedError
from tasks.model.reading import Read
from tasks.model.verdict import VipVerdict
from tasks.server.facts import server_facts
from tasks.transport import Script


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What was observed and judged before the fault, and who will measure."""

    replies: Mapping[str, Reply]
    found: tuple[Subject, ...]
    judged: tuple[VipVerdict, ...]
    probes: tuple[ProbePlan, ...]


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


def bound_of(fault: Fault, cluster: Cluster, heir: Server, replies: Mapping[str, Reply]) -> Bound:
    """Failover of a fault on the master, from the timers in force as the successor's keepalived reports them."""
    instances = server_facts(heir.name, replies[heir.name]).instances
    running = instances.value if isinstance(instances, Read) else ()
    instance = instance_of(running, cluster, heir)
    if instance is not None:
        allowance = cluster.fabric.allowance_s
        return fault.ending.bound(instance.version, instance.advert_int, instance.effective_priority, allowance)
    raise RefusedError(f"{heir.name} did not tell its timers, so no bound can be computed")


def ask(session: Session, host: str, commands: tuple[Command, ...], *, stop: bool = False) -> Answers:
    """One round trip; NoAnswerError when the host can't be asked. `stop`: at the first command that fails."""
    return answers_of(session, host, Script(commands=commands, stop_on_failure=stop))
