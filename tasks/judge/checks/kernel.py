"""Checks on a leaf's kernel: the neighbor that routed packets use, its copy on the VRR interface, and the FDB."""

from __future__ import annotations

from tasks.judge.checks import Target, registered
from tasks.judge.place import Place, of_vlan
from tasks.judge.subject import Check, Subject
from tasks.judge.tables import on_port, opened, remote
from tasks.model.leaf import FdbRow, Neighbor
from tasks.model.table import rows_with
from tasks.model.verdict import Finding, Status, VipState

_WITHOUT_MAC = {"FAILED", "INCOMPLETE", "NONE"}
_NOARP = "NOARP"
"""A state that the kernel never leaves by itself: right only for what EVPN installed."""


@registered(
    "neighbor",
    Target.LEAF,
    order=310,
    decides=True,
    reads="ip -j neigh show to VIP, the SVI's row",
    passes="the owner's MAC: learned on the owner's leaf, installed by EVPN everywhere else",
    fails="no entry, another MAC, an EVPN entry on the owner's own leaf, or a local one elsewhere",
)
def judge_neighbor(subject: Subject, leaf: str) -> Finding:
    """The kernel's neighbor on the SVI: the VIP's MAC; learned on the owner's leaf, installed by EVPN on all others.

    The state is judged by place: NOARP with extern_learn is right on a remote leaf and wrong on the owner's, where it
    would refuse every gratuitous ARP.
    """
    svi = subject.cluster.fabric.svi
    check, rows, place = opened("neighbor", subject, leaf, subject.leaves[leaf].neighbors, f"{subject.vip.ip} on {svi}")
    row = neighbor_on(rows, subject, svi)
    others = sorted(each.interface for each in on_other_vlans(rows, subject))
    if row is None:
        where = f", but on {', '.join(others)}" if others else ""
        return check.fails(f"{leaf} has no neighbor {subject.vip.ip} on {svi}{where}", "no entry", VipState.NOT_LEARNED)
    finding = _neighbor(check, subject, place, row)
    if others and finding.status is Status.PASS:
        return check.warns(f"{leaf} holds {subject.vip.ip} on {svi} and on {', '.join(others)}", worded(row))
    return finding


def _neighbor(check: Check, subject: Subject, place: Place, row: Neighbor) -> Finding:
    leaf, address, actual = place.facts.host, subject.vip.ip, worded(row)
    if row.mac is None or not row.states or row.states & _WITHOUT_MAC:
        return check.fails(f"{leaf} could not resolve {address}", actual, VipState.NOT_LEARNED)
    if row.mac != place.mac:
        message = f"{leaf} still holds {subject.name_of(row.mac)} for {address}; {place.owner.name} bears it"
        return check.fails(message, actual, VipState.STALE_NEIGHBOR)
    if row.permanent or (_NOARP in row.states and not row.extern_learn):
        return check.fails(f"{leaf} has a static entry, which will not follow the VIP", actual, VipState.WRONG_LOCATION)
    if place.local and row.extern_learn and not synchronised(row, place):
        own = place.port or "port"
        message = f"{leaf} holds an EVPN entry for a server on its own {own}; it refuses gratuitous ARP"
        return check.fails(message, actual, VipState.WRONG_LOCATION)
    if not place.local and not row.extern_learn:
        home = place.home.name
        message = f"{leaf} learned {address} from its own ports, but {place.owner.name} is at {home}"
        return check.fails(message, actual, VipState.WRONG_LOCATION)
    if not place.local and _NOARP not in row.states:
        return check.warns(f"{leaf} holds an EVPN entry that ages; zebra makes it NOARP", actual)
    return check.passes(f"{leaf} holds {subject.name_of(row.mac)}", actual)


def synchronised(row: Neighbor, place: Place) -> bool:
    """Leaves of one Ethernet segment tell each other what they learned: installed by EVPN, and it ages as if local."""
    return place.segment is not None and _NOARP not in row.states


@registered(
    "gateway-neighbor",
    Target.LEAF,
    order=320,
    reads="the same, the VRR interface's row",
    passes="the owner's MAC",
    fails="never; another MAC warns, no entry is skipped",
)
def judge_gateway_neighbor(subject: Subject, leaf: str) -> Finding:
    """The copy on the VRR interface: it is not used to forward, but a wrong MAC there deserves a look."""
    name = subject.cluster.fabric.vrr or "the VRR interface"
    what = f"{subject.vip.ip} on {name}, if at all"
    check, rows, place = opened("gateway-neighbor", subject, leaf, subject.leaves[leaf].neighbors, what)
    row = neighbor_on(rows, subject, name)
    if row is None or row.mac is None:
        return check.skips(f"{leaf} has no copy on {name}", "no entry")
    if row.mac != place.mac:
        return check.warns(f"the copy on {name} still says {subject.name_of(row.mac)}", worded(row))
    return check.passes(f"the copy on {name} says {subject.name_of(row.mac)}", worded(row))


def neighbor_on(rows: tuple[Neighbor, ...], subject: Subject, interface: str) -> Neighbor | None:
    """The VIP's row on that interface; None when it has none."""
    return next((row for row in rows if row.address == subject.vip.ip and row.interface == interface), None)


def on_other_vlans(rows: tuple[Neighbor, ...], subject: Subject) -> list[Neighbor]:
    """Rows of the VIP, with a MAC, on an interface that is neither the SVI nor its VRR interface."""
    fabric = subject.cluster.fabric
    own = {fabric.svi, fabric.vrr}
    return [row for row in rows if row.address == subject.vip.ip and row.interface not in own and row.mac is not None]


def worded(row: Neighbor) -> str:
    """The row in the kernel's words."""
    return f"{row.mac or 'no MAC'} {' '.join(sorted(row.states))}{' extern_learn' if row.extern_learn else ''}"


@registered(
    "fdb",
    Target.LEAF,
    order=330,
    decides=True,
    reads="bridge -j fdb",
    passes="the owner's MAC on the declared port, or behind the VTEP of its leaf",
    fails="no entry, another port or VTEP",
)
def judge_fdb(subject: Subject, leaf: str) -> Finding:
    """The bridge's FDB: the VIP's MAC on the owner's port, or behind the VTEP of its leaf."""
    check, rows, place = opened("fdb", subject, leaf, subject.leaves[leaf].fdb, "FDB entry")
    found = [row for row in rows_with(rows, "mac", place.mac) if of_vlan(row, subject.cluster.fabric)]
    actual = ", ".join(seen(row) for row in found) or "no entry"
    if not found:
        return check.fails(f"{leaf} has no FDB entry for {place.mac}", actual, VipState.NOT_LEARNED)
    return _fdb_local(check, place, found, actual) if place.local else _fdb_remote(check, subject, place, found, actual)


def _fdb_local(check: Check, place: Place, found: list[FdbRow], actual: str) -> Finding:
    """The bridge's own row decides: the VXLAN device's is asked for what the bridge sends to that device alone.

    After a virtual MAC has come back zebra leaves that one behind (seen on FRR 8.4), which harms nothing.
    """
    leaf = place.facts.host
    bridged = [row for row in found if not over_vxlan(row)]
    left = [seen(row) for row in found if over_vxlan(row)]
    ports = sorted({row.interface for row in bridged})
    if len(ports) != 1:
        return check.fails(f"{leaf} has {place.mac} at {actual}", actual, VipState.WRONG_LOCATION)
    if place.home.over_the_peerlink(ports[0]):
        return check.warns(f"{leaf} has {place.mac} on {ports[0]}: its own port does not hear it", actual)
    if not on_port(place, ports[0]):
        return check.fails(f"{leaf} has {place.mac} at {actual}", actual, VipState.WRONG_LOCATION)
    if any(row.extern_learn for row in bridged) and place.segment is None:
        return check.fails(f"{leaf} has {place.mac} at {actual}, written by EVPN", actual, VipState.WRONG_LOCATION)
    if any(row.permanent for row in found):
        return check.fails(permanent(leaf, place), actual, VipState.WRONG_LOCATION)
    if not all(row.extern_learn for row in found if over_vxlan(row)):
        return check.warns(f"{leaf} has {place.mac} on {ports[0]}; EVPN did not write {', '.join(left)}", actual)
    unused = f"; {', '.join(left)} is left over and not used" if left else ""
    return check.passes(f"{leaf} has {place.mac} on {ports[0]}{unused}", actual)


def _fdb_remote(check: Check, subject: Subject, place: Place, found: list[FdbRow], actual: str) -> Finding:
    leaf, vxlan = place.facts.host, subject.cluster.fabric.vxlan
    ports = {row.interface for row in found if not over_vxlan(row)}
    vteps = [str(row.vtep) for row in found if row.vtep is not None]
    grouped = [row for row in found if row.nexthop_group is not None]
    if not ports <= {vxlan} or not (vteps or grouped):
        return check.fails(f"{leaf} has {place.mac} at {actual}", actual, VipState.WRONG_LOCATION)
    if any(row.permanent for row in found):
        return check.fails(permanent(leaf, place), actual, VipState.WRONG_LOCATION)
    if grouped and place.segment is None:
        return check.unknown(f"{leaf} has {place.mac} behind a nexthop group, but no leaf names a segment for it")
    if grouped and not vteps:
        return check.passes(f"{leaf} has {place.mac} behind the nexthop group of segment {place.segment}", actual)
    finding = remote(check, place, vteps, actual)
    if finding.status is Status.PASS and not ports:
        return check.warns(f"{leaf} has {place.mac} on {vxlan} alone, not in its bridge, which floods for it", actual)
    if finding.status is Status.PASS and not all(row.extern_learn for row in found):
        return check.warns(
            f"{leaf} has {place.mac} in the right place, but EVPN did not write that: VXLAN learns", actual
        )
    return finding


def permanent(leaf: str, place: Place) -> str:
    """What is wrong with an entry that somebody wrote by hand."""
    return f"{leaf} has a permanent entry for {place.mac}, which will not follow it"


def over_vxlan(row: FdbRow) -> bool:
    """Is it the VXLAN device's own row, with the VTEP or the nexthop group behind which the MAC is?"""
    return row.vtep is not None or row.nexthop_group is not None


def seen(row: FdbRow) -> str:
    """The row as `bridge fdb` words it."""
    if row.vtep is not None:
        return f"{row.interface} dst {row.vtep}"
    if row.nexthop_group is not None:
        return f"{row.interface} nhid {row.nexthop_group}"
    return row.interface + (" permanent" if row.permanent else "")
