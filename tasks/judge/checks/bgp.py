"""Checks on BGP: the type-2 route that each leaf holds, the one place it comes from, the sessions that carry it."""

from __future__ import annotations

from tasks.judge.checks import Target, registered
from tasks.judge.place import Place, place_of
from tasks.judge.subject import Check, Subject
from tasks.judge.tables import opened, remote, unplaced
from tasks.model.answer import Answer
from tasks.model.leaf import LeafFacts, MacIpPath
from tasks.model.reading import Read, Reading, Unread
from tasks.model.table import rows_with
from tasks.model.verdict import Finding, VipState

ESTABLISHED = "Established"


@registered(
    "bgp-type2",
    Target.LEAF,
    order=360,
    decides=True,
    reads="vtysh: show bgp l2vpn evpn route vni N type macip",
    passes="the owner's MAC from the VTEP of the owner's leaf (of the pair, the segment), and nothing else",
    fails="no route, another MAC, another origin",
)
def judge_bgp(subject: Subject, leaf: str) -> Finding:
    """BGP's type-2 route on one leaf: the VIP's MAC from the owner's place, and nothing else."""
    what = f"one type-2 route of {subject.vip.ip}"
    check, rows, place = opened("bgp-type2", subject, leaf, subject.leaves[leaf].paths, what)
    best = best_paths(rows, subject)
    actual = worded_paths(best)
    if not best:
        # What the fabric as a whole does not have is `origin`'s to say; here one leaf lacks it.
        return check.fails(f"{leaf} has no type-2 route of {subject.vip.ip}", actual, VipState.NOT_LEARNED)
    stale = [row.mac for row in best if row.mac != place.mac]
    if stale:
        message = f"{leaf} has a type-2 route of {subject.vip.ip} with {subject.name_of(stale[0])}"
        return check.fails(message, actual, VipState.STALE_NEIGHBOR)
    return remote(check, place, [row.vtep for row in best], actual, [row.segment for row in best])


def best_paths(rows: tuple[MacIpPath, ...], subject: Subject) -> list[MacIpPath]:
    """The paths of the VIP that BGP chose; one that it did not choose, or can't use, forwards nothing."""
    return [row for row in rows_with(rows, "address", str(subject.vip.ip)) if row.best and row.valid]


def worded_paths(paths: list[MacIpPath]) -> str:
    """MAC and VTEP of each, with the mobility sequence where there is one."""
    texts = {f"{row.mac} from {row.vtep}" + (f" seq {row.sequence}" if row.sequence else "") for row in paths}
    return ", ".join(sorted(texts)) or "no route"


@registered(
    "origin",
    Target.CLUSTER,
    order=500,
    decides=True,
    reads="BGP's type-2 routes on all leaves together",
    passes="all see exactly one origin: the owner's leaf, or its pair",
    fails="none, several, or one with another MAC",
)
def judge_origin(subject: Subject) -> Finding:
    """Across all leaves: exactly one origin (or one pair), the owner's place, with the VIP's MAC."""
    check = Check(
        name="origin",
        target=subject.cluster.name,
        expected="one origin: the leaf of the server that bears the VIP",
        evidence=_sources([facts.paths for facts in subject.leaves.values()]),
    )
    place = place_of(subject, next(iter(subject.leaves)))
    silent = [leaf for leaf, facts in subject.leaves.items() if isinstance(facts.paths, Unread)]
    if isinstance(place, str):
        return unplaced(check, subject, place)
    best = {
        leaf: best_paths(facts.paths.value, subject)
        for leaf, facts in subject.leaves.items()
        if isinstance(facts.paths, Read)
    }
    origins = {(row.mac, row.vtep) for rows in best.values() for row in rows}
    actual = ", ".join(sorted(f"{mac} from {vtep}" for mac, vtep in origins)) or "no route on any leaf"
    unheard = _unheard(subject, place, best)
    if unheard is not None:
        cause = VipState.NOT_ADVERTISED if _learned_at_home(subject, place) else VipState.NOT_LEARNED
        return check.fails(unheard, actual, cause)
    if len({mac for mac, _ in origins}) > 1 or not {vtep for _, vtep in origins} <= {*place.vteps}:
        wrong = sorted(f"{leaf}: {worded_paths(rows)}" for leaf, rows in best.items() if rows)
        if not place.vteps_told and not any(mac != place.mac for mac, _ in origins):
            return check.unknown(f"{place.home.name} did not tell its VTEP address")
        return check.fails(f"not one origin: {'; '.join(wrong)}", actual)
    if any(mac != place.mac for mac, _ in origins):
        return check.fails(f"the one origin has another MAC than {place.owner.name}", actual)
    if silent:
        return check.unknown(f"{', '.join(silent)} did not tell; all others see one origin")
    return check.passes(f"every leaf sees one origin: {place.home.name}", actual)


def _sources(readings: list[Reading[tuple[MacIpPath, ...]]]) -> tuple[Answer, ...]:
    return tuple(reading.source for reading in readings if reading.source is not None)


def _unheard(subject: Subject, place: Place, best: dict[str, list[MacIpPath]]) -> str | None:
    """Why nobody but the owner's own place has the route, if that is so.

    A leaf whose own sessions are down hears nothing whatever is advertised, so it says nothing about the origin.
    """
    address, home = subject.vip.ip, place.home
    listening = [leaf for leaf in best if leaf not in home.ports and not _cut_off(subject.leaves[leaf])]
    own = [leaf for leaf in best if leaf in home.ports]
    if any(best[leaf] for leaf in listening):
        return None
    if not own:
        return None
    if not any(best[leaf] for leaf in own):
        return f"{home.name} advertises no type-2 route of {address}"
    if listening:
        return f"{home.name} has a type-2 route of {address}, but no other leaf ever gets it"
    return None


def _cut_off(facts: LeafFacts) -> bool:
    sessions = facts.sessions
    return isinstance(sessions, Read) and not any(each.state == ESTABLISHED for each in sessions.value)


def _learned_at_home(subject: Subject, place: Place) -> bool:
    """Does the kernel of the owner's leaf hold the right, locally learned neighbor, so that it could advertise it?"""
    for leaf in place.home.leaves:
        rows = subject.leaves[leaf].neighbors
        for row in rows.value if isinstance(rows, Read) else ():
            right = row.mac == place.mac and not row.extern_learn
            if right and row.interface == subject.cluster.fabric.svi and row.address == subject.vip.ip:
                return True
    return False


@registered(
    "evpn-session",
    Target.LEAF,
    order=400,
    reads="vtysh: show bgp l2vpn evpn summary",
    passes="every BGP session with EVPN is established and brings routes",
    fails="none is established (some are not, or bring nothing: warns)",
)
def judge_session(subject: Subject, leaf: str) -> Finding:
    """The leaf's EVPN sessions: without one it hears of no move and tells of none."""
    check = Check(name="evpn-session", target=leaf, expected="every BGP session with EVPN established")
    check, sessions = check.reads(subject.leaves[leaf].sessions)
    up = [each.peer for each in sessions if each.state == ESTABLISHED]
    down = [f"{each.peer} {each.state}" for each in sessions if each.state != ESTABLISHED]
    actual = ", ".join([*(f"{peer} {ESTABLISHED}" for peer in up), *down]) or "no session"
    if not up and len(subject.leaves) == 1:
        return check.skips(f"{leaf} is the only leaf: there is nobody to tell", actual)
    if not up:
        place = place_of(subject, leaf)
        own = isinstance(place, Place) and place.local
        message = f"{leaf} has no EVPN session: it hears of no move and tells of none"
        return check.fails(message, actual, VipState.NOT_ADVERTISED if own else VipState.NOT_LEARNED)
    if down:
        return check.warns(f"{leaf} has lost EVPN sessions: {', '.join(down)}", actual)
    # Every other leaf tells at least where it wants floods to go (type 3).
    empty = [each.peer for each in sessions if each.prefixes_received == 0]
    if empty and len(subject.leaves) > 1:
        return check.warns(f"{leaf} receives nothing from {', '.join(empty)}: filtered, or nothing to tell", actual)
    return check.passes(f"{leaf}: {', '.join(up)} established", actual)
