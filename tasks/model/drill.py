"""A failover that was driven and measured. All times are seconds; `at` is UTC by the clock of the probe host."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tasks.model.verdict import VipVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReply:
    """An answered probe. `sequence` counts on beyond 65535; `sent_at` is seconds since the epoch."""

    sequence: int
    sent_at: float
    rtt_ms: float
    duplicate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeStream:
    """A run of numbered probes, replies by sequence number.

    `unanswered` holds the sequence numbers between the first and the last one seen that got no reply, late or not;
    the newest of them may still be on their way. `errors` holds lines that are neither reply nor silence, untouched.
    """

    replies: tuple[ProbeReply, ...]
    unanswered: tuple[int, ...]
    errors: tuple[str, ...]
    last_sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """The longest time without service in one phase, from the probe's own timestamps."""

    phase: str
    seconds: float
    sent: int
    lost: int
    resolution_s: float
    bound_s: tuple[float, float]
    within_bound: bool
    began_at: float | None = None
    """When the last answer before it arrived; None without an outage."""
    measured: bool = True
    """False when the probe gave too little to say anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one probe host saw. `on_link`: it is in the VIP's own subnet and sends to a MAC that it holds itself."""

    probe: str
    interval_s: float
    on_link: bool
    outages: tuple[Outage, ...]
    answered: tuple[tuple[float, float], ...] = ()
    """When answers arrived without a gap between them, from and to, by the probe host's own clock."""
    why: str = ""
    """Why it measured nothing, where that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """The fault that is on a host now. `effect`: what became of the host, after `was`; `excused`: checks."""

    host: str
    effect: str
    excused: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, in its place on the timeline."""

    at: datetime
    offset_s: float
    host: str
    source: str
    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A judgement made on the way: `before`, `failover`, `failback`."""

    name: str
    vips: tuple[VipVerdict, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """The whole drill."""

    fault: str
    target: str
    measured: tuple[Measured, ...]
    """One a probe host, the first of the intent first."""
    timeline: tuple[Event, ...]
    stages: tuple[Stage, ...]
    restored: bool
    tripped_at: float
    """Seconds since the epoch, by the target's clock: where the timeline has its zero."""
    flagged_before: tuple[str, ...] = ()
    """Leaves that held the VIP for a duplicate before anything was injected."""
    flagged_after: tuple[str, ...] = ()

    @property
    def outages(self) -> tuple[Outage, ...]:
        """All of them, host by host."""
        return tuple(outage for each in self.measured for outage in each.outages)
