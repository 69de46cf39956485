"""Checks on one leaf: do its tables lead to the server that bears the VIP now?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from tasks.judge.subject import Check, Subject
from tasks.model.cluster import Fabric, Server
from tasks.model.mac import MacAddress
from tasks.model.observation import FdbRow, LeafFacts, Neighbor, Read, Reading, Unread
from tasks.model.verdict import Finding, VipState

T = TypeVar("T")
_WITHOUT_MAC = {"FAILED", "INCOMPLETE", "NONE"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a leaf's tables should say: the owner's MAC, and where it is from this leaf's point of view."""

    facts: LeafFacts
    owner: Server
    mac: MacAddress
    vtep: str | None
    """How the owner's leaf is named in the fabric; None when that leaf could not tell."""

    @property
    def local(self) -> bool:
        """Is the owner attached to this leaf?"""
        return self.facts.host in self.owner.leaves

    @property
    def where(self) -> str:
        """The place in words."""
        if self.local:
            return f"on {self.owner.port}"
        return f"behind VTEP {self.vtep or 'unknown'} ({self.owner.leaves[0]})"


def place_of(subject: Subject, leaf: str) -> Place | str:
    """What this leaf should say, or why that can't be told."""
    owner = subject.owner()
    if owner is None:
        return "no single server bears the VIP, so there is nothing to compare with"
    mac = subject.mac_of(owner)
    if mac is None:
        return f"{owner.name} did not tell the MAC of {owner.interface}"
    return Place(facts=subject.leaves[leaf], owner=owner, mac=mac, vtep=subject.vtep_of(owner.leaves[0]))


def judge_neighbor(subject: Subject, leaf: str) -> Finding:
    """The kernel's neighbor on the SVI: owner's MAC; learned on its own leaf, installed by EVPN on all others."""
    read, place = subject.leaves[leaf].neighbors, place_of(subject, leaf)
    opened = _open("neighbor", leaf, read, place, f"{subject.vip.ip} on {subject.cluster.fabric.svi}")
    if isinstance(opened, Finding):
        return opened
    check, (rows, place) = opened
    row = _row(rows, subject, subject.cluster.fabric.svi)
    if row is None:
        return check.fails(f"{leaf} has no neighbor {subject.vip.ip}", "no entry", VipState.NOT_LEARNED)
    actual = f"{row.mac or 'no MAC'} {' '.join(sorted(row.states))}{' extern_learn' if row.extern_learn else ''}"
    if row.mac is None or row.states & _WITHOUT_MAC:
        return check.fails(f"{leaf} could not resolve {subject.vip.ip}", actual, VipState.NOT_LEARNED)
    if row.mac != place.mac:
        message = f"{leaf} still holds {subject.name_of(row.mac)} for {subject.vip.ip}; {place.owner.name} bears it"
        return check.fails(message, actual, VipState.STALE_NEIGHBOR)
    if row.permanent:
        return check.fails(f"{leaf} has a static entry, which will not follow the VIP", actual, VipState.WRONG_LOCATION)
    if place.local and row.extern_learn:
        message = f"{leaf} holds an EVPN entry for a server on its own {place.owner.port}; it refuses gratuitous ARP"
        return check.fails(message, actual, VipState.WRONG_LOCATION)
    if not place.local and not row.extern_learn:
        message = (
            f"{leaf} learned {subject.vip.ip} from its own ports, but {place.owner.name} is at {place.owner.leaves[0]}"
        )
        return check.fails(message, actual, VipState.WRONG_LOCATION)
    return check.passes(f"{leaf} holds {subject.name_of(row.mac)}", actual)


def judge_gateway_neighbor(subject: Subject, leaf: str) -> Finding:
    """The copy on the VRR interface: it is not used to forward, but a wrong MAC there deserves a look."""
    name = subject.cluster.fabric.vrr or "the VRR interface"
    read, place = subject.leaves[leaf].neighbors, place_of(subject, leaf)
    opened = _open("gateway-neighbor", leaf, read, place, f"{subject.vip.ip} on {name}, if at all")
    if isinstance(opened, Finding):
        return opened
    check, (rows, place) = opened
    row = _row(rows, subject, name)
    if row is None or row.mac is None:
        return check.skips(f"{leaf} has no copy on {name}", "no entry")
    actual = f"{row.mac} {' '.join(sorted(row.states))}"
    if row.mac != place.mac:
        return check.warns(f"the copy on {name} still says {subject.name_of(row.mac)}", actual)
    return check.passes(f"the copy on {name} says {subject.name_of(row.mac)}", actual)


def _row(rows: tuple[Neighbor, ...], subject: Subject, interface: str) -> Neighbor | None:
    return next((row for row in rows if row.address == subject.vip.ip and row.interface == interface), None)


def judge_fdb(subject: Subject, leaf: str) -> Finding:
    """The bridge's FDB: the owner's MAC on its port, or behind the VTEP of its leaf."""
    read, place = subject.leaves[leaf].fdb, place_of(subject, leaf)
    opened = _open("fdb", leaf, read, place, "FDB entry")
    if isinstance(opened, Finding):
        return opened
    check, (rows, place) = opened
    found = [row for row in rows if row.mac == place.mac and _of_vlan(row, subject.cluster.fabric)]
    ports = sorted({row.interface for row in found if row.vtep is None})
    vteps = sorted({str(row.vtep) for row in found if row.vtep is not None})
    actual = ", ".join(_seen(row) for row in found) or "no entry"
    if not found:
        return check.fails(f"{leaf} has no FDB entry for {place.mac}", actual, VipState.NOT_LEARNED)
    if place.local:
        if ports != [place.owner.port] or vteps:
            return check.fails(f"{leaf} has {place.mac} at {actual}", actual, VipState.WRONG_LOCATION)
        return check.passes(f"{leaf} has {place.mac} {place.where}", actual)
    if ports not in ([subject.cluster.fabric.vxlan], []) or not vteps:
        return check.fails(f"{leaf} has {place.mac} at {actual}", actual, VipState.WRONG_LOCATION)
    return _remote(check, place, vteps, actual)


def _of_vlan(row: FdbRow, fabric: Fabric) -> bool:
    """A VLAN-aware bridge holds the rows of all its VLANs, and a single VXLAN device those of all its VNIs."""
    if row.vtep is not None:
        return row.interface == fabric.vxlan and row.vni in {None, fabric.vni}
    return fabric.vlan is None or row.vlan in {None, fabric.vlan}


def _seen(row: FdbRow) -> str:
    return f"{row.interface} dst {row.vtep}" if row.vtep is not None else row.interface


def judge_evpn_mac(subject: Subject, leaf: str) -> Finding:
    """zebra's MAC table: local on the owner's leaf and port, remote behind it everywhere else."""
    read, place = subject.leaves[leaf].evpn_macs, place_of(subject, leaf)
    opened = _open("evpn-mac", leaf, read, place, "EVPN MAC")
    if isinstance(opened, Finding):
        return opened
    check, (rows, place) = opened
    row = next((each for each in rows if each.mac == place.mac), None)
    if row is None:
        return check.fails(f"zebra on {leaf} does not know {place.mac}", "no entry", VipState.NOT_LEARNED)
    actual = f"{row.kind} {row.interface or row.vtep or ''}".strip() + (" duplicate" if row.duplicate else "")
    if place.local and (row.kind, row.interface) != ("local", place.owner.port):
        return check.fails(f"zebra on {leaf} has {place.mac} as {actual}", actual, VipState.WRONG_LOCATION)
    if not place.local and row.kind != "remote":
        return check.fails(f"zebra on {leaf} has {place.mac} as {actual}", actual, VipState.WRONG_LOCATION)
    return (
        check.passes(f"zebra on {leaf} has it {place.where}", actual)
        if place.local
        else _remote(check, place, [row.vtep or "no VTEP"], actual)
    )


def judge_evpn_arp(subject: Subject, leaf: str) -> Finding:
    """zebra's ARP cache: the VIP with the owner's MAC, local and active on its leaf, remote everywhere else."""
    read, place = subject.leaves[leaf].evpn_neighbors, place_of(subject, leaf)
    opened = _open("evpn-arp", leaf, read, place, "EVPN ARP entry")
    if isinstance(opened, Finding):
        return opened
    check, (rows, place) = opened
    row = next((each for each in rows if each.address == str(subject.vip.ip)), None)
    if row is None:
        return check.fails(f"zebra on {leaf} does not know {subject.vip.ip}", "no entry", VipState.NOT_LEARNED)
    actual = " ".join(str(part) for part in (row.kind, row.state, row.mac, row.vtep) if part is not None)
    # A duplicate that is flagged but not frozen goes on being forwarded and advertised; a frozen one is inactive.
    actual += " flagged duplicate" if row.duplicate else ""
    if row.mac != place.mac:
        message = f"zebra on {leaf} still holds {subject.name_of(row.mac)} for {subject.vip.ip}"
        return check.fails(message, actual, VipState.STALE_NEIGHBOR)
    if row.kind != ("local" if place.local else "remote"):
        return check.fails(f"zebra on {leaf} has {subject.vip.ip} as {row.kind}", actual, VipState.WRONG_LOCATION)
    if place.local and row.state not in {"active", None}:
        return check.fails(f"zebra on {leaf} has it {row.state}: it is not advertised", actual, VipState.NOT_ADVERTISED)
    if row.state not in {"active", None}:
        return check.warns(f"zebra on {leaf} has it {row.state}", actual)
    return (
        check.passes(f"zebra on {leaf} has it {place.where}", actual)
        if place.local
        else _remote(check, place, [row.vtep or "no VTEP"], actual)
    )


def judge_bgp(subject: Subject, leaf: str) -> Finding:
    """BGP's type-2 route: exactly one origin, the owner's leaf, with the owner's MAC."""
    read, place = subject.leaves[leaf].paths, place_of(subject, leaf)
    opened = _open("bgp-type2", leaf, read, place, f"one type-2 route of {subject.vip.ip}")
    if isinstance(opened, Finding):
        return opened
    check, (rows, place) = opened
    best = sorted({(row.mac, row.vtep) for row in rows if row.address == str(subject.vip.ip) and row.best})
    actual = ", ".join(f"{mac} from {vtep}" for mac, vtep in best) or "no route"
    if not best:
        return check.fails(f"{leaf} has no type-2 route of {subject.vip.ip}", actual, VipState.NOT_ADVERTISED)
    stale = [mac for mac, _ in best if mac != place.mac]
    if stale:
        message = f"{leaf} has a type-2 route of {subject.vip.ip} with {subject.name_of(stale[0])}"
        return check.fails(message, actual, VipState.STALE_NEIGHBOR)
    return _remote(check, place, [vtep for _, vtep in best], actual)


def _remote(check: Check, place: Place, vteps: list[str], actual: str) -> Finding:
    """The entry names the VTEP of the owner's leaf, and no other."""
    if place.vtep is None:
        return check.unknown(
            f"{place.owner.leaves[0]} did not tell its VTEP address, so {', '.join(vteps)} can't be judged"
        )
    if vteps != [place.vtep]:
        message = f"{place.facts.host} points to {', '.join(vteps)}; {place.owner.name} is behind {place.vtep}"
        return check.fails(message, actual, VipState.WRONG_LOCATION)
    return check.passes(f"{place.facts.host} points to {place.owner.leaves[0]} ({place.vtep})", actual)


def _open(
    name: str, leaf: str, read: Reading[T], place: Place | str, what: str
) -> Finding | tuple[Check, tuple[T, Place]]:
    """The check with its evidence, the rows and the place; or the finding that says why there are none."""
    expected = f"{what}: {place.mac} {place.where}" if isinstance(place, Place) else what
    if isinstance(read, Unread):
        return Check(name=name, target=leaf, expected=expected).unread(read)
    check = Check(name=name, target=leaf, expected=expected, evidence=(read.source,))
    if isinstance(place, str):
        return check.skips(place)
    assert isinstance(read, Read)
    return check, (read.value, place)
