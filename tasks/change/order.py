"""In which order the servers of clusters are changed, so that at no moment two of them are master."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from tasks.change.wire import Wire, coming_wire, deaf, restarted, running_wire
from tasks.judge.instances import carries, instance_of
from tasks.model.cluster import Cluster, Server
from tasks.model.errors import RefusedError
from tasks.model.keepalived import DeclaredInstance
from tasks.model.reading import Read
from tasks.model.server import Instance, ServerFacts
from tasks.observe.keepalived_declared import declared_instances, instances_of_text

_RUNNING = ("master", "backup", "fault")
"""One in fault may recover at any moment."""
_TWO = 2
_GAP_FIX = "apply with --allow-gap, if VIPs may be without a master for some seconds"


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


@dataclass(slots=True)
class _Rules:
    """What the clusters demand of the order, so far."""

    before: dict[str, set[str]]
    """By server: those that must be changed before it."""
    wanted: dict[str, set[str]]
    """Those that better are."""
    parks: dict[str, set[str]] = field(default_factory=dict)
    gaps: dict[str, list[str]] = field(default_factory=dict)
    why: list[str] = field(default_factory=list)


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
    rules = _Rules({name: set() for name in servers}, {name: set() for name in servers})
    coming = {name: instances_of_text(text) for name, text in configs.items()}
    listed = list(clusters)
    for cluster in listed:
        members = _members(cluster, facts, coming)
        _refuse_silent(cluster, members, facts)
        _last(cluster, members, coming, rules)
        _decide(cluster, members, rules)
    for leader, parked in rules.parks.items():
        rules.gaps.setdefault(leader, []).extend(_lost_by_parking(parked, facts, coming))
    gaps = list(dict.fromkeys(each for found in rules.gaps.values() for each in found))
    if gaps and not allow_gap:
        raise RefusedError(f"no order keeps one master all the time: {'; '.join(gaps)}; {_GAP_FIX}")
    order = _sorted(servers, rules, listed, allow_gap=allow_gap)
    parks = {name: tuple(each for each in servers if each in rules.parks.get(name, ())) for name in order}
    return [Stage(host=name, parks=parks[name], gap="; ".join(rules.gaps.get(name, ()))) for name in order]


def _last(
    cluster: Cluster,
    members: Sequence[_Member],
    coming: Mapping[str, Sequence[DeclaredInstance]],
    rules: _Rules,
) -> None:
    """Servers that do not run the instance yet come after all that do, and must hear one that is not changed."""
    running = {each.name for each in members}
    for server in cluster.servers:
        if server.name not in rules.before or server.name in running:
            continue
        rules.before[server.name] |= running & rules.before.keys()
        joins = coming_wire(coming.get(server.name, ()), cluster, server)
        if joins is not None and members and members[0].name not in rules.before:
            _refuse_deaf(cluster, deaf(joins, members[0].now), members[0].name)


def _members(
    cluster: Cluster, facts: Mapping[str, ServerFacts], coming: Mapping[str, Sequence[DeclaredInstance]]
) -> list[_Member]:
    """The servers that run it; the one that leads, by its state and then by its priority, is the first."""
    found: list[_Member] = []
    for server in cluster.servers:
        told = facts.get(server.name)
        if told is None or not isinstance(told.instances, Read):
            continue
        others = [each for each in told.instances.value if carries(each, cluster)]
        running = instance_of(told.instances.value, cluster, server) or min(others, key=_rank, default=None)
        if running is None or running.state not in _RUNNING:
            continue
        now = running_wire(running, _told(told), cluster, server)
        then = coming_wire(coming[server.name], cluster, server) if server.name in coming else now
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
    return _RUNNING.index(instance.state) if instance.state in _RUNNING else len(_RUNNING)


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


def _decide(cluster: Cluster, members: Sequence[_Member], rules: _Rules) -> None:
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
    """Why a backup that was changed would not hear the master as it is."""
    changed = [each.then for each in others if each.changes and each.then is not None]
    return list(dict.fromkeys(reason for each in changed for reason in deaf(each, leader.now)))


def _stopped(cluster: Cluster, leader: _Member, names: Sequence[str], reasons: Sequence[str], rules: _Rules) -> None:
    """The leader first, with keepalived stopped on the others."""
    changes = ", ".join(reasons)
    rules.why.append(f"{cluster.name} changes {changes}, so {leader.name} is changed alone, before the others")
    for name in names:
        rules.before[name].add(leader.name)
    rules.parks.setdefault(leader.name, set()).update(names)


def _refuse_left_out(cluster: Cluster, leader: _Member, others: Sequence[_Member], rules: _Rules) -> None:
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


def _sorted(servers: Sequence[str], rules: _Rules, clusters: Sequence[Cluster], *, allow_gap: bool) -> list[str]:
    """Each behind those that it must not precede, as far as possible behind those that it better follows."""
    both = {name: rules.before[name] | rules.wanted[name] for name in servers}
    found = _topological(servers, both) or _topological(servers, rules.before)
    if found is None and allow_gap:
        _one_keeps(servers, rules, clusters)
        found = _topological(servers, rules.before)
    if found is None:
        reasons = "; ".join(dict.fromkeys(rules.why))
        raise RefusedError(f"no order is safe: {reasons}; change one cluster at a time, or {_GAP_FIX}")
    return found


def _one_keeps(servers: Sequence[str], rules: _Rules, clusters: Sequence[Cluster]) -> None:
    """Where clusters want each other's masters first: one server takes all, and the others are stopped meanwhile."""
    left = set(servers)
    while left:
        group = {max(left, key=servers.index)}
        while (
            more := {
                server.name
                for each in clusters
                if group & _names(each)
                for server in each.servers
                if server.name in left
            }
            - group
        ):
            group |= more
        left -= group
        if _topological(servers, rules.before) is not None or not group & rules.parks.keys():
            continue
        keeper = max(group, key=servers.index)
        gaps = [each for name in group for each in rules.gaps.pop(name, [])]
        for name in group:
            rules.before[name] = rules.before[name] - group | ({keeper} if name != keeper else set())
            rules.parks.pop(name, None)
        rules.parks[keeper], rules.gaps[keeper] = group - {keeper}, list(dict.fromkeys(gaps))


def _names(cluster: Cluster) -> set[str]:
    return {each.name for each in cluster.servers}


def _topological(servers: Sequence[str], before: Mapping[str, set[str]]) -> list[str] | None:
    """None: they go round in a circle."""
    sorter = TopologicalSorter(before)
    try:
        sorter.prepare()
    except CycleError:
        return None
    found: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=servers.index)
        found += ready
        sorter.done(*ready)
    return found
