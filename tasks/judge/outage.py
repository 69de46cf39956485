"""Outages from the probe's own timestamps. All times are seconds since the epoch, by the clock of the probe host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from tasks.intent.timers import Bound
from tasks.model.drill import ProbeReply
from tasks.model.drilled import Outage

_ENOUGH = 20
"""Replies without which a phase was not measured."""
_LATE = 2
"""A reply that took longer than so many intervals was held up somewhere, as by a leaf that waits for ARP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time without answers: when the last answer before it and the first one after it arrived."""

    before: ProbeReply
    after: ProbeReply
    lost: int

    @property
    def began_at(self) -> float:
        """Arrival of the last answer before it."""
        return arrived_at(self.before)

    @property
    def ended_at(self) -> float:
        """Arrival of the first answer after it."""
        return arrived_at(self.after)

    @property
    def length_s(self) -> float:
        """Between the two answers."""
        return self.ended_at - self.began_at


def arrived_at(reply: ProbeReply) -> float:
    """When the answer arrived. A probe may have been sent long before: a leaf keeps some while it waits for ARP."""
    return reply.sent_at + reply.rtt_ms / 1000


def gaps_of(replies: Sequence[ProbeReply]) -> tuple[Gap, ...]:
    """Every gap between two answers in which a probe was lost, or that ended with an answer that came late.

    A gap in which none was sent says nothing about the VIP, only about the probe host.
    """
    ordered = _unique(replies)
    spacing = spacing_of(ordered)
    if spacing is None:
        return ()
    found = []
    for before, after in pairwise(sorted(ordered, key=arrived_at)):
        gap = Gap(before=before, after=after, lost=max(0, after.sequence - before.sequence - 1))
        late = after.rtt_ms / 1000 > _LATE * spacing and gap.length_s > _LATE * spacing
        if gap.lost or late:
            found.append(gap)
    return tuple(found)


def answered_spans(replies: Sequence[ProbeReply]) -> tuple[tuple[float, float], ...]:
    """From the first answer to the last one, parted where probes were lost or came late."""
    if not replies:
        return ()
    times = sorted(map(arrived_at, replies))
    gaps = sorted((gap.began_at, gap.ended_at) for gap in gaps_of(replies))
    begins = [times[0], *(ended for _, ended in gaps)]
    ends = [*(began for began, _ in gaps), times[-1]]
    return tuple(zip(begins, ends, strict=True))


def spacing_of(replies: Sequence[ProbeReply]) -> float | None:
    """Median time between probes that were sent one after the other; None when there are too few."""
    ordered = sorted(replies, key=lambda reply: reply.sequence)
    spacings = [new.sent_at - old.sent_at for old, new in pairwise(ordered) if new.sequence - old.sequence == 1]
    return median(spacings) if len(spacings) >= _ENOUGH else None


def _unique(replies: Sequence[ProbeReply]) -> list[ProbeReply]:
    first = {reply.sequence: reply for reply in reversed(replies) if not reply.duplicate}
    return [first[sequence] for sequence in sorted(first)]


def measure(
    phase: str, replies: Sequence[ProbeReply], window: tuple[float, float], bound: Bound, zero: float
) -> Outage:
    """The longest gap that begins inside the window; when it began counts from `zero`.

    Answers arrive one interval after another; when they stop, service ended somewhere within the interval after the
    last one, and when they come again, it was back somewhere within the interval before: so the outage is the time
    between the two answers less one interval, give or take one interval. The interval is what was really sent, not
    what was asked for.
    """
    ordered = _unique(replies)
    began, ended = window
    inside = [(old, new) for old, new in pairwise(ordered) if began <= old.sent_at < ended]
    spacing = spacing_of([*(old for old, _ in inside), *(new for _, new in inside[-1:])])
    # A stream that ends without an answer has an outage whose end nobody saw.
    if spacing is None or max(map(arrived_at, ordered)) < ended - 1.0:
        return _unmeasured(phase, bound)
    lost = sum(new.sequence - old.sequence - 1 for old, new in inside)
    gaps = [gap for gap in gaps_of(ordered) if began <= gap.began_at < ended]
    longest = max(gaps, key=lambda gap: gap.length_s, default=None)
    seconds = max(0.0, longest.length_s - spacing) if longest is not None else 0.0
    return Outage(
        phase=phase,
        seconds=seconds,
        sent=len(inside) + lost,
        lost=lost,
        resolution_s=spacing,
        bound_s=(bound.shortest_s, bound.longest_s),
        within_bound=bound.holds(seconds, resolution_s=spacing),
        began_s=longest.began_at - zero if longest is not None else None,
    )


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
