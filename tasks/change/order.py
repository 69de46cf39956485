"""In which order the servers of clusters are changed, so that at no moment two of them are master."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tasks.change.precedence import GAP_FIX, Rules, in_order
from tasks.change.wire import Wire, coming_wire, deaf, restarted, running_wire
from tasks.judge.instances import carries, instance_of
from tasks.model.cluster import Cluster, Server
from tasks.model.errors import RefusedError
from tasks.model.keepalived import DeclaredInstance
from tasks.model.reading import Read
from tasks.model.server import Instance, ServerFacts
from tasks.observe.keepalived_conf import read_conf
from tasks.observe.keepalived_declared import declared_instances

_LEADING = ("master", "backup", "fault")
"""Who leads comes first. One in fault, or in any other state (init), may be the master at any moment."""
_TWO = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One server's turn. `parks`: the servers whose keepalived does not run while this one is changed."""

    host: str
    parks: tuple[str, ...] = ()
    gap: str = ""
    """What is without a master for a moment, and why; the operator accepted it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """A server that runs the cluster's virtual router, or whichever holds its VIPs."""

    server: Server
    instance: Instance
    now: Wire
    then: Wire | None
    """None: it has none any more."""

    @property
    def name(self) -> str:
        return self.server.name

    @property
    def changes(self) -> bool:
        return self.now != self.then


def change_order(
    servers: Sequence[str],
    facts: Mapping[str, ServerFacts],
    clusters: Iterable[Cluster],
    configs: Mapping[str, str | None],
    *,
    allow_gap: bool = False,
) -> list[Stage]:
    """The servers in their order, `servers` being it where nothing else matters; RefusedError where none is safe.

    Backups come first and the master last: a change that goes wrong then goes wrong where it costs nothing. A server
    that does not run the instance yet comes after all that do, because with unicast they must know it first.

    Where a backup that was changed would not hear the master as it is, keepalived is stopped on the backups, the master
    is changed alone, and each backup is started with its new configuration: no moment has two masters, and none is
    without one, since keepalived goes on with an instance over a reload. Some changes it does not go on over: then the
    VIPs are without a master until the new instance has waited for one, and the operator has to accept that.

    `configs` are the configurations that will be, of the servers that change; `facts` are those of all members.
    """
    rules = Rules({name: set() for name in servers}, {name: set() for name in servers})
    confs = {name: read_conf("", {"": text or ""}, {}) for name, text in configs.items()}
    coming = {name: declared_instances(conf) for name, conf in confs.items()}
    partly = {name for name, conf in confs.items() if conf.problems or conf.includes or conf.conditional}
    listed = list(clusters)
    for cluster in listed:
        members = _members(cluster, facts, coming, partly)
        _refuse_silent(cluster, members, facts)
        _last(cluster, members, coming, partly, rules)
        _decide(cluster, members, rules)
    for leader, parked in rules.parks.items():
        rules.gaps.setdefault(leader, []).extend(_lost_by_parking(parked, facts, coming))
    gaps = list(dict.fromkeys(each for found in rules.gaps.values() for each in found))
    if gaps and not allow_gap:
        raise RefusedError(f"no order keeps one master all the time: {'; '.join(gaps)}; {GAP_FIX}")
    order = in_order(servers, rules, listed, allow_gap=allow_gap)
    parks = {name: tuple(each for each in servers if each in rules.parks.get(name, ())) for name in order}
    return [Stage(host=name, parks=parks[name], gap="; ".join(rules.gaps.get(name, ()))) for name in order]


def _last(
    cluster: Cluster,
    members: Sequence[_Member],
    coming: Mapping[str, Sequence[DeclaredInstance]],
    partly: Collection[str],
    rules: Rules,
) -> None:
    """Servers that do not run the instance yet come after all that do, and must hear one that is not changed."""
    running = {each.name for each in members}
    for server in cluster.servers:
        if server.name not in rules.before or server.name in running:
            continue
        rules.before[server.name] |= running & rules.before.keys()
        joins = coming_wire(coming.get(server.name, ()), cluster, server)
        if joins is not None and members and members[0].name not in rules.before:
            joins = replace(joins, known=server.name not in partly)
            _refuse_deaf(cluster, deaf(joins, members[0].now), members[0].name)


def _members(
    cluster: Cluster,
    facts: Mapping[str, ServerFacts],
    coming: Mapping[str, Sequence[DeclaredInstance]],
    partly: Collection[str],
) -> list[_Member]:
    """The servers that run it; the one that leads, by its state and then by its priority, is the first.

    `partly`: what comes is not known to its end, and may have the instance, or another one, where it is not.
    """
    found: list[_Member] = []
    for server in cluster.servers:
        told = facts.get(server.name)
        if told is None or not isinstance(told.instances, Read):
            continue
        others = [each for each in told.instances.value if carries(each, cluster)]
        running = instance_of(told.instances.value, cluster, server) or min(others, key=_rank, default=None)
        if running is None:
            continue
        now = running_wire(running, _told(told), cluster, server)
        then = coming_wire(coming[server.name], cluster, server) if server.name in coming else now
        if server.name in partly:
            then = replace(then or now, known=False)
        found.append(_Member(server=server, instance=running, now=now, then=then))
    return sorted(found, key=lambda each: (_rank(each.instance), -each.instance.base_priority))


def _refuse_silent(cluster: Cluster, members: Sequence[_Member], facts: Mapping[str, ServerFacts]) -> None:
    """Who may be master without saying so must go on hearing those that change."""
    for server in cluster.servers:
        told = facts.get(server.name)
        if told is None or isinstance(told.instances, Read):
            continue
        if any(each.changes for each in members if each.server is not server):
            raise RefusedError(
                f"{cluster.name}: what keepalived runs on {server.name} is not known ({told.instances.reason}), so no "
                "order can be shown to have one master; make it answer, or stop it there"
            )


def _rank(instance: Instance) -> int:
    return _LEADING.index(instance.state) if instance.state in _LEADING else len(_LEADING)


def _told(facts: ServerFacts) -> tuple[DeclaredInstance, ...]:
    """The instances of the files, if the daemon read them as they are."""
    declared, service = facts.declared, facts.service
    if not isinstance(declared, Read) or not isinstance(service, Read) or declared.value.config is None:
        return ()
    loaded = service.value.loaded_at
    # stat gives whole seconds, cut off; a file of the same second as the reload was there before it.
    if declared.value.others or loaded is None or int(declared.value.modified_at) > loaded:
        return ()
    return declared_instances(declared.value.config)


def _decide(cluster: Cluster, members: Sequence[_Member], rules: Rules) -> None:
    if not members:
        return
    leader, *others = members
    _refuse_left_out(cluster, leader, others, rules)
    names = [each.name for each in others if each.name in rules.before]
    masters = [each for each in members if each.instance.state == "master"]
    # Two masters are no better in any order, and one once both are changed.
    reasons = _reasons(leader, others) if len(masters) < _TWO else []
    again = restarted(leader.now, leader.then) if leader.then is not None else []
    if again and leader in masters and (reasons or not any(each.instance.state == "backup" for each in others)):
        # A backup that hears the master would take over meanwhile.
        text = (
            f"{cluster.name} changes {', '.join(again)}, and keepalived on {leader.name} does not go on as master over"
        )
        rules.gaps.setdefault(leader.name, []).append(f"{text} that")
    if reasons:
        _stopped(cluster, leader, names, reasons, rules)
    elif leader.name in rules.before:
        late = any(leader.then is not None and deaf(each.now, leader.then) for each in others)
        (rules.before if late else rules.wanted)[leader.name] |= set(names)
        rules.why += [f"{cluster.name} has its master on {leader.name}, which comes last"] if names and late else []


def _reasons(leader: _Member, others: Sequence[_Member]) -> list[str]:
    """Why a backup that was changed would not hear the master as it is, or takes over from one that does not hear it.

    One of no higher priority than the master's stays backup as long as it hears the master.
    """
    found: list[str] = []
    for each in others:
        if each.then is None:
            continue
        if each.changes:
            found += deaf(each.then, leader.now)
        rises = each.changes or each.then.priority > each.now.priority
        if rises and each.then.priority > leader.now.priority:
            found += deaf(leader.now, each.then)
    return list(dict.fromkeys(found))


def _stopped(cluster: Cluster, leader: _Member, names: Sequence[str], reasons: Sequence[str], rules: Rules) -> None:
    """The leader first, with keepalived stopped on the others."""
    changes = ", ".join(reasons)
    rules.why.append(f"{cluster.name} changes {changes}, so {leader.name} is changed alone, before the others")
    for name in names:
        rules.before[name].add(leader.name)
    rules.parks.setdefault(leader.name, set()).update(names)


def _refuse_left_out(cluster: Cluster, leader: _Member, others: Sequence[_Member], rules: Rules) -> None:
    """A member that is not changed in this run must go on hearing those that are."""
    if leader.then is None:
        return
    for each in others:
        if each.name in rules.before and leader.name in rules.before:
            continue
        if each.then is None or not (each.changes or leader.changes):
            continue
        left = each.name if each.name not in rules.before else leader.name
        _refuse_deaf(cluster, deaf(each.then, leader.then), left)


def _refuse_deaf(cluster: Cluster, reasons: Sequence[str], left: str) -> None:
    if reasons:
        raise RefusedError(
            f"{cluster.name} changes {', '.join(reasons)}, and {left} is not changed with the others: they would not "
            f"hear each other; apply {cluster.name} as well"
        )


def _lost_by_parking(
    parked: Iterable[str], facts: Mapping[str, ServerFacts], coming: Mapping[str, Sequence[DeclaredInstance]]
) -> list[str]:
    """What a server that is stopped is master of, as far as it is to have it afterwards."""
    found: list[str] = []
    for name in sorted(parked):
        read = facts[name].instances
        for each in read.value if isinstance(read, Read) else ():
            vips = {vip.ip for vip in each.vips}
            stays = any(vips & {vip.ip for vip in (*then.vips, *then.excluded)} for then in coming.get(name, ()))
            if each.state == "master" and stays:
                found.append(f"{name} is master of {each.name}, and keepalived does not run there meanwhile")
    return found
