"""Duplicate address detection: is the VIP held for a duplicate, and how many more moves may it make?

FRR counts the moves of an address (of a MAC, when that is what moves) on the leaves of the servers: at `max_moves`
(default 5) within `window_s` (180) it flags it, and with `freeze` it stops advertising it, which is a black hole until
somebody clears it. A failover with its failback is two moves.
"""

from __future__ import annotations

from dataclasses import dataclass

from tasks.judge.checks import Target, registered
from tasks.judge.place import Place, place_of
from tasks.judge.subject import Check, Subject
from tasks.model.leaf import DuplicateDetection, LeafFacts, MoveCount
from tasks.model.reading import Read, Unread
from tasks.model.table import rows_with
from tasks.model.verdict import Finding, VipState

ROUND = 2
"""Moves of one drill: away and back."""
_GRACE_S = 2.0
"""FRR counts in whole seconds, and the window must be over, not about to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one leaf will still let the VIP do. `wait_s`: until the moves counted so far are forgotten; 0: now."""

    leaf: str
    left: int
    max_moves: int
    window_s: int
    wait_s: float


def budget_of(subject: Subject, leaf: str) -> Budget | None:
    """The moves left before this leaf flags the VIP; None where nothing counts, or it is flagged already."""
    facts = subject.leaves[leaf]
    if isinstance(facts.detection, Unread) or isinstance(facts.moves, Unread):
        return None
    detection, moves = facts.detection.value, facts.moves.value
    if not detection.enabled or flagged(subject, facts):
        return None
    wait_s = _window_left_s(detection, moves)
    counted = moves.moves if wait_s > 0 else 0
    return Budget(
        leaf=leaf,
        left=max(0, detection.max_moves - 1 - counted),
        max_moves=detection.max_moves,
        window_s=detection.window_s,
        wait_s=wait_s if counted else 0.0,
    )


def _window_left_s(detection: DuplicateDetection, moves: MoveCount) -> float:
    """Until the window is over. A leaf that does not say when it began may just have opened it."""
    if not moves.moves:
        return 0.0
    if moves.began_at is None or moves.now is None:
        return detection.window_s + _GRACE_S
    return max(0.0, moves.began_at + detection.window_s + _GRACE_S - moves.now)


def flagged(subject: Subject, facts: LeafFacts) -> bool:
    """Does the leaf hold the VIP, or the MAC that it has now, for a duplicate?"""
    address, owner = str(subject.vip.ip), subject.owner()
    mac = subject.vip_mac(owner) if owner is not None else subject.cluster.vmac
    neighbors = facts.evpn_neighbors.value if isinstance(facts.evpn_neighbors, Read) else ()
    macs = facts.evpn_macs.value if isinstance(facts.evpn_macs, Read) else ()
    return (
        any(row.duplicate for row in rows_with(neighbors, "address", address))
        or any(row.duplicate for row in rows_with(macs, "mac", mac))
        or (isinstance(facts.moves, Read) and facts.moves.value.duplicate)
    )


@registered(
    "duplicate",
    Target.LEAF,
    order=390,
    reads="vtysh: show evpn, show evpn arp-cache vni N ip VIP (with use_vmac: show evpn mac vni N mac MAC)",
    passes="the VIP is not flagged as a duplicate; says how many moves are left before it would be",
    fails="it is flagged and frozen (flagged where the leaf only warns, or one move away from being frozen: warns)",
)
def judge_duplicate(subject: Subject, leaf: str) -> Finding:
    """The leaf does not hold the VIP for a duplicate; and how many moves are left before it would."""
    facts = subject.leaves[leaf]
    check = Check(name="duplicate", target=leaf, expected=f"{subject.vip.ip} is not held for a duplicate")
    check, detection = check.reads(facts.detection)
    check, _ = check.reads(facts.moves)
    check.value(facts.evpn_neighbors)
    if flagged(subject, facts):
        return _flagged(check, subject, leaf, detection)
    if not detection.enabled:
        return check.passes(f"duplicate detection is off on {leaf}", "off")
    budget = budget_of(subject, leaf)
    left = budget.left if budget is not None else 0
    rule = f"{detection.max_moves} in {detection.window_s} s, {_worded(detection)}"
    if left == 0 and detection.freeze != "no":
        return check.warns(f"{leaf} flags {subject.vip.ip} at its next move ({rule})", "0 left")
    return check.passes(f"{leaf} allows {left} more moves ({rule})", f"{left} left of {detection.max_moves - 1}")


def _flagged(check: Check, subject: Subject, leaf: str, detection: DuplicateDetection) -> Finding:
    actual = f"flagged; detection {detection.max_moves} in {detection.window_s} s, {_worded(detection)}"
    if frozen(subject, leaf):
        place = place_of(subject, leaf)
        home = isinstance(place, Place) and place.local
        message = f"{leaf} has frozen {subject.vip.ip} as a duplicate: it neither advertises nor follows it"
        return check.fails(message, actual, VipState.NOT_ADVERTISED if home else None)
    new = subject.before is not None and leaf in subject.before and not flagged(subject, subject.before[leaf])
    since = ", since the drill began" if new else ""
    return check.warns(f"{leaf} flags {subject.vip.ip} as a duplicate{since}; it still forwards and advertises", actual)


def frozen(subject: Subject, leaf: str) -> bool:
    """Is the VIP flagged there, and does the leaf freeze what it flags?

    FRR up to 8.5 may not say whether it freezes; an inactive entry that is flagged is a frozen one.
    """
    facts = subject.leaves[leaf]
    if not flagged(subject, facts):
        return False
    freezes = isinstance(facts.detection, Read) and facts.detection.value.freeze not in {"no", None}
    rows = facts.evpn_neighbors.value if isinstance(facts.evpn_neighbors, Read) else ()
    mine = rows_with(rows, "address", str(subject.vip.ip))
    return freezes or any(row.kind == "local" and row.state == "inactive" for row in mine)


def _worded(detection: DuplicateDetection) -> str:
    match detection.freeze:
        case "no":
            return "warn only"
        case "permanent":
            return "freeze permanent"
        case None:
            return "action unknown"
        case seconds:
            return f"freeze {seconds} s"
