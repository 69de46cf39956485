"""The MAC mobility sequence (RFC 7432 7.7), as a witness: it supports a verdict and never makes one alone.

Without a virtual MAC it counts the moves of an address between MACs (FRR's extended mobility raises the sequence of the
new host's MAC), so a growing sequence of a server that never moved is no flap. A route that was withdrawn in between
begins at 0 again, and one that never moved has none.
"""

from __future__ import annotations

from tasks.judge.checks import Target, registered
from tasks.judge.checks.bgp import best_paths
from tasks.judge.place import Place, place_of
from tasks.judge.subject import Check, Subject
from tasks.judge.tables import unplaced
from tasks.model.leaf import EvpnNeighbor, LeafFacts
from tasks.model.reading import Unread
from tasks.model.table import rows_with
from tasks.model.verdict import Finding


@registered(
    "mobility",
    Target.LEAF,
    order=380,
    reads="the MAC mobility sequence in vtysh: show evpn arp-cache vni N, and BGP's",
    passes="it is the one that the owner's leaf advertises, in BGP too; in a drill: it did not fall while the "
    "entry stayed",
    fails="never: it supports a verdict and makes none (otherwise: warns); absent or 0 after a withdrawal is fine",
)
def judge_mobility(subject: Subject, leaf: str) -> Finding:
    """The leaf's sequence is what the owner's leaf and BGP say, and has not fallen while the entry stayed."""
    expected = "the sequence of the owner's leaf, and none that fell while the entry stayed"
    check = Check(name="mobility", target=leaf, expected=expected)
    check, _ = check.reads(subject.leaves[leaf].evpn_neighbors)
    place = place_of(subject, leaf)
    if isinstance(place, str):
        return unplaced(check, subject, place)
    row = entry(subject.leaves[leaf], subject)
    if row is None or row.mac != place.mac or row.kind != ("local" if place.local else "remote"):
        return check.skips("other checks say what is wrong with the entry; its sequence means nothing")
    own = sequence_of(row)
    if own is None:
        return check.skips("this FRR tells no sequence")
    fallen = _fallen(subject, leaf, row)
    if fallen is not None:
        return check.warns(fallen, str(own))
    told = _advertised(subject, place)
    if told is not None and not place.local and own != told:
        return check.warns(f"{leaf} holds sequence {own}, {place.home.name} says {told}", str(own))
    apart = _bgp_apart(subject, place, own)
    if apart is not None:
        return check.warns(apart, str(own))
    return check.passes(f"{leaf} holds sequence {own}", str(own))


def entry(facts: LeafFacts, subject: Subject) -> EvpnNeighbor | None:
    """zebra's row of the VIP on that leaf; None when it has none, or could not be read."""
    rows = facts.evpn_neighbors
    if isinstance(rows, Unread):
        return None
    return next(iter(rows_with(rows.value, "address", str(subject.vip.ip))), None)


def sequence_of(row: EvpnNeighbor) -> int | None:
    """The sequence that the entry stands on: the leaf's own for what it learned, the received one else."""
    return row.local_sequence if row.kind == "local" else row.remote_sequence


def _advertised(subject: Subject, place: Place) -> int | None:
    """The highest that a leaf of the owner's place has for its own entry: the one that all others follow."""
    rows = [entry(subject.leaves[leaf], subject) for leaf in place.home.leaves]
    mine = [sequence_of(row) for row in rows if row is not None and row.kind == "local" and row.mac == place.mac]
    return max((each for each in mine if each is not None), default=None)


def _bgp_apart(subject: Subject, place: Place, own: int) -> str | None:
    """What is wrong when zebra and BGP of one leaf stand on different sequences; each of a pair counts for itself."""
    paths = place.facts.paths
    if isinstance(paths, Unread) or len(place.home.leaves) > 1:
        return None
    routes = sorted({path.sequence for path in best_paths(paths.value, subject) if path.mac == place.mac})
    if not routes or own in routes:
        return None
    return f"zebra on {place.facts.host} holds sequence {own}, BGP {' and '.join(map(str, routes))}"


def _fallen(subject: Subject, leaf: str, row: EvpnNeighbor) -> str | None:
    """What is wrong when the same entry stands on a smaller sequence than before; 0 is a route that began anew."""
    then = entry(subject.before[leaf], subject) if subject.before is not None and leaf in subject.before else None
    if then is None or (then.kind, then.mac, then.vtep) != (row.kind, row.mac, row.vtep):
        return None
    was, now = sequence_of(then), sequence_of(row)
    if was is None or not now or now >= was:
        return None
    return f"{leaf}: the sequence fell from {was} to {now} although the entry stayed"
