"""In which order the servers of clusters are changed, so that at no moment two of them are master."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from tasks.model.cluster import Cluster
from tasks.model.errors import RefusedError
from tasks.model.reading import Read
from tasks.model.server import Instance, ServerFacts

_RUNNING = {"master", "backup"}


def change_order(servers: Sequence[str], facts: Mapping[str, ServerFacts], clusters: Iterable[Cluster]) -> list[str]:
    """The servers in their order, `servers` being it where nothing else matters; RefusedError where none is safe.

    Backups come first and whoever is master last: a change that goes wrong then goes wrong where it costs nothing.
    A list of VIPs that changes turns this round. A backup drops adverts with another list than its own, and becomes
    master beside the one that sent them; but one that has `skip_check_adv_addr` takes them from the master that it
    knows, so the master is changed first, and each backup finds its new list in the first advert after its reload.
    """
    before: dict[str, set[str]] = {name: set() for name in servers}
    why: list[str] = []
    for cluster in clusters:
        running = {
            server.name: instance
            for server in cluster.servers
            if server.name in before and (instance := _instance(facts.get(server.name), cluster)) is not None
        }
        masters = [name for name, instance in running.items() if instance.state == "master"]
        others = [server.name for server in cluster.servers if server.name in before and server.name not in masters]
        if masters and _list_changes(cluster, running.values()):
            _refuse_checking(cluster, {name: each for name, each in running.items() if name not in masters})
            why.append(f"{cluster.name} changes its VIPs, so {masters[0]} comes before the others")
            for name in others:
                before[name] |= set(masters)
        else:
            for master in masters:
                why.append(f"{cluster.name} has its master on {master}, which comes last")
                before[master] |= set(others)
    return _sorted(servers, before, why)


def _sorted(servers: Sequence[str], before: Mapping[str, set[str]], why: Sequence[str]) -> list[str]:
    """Each behind those that it must not precede, else as they stand."""
    sorter = TopologicalSorter(before)
    try:
        sorter.prepare()
    except CycleError:
        reasons = "; ".join(dict.fromkeys(why))
        raise RefusedError(f"no order is safe: {reasons}; change the VIPs of one cluster at a time") from None
    found: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=servers.index)
        found += ready
        sorter.done(*ready)
    return found


def _instance(facts: ServerFacts | None, cluster: Cluster) -> Instance | None:
    """The instance that runs there, if it can hear or send adverts."""
    instances = facts.instances if facts is not None else None
    if not isinstance(instances, Read):
        return None
    found = next((each for each in instances.value if each.name == cluster.instance), None)
    return found if found is not None and found.state in _RUNNING else None


def _list_changes(cluster: Cluster, running: Iterable[Instance]) -> bool:
    wanted = set(cluster.advertised)
    return any(set(each.advertised) != wanted for each in running)


def _refuse_checking(cluster: Cluster, backups: Mapping[str, Instance]) -> None:
    checking = [name for name, each in backups.items() if not each.skips_check]
    if checking:
        names = " and ".join(checking)
        raise RefusedError(
            f"{cluster.name}: its VIPs change while {names} compares the list in every advert: the first server that "
            "is changed would make two masters; apply once with the VIPs as they are, which brings skip_check_adv_addr"
        )
