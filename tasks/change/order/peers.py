"""Routers that a server sends its adverts to and that are in no cluster: once it does not, they become master."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from ipaddress import ip_address

from tasks.change.order.members import told
from tasks.model.address import IpAddress
from tasks.model.cluster import Cluster
from tasks.model.keepalived import DeclaredInstance, KeepalivedConf
from tasks.model.reading import Read
from tasks.model.server import ServerFacts
from tasks.model.text import shortened
from tasks.server.keepalived.declared import declared_instances

_UNKNOWN = (
    "unicast peers of what runs: keepalived.conf was changed since keepalived read it, so they are not known; one that "
    "nothing is sent to any more becomes master"
)


def lost_peers(
    facts: ServerFacts,
    config: KeepalivedConf | None,
    coming: KeepalivedConf,
    clusters: Sequence[Cluster],
    changing: Collection[IpAddress],
) -> tuple[str, ...]:
    """Peers of instances whose VIPs stay here, that get no advert any more and that this run does not change.

    Of an instance that goes with its VIPs nothing is left here that could be a second master.
    """
    then = declared_instances(coming)
    now = declared_instances(config) if config is not None else ()
    found: list[str] = []
    for each in now:
        after = [one for one in then if one.identity == each.identity or _vips(one) & _vips(each)]
        members = {cluster.source(server) for cluster in clusters if _is(cluster, after) for server in cluster.servers}
        kept = {*changing, *members, *(peer for one in after for peer in one.peers)}
        if after:
            found += [_text(each, peer) for peer in _peers(each) if peer not in kept]
    if _stale(facts) and any(each.cast[0] == "unicast" for each in (*now, *then)):
        found.append(_UNKNOWN)
    return tuple(dict.fromkeys(found))


def _text(instance: DeclaredInstance, peer: IpAddress | str) -> str:
    return shortened(
        f"peer {peer} of {instance.name}: nothing is sent to it any more; if keepalived runs there, it becomes master"
    )


def _peers(instance: DeclaredInstance) -> list[IpAddress | str]:
    """As they are written, where they are no addresses."""
    found: list[IpAddress | str] = []
    for each in instance.statement.block("unicast_peer"):
        try:
            found.append(ip_address(each.keyword))
        except ValueError:
            found.append(each.text)
    return found


def _vips(instance: DeclaredInstance) -> set[IpAddress]:
    return {vip.ip for vip in (*instance.vips, *instance.excluded)}


def _is(cluster: Cluster, after: Iterable[DeclaredInstance]) -> bool:
    return any((cluster.vrid, cluster.family) == (each.vrid, each.family) for each in after)


def _stale(facts: ServerFacts) -> bool:
    """Does keepalived run something else than the file? What vipbook left was read back then."""
    if not isinstance(facts.declared, Read) or facts.declared.value.untouched:
        return False
    return isinstance(facts.instances, Read) and bool(facts.instances.value) and not told(facts)
