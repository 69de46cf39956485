"""VIPs that go from one virtual router to another: who has one gives it up before the other one can take it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.change.members import Coming, Member, Running
from tasks.change.precedence import Rules
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
    takers = _takers(cluster, found, rules)
    leader = found[0] if found else None
    for donor in donors:
        cold = donor.instance.state == "backup"
        for name in takers:
            if name != donor.name:
                (rules.wanted if cold else rules.before)[name].add(donor.name)
        rules.why.append(f"{donor.moved(cluster)}, so {donor.name} comes before {', '.join(takers)}")
        goes_on = leader is not None and leader.then is not None and leader.name == donor.name
        if donor.instance.state == "master" and not goes_on:
            rules.gaps.setdefault(donor.name, []).append(f"{donor.moved(cluster)}, which {donor.name} does not lead")


def _donors(cluster: Cluster, found: Sequence[Member], running: Running, coming: Coming) -> list[_Donor]:
    wires = [coming.wire(cluster, server) for server in cluster.servers]
    had = {ip for each in found for ip in each.now.carried}
    gained = {ip for wire in wires if wire is not None for ip in wire.carried} - had
    own = [each.instance for each in found]
    return [
        _Donor(name, each, frozenset(vips))
        for name, instances in running.items()
        for each in instances
        if not any(each is one for one in own) and (vips := gained & {vip.ip for vip in each.vips})
    ]


def _takers(cluster: Cluster, found: Sequence[Member], rules: Rules) -> list[str]:
    """Who leads the cluster, or may take the lead when it is changed."""
    leader = found[0] if found else None
    stays = leader is not None and leader.then is not None
    backups = {
        each.name
        for each in found[1:]
        if stays and leader and each.instance.state == "backup" and each.then is not None
        if each.then.priority <= leader.now.priority
    }
    names = (server.name for server in cluster.servers)
    return [name for name in names if name in rules.before and name not in backups]
