"""Do the four tables of one leaf say the same? Cumulus's release notes know of bugs in which exactly one is wrong."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.judge.checks import Target, registered
from tasks.judge.checks.bgp import best_paths
from tasks.judge.checks.kernel import neighbor_on
from tasks.judge.checks.mobility import entry
from tasks.judge.place import of_vlan, place_of
from tasks.judge.subject import Check, Subject
from tasks.model.answer import Answer
from tasks.model.leaf import LeafFacts
from tasks.model.mac import MacAddress
from tasks.model.reading import Read
from tasks.model.table import rows_with
from tasks.model.verdict import Finding

NOTHING = "nothing"
HERE = "this leaf"
_ENOUGH = 2
Views = dict[str, str]
"""What each table says, in one word; a table that could not be read is left out."""


@registered(
    "agreement",
    Target.LEAF,
    order=370,
    reads="kernel neighbor and FDB, zebra, BGP",
    passes="all name one MAC for the VIP and one place for that MAC",
    fails="two of them differ: says which, and what is known to cause it",
)
def judge_agreement(subject: Subject, leaf: str) -> Finding:
    """Kernel neighbor, zebra and BGP name one MAC for the VIP; kernel FDB, zebra and BGP one place for that MAC."""
    facts = subject.leaves[leaf]
    check = Check(
        name="agreement",
        target=leaf,
        expected="kernel, zebra and BGP say the same of the VIP and of its MAC",
        evidence=_sources(facts),
    )
    bindings = binding_views(subject, facts)
    mac = _the_mac(subject, facts)
    places = place_views(subject, facts, mac) if mac is not None else {}
    if check.value(facts.vni).local_vtep is None:
        return check.unknown(f"{leaf} did not tell its VTEP address, so BGP's place can't be compared")
    if len(bindings) < _ENOUGH:
        return check.unknown("fewer than two of kernel, zebra and BGP could be read")
    split = [f"{subject.vip.ip}: {_worded(bindings)}"] if disagree(bindings) else []
    split += [f"{mac}: {_worded(places)}"] if disagree(places) else []
    actual = "; ".join([_worded(bindings), *([_worded(places)] if places else [])])
    if split:
        return check.fails(f"{leaf} disagrees with itself on {'; on '.join(split)}", actual)
    if set(bindings.values()) == {NOTHING}:
        return check.skips(f"no table of {leaf} has {subject.vip.ip}", actual)
    return check.passes(f"{leaf}: {' and '.join(bindings)} say the same", actual)


def disagree(views: Mapping[str, str]) -> bool:
    """Do two of the tables say different things?"""
    return len(set(views.values())) > 1


def binding_views(subject: Subject, facts: LeafFacts) -> Views:
    """The MAC of the VIP in the kernel's neighbor table, in zebra and in BGP."""
    views: Views = {}
    if isinstance(facts.neighbors, Read):
        row = neighbor_on(facts.neighbors.value, subject, subject.cluster.fabric.svi)
        views["kernel neighbor"] = str(row.mac) if row is not None and row.mac is not None else NOTHING
    if isinstance(facts.evpn_neighbors, Read):
        known = entry(facts, subject)
        views["zebra"] = str(known.mac) if known is not None and known.mac is not None else NOTHING
    if isinstance(facts.paths, Read):
        macs = sorted({str(path.mac) for path in best_paths(facts.paths.value, subject)})
        views["BGP"] = " and ".join(macs) or NOTHING
    return views


def place_views(subject: Subject, facts: LeafFacts, mac: MacAddress) -> Views:
    """Where that MAC is: `this leaf`, or a VTEP. What is behind an Ethernet segment has no one VTEP: left out."""
    views: Views = {}
    own = facts.vni.value.local_vtep if isinstance(facts.vni, Read) else None
    if isinstance(facts.fdb, Read):
        found = rows_with(facts.fdb.value, "mac", mac)
        rows = [row for row in found if of_vlan(row, subject.cluster.fabric)]
        if not any(row.nexthop_group is not None for row in rows):
            local = any(row.vtep is None and row.interface != subject.cluster.fabric.vxlan for row in rows)
            vteps = sorted({str(row.vtep) for row in rows if row.vtep is not None})
            # A row on a port decides: what the VXLAN device holds beside it is not asked.
            views["kernel FDB"] = HERE if local else " and ".join(vteps) or NOTHING
    if isinstance(facts.evpn_macs, Read):
        row = next(iter(rows_with(facts.evpn_macs.value, "mac", mac)), None)
        if row is None or row.segment is None:
            views["zebra"] = NOTHING if row is None else HERE if row.kind == "local" else row.vtep or NOTHING
    if isinstance(facts.paths, Read) and own is not None:
        paths = [path for path in best_paths(facts.paths.value, subject) if path.mac == mac]
        if paths and not any(path.segment is not None for path in paths):
            views["BGP"] = " and ".join(sorted({HERE if path.vtep == own else path.vtep for path in paths}))
    return views


def _the_mac(subject: Subject, facts: LeafFacts) -> MacAddress | None:
    """The MAC whose place matters: the right one, or without an owner the one that the leaf believes in."""
    place = place_of(subject, facts.host)
    if not isinstance(place, str):
        return place.mac
    known = entry(facts, subject)
    return known.mac if known is not None else None


def _worded(views: Views) -> str:
    by_value: dict[str, list[str]] = {}
    for table, value in views.items():
        by_value.setdefault(value, []).append(table)
    return ", ".join(
        f"{' and '.join(tables)} {'says' if len(tables) == 1 else 'say'} {value}" for value, tables in by_value.items()
    )


def _sources(facts: LeafFacts) -> tuple[Answer, ...]:
    readings = (facts.neighbors, facts.fdb, facts.evpn_neighbors, facts.evpn_macs, facts.paths)
    return tuple(read.source for read in readings if isinstance(read, Read))
