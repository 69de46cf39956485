"""The outage that each way of a master to end may cause, from the timers of the intent alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tasks.intent.timers import Bound, failback_bound, failover_bound, master_down_s, stop_bound
from tasks.model.cluster import Cluster, Server
from tasks.model.expected import ExpectedOutage

_V2 = "RFC 3768 6.1"
_V3 = "RFC 5798 6.1, RFC 9568 6.1"


_HIGHEST = 254
"""Where keepalived holds a priority that weights raise."""
Pair = tuple[Server, Server | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A way of a master to end, and the time until its successor has the VIPs. `why` may name `{master}`."""

    name: str
    bound: Callable[[int, float, int, float], Bound]
    """By the VRRP version, the advert interval (s), the successor's priority and the fabric's allowance (s)."""
    why: str


_SILENT = "Master_Down_Interval since the last advert"
GRACEFUL_STOP = Ending(name="graceful stop", bound=stop_bound, why="a priority of 0 leaves Skew_Time")
LINK_DOWN = Ending(name="link down", bound=failover_bound, why=_SILENT)
CRASH = Ending(name="crash", bound=failover_bound, why=f"{_SILENT}; the VIP may stay on {{master}}")
ENDINGS = (GRACEFUL_STOP, LINK_DOWN, CRASH)


def expected_outages(cluster: Cluster, endings: Sequence[Ending] = ENDINGS) -> Iterator[ExpectedOutage]:
    """For each server that can be master, in the order in which they are: what its end costs, and its return."""
    ranks = sorted((_healthy(cluster, each) for each in cluster.servers), key=lambda each: each.priority, reverse=True)
    for master, heir in _pairs(ranks, preempt=cluster.preempt):
        for each in endings:
            bound = each.bound(cluster.version, cluster.advert_int, heir.priority, cluster.fabric.allowance_s)
            yield _of(cluster, each.name, (master, heir), bound, each.why.format(master=master.name))
    yield _return(cluster, ranks[0], ranks[1])


def _healthy(cluster: Cluster, server: Server) -> Server:
    """With the priority that it has while all that it tracks is well."""
    weights = [each.weight for each in cluster.track.scripts] + [each.weight for each in cluster.track.processes]
    raised = sum(weight for weight in weights if weight > 0)
    return replace(server, priority=min(_HIGHEST, server.priority + raised))


def _pairs(ranks: Sequence[Server], *, preempt: bool) -> Iterator[tuple[Server, Server]]:
    """Master and heir. Who preempts has only lower ones as heirs; without, whoever became master stays it."""
    if preempt:
        yield from pairwise(ranks)
        return
    for master in ranks:
        yield master, next(each for each in ranks if each.name != master.name)


def _of(cluster: Cluster, fault: str, pair: Pair, bound: Bound, why: str) -> ExpectedOutage:
    master, heir = pair
    return ExpectedOutage(
        cluster=cluster.name,
        instance=cluster.instance,
        fault=fault,
        master=master.name,
        heir=heir.name if heir is not None else None,
        bound_s=(bound.shortest_s, bound.longest_s),
        why=f"{why} ({_V2 if cluster.version == 2 else _V3})",  # noqa: PLR2004 - VRRP version 2
    )


def _return(cluster: Cluster, master: Server, second: Server) -> ExpectedOutage:
    if not cluster.preempt:
        nothing = Bound(shortest_s=0.0, longest_s=0.0)
        return _of(cluster, "return", (second, None), nothing, f"nopreempt: {master.name} stays backup")
    wait = master_down_s(cluster.version, cluster.advert_int, master.priority) + cluster.preempt_delay_s
    why = f"no gap in the protocol, {wait:.3f} s after {master.name} is back"
    return _of(cluster, "return", (second, master), failback_bound(cluster.fabric.allowance_s), why)
