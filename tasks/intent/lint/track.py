"""Rules on what is tracked: what keepalived drops, what never counts, and weights that move nothing."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.intent.document import Path
from tasks.intent.expand import clusters_of
from tasks.intent.instances import instances_of
from tasks.intent.schema import ClusterEntry, InstanceEntry, ProcessEntry, ScriptEntry

Problem = tuple[Path, str]
_LOWEST, _HIGHEST = 1, 254
"""Where keepalived holds a priority that weights change (vrrp_track.c)."""


def tracked(cluster: ClusterEntry) -> Iterator[Problem]:
    """Interfaces that are tracked anyway, scripts that can't end in time, weights that a sync group drops."""
    for index, name in enumerate(cluster.track.interfaces):
        owners = [host for host, server in cluster.servers.items() if server.interface == name]
        if owners:
            yield ("track", "interfaces", index), f"{name} is the interface of {owners[0]}, tracked anyway; remove it"
        elif name in cluster.track.interfaces[:index]:
            yield ("track", "interfaces", index), f"{name} stands twice; keep one"
    grouped = any(each.sync_group for each in clusters_of("any", cluster, None))
    for name, script in cluster.track.scripts.items():
        if script.timeout > script.interval * script.fall:
            why = f"{script.timeout:g} s is longer than {script.fall} runs every {script.interval:g} s take"
            yield ("track", "scripts", name, "timeout"), f"{why}; give at most {script.interval * script.fall:g}"
        if script.weight and grouped:
            why = "keepalived drops a weighted script in a sync group, which both families of a VIP are in"
            mend = "leave weight out, so that the group goes to FAULT, or set sync_group: false"
            yield ("track", "scripts", name, "weight"), f"{why}; {mend}"


def weak(cluster: ClusterEntry) -> Iterator[Problem]:
    """A weight that changes nothing: the master stays the highest although it is ill, or health makes all equal."""
    for _, instance in instances_of(cluster):
        first, second = _highest(cluster, instance)
        for kind in ("scripts", "processes"):
            for name, each in getattr(cluster.track, kind).items():
                why = _moves_nothing(each, first, second)
                if why is not None:
                    yield ("track", kind, name, "weight"), why


def _highest(cluster: ClusterEntry, instance: InstanceEntry) -> tuple[int, int]:
    ranks = sorted(
        (instance.priorities.get(name, each.priority) for name, each in cluster.servers.items()), reverse=True
    )
    return ranks[0], ranks[1]


def _moves_nothing(each: ScriptEntry | ProcessEntry, first: int, second: int) -> str | None:
    """A backup takes over from a lower priority alone, not from an equal one."""
    weight = each.weight
    if not weight:
        return None
    ill = max(_LOWEST, first + min(weight, 0))
    healthy = min(_HIGHEST, second + max(weight, 0))
    if healthy == _HIGHEST:
        return f"{weight} brings both highest priorities to {healthy} while all is well; take lower priorities"
    if ill < healthy:
        return None
    if weight < 0 and second == _LOWEST:
        return f"no weight takes {first} below {second}, the lowest; give the backup more, or leave it out for FAULT"
    gap = first - second
    why = f"{weight} does not bridge the {gap} between the two highest priorities: the master stays"
    return f"{why}; give more than {gap}, or leave it out for FAULT"
