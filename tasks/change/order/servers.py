"""In which order the servers of clusters are changed, so that at no moment two of them are master."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tasks.change.order.members import Coming, Member, members, refuse_silent, running_of
from tasks.change.order.moves import keep_apart
from tasks.change.order.precedence import GAP_FIX, Rules, in_order
from tasks.change.order.stranger import refuse_stranger
from tasks.change.order.wire import Wire, deaf, restarted
from tasks.model.cluster import Cluster
from tasks.model.errors import RefusedError
from tasks.model.reading import Read
from tasks.model.server import ServerFacts
from tasks.server.keepalived.conf import read_conf
from tasks.server.keepalived.declared import declared_instances

_TWO = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One server's turn. `parks`: the servers whose keepalived does not run while this one is changed."""

    host: str
    parks: tuple[str, ...] = ()
    gap: str = ""
    """What is without a master for a moment, and why; the operator accepted it."""


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
    that does not run the instance yet comes after all that do, because with unicast they must know it first. One that
    runs it and is no server of the cluster any more gives it up before the others stop sending to it.

    Where a backup that was changed would not hear the master as it is, keepalived is stopped on the backups, the master
    is changed alone, and each backup is started with its new configuration: no moment has two masters, and none is
    without one, since keepalived goes on with an instance over a reload. Some changes it does not go on over: then the
    VIPs are without a master until the new instance has waited for one, and the operator has to accept that.

    `configs` are the configurations that will be, of the servers that change; `facts` are those of all members.
    """
    confs = {name: read_conf("", {"": text or ""}, {}) for name, text in configs.items()}
    coming = Coming(
        instances={name: declared_instances(conf) for name, conf in confs.items()},
        partly={name for name, conf in confs.items() if conf.problems or conf.includes or conf.conditional},
    )
    listed = list(clusters)
    rules = _rules(servers, facts, listed, coming)
    gaps = list(dict.fromkeys(each for said in rules.gaps.values() for each in said))
    if gaps and not allow_gap:
        raise RefusedError(f"no order keeps one master all the time: {'; '.join(gaps)}; {GAP_FIX}")
    order = in_order(servers, rules, listed, allow_gap=allow_gap)
    parks = {name: tuple(each for each in servers if each in rules.parks.get(name, ())) for name in order}
    return [Stage(host=name, parks=parks[name], gap="; ".join(rules.gaps.get(name, ()))) for name in order]


def _rules(
    servers: Sequence[str], facts: Mapping[str, ServerFacts], listed: Sequence[Cluster], coming: Coming
) -> Rules:
    """What all clusters demand of the order; RefusedError where one can't be kept."""
    rules = Rules({name: set() for name in servers}, {name: set() for name in servers})
    found = [(each, members(each, listed, facts, coming)) for each in listed]
    for cluster, its in found:
        refuse_silent(cluster, its, facts)
        refuse_stranger(cluster, its, facts)
        joining = _joining(cluster, its, coming, rules)
        first = _join(cluster, its, joining, rules)
        _decide(cluster, its, rules, joining=bool(joining), first=first)
    for cluster, its in found:
        keep_apart(cluster, its, running_of(facts), coming, rules)
    for leader, parked in rules.parks.items():
        rules.gaps.setdefault(leader, []).extend(_lost_by_parking(parked, facts, coming))
    return rules


def _joining(cluster: Cluster, found: Sequence[Member], coming: Coming, rules: Rules) -> dict[str, list[str]]:
    """The servers of the run that do not run the instance yet: why each would not be a backup of who leads."""
    running = {each.name for each in found}
    joining: dict[str, list[str]] = {}
    for server in cluster.servers:
        if server.name not in rules.before or server.name in running:
            continue
        wire = coming.wire(cluster, server)
        if wire is not None:
            joining[server.name] = _clashes(wire, found[0].now) if found else []
        elif server.name in coming.partly:
            joining[server.name] = [f"what {server.name} runs, to what files may declare that are not known here"]
    return joining


def _join(cluster: Cluster, found: Sequence[Member], joining: Mapping[str, list[str]], rules: Rules) -> bool:
    """Servers that do not run the instance yet come after all that do, and must hear one that is not changed.

    Where all that run it give it up, they come before, if they hear the leader and wait for it: then the answer is yes.
    """
    if not found or not joining:
        return False
    leader = found[0]
    if leader.name in rules.before and all(each.then is None for each in found) and not any(joining.values()):
        rules.before[leader.name] |= joining.keys()
        return True
    for name, reasons in joining.items():
        rules.before[name] |= {each.name for each in found} & rules.before.keys()
        if leader.name not in rules.before:
            _refuse_deaf(cluster, reasons, leader)
    return False


def _clashes(backup: Wire, leader: Wire) -> list[str]:
    """Why it would not hear the leader, or takes over from one that does not hear it."""
    rises = deaf(leader, backup) if backup.priority > leader.priority else []
    return list(dict.fromkeys((*deaf(backup, leader), *rises)))


def _decide(cluster: Cluster, found: Sequence[Member], rules: Rules, *, joining: bool, first: bool) -> None:
    """`first`: the servers that join run it, as backups, before who leads gives it up."""
    if not found:
        return
    leader, *others = found
    _refuse_left_out(cluster, found, rules)
    masters = [each for each in found if each.instance.state == "master"]
    # Two masters are no better in any order, and one once both are changed.
    reasons = _reasons(leader, others) if len(masters) < _TWO else []
    if leader.name not in rules.before:
        _refuse_deaf(cluster, reasons, leader)
        return
    staying = [each for each in others if each.then is not None]
    if leader in masters and (leader.then is not None or staying or joining):
        succeeds = not reasons and any(each.instance.state == "backup" for each in staying)
        _gap(cluster, leader, rules, succeeds=succeeds or first)
    names = {each.name for each in staying} & rules.before.keys()
    # Who gives it up needs no master to hear, and must hear one until then.
    gone = {each.name for each in others if each.then is None}
    late = leader.then is not None and any(deaf(each.now, leader.then) for each in others)
    (rules.before if late or reasons else rules.wanted)[leader.name] |= gone
    if reasons:
        _stopped(cluster, leader, names, reasons, rules)
    else:
        (rules.before if late else rules.wanted)[leader.name] |= names
        rules.why += [f"{cluster.name} has its master on {leader.name}, which comes last"] if names and late else []


def _gap(cluster: Cluster, leader: Member, rules: Rules, *, succeeds: bool) -> None:
    """Is the cluster without a master once its master is changed? A backup that hears it takes over meanwhile."""
    if succeeds:
        return
    if leader.then is None:
        text = f"{cluster.name} leaves its master {leader.name} before another server can take over"
        rules.gaps.setdefault(leader.name, []).append(text)
    elif again := restarted(leader.now, leader.then):
        text = f"{cluster.name} changes {', '.join(again)}, and keepalived on {leader.name} does not go on as master"
        rules.gaps.setdefault(leader.name, []).append(f"{text} over that")


def _reasons(leader: Member, others: Sequence[Member]) -> list[str]:
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


def _stopped(cluster: Cluster, leader: Member, names: Iterable[str], reasons: Sequence[str], rules: Rules) -> None:
    """The leader first, with keepalived stopped on the others."""
    changes = ", ".join(reasons)
    rules.why.append(f"{cluster.name} changes {changes}, so {leader.name} is changed alone, before the others")
    for name in names:
        rules.before[name].add(leader.name)
    rules.parks.setdefault(leader.name, set()).update(names)


def _refuse_left_out(cluster: Cluster, found: Sequence[Member], rules: Rules) -> None:
    """A member that is not changed in this run must go on hearing those that are."""
    staying = [(each, each.then) for each in found if each.then is not None]
    for each, then in staying[1:]:
        leader, leads = staying[0]
        if each.name in rules.before and leader.name in rules.before:
            continue
        if each.changes or leader.changes:
            left = each if each.name not in rules.before else leader
            _refuse_deaf(cluster, deaf(then, leads), left)


def _refuse_deaf(cluster: Cluster, reasons: Sequence[str], left: Member) -> None:
    if not reasons:
        return
    fix = f"apply {cluster.name} as well"
    if left.leaves:
        fix = f"it is no server of {cluster.name}: apply the clusters that it is in as well, or stop keepalived there"
    raise RefusedError(
        f"{cluster.name} changes {', '.join(reasons)}, and {left.name} is not changed with the others: they would not "
        f"hear each other; {fix}"
    )


def _lost_by_parking(parked: Iterable[str], facts: Mapping[str, ServerFacts], coming: Coming) -> list[str]:
    """What a server that is stopped is master of, as far as it is to have it afterwards, or may have it."""
    found: list[str] = []
    for name in sorted(parked):
        read = facts[name].instances
        unknown = name in coming.partly or name not in coming.instances
        then = {vip.ip for each in coming.instances.get(name, ()) for vip in (*each.vips, *each.excluded)}
        found += [
            f"{name} is master of {each.name}, and keepalived does not run there meanwhile"
            for each in (read.value if isinstance(read, Read) else ())
            if each.state == "master" and (unknown or then & {vip.ip for vip in each.vips})
        ]
    return found
