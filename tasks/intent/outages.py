"""The outage that each kind of fault may cause, from the timers of the intent alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from tasks.intent.timers import Bound, failback_bound, failover_bound, master_down_s, skew_s
from tasks.model.cluster import Cluster, Server
from tasks.model.expected import ExpectedOutage

_V2 = "RFC 3768 6.1"
_V3 = "RFC 5798 6.1, RFC 9568 6.1"


_HIGHEST = 254
"""Where keepalived holds a priority that weights raise."""
Pair = tuple[Server, Server | None]


def expected_outages(cluster: Cluster) -> Iterator[ExpectedOutage]:
    """For each server that can be master, in the order in which they are: what its end costs, and its return."""
    ranks = sorted((_healthy(cluster, each) for each in cluster.servers), key=lambda each: each.priority, reverse=True)
    for master, heir in _pairs(ranks, preempt=cluster.preempt):
        pair = (master, heir)
        yield _of(cluster, "graceful stop", pair, _stop(cluster, heir), "a priority of 0 leaves Skew_Time")
        why = "Master_Down_Interval since the last advert"
        yield _of(cluster, "link down", pair, _silence(cluster, heir), why)
        yield _of(cluster, "crash", pair, _silence(cluster, heir), f"{why}; the VIP may stay on {master.name}")
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


def _stop(cluster: Cluster, heir: Server) -> Bound:
    skew = skew_s(cluster.version, cluster.advert_int, heir.priority)
    return Bound(shortest_s=skew, longest_s=skew + cluster.fabric.allowance_s)


def _silence(cluster: Cluster, heir: Server) -> Bound:
    return failover_bound(cluster.version, cluster.advert_int, heir.priority, cluster.fabric.allowance_s)


def _return(cluster: Cluster, master: Server, second: Server) -> ExpectedOutage:
    if not cluster.preempt:
        nothing = Bound(shortest_s=0.0, longest_s=0.0)
        return _of(cluster, "return", (second, None), nothing, f"nopreempt: {master.name} stays backup")
    wait = master_down_s(cluster.version, cluster.advert_int, master.priority) + cluster.preempt_delay_s
    why = f"no gap in the protocol, {wait:.3f} s after {master.name} is back"
    return _of(cluster, "return", (second, master), failback_bound(cluster.fabric.allowance_s), why)
