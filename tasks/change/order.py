"""In which order the servers of clusters are changed, so that at no moment two of them are master."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from tasks.change.versions import counts_vips
from tasks.change.wire import differing_wire
from tasks.model.cluster import Cluster
from tasks.model.errors import RefusedError
from tasks.model.reading import Read
from tasks.model.server import Instance, ServerFacts

_RUNNING = {"master", "backup"}


def change_order(
    servers: Sequence[str],
    facts: Mapping[str, ServerFacts],
    clusters: Iterable[Cluster],
    configs: Mapping[str, str | None] | None = None,
) -> list[str]:
    """The servers in their order, `servers` being it where nothing else matters; RefusedError where none is safe.

    Backups come first and whoever is master last: a change that goes wrong then goes wrong where it costs nothing. A
    server that does not run the instance yet comes after all that do, because with unicast they must know it first.
    A list of VIPs that changes turns this round. A backup drops adverts with another list than its own, and becomes
    master beside the one that sent them; but one that has `skip_check_adv_addr` takes them from the master that it
    knows, so the master is changed first, and each backup finds its new list in the first advert after its reload.
    What members must have in common to hear each other at all can change on a running master alone. `configs` are the
    configurations that will be.
    """
    before: dict[str, set[str]] = {name: set() for name in servers}
    why: list[str] = []
    for cluster in clusters:
        running = {
            server.name: instance
            for server in cluster.servers
            if server.name in before and (instance := _instance(facts.get(server.name), cluster)) is not None
        }
        idle = [each.name for each in cluster.servers if each.name in before and each.name not in running]
        masters = [name for name, instance in running.items() if instance.state == "master"]
        backups = [name for name in running if name not in masters]
        _refuse_deaf(cluster, facts, configs or {}, masters, backups)
        first, last = backups, masters
        if masters and _list_changes(cluster, running.values()):
            _refuse_checking(cluster, {name: running[name] for name in backups})
            _refuse_counting(cluster, facts, {name: running[name] for name in backups})
            first, last = masters, backups
            why.append(f"{cluster.name} changes its VIPs, so {masters[0]} comes before the others")
        elif masters and backups:
            why.append(f"{cluster.name} has its master on {masters[0]}, which comes last")
        for name in last:
            before[name] |= set(first)
        for name in idle:
            before[name] |= set(running)
    return _sorted(servers, before, why)


def _refuse_deaf(
    cluster: Cluster,
    facts: Mapping[str, ServerFacts],
    configs: Mapping[str, str | None],
    masters: Sequence[str],
    backups: Sequence[str],
) -> None:
    """Two servers of which one has the new way of speaking and one the old are two masters."""
    if not masters or not backups:
        return
    for name in (*masters, *backups):
        config = facts[name].config
        now = config.value.text if isinstance(config, Read) else None
        changed = differing_wire(now, configs.get(name), cluster.instance)
        if changed:
            parked = " and ".join(backups)
            raise RefusedError(
                f"{cluster.name}: {', '.join(changed)} changes, and while one server has the new and one the old they "
                f"do not hear each other: two masters; stop keepalived on {parked} (systemctl stop keepalived), and "
                f"apply again: {masters[0]} is changed alone then, and {parked} comes back with the rest"
            )


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


def _refuse_counting(cluster: Cluster, facts: Mapping[str, ServerFacts], backups: Mapping[str, Instance]) -> None:
    """A release before 2.0.19 measures an advert by its own list, although it has been told not to compare them."""
    for name, each in backups.items():
        package = facts[name].package
        version = package.value.version if isinstance(package, Read) else None
        if len(each.advertised) != len(cluster.advertised) and counts_vips(version):
            raise RefusedError(
                f"{cluster.name}: the number of its VIPs changes, and keepalived {version} on {name} drops adverts "
                "with another number than its own: two masters; stop keepalived on the backups (systemctl stop "
                "keepalived), and apply again"
            )
