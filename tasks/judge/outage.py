"""Outages from the probe's own timestamps. All times are seconds since the epoch, by the clock of the probe host."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from tasks.intent.timers import Bound
from tasks.model.drill import Outage, ProbeReply

_ENOUGH = 20
"""Replies without which a phase was not measured."""


def measure(phase: str, replies: Sequence[ProbeReply], window: tuple[float, float], bound: Bound) -> Outage:
    """The longest gap that begins inside the window.

    A probe that was answered shows service at the moment it was sent. Service ended somewhere between the last
    answered probe and the next one, and came back somewhere before the next answered one: so the outage is the time
    between the two answered probes less one interval, give or take one interval. The interval is what was really
    sent, not what was asked for.
    """
    first = {reply.sequence: reply for reply in reversed(replies) if not reply.duplicate}
    ordered = [first[sequence] for sequence in sorted(first)]
    began, ended = window
    inside = [(old, new) for old, new in pairwise(ordered) if began <= old.sent_at < ended]
    spacing = _spacing(inside)
    if spacing is None:
        return _unmeasured(phase, bound)
    lost = sum(new.sequence - old.sequence - 1 for old, new in inside)
    gaps = [(new.sent_at - old.sent_at, old) for old, new in inside if new.sequence - old.sequence > 1]
    longest, last_answered = max(gaps, key=lambda gap: gap[0], default=(0.0, None))
    # A stream that ends without an answer has an outage whose end nobody saw.
    if not ordered or ordered[-1].sent_at < ended - 1.0:
        return _unmeasured(phase, bound)
    seconds = max(0.0, longest - spacing) if last_answered is not None else 0.0
    return Outage(
        phase=phase,
        seconds=seconds,
        sent=len(inside) + lost,
        lost=lost,
        resolution_s=spacing,
        bound_s=(bound.shortest_s, bound.longest_s),
        within_bound=bound.holds(seconds, resolution_s=spacing),
        began_at=last_answered.sent_at + spacing if last_answered is not None else None,
    )


def _spacing(pairs: Sequence[tuple[ProbeReply, ProbeReply]]) -> float | None:
    """Median time between probes that were sent one after the other; None when there are too few."""
    spacings = [new.sent_at - old.sent_at for old, new in pairs if new.sequence - old.sequence == 1]
    return median(spacings) if len(spacings) >= _ENOUGH else None


def _unmeasured(phase: str, bound: Bound) -> Outage:
    return Outage(
        phase=phase,
        seconds=0.0,
        sent=0,
        lost=0,
        resolution_s=0.0,
        bound_s=(bound.shortest_s, bound.longest_s),
        within_bound=False,
        measured=False,
    )
