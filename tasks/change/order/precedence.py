"""What clusters demand of the order of their servers, and an order that gives it to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from tasks.model.cluster import Cluster
from tasks.model.errors import RefusedError

GAP_FIX = "apply with --allow-gap, if VIPs may be without a master for some seconds"


@dataclass(slots=True)
class Rules:
    """What the clusters demand of the order, so far."""

    before: dict[str, set[str]]
    """By server: those that must be changed before it."""
    wanted: dict[str, set[str]]
    """Those that better are."""
    parks: dict[str, set[str]] = field(default_factory=dict)
    gaps: dict[str, list[str]] = field(default_factory=dict)
    why: list[str] = field(default_factory=list)


def in_order(servers: Sequence[str], rules: Rules, clusters: Sequence[Cluster], *, allow_gap: bool) -> list[str]:
    """Each behind those that it must not precede, as far as possible behind those that it better follows."""
    both = {name: rules.before[name] | rules.wanted[name] for name in servers}
    found = _topological(servers, both) or _topological(servers, rules.before)
    if found is None and allow_gap:
        _one_keeps(servers, rules, clusters)
        found = _topological(servers, rules.before)
    if found is None:
        reasons = "; ".join(dict.fromkeys(rules.why))
        raise RefusedError(f"no order is safe: {reasons}; change one cluster at a time, or {GAP_FIX}")
    return found


def _one_keeps(servers: Sequence[str], rules: Rules, clusters: Sequence[Cluster]) -> None:
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
        inner = {name: rules.before[name] & group for name in group}
        if _topological(servers, inner) is not None:
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
