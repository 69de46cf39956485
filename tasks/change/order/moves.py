"""VIPs that go from one virtual router to another: who has one gives it up before the other one can take it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tasks.change.order.members import Coming, Member, Running
from tasks.change.order.precedence import Rules
from tasks.model.address import IpAddress
from tasks.model.cluster import Cluster
from tasks.model.errors import RefusedError
from tasks.model.server import Instance


@dataclass(frozen=True, slots=True)
class _Donor:
    """A server with another instance that holds VIPs which the cluster is to get."""

    name: str
    instance: Instance
    vips: frozenset[IpAddress]

    def moved(self, cluster: Cluster) -> str:
        verb = "moves" if len(self.vips) == 1 else "move"
        return (
            f"{', '.join(map(str, sorted(self.vips, key=str)))} {verb} from {self.instance.name} to {cluster.instance}"
        )


def keep_apart(cluster: Cluster, found: Sequence[Member], running: Running, coming: Coming, rules: Rules) -> None:
    """Whoever may hold such a VIP is changed before whoever would hold it then.

    No advert tells one virtual router of the VIPs of another one. RefusedError where one that has it is not changed.
    """
    donors = _donors(cluster, found, running, coming)
    for donor in donors:
        if donor.name not in coming.instances:
            raise RefusedError(
                f"{donor.moved(cluster)}, and {donor.name}, which has that, is not changed in this run: two servers "
                f"could hold it; apply all clusters of {donor.name} as well, or stop keepalived there"
            )
    stopped = {name for names in rules.parks.values() for name in names}
    takers = _takers(cluster, found, rules, stopped)
    # While one of them is stopped, a backup of it has them.
    warm = any(donor.name in stopped for donor in donors)
    for donor in donors:
        cold = donor.instance.state == "backup" and not warm
        for name in takers:
            if name != donor.name:
                (rules.wanted if cold else rules.before)[name].add(donor.name)
        rules.why.append(f"{donor.moved(cluster)}, so {donor.name} comes before {', '.join(takers)}")
        goes_on = bool(found) and found[0].then is not None and found[0].name == donor.name
        if donor.instance.state == "master" and not goes_on:
            rules.gaps.setdefault(donor.name, []).append(f"{donor.moved(cluster)}, which {donor.name} does not lead")


def _donors(cluster: Cluster, found: Sequence[Member], running: Running, coming: Coming) -> list[_Donor]:
    had = {each.name: each.now.carried for each in found}
    wires = {server.name: coming.wire(cluster, server) for server in cluster.servers}
    gained = {ip for name, wire in wires.items() if wire for ip in wire.carried - had.get(name, frozenset())}
    own = [each.instance for each in found]
    return [
        _Donor(name, each, frozenset(vips))
        for name, instances in running.items()
        for each in instances
        if not any(each is one for one in own) and (vips := gained & {vip.ip for vip in each.vips})
    ]


def _takers(cluster: Cluster, found: Sequence[Member], rules: Rules, stopped: Collection[str]) -> list[str]:
    """Who leads the cluster, or may take the lead when it is changed, or while who leads is stopped."""
    leader = found[0] if found else None
    names = [server.name for server in cluster.servers if server.name in rules.before]
    if leader is None or leader.then is None or leader.name in stopped:
        return names
    backups = {
        each.name
        for each in found[1:]
        if each.instance.state == "backup" and each.then is not None and each.then.priority <= leader.now.priority
    }
    return [name for name in names if name not in backups]
