"""Checks on zebra's EVPN tables: the MAC, and the address with it."""

from __future__ import annotations

from tasks.judge.checks import Target, registered
from tasks.judge.checks.bgp import best_paths
from tasks.judge.place import Place
from tasks.judge.subject import Check, Subject
from tasks.judge.tables import on_port, opened, remote
from tasks.model.leaf import EvpnMac, EvpnNeighbor
from tasks.model.reading import Read
from tasks.model.table import rows_with
from tasks.model.verdict import Finding, VipState

_ACTIVE = {"active", None}
"""An FRR older than 7.0 tells no state."""


@registered(
    "evpn-mac",
    Target.LEAF,
    order=340,
    decides=True,
    reads="vtysh: show evpn mac vni N",
    passes="local on the declared port of the owner's leaf, remote behind its VTEP elsewhere",
    fails="no entry, or another place",
)
def judge_evpn_mac(subject: Subject, leaf: str) -> Finding:
    """zebra's MAC table: local on the owner's leaf and port, remote behind it everywhere else."""
    check, rows, place = opened("evpn-mac", subject, leaf, subject.leaves[leaf].evpn_macs, "EVPN MAC")
    row = next(iter(rows_with(rows, "mac", place.mac)), None)
    if row is None:
        return check.fails(f"zebra on {leaf} does not know {place.mac}", "no entry", VipState.NOT_LEARNED)
    actual = worded_mac(row)
    if row.kind != ("local" if place.local else "remote"):
        return check.fails(f"zebra on {leaf} has {place.mac} as {actual}", actual, VipState.WRONG_LOCATION)
    if not place.local:
        return remote(check, place, _vteps(row), actual, [row.segment])
    if place.home.over_the_peerlink(row.interface):
        return check.warns(f"zebra on {leaf} has it on {row.interface}: its own port does not hear it", actual)
    if not on_port(place, row.interface):
        return check.fails(f"zebra on {leaf} has {place.mac} as {actual}", actual, VipState.WRONG_LOCATION)
    return check.passes(f"zebra on {leaf} has it on {row.interface or 'a port of its own'}", actual)


@registered(
    "evpn-arp",
    Target.LEAF,
    order=350,
    decides=True,
    reads="vtysh: show evpn arp-cache vni N",
    passes="the VIP with the owner's MAC, local and active on the owner's leaf, remote behind its VTEP elsewhere",
    fails="no entry, another MAC or place, or inactive on the owner's leaf",
)
def judge_evpn_arp(subject: Subject, leaf: str) -> Finding:
    """zebra's ARP and ND cache: the VIP with its MAC, local and active on the owner's leaf, remote everywhere else."""
    check, rows, place = opened("evpn-arp", subject, leaf, subject.leaves[leaf].evpn_neighbors, "EVPN ARP entry")
    row = next(iter(rows_with(rows, "address", str(subject.vip.ip))), None)
    if row is None:
        return check.fails(f"zebra on {leaf} does not know {subject.vip.ip}", "no entry", VipState.NOT_LEARNED)
    return _evpn_arp(check, subject, place, row)


def _evpn_arp(check: Check, subject: Subject, place: Place, row: EvpnNeighbor) -> Finding:
    leaf, address, actual = place.facts.host, subject.vip.ip, worded_neighbor(row)
    if row.mac != place.mac:
        message = f"zebra on {leaf} still holds {subject.name_of(row.mac)} for {address}"
        return check.fails(message, actual, VipState.STALE_NEIGHBOR)
    if row.kind != ("local" if place.local else "remote"):
        return check.fails(f"zebra on {leaf} has {address} as {row.kind}", actual, VipState.WRONG_LOCATION)
    if place.local and row.state not in _ACTIVE and advertised(place, subject):
        return check.warns(f"zebra on {leaf} has it {row.state}, although BGP advertises it", actual)
    if place.local and row.state not in _ACTIVE:
        return check.fails(f"zebra on {leaf} has it {row.state}: it is not advertised", actual, VipState.NOT_ADVERTISED)
    if row.state not in _ACTIVE:
        return check.warns(f"zebra on {leaf} has it {row.state}", actual)
    if place.local:
        return check.passes(f"zebra on {leaf} has it as its own", actual)
    return remote(check, place, _vteps(row), actual, [row.segment])


def advertised(place: Place, subject: Subject) -> bool:
    """Does BGP on this leaf have the VIP with the right MAC from the owner's place?"""
    paths = place.facts.paths
    best = best_paths(paths.value, subject) if isinstance(paths, Read) else []
    return any(path.mac == place.mac and path.vtep in place.vteps for path in best)


def _vteps(row: EvpnMac | EvpnNeighbor) -> list[str]:
    return [row.vtep] if row.vtep is not None else []


def worded_mac(row: EvpnMac) -> str:
    """The row in FRR's words."""
    place = row.interface or row.vtep or row.segment or ""
    return f"{row.kind} {place}".strip() + (" duplicate" if row.duplicate else "")


def worded_neighbor(row: EvpnNeighbor) -> str:
    """The row in FRR's words."""
    parts = (row.kind, row.state, row.mac, row.vtep or row.segment)
    # A duplicate that is flagged but not frozen goes on being forwarded and advertised; a frozen one is inactive.
    return " ".join(str(part) for part in parts if part is not None) + (" flagged duplicate" if row.duplicate else "")
