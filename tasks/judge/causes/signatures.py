"""Signatures: evidence that is known to have one cause, each with its reference and what to do about it.

Pure pattern matching on the same facts that the checks judge. A signature explains a red verdict; it never makes one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from tasks.judge.causes.remedies import announce, correct_fdb, forget, thaw
from tasks.judge.checks.agreement import NOTHING, place_views
from tasks.judge.checks.bgp import best_paths
from tasks.judge.checks.client import judge_client_neighbor
from tasks.judge.checks.duplicates import frozen
from tasks.judge.checks.kernel import judge_neighbor, neighbor_on, on_other_vlans
from tasks.judge.checks.mobility import entry, sequence_of
from tasks.judge.place import Place, place_of
from tasks.judge.subject import Subject
from tasks.model.reading import Read, Reading
from tasks.model.verdict import KnownCause, Status

T = TypeVar("T")
STALE_CLIENT = "suppressed-arp"
"""The one cause that only time heals."""


def known_causes(subject: Subject) -> tuple[KnownCause, ...]:
    """Every signature that the evidence shows, leaf by leaf."""
    found: list[KnownCause] = []
    for leaf in subject.leaves:
        place = place_of(subject, leaf)
        if isinstance(place, Place):
            for rule in _RULES:
                found += rule(subject, place)
    found += _stale_clients(subject)
    return tuple(found)


def _refused_garp(subject: Subject, place: Place) -> Iterator[KnownCause]:
    row = neighbor_on(_rows(place.facts.neighbors), subject, subject.cluster.fabric.svi)
    if not place.local or row is None or not row.extern_learn or "NOARP" not in row.states:
        return
    yield KnownCause(
        id="garp-refused",
        host=place.facts.host,
        explanation=f"the kernel holds an EVPN entry (NOARP) for {subject.vip.ip} although its server is attached "
        "here, and a gratuitous ARP never overwrites one; Cumulus's neighmgrd does, so it is stopped or failed",
        reference="FRRouting/frr#14156; Linux net/core/neighbour.c: only an administrator changes NUD_NOARP",
        advice=(f"on {place.facts.host}: systemctl status neighmgrd; start it, and the next gratuitous ARP heals",),
    )


def _newer_sequence(subject: Subject, place: Place) -> Iterator[KnownCause]:
    """A leaf that cached a higher sequence than the owner's leaf advertises takes the new route for an old one."""
    row = entry(place.facts, subject)
    own = sequence_of(row) if row is not None else None
    if place.local or row is None or own is None or (row.mac == place.mac and row.vtep in place.vteps):
        return
    for leaf in place.home.leaves:
        home = entry(subject.leaves[leaf], subject)
        told = sequence_of(home) if home is not None and home.mac == place.mac and home.kind == "local" else None
        if told is not None and told < own:
            yield KnownCause(
                id="higher-cached-sequence",
                host=place.facts.host,
                explanation=f"it holds sequence {own} from elsewhere while {leaf} advertises {told}: the newer route "
                "loses against the cached one",
                reference="RFC 7432 7.7; FRRouting/frr#10468, #9327",
                advice=(f"on {place.facts.host}: compare `show evpn arp-cache vni {subject.cluster.fabric.vni}`",),
            )


def _left_behind(subject: Subject, place: Place) -> Iterator[KnownCause]:
    """A virtual MAC left with its port: zebra keeps what it was as inactive, and the sequence that it had with it.

    The port's carrier took the FDB row and the route; the new owner's leaf knew the route withdrawn and begins at 0.
    """
    row = entry(place.facts, subject)
    if place.local or row is None or (row.kind, row.state, row.mac) != ("local", "inactive", place.mac):
        return
    held = max(row.local_sequence or 0, row.remote_sequence or 0)
    told = [path.sequence for path in best_paths(_rows(place.facts.paths), subject) if path.mac == place.mac]
    if not told or max(told) >= held:
        return
    yield KnownCause(
        id="higher-cached-sequence",
        host=place.facts.host,
        explanation=f"zebra still has {subject.vip.ip} as local, inactive since the port went down, and {place.mac} "
        f"with sequence {held}; {place.home.name} advertises {max(told)}, which loses against it",
        reference="RFC 7432 7.7; FRRouting/frr#9327",
        advice=(f"on {place.facts.host}: sudo ip neigh del {subject.vip.ip} dev {subject.cluster.fabric.svi}",),
    )


def _inactive(subject: Subject, place: Place) -> Iterator[KnownCause]:
    """After moves in a row zebra may keep the entry of its own server as inactive: what the kernel has is right."""
    row = entry(place.facts, subject)
    kernel = neighbor_on(_rows(place.facts.neighbors), subject, subject.cluster.fabric.svi)
    if not place.local or row is None or kernel is None or frozen(subject, place.facts.host):
        return
    if (row.kind, row.state, row.mac, kernel.mac) == ("local", "inactive", place.mac, place.mac):
        yield KnownCause(
            id="inactive-while-local",
            host=place.facts.host,
            explanation=f"the kernel has {subject.vip.ip} with the right MAC, zebra keeps it inactive: an announcement "
            "changes nothing in the kernel, so zebra is not told again",
            reference="FRR zebra/zebra_evpn_neigh.c, seen on 8.4.4 after moves in a row",
            advice=(
                *forget(subject, place.facts.host, place.mac),
                f"on {place.owner.name}: {announce(subject, place.owner)}",
            ),
        )


def _tables_apart(subject: Subject, place: Place) -> Iterator[KnownCause]:
    """One of kernel FDB, zebra and BGP stands apart from the two others: each has its bug on record."""
    views = place_views(subject, place.facts, place.mac)
    kernel, zebra, bgp = (views.get(name) for name in ("kernel FDB", "zebra", "BGP"))
    host, vni = place.facts.host, subject.cluster.fabric.vni
    if kernel not in {None, NOTHING, zebra} and zebra is not None and bgp in {None, zebra}:
        yield KnownCause(
            id="fdb-stuck",
            host=host,
            explanation=f"the kernel's FDB says {kernel} for {place.mac}, zebra says {zebra}: a row that was not taken "
            "away, or one that somebody wrote by hand",
            reference="Cumulus 2866084; FRRouting/frr#13973",
            advice=correct_fdb(subject, place, zebra),
        )
    # A frozen entry is apart by intent, and a restart would let it go; what was left behind has a cause of its own.
    apart = zebra is not None and bgp is not None and zebra != bgp
    if apart and not frozen(subject, host) and not list(_left_behind(subject, place)):
        yield KnownCause(
            id="zebra-behind-bgp",
            host=host,
            explanation=f"BGP chose {bgp} for {place.mac}, zebra still has {zebra}",
            reference="Cumulus 2754791; FRRouting/frr#10468",
            advice=(
                f"show evpn mac vni {vni} mac {place.mac}",
                "a restart of FRR on this leaf alone puts them in step",
            ),
        )


def _old_neighbor(subject: Subject, place: Place) -> Iterator[KnownCause]:
    row = neighbor_on(_rows(place.facts.neighbors), subject, subject.cluster.fabric.svi)
    known = entry(place.facts, subject)
    if row is None or row.mac is None or row.mac == place.mac or known is None or known.mac != place.mac:
        return
    yield KnownCause(
        id="neighbor-not-replaced",
        host=place.facts.host,
        explanation=f"zebra has the right MAC for {subject.vip.ip}, the kernel still {row.mac}: the old ARP entry was "
        "not replaced when the VIP moved, or somebody wrote it by hand",
        reference="Cumulus 2803044",
        advice=(f"on {place.facts.host}: sudo ip neigh del {subject.vip.ip} dev {subject.cluster.fabric.svi}",),
    )


def _withdrawn(subject: Subject, place: Place) -> Iterator[KnownCause]:
    paths = best_paths(_rows(place.facts.paths), subject)
    if not place.local or paths or not isinstance(place.facts.paths, Read) or frozen(subject, place.facts.host):
        return
    row = neighbor_on(_rows(place.facts.neighbors), subject, subject.cluster.fabric.svi)
    state = " ".join(sorted(row.states)) if row is not None else "gone"
    yield KnownCause(
        id="withdrawn-while-master",
        host=place.facts.host,
        explanation=f"{place.owner.name} bears {subject.vip.ip}, but its leaf advertises no type-2 route: the neighbor "
        f"(now {state}) went stale or expired, and FRR withdraws what the kernel no longer confirms",
        reference="FRRouting/frr#12574, #12938, #9347",
        advice=(
            f"systemctl status neighmgrd on {place.facts.host}: it refreshes neighbors before they expire",
            f"on {place.owner.name}: {announce(subject, place.owner)}",
        ),
    )


def _other_vlan(subject: Subject, place: Place) -> Iterator[KnownCause]:
    rows = on_other_vlans(_rows(place.facts.neighbors), subject)
    if not rows:
        return
    where = ", ".join(sorted(row.interface for row in rows))
    yield KnownCause(
        id="neighbor-on-another-vlan",
        host=place.facts.host,
        explanation=f"{subject.vip.ip} is resolved on {where} too: a port in the wrong VLAN, or a subnet on two SVIs; "
        f"FRR advertises only what stands on {subject.cluster.fabric.svi}",
        reference="FRR zebra/zebra_evpn_neigh.c: a type-2 route needs the neighbor on the VNI's own SVI",
        advice=(f"ip neigh show to {subject.vip.ip}; bridge vlan show",),
    )


def _frozen(subject: Subject, place: Place) -> Iterator[KnownCause]:
    if not frozen(subject, place.facts.host):
        return
    yield KnownCause(
        id="frozen-duplicate",
        host=place.facts.host,
        explanation=f"{subject.vip.ip} moved more often than duplicate detection allows, and this leaf froze it",
        reference="FRRouting/frr#3176; Cumulus EVPN Enhancements, duplicate address detection",
        advice=thaw(subject, place),
    )


def _stale_clients(subject: Subject) -> Iterator[KnownCause]:
    """A client is stale while every leaf is right: its own entry has to age, since no gratuitous ARP reaches it."""
    judged = [judge_neighbor(subject, leaf).status for leaf in subject.leaves]
    if set(judged) - {Status.PASS, Status.WARN}:
        return
    for probe in subject.probes:
        finding = judge_client_neighbor(subject, probe)
        if finding.status is Status.FAIL:
            yield KnownCause(
                id=STALE_CLIENT,
                host=probe,
                explanation="every leaf is right, and its own entry is old: leaves that suppress ARP do not flood a "
                "gratuitous ARP over VXLAN, so the entry lasts until the host itself looks again",
                reference="RFC 9161 3.6; Linux net/bridge/br_arp_nd_proxy.c",
                advice=("use_vmac: true: the MAC moves with the VIP, and no client has to learn anything",),
            )


_RULES = (
    *(_refused_garp, _newer_sequence, _left_behind, _inactive, _tables_apart),
    *(_old_neighbor, _withdrawn, _other_vlan, _frozen),
)


def _rows(read: Reading[tuple[T, ...]]) -> tuple[T, ...]:
    return read.value if isinstance(read, Read) else ()
