"""How an instance speaks VRRP, what keeps another one from hearing it, and what makes keepalived begin it again.

From keepalived's vrrp_check_packet (what a receiver drops) and vrrp_exist (which instance a reload goes on with).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tasks.judge.instances import family_of
from tasks.model.address import IPV6, IpAddress
from tasks.model.cluster import Cluster, Family, Secret, Server
from tasks.model.keepalived import DeclaredInstance
from tasks.model.server import Instance

_V2 = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """One instance on one server. What keepalived does not report of itself is None where no file says it either."""

    vrid: int | None
    family: Family
    interface: str
    segment: str
    """Where it speaks: empty on the interface of the intent, which has another name on each server."""
    version: int
    advert_int: float
    advertised: frozenset[IpAddress]
    source: IpAddress
    vmac: bool
    known: bool
    """Are the rest known?"""
    carried: frozenset[IpAddress] = frozenset()
    """All its VIPs, those among them that are not in the adverts: nothing that keeps anybody from hearing it."""
    auth: tuple[str, Secret] | None = None
    cast: tuple[str, ...] = ()
    peers: frozenset[IpAddress] = frozenset()
    checks_source: bool = False
    priority: int = field(default=0, compare=False)
    """Nothing that keeps anybody from hearing it."""


def running_wire(running: Instance, told: Iterable[DeclaredInstance], cluster: Cluster, server: Server) -> Wire:
    """What runs; `told` are the instances of the files that the daemon read, none where they changed since."""
    declared = next((each for each in told if _is(each, running)), None)
    interface = running.interface or (declared.interface if declared is not None else "")
    return Wire(
        vrid=running.vrid,
        family=declared.family if declared is not None else _family(running, cluster),
        interface=interface,
        segment="" if interface in {"", server.interface} else interface,
        version=running.version,
        advert_int=round(running.advert_int, 3),
        advertised=frozenset(vip.ip for vip in running.advertised),
        source=declared.source if declared is not None and declared.source else cluster.source(server),
        vmac=running.vmac_interface is not None,
        known=declared is not None,
        auth=declared.auth if declared is not None else None,
        cast=declared.cast if declared is not None else (),
        peers=declared.peers if declared is not None else frozenset(),
        checks_source=declared is not None and declared.checks_source,
        priority=running.effective_priority,
        carried=frozenset(vip.ip for vip in running.vips),
    )


def coming_wire(found: Sequence[DeclaredInstance], cluster: Cluster, server: Server) -> Wire | None:
    """What the instance will be with these; None where none is the cluster's."""
    same = [each for each in found if each.identity == (cluster.vrid, cluster.family, server.interface)]
    vips = {vip.ip for vip in cluster.vips}
    carrying = [each for each in found if vips & {vip.ip for vip in (*each.vips, *each.excluded)}]
    declared = next(iter(same or carrying), None)
    if declared is None:
        return None
    return Wire(
        vrid=declared.vrid,
        family=declared.family,
        interface=declared.interface,
        segment="" if declared.interface == server.interface else declared.interface,
        version=declared.version,
        advert_int=round(declared.advert_int, 3),
        advertised=frozenset(vip.ip for vip in declared.vips if vip.version == declared.family),
        source=declared.source or cluster.source(server),
        vmac=declared.vmac,
        known=True,
        auth=declared.auth,
        cast=declared.cast,
        peers=declared.peers,
        checks_source=declared.checks_source,
        priority=declared.priority,
        carried=frozenset(vip.ip for vip in (*declared.vips, *declared.excluded)),
    )


def _is(declared: DeclaredInstance, running: Instance) -> bool:
    """Is it what this one was made from? Then what keepalived does report of itself is what the file says."""
    return (
        (declared.name, declared.vrid, declared.version) == (running.name, running.vrid, running.version)
        and running.interface in {"", declared.interface}
        and {vip.ip for vip in declared.vips} >= {vip.ip for vip in running.advertised}
    )


def _family(running: Instance, cluster: Cluster) -> Family:
    family = family_of(running) or cluster.family
    return 6 if family == IPV6 else 4


def deaf(receiver: Wire, sender: Wire) -> list[str]:
    """Why the receiver would not, or not surely, take the sender's adverts; nothing when it does.

    The list of VIPs counts whatever `skip_check_adv_addr` says: that is for a master that is known already, and whoever
    was reloaded or started knows none. A VRRPv3 backup takes the interval of the master for its own (RFC 5798 6.1).
    """
    pairs: list[tuple[str, object, object]] = [
        ("vrid", receiver.vrid, sender.vrid),
        ("family", receiver.family, sender.family),
        ("interface", receiver.segment, sender.segment),
        ("version", receiver.version, sender.version),
        ("list of VIPs", receiver.advertised, sender.advertised),
    ]
    if receiver.version == sender.version == _V2:
        pairs.append(("advert_int", receiver.advert_int, sender.advert_int))
    found = [name for name, one, other in pairs if one != other]
    if not (receiver.known and sender.known):
        return [*found, "what runs is not what the file says, so authentication and peers are not known"]
    if receiver.version == sender.version == _V2 and receiver.auth != sender.auth:
        found.append("authentication")
    if receiver.cast != sender.cast:
        found.append(" against ".join(dict.fromkeys((" ".join(sender.cast), " ".join(receiver.cast)))))
    elif sender.peers and receiver.source not in sender.peers:
        found.append(f"unicast_peer without {receiver.source}")
    elif receiver.peers and receiver.checks_source and sender.source not in receiver.peers:
        found.append(f"unicast_peer without {sender.source}")
    return found


def restarted(now: Wire, then: Wire) -> list[str]:
    """What makes a reload end the instance and begin another, which waits for a master before it is one."""
    pairs: list[tuple[str, object, object]] = [
        ("vrid", now.vrid, then.vrid),
        ("family", now.family, then.family),
        ("interface", now.interface or then.interface, then.interface),
        ("use_vmac", now.vmac, then.vmac),
    ]
    found = [name for name, before, after in pairs if before != after]
    if not now.known:
        return found
    if now.cast != then.cast:
        found.append(f"{' '.join(now.cast)} to {' '.join(then.cast)}")
    elif then.peers and now.source != then.source:
        found.append("unicast_src_ip")
    return found
