"""A leaf's tables as entries: a neighbor by VLAN and IP, a MAC by VNI and MAC, a route by its type-2 key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any

from tasks.judge.subject import Subject
from tasks.model.leaf import (
    DuplicateDetection,
    EvpnMac,
    EvpnNeighbor,
    EvpnSession,
    FdbRow,
    LeafFacts,
    LldpNeighbor,
    MacIpPath,
    Neighbor,
    VniFacts,
)
from tasks.model.mac import MacAddress
from tasks.model.reading import Reading
from tasks.model.snapshot import Row

_ZERO = MacAddress("00:00:00:00:00:00")
_LEARNED = {"REACHABLE", "STALE", "DELAY", "PROBE"}
"""States that a learned neighbor goes through by itself."""
_UNRESOLVED = {"FAILED", "INCOMPLETE"}


def _said(fields: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}


def _vteps(*values: object) -> tuple[str, ...]:
    return tuple(str(value) for value in values if value)


def _neighbors(_: Subject, rows: tuple[Neighbor, ...]) -> Iterator[Row]:
    for row in rows:
        if row.mac is None or row.states & _UNRESOLVED:
            continue
        kind = "EVPN" if row.extern_learn else "learned" if row.states & _LEARNED else " ".join(sorted(row.states))
        key = f"{row.interface} {row.address}"
        yield Row(
            key=key, fields={"mac": str(row.mac), "kind": kind}, addresses=(str(row.address),), macs=(str(row.mac),)
        )


def _fdb(subject: Subject, rows: tuple[FdbRow, ...]) -> Iterator[Row]:
    """Rows of one key stand together: an Ethernet segment has several; group addresses come and go with listeners."""
    places: dict[tuple[str, MacAddress], set[str]] = {}
    for row in rows:
        if row.mac.is_group:
            continue
        vlan = f" vlan {row.vlan}" if row.vlan is not None else ""
        table = f"vni {row.vni or subject.cluster.fabric.vni}" if row.bridge is None else f"{row.bridge}{vlan}"
        behind = f" dst {row.vtep}" if row.vtep is not None else f" nhid {row.nexthop_group}" * bool(row.nexthop_group)
        kind = " permanent" * row.permanent
        places.setdefault((table, row.mac), set()).add(f"{row.interface}{behind}{kind}")
    for (table, mac), where in places.items():
        vteps = tuple(sorted(each.split(" dst ")[1].split()[0] for each in where if " dst " in each))
        if mac == _ZERO:
            yield Row(key=f"{table} flood list", fields={"to": ", ".join(sorted(where))}, vteps=vteps)
        else:
            yield Row(key=f"{table} {mac}", fields={"on": ", ".join(sorted(where))}, macs=(str(mac),), vteps=vteps)


def _evpn_macs(subject: Subject, rows: tuple[EvpnMac, ...]) -> Iterator[Row]:
    vni = subject.cluster.fabric.vni
    for row in rows:
        fields = {
            "kind": row.kind,
            "port": row.interface,
            "vtep": row.vtep,
            "segment": row.segment,
            "duplicate": "yes" if row.duplicate else None,
        }
        yield Row(key=f"vni {vni} {row.mac}", fields=_said(fields), macs=(str(row.mac),), vteps=_vteps(row.vtep))


def _evpn_neighbors(subject: Subject, rows: tuple[EvpnNeighbor, ...]) -> Iterator[Row]:
    vni = subject.cluster.fabric.vni
    for row in rows:
        if _link_local(row.address):
            continue
        fields = {
            "kind": row.kind,
            "state": row.state,
            "mac": str(row.mac) if row.mac is not None else None,
            "vtep": row.vtep,
            "segment": row.segment,
            "duplicate": "yes" if row.duplicate else None,
        }
        macs = _vteps(row.mac)
        key, said = f"vni {vni} {row.address}", _said(fields)
        yield Row(key=key, fields=said, addresses=(row.address,), macs=macs, vteps=_vteps(row.vtep))


def _paths(subject: Subject, rows: tuple[MacIpPath, ...]) -> Iterator[Row]:
    """A route by its type-2 key, less the RD that an origin makes up; where several advertise it, all of them."""
    origins: dict[tuple[MacAddress, str], set[str]] = {}
    for row in rows:
        if row.valid and not _link_local(row.address):
            origins.setdefault((row.mac, row.address), set()).add(row.vtep + f" {row.segment}" * bool(row.segment))
    vni = subject.cluster.fabric.vni
    for (mac, address), places in origins.items():
        vteps = tuple(sorted(each.split()[0] for each in places))
        key = f"[2] vni {vni} {mac} {address}"
        yield Row(
            key=key, fields={"origin": ", ".join(sorted(places))}, addresses=(address,), macs=(str(mac),), vteps=vteps
        )


def _link_local(address: str) -> bool:
    """Such an address is a matter of its own link: hosts make and drop them by themselves."""
    try:
        return ip_address(address).is_link_local
    except ValueError:
        return False


def _vni(_: Subject, value: VniFacts) -> Iterator[Row]:
    yield Row(key=f"vni {value.vni}", fields=_said({"vtep": value.local_vtep, "vxlan": value.vxlan}))


def _detection(_: Subject, value: DuplicateDetection) -> Iterator[Row]:
    rule = f"{value.max_moves} moves in {value.window_s} s" if value.enabled else "off"
    freeze = str(value.freeze) if value.freeze is not None else None
    yield Row(key="duplicate detection", fields=_said({"rule": rule, "freeze": freeze}))


def _sessions(_: Subject, rows: tuple[EvpnSession, ...]) -> Iterator[Row]:
    for row in rows:
        # Connect, Active and OpenSent follow one another by themselves; what counts is whether routes come.
        up = row.state.lower() == "established"
        yield Row(key=row.peer, fields={"state": "established" if up else "not established"})


def _lldp(_: Subject, rows: tuple[LldpNeighbor, ...]) -> Iterator[Row]:
    for row in rows:
        yield Row(key=row.port, fields=_said({"system": row.system, "port": row.remote_port}), systems=(row.system,))


# Each with the reading it is made of and what makes entries of it.
LEAF_TABLES: tuple[tuple[str, Callable[[LeafFacts], Reading[Any] | None], Callable[..., Iterator[Row]]], ...] = (
    ("kernel neighbor", lambda facts: facts.neighbors, _neighbors),
    ("kernel FDB", lambda facts: facts.fdb, _fdb),
    ("zebra MAC", lambda facts: facts.evpn_macs, _evpn_macs),
    ("zebra ARP/ND", lambda facts: facts.evpn_neighbors, _evpn_neighbors),
    ("BGP type-2", lambda facts: facts.paths, _paths),
    ("VNI", lambda facts: facts.vni, _vni),
    ("duplicate detection", lambda facts: facts.detection, _detection),
    ("EVPN session", lambda facts: facts.sessions, _sessions),
    ("LLDP", lambda facts: facts.lldp, _lldp),
)
