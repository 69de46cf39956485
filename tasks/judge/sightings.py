"""What every table of every leaf says of one address or MAC."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.judge.checks.kernel import over_vxlan, seen, worded
from tasks.judge.checks.zebra import worded_mac, worded_neighbor
from tasks.judge.place import from_the_wire, of_vlan
from tasks.model.address import IpAddress
from tasks.model.cluster import Fabric
from tasks.model.leaf import LeafFacts
from tasks.model.location import Query, Sighting
from tasks.model.mac import MacAddress
from tasks.model.reading import Read, Unread


def sightings_of(query: Query, fabric: Fabric, facts: LeafFacts) -> Iterator[Sighting]:
    """Kernel neighbor and zebra's cache bind an address to a MAC; FDB and zebra's MAC table place that MAC."""
    yield from _neighbors(query, facts)
    yield from _zebra_neighbors(query, facts)
    yield from _paths(query, facts)
    macs = {query} if isinstance(query, MacAddress) else _bound(query, facts)
    for mac in sorted(macs):
        yield from _fdb(mac, fabric, facts)
        yield from _zebra_macs(mac, facts)


def _bound(query: IpAddress, facts: LeafFacts) -> set[MacAddress]:
    """The MACs that any table of this leaf gives the address."""
    found = [*_neighbors(query, facts), *_zebra_neighbors(query, facts), *_paths(query, facts)]
    return {each.mac for each in found if each.mac is not None}


def _neighbors(query: Query, facts: LeafFacts) -> Iterator[Sighting]:
    if not isinstance(facts.neighbors, Read):
        return
    for row in facts.neighbors.value:
        if query in {row.address, row.mac} and row.mac is not None:
            yield Sighting(
                leaf=facts.host,
                table=f"kernel neighbor {row.interface}",
                says=f"{row.address} {worded(row)}",
                mac=row.mac,
                here=False,
                vtep=None,
                source=facts.neighbors.source,
            )


def _zebra_neighbors(query: Query, facts: LeafFacts) -> Iterator[Sighting]:
    if not isinstance(facts.evpn_neighbors, Read):
        return
    for row in facts.evpn_neighbors.value:
        if str(query) in {row.address, str(row.mac)}:
            yield Sighting(
                leaf=facts.host,
                table="zebra ARP/ND",
                says=f"{row.address} {worded_neighbor(row)}",
                mac=row.mac,
                here=row.kind == "local",
                vtep=row.vtep,
                source=facts.evpn_neighbors.source,
            )


def _paths(query: Query, facts: LeafFacts) -> Iterator[Sighting]:
    if not isinstance(facts.paths, Read):
        return
    for path in facts.paths.value:
        if path.best and str(query) in {path.address, str(path.mac)}:
            own = isinstance(facts.vni, Read) and facts.vni.value.local_vtep == path.vtep
            yield Sighting(
                leaf=facts.host,
                table="BGP type-2",
                says=f"{path.address} {path.mac} from {path.vtep}" + (f" seq {path.sequence}" if path.sequence else ""),
                mac=path.mac,
                here=own,
                vtep=path.vtep,
                source=facts.paths.source,
            )


def _fdb(mac: MacAddress, fabric: Fabric, facts: LeafFacts) -> Iterator[Sighting]:
    if not isinstance(facts.fdb, Read):
        return
    rows = [row for row in facts.fdb.value if row.mac == mac and of_vlan(row, fabric)]
    on_a_port = any(from_the_wire(row, fabric) for row in rows)
    for row in rows:
        # The bridge decides first: what EVPN once wrote on the VXLAN device is asked for nothing then.
        unused = on_a_port and over_vxlan(row) and row.extern_learn
        yield Sighting(
            leaf=facts.host,
            table="kernel FDB",
            says=f"{mac} {seen(row)}" + (", left over and not used" if unused else ""),
            mac=mac,
            here=from_the_wire(row, fabric),
            vtep=str(row.vtep) if row.vtep is not None and not unused else None,
            source=facts.fdb.source,
        )


def _zebra_macs(mac: MacAddress, facts: LeafFacts) -> Iterator[Sighting]:
    if not isinstance(facts.evpn_macs, Read):
        return
    for row in facts.evpn_macs.value:
        if row.mac == mac:
            yield Sighting(
                leaf=facts.host,
                table="zebra MAC",
                says=f"{mac} {worded_mac(row)}",
                mac=mac,
                here=row.kind == "local",
                vtep=row.vtep,
                source=facts.evpn_macs.source,
            )


def unread_of(facts: LeafFacts) -> Iterator[str]:
    """The tables of a leaf that could not be read, each with its reason."""
    tables = {
        "kernel neighbor": facts.neighbors,
        "kernel FDB": facts.fdb,
        "zebra ARP/ND": facts.evpn_neighbors,
        "zebra MAC": facts.evpn_macs,
        "BGP type-2": facts.paths,
    }
    for table, read in tables.items():
        if isinstance(read, Unread):
            yield f"{facts.host} {table}: {read.reason}"
