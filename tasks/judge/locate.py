"""Where is this address or MAC now? Everything that was read becomes places, and one word on whether they agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.judge.sightings import sightings_of, unread_of
from tasks.model.cluster import Cluster, Fabric
from tasks.model.leaf import EvpnMac, EvpnNeighbor, LeafFacts
from tasks.model.location import LeafPort, Location, Query, Sighting, Whereabouts
from tasks.model.mac import MacAddress
from tasks.model.reading import Read, Reading
from tasks.model.server import Interface
from tasks.model.verdict import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Everything read for one query in one VNI."""

    fabric: Fabric
    leaves: Mapping[str, LeafFacts]
    uptimes: Mapping[str, str | None]
    """By leaf: how long the entry has been there, as FRR words it; None where FRR does not say."""


def locate(
    query: Query,
    looks: Sequence[Look],
    servers: Mapping[str, Reading[tuple[Interface, ...]]],
    clusters: Sequence[Cluster],
) -> Whereabouts:
    """All places of it, VNI by VNI."""
    locations: list[Location] = []
    sightings: list[Sighting] = []
    problems: list[str] = []
    for look in looks:
        found = [each for facts in look.leaves.values() for each in sightings_of(query, look.fabric, facts)]
        sightings += found
        macs = sorted({each.mac for each in found if each.mac is not None})
        places = [_location(query, mac, look, found, servers, clusters) for mac in macs]
        locations += places
        problems += _contradictions(query, look, places, found)
    unread = tuple(each for look in looks for facts in look.leaves.values() for each in unread_of(facts))
    status, message = _verdict(query, locations, problems, unread)
    return Whereabouts(
        query=query,
        status=status,
        message=message,
        locations=tuple(locations),
        sightings=tuple(sightings),
        unread=unread,
    )


def _location(  # noqa: PLR0913, PLR0917 - each is a fact of its own
    query: Query,
    mac: MacAddress,
    look: Look,
    found: Sequence[Sighting],
    servers: Mapping[str, Reading[tuple[Interface, ...]]],
    clusters: Sequence[Cluster],
) -> Location:
    mine = [each for each in found if each.mac == mac]
    homes = list(dict.fromkeys(each.leaf for each in mine if each.here))
    ports = {leaf: _port(mac, look, leaf) for leaf in homes}
    return Location(
        vni=look.fabric.vni,
        mac=mac,
        addresses=_addresses(mac, look) if isinstance(query, MacAddress) else (str(query),),
        server=_server(query, mac, servers, clusters) or _system(ports, look),
        leaves=tuple(LeafPort(leaf=leaf, port=port) for leaf, port in ports.items()),
        vteps=tuple(sorted({each.vtep for each in mine if each.vtep is not None})) or _own_vteps(homes, look),
        sequence=_sequence(query, mac, look),
        since=next((up for leaf in homes if (up := look.uptimes.get(leaf)) is not None), None),
    )


def _port(mac: MacAddress, look: Look, leaf: str) -> str | None:
    facts = look.leaves[leaf]
    here = [each for each in sightings_of(mac, look.fabric, facts) if each.table == "kernel FDB" and each.here]
    if here:
        return here[0].says.split()[1]
    rows = facts.evpn_macs.value if isinstance(facts.evpn_macs, Read) else ()
    return next((row.interface for row in rows if row.mac == mac and row.kind == "local"), None)


def _addresses(mac: MacAddress, look: Look) -> tuple[str, ...]:
    tables = [facts.evpn_neighbors for facts in look.leaves.values()]
    rows = [row for table in tables if isinstance(table, Read) for row in table.value]
    return tuple(sorted({row.address for row in rows if row.mac == mac}))


def _own_vteps(homes: Sequence[str], look: Look) -> tuple[str, ...]:
    told = [look.leaves[leaf].vni for leaf in homes]
    return tuple(dict.fromkeys(vni.value.local_vtep for vni in told if isinstance(vni, Read) and vni.value.local_vtep))


def _sequence(query: Query, mac: MacAddress, look: Look) -> int | None:
    """The highest that any leaf has for it: the one that the fabric follows. None where FRR tells none."""
    rows: list[EvpnMac | EvpnNeighbor] = []
    for facts in look.leaves.values():
        if isinstance(facts.evpn_macs, Read) and query == mac:
            rows += [row for row in facts.evpn_macs.value if row.mac == mac]
        if isinstance(facts.evpn_neighbors, Read):
            rows += [row for row in facts.evpn_neighbors.value if row.mac == mac and row.address == str(query)]
    told = [number for row in rows for number in (row.local_sequence, row.remote_sequence) if number is not None]
    return max(told, default=None)


def _server(
    query: Query,
    mac: MacAddress,
    servers: Mapping[str, Reading[tuple[Interface, ...]]],
    clusters: Sequence[Cluster],
) -> str | None:
    """The server whose own MAC it is. A virtual MAC is on all members: then the one that bears an address on it."""
    virtual = mac in {cluster.vmac for cluster in clusters}
    bearing = [
        name
        for name, read in servers.items()
        for interface in (read.value if isinstance(read, Read) else ())
        if (interface.mac == mac and (not virtual or interface.addresses))
        or any(own.ip == query for own in interface.addresses)
    ]
    return bearing[0] if len(set(bearing)) == 1 else None


def _system(ports: Mapping[str, str | None], look: Look) -> str | None:
    for leaf, port in ports.items():
        lldp = look.leaves[leaf].lldp
        for row in lldp.value if isinstance(lldp, Read) else ():
            if row.port == port:
                return row.system
    return None


def _contradictions(query: Query, look: Look, places: Sequence[Location], found: Sequence[Sighting]) -> list[str]:
    vni = f"in VNI {look.fabric.vni}"
    if not isinstance(query, MacAddress) and len(places) > 1:
        macs = " and ".join(str(each.mac) for each in places)
        return [f"tables give {query} several MACs {vni}: {macs}"]
    problems = []
    for place in places:
        leaves = [each.leaf for each in place.leaves]
        homes = {_vtep(look, leaf) for leaf in leaves}
        if len(homes - {None}) > 1 and not _segmented(place.mac, leaves, look):
            problems.append(f"{' and '.join(leaves)} both say that they learned {place.mac} {vni}")
        named = {each.vtep for each in found if each.mac == place.mac and each.vtep is not None}
        if leaves and None not in homes and not named <= homes:
            wrong = ", ".join(sorted(vtep for vtep in named - homes if vtep is not None))
            problems.append(f"{place.mac} is on {' and '.join(leaves)}, but tables name VTEP {wrong} {vni}")
    return problems


def _vtep(look: Look, leaf: str) -> str | None:
    vni = look.leaves[leaf].vni
    return vni.value.local_vtep if isinstance(vni, Read) else None


def _segmented(mac: MacAddress, leaves: Sequence[str], look: Look) -> bool:
    """Is it behind an Ethernet segment, so that several leaves rightly have it?"""
    tables = [look.leaves[leaf].evpn_macs for leaf in leaves]
    rows = [row for table in tables if isinstance(table, Read) for row in table.value]
    return all(row.segment is not None for row in rows if row.mac == mac)


def _verdict(
    query: Query, locations: Sequence[Location], problems: Sequence[str], unread: Sequence[str]
) -> tuple[Status, str]:
    if problems:
        return Status.FAIL, "; ".join(problems)
    if not locations:
        silent = f"; {len(unread)} tables could not be read" if unread else ""
        return Status.UNKNOWN, f"no table of any leaf has {query}{silent}"
    nowhere = [each for each in locations if not each.leaves]
    if nowhere:
        return Status.UNKNOWN, f"{nowhere[0].mac} is known, but no leaf that answered has it on a port"
    if unread:
        return Status.UNKNOWN, f"what could be read agrees, but not all could: {unread[0]}"
    return Status.PASS, "every table that has it says the same"
