"""Checks on who has the VIP: exactly one server, the right one, and nobody beside it."""

from __future__ import annotations

from dataclasses import replace

from tasks.judge.checks import Target, registered
from tasks.judge.subject import Check, Subject, holding
from tasks.model.cluster import Server
from tasks.model.reading import Read, Unread
from tasks.model.server import Instance
from tasks.model.verdict import Finding, VipState


@registered(
    "master",
    Target.CLUSTER,
    order=210,
    decides=True,
    reads="keepalived's own state on every server",
    passes="exactly one server is master",
    fails="none or several are; unknown when a server did not tell",
)
def judge_master(subject: Subject) -> Finding:
    """Exactly one keepalived says that it is master, and every other one that it is backup."""
    cluster = subject.cluster
    states: dict[str, str] = {}
    evidence = []
    for server in cluster.servers:
        instances = subject.servers[server.name].later
        instance = subject.instance_of(server.name)
        if not isinstance(instances, Unread):
            evidence.append(instances.source)
        states[server.name] = _state(instance)
    actual = ", ".join(f"{name} {state}" for name, state in states.items())
    check = Check(name="master", target=cluster.name, expected="exactly one master", evidence=tuple(evidence))
    masters = [name for name, state in states.items() if state == "master"]
    if len(masters) > 1:
        message = f"{' and '.join(masters)} are master at once: their adverts do not reach each other"
        return check.fails(message, actual, VipState.SPLIT_BRAIN)
    silent = [server.name for server in cluster.servers if isinstance(subject.instance_of(server.name), Unread)]
    silent = [name for name in silent if subject.disturbed(name, check.name) is None]
    if silent:
        return check.unknown(f"{', '.join(silent)} did not tell: {_reason(subject, silent[0])}")
    moving = [f"{name} was {change}" for name in states if (change := subject.changing(name)) is not None]
    if moving:
        return check.unknown(f"the master changed while we looked: {'; '.join(moving)}")
    if not masters:
        return check.fails("no server is master", actual, VipState.NO_MASTER)
    idle = [name for name, state in states.items() if state not in {"master", "backup"}]
    idle = [name for name in idle if subject.disturbed(name) is None]
    if idle:
        return check.warns(f"{masters[0]} is the one master, but {', '.join(idle)} could not take over", actual)
    return check.passes(f"{masters[0]} is the one master", actual)


def _state(instance: Instance | Unread | None) -> str:
    if isinstance(instance, Unread):
        return "unknown"
    return "without the instance" if instance is None else instance.state


def _reason(subject: Subject, server: str) -> str:
    instance = subject.instance_of(server)
    return instance.reason if isinstance(instance, Unread) else ""


@registered(
    "vip-address",
    Target.SERVER,
    order=220,
    decides=True,
    reads="ip -j addr",
    passes="the master bears the VIP on the declared interface, nobody else bears it anywhere",
    fails="the VIP is missing, misplaced, or on a server that is not master",
)
def judge_address(subject: Subject, server: Server) -> Finding:
    """The kernel of the master bears the VIP on its interface, or on its macvlan; no other server bears it anywhere."""
    check = Check(name="vip-address", target=server.name, expected=f"{subject.vip.ip} on the master alone")
    check, interfaces = check.reads(subject.servers[server.name].interfaces)
    instance = subject.instance_of(server.name)
    bearing = holding(interfaces, subject.vip)
    actual = ", ".join(each.name for each in bearing) or "nowhere"
    master = isinstance(instance, Instance) and instance.state == "master"
    declared = subject.cluster.bearing_interface(server)
    place = f"on {declared}" if master else "nowhere"
    check = replace(check, expected=f"{subject.vip.ip} {place}")
    if isinstance(instance, Unread) and bearing:
        return check.unread(instance)
    if not master and bearing:
        message = f"{server.name} bears {subject.vip.ip} on {actual} without being master"
        return check.fails(message, actual, VipState.SPLIT_BRAIN if len(subject.holders() or ()) > 1 else None)
    if not master:
        return check.passes(f"{server.name} does not bear {subject.vip.ip}", actual)
    if not bearing:
        return check.fails(f"{server.name} is master but does not bear {subject.vip.ip}", actual, VipState.NO_MASTER)
    if [each.name for each in bearing] != [declared]:
        return check.fails(f"{server.name} bears {subject.vip.ip} on {actual} instead of {declared}", actual)
    if subject.cluster.vmac not in {None, bearing[0].mac}:
        message = f"{declared} has MAC {bearing[0].mac} instead of {subject.cluster.vmac}, the virtual router's"
        return check.fails(message, str(bearing[0].mac))
    if subject.vip not in bearing[0].addresses:
        found = next(own for own in bearing[0].addresses if own.ip == subject.vip.ip)
        return check.fails(f"{subject.vip.ip} has prefix {found.network.prefixlen}", str(found))
    return check.passes(f"{server.name} bears {subject.vip} on {actual}", actual)


@registered(
    "preferred-master",
    Target.CLUSTER,
    order=230,
    reads="who bears the VIP",
    passes="it is the server with the highest priority, or the one that a drill expects",
    fails="a drill expected another server (outside a drill: warns, unless nopreempt)",
)
def judge_preferred(subject: Subject) -> Finding:
    """The master is the server that should be: the expected one, or the one with the highest priority."""
    highest = max(subject.cluster.servers, key=lambda server: server.priority)
    expected = subject.expected_owner or highest.name
    reads = (subject.servers[server.name].interfaces for server in subject.cluster.servers)
    evidence = tuple(read.source for read in reads if isinstance(read, Read))
    check = Check(name="preferred-master", target=subject.cluster.name, expected=expected, evidence=evidence)
    owner = subject.owner()
    if owner is None:
        return check.skips("no single server bears the VIP")
    if owner.name == expected:
        return check.passes(f"{owner.name} bears the VIP, as it should", owner.name)
    if subject.expected_owner is not None:
        return check.fails(f"{owner.name} bears the VIP instead of {expected}", owner.name)
    if not subject.cluster.preempt:
        return check.passes(f"{owner.name} keeps the VIP (nopreempt)", owner.name)
    return check.warns(f"{owner.name} bears the VIP although {expected} has the higher priority", owner.name)
