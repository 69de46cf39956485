"""The steps that open VRRP from the peers, and nothing else, at runtime and after a boot; and what goes with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.model.cluster import Cluster, Opening
from tasks.model.plan import Step
from tasks.server.firewall.backend import Guard, Planner
from tasks.server.firewall.backends import BACKENDS, judge_of, part
from tasks.server.firewall.model import NONE, Firewall

__all__ = ["Guard", "again", "guard_of", "notes_on", "plan_firewall", "refusal_of"]

_NOTHING: Planner[Firewall] = Planner(steps=lambda _firewall, _openings: ())


def plan_firewall(firewall: Firewall, openings: Sequence[Opening]) -> tuple[Step, ...]:
    """Steps for the firewall in charge; none when nothing on the input hook can keep VRRP out."""
    return _planner(firewall).steps(firewall, openings)


def refusal_of(firewall: Firewall, clusters: Sequence[Cluster] = (), openings: Sequence[Opening] = ()) -> str | None:
    """Why this firewall is not changed, or can't carry these clusters; None when it can."""
    if " and " in firewall.manager:
        return (
            f"{firewall.manager} are in charge of the firewall at once: what one opens the other may drop; "
            "stop one of them, or empty its input chains"
        )
    if firewall.manager not in (handled := (*BACKENDS, NONE)):
        return f"{firewall.manager} in charge of the firewall; handled: {', '.join(handled)}"
    return _planner(firewall).refusal(firewall, clusters, openings)


def notes_on(firewall: Firewall, openings: Sequence[Opening]) -> tuple[str, ...]:
    """What an operator should know of this firewall before the change."""
    drops = _dropped_by(firewall, openings)
    today = () if drops is None else (f"today protocol 112 is dropped by {firewall.manager}: {drops}",)
    return (*today, *_planner(firewall).notes(firewall))


def guard_of(firewall: Firewall, directory: str) -> Guard:
    """What keeps what runs in it, in the directory of the undo, and compares with it afterwards."""
    return _planner(firewall).guard(firewall, directory)


def again(firewall: Firewall, paths: Sequence[str]) -> list[str]:
    """Lines that make what runs as it is now, after a rollback of these files."""
    return list(_planner(firewall).again(firewall, paths))


def _planner(firewall: Firewall) -> Planner[Any]:
    return part(firewall.manager, Planner, "plan") if firewall.manager in BACKENDS else _NOTHING


def _dropped_by(firewall: Firewall, openings: Sequence[Opening]) -> str | None:
    """What keeps these packets out as things are, in the firewall's own words; None when nothing does."""
    if (judge := judge_of(firewall)) is None:
        return None
    shut = (each for each in openings if not judge.is_open(firewall, each, saved=False))
    return next((judge.drops(firewall, each) for each in shut), None)
