"""What a report says of a drill. All times are seconds, and count from the moment of the fault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from tasks.model.judged import CheckReport, ClusterReport, VerdictWord
from tasks.model.written import FineSeconds, Moment, Seconds, Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """The longest time without service in one phase, from the probe's own timestamps."""

    phase: str
    seconds: FineSeconds
    sent: int
    lost: int
    resolution_s: FineSeconds
    bound_s: tuple[Seconds, Seconds]
    within_bound: bool
    measured: bool = True
    """False when the probe gave too little to say anything."""
    began_s: Seconds | None = None
    """When the last answer before it arrived; None without an outage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Who sent probes, and how often."""

    host: Annotated[str, Field(alias="from")]
    interval_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured(Probe):
    """What one probe host saw. `on_link`: it is in the VIP's own subnet and sends to a MAC that it holds itself."""

    on_link: Annotated[bool, Field(alias="same_subnet")]
    outages: tuple[Outage, ...]
    answered_s: tuple[tuple[Seconds, Seconds], ...] = ()
    """When answers arrived without a gap between them, from and to, by the probe host's own clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, in its place on the timeline."""

    at: Moment
    offset_s: Seconds
    host: str
    source: str
    event: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A judgement that a drill made on its way: `before`, `failover`, `failback`."""

    name: str
    clusters: tuple[ClusterReport, ...]
    verdict: VerdictWord

    @property
    def checks(self) -> Iterator[CheckReport]:
        """Those of all VIPs."""
        return (check for cluster in self.clusters for vip in cluster.vips for check in vip.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagged:
    """The leaves that held the VIP for a duplicate, before anything was injected and after all was undone."""

    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """A failover and a failback, measured.

    `probe` and `outages` are those of the first probe host, as schema 1 has them; `probes` holds those of all, the
    first of the intent first.
    """

    fault: str
    target: str
    tripped_at: Moment | None = None
    """By the target's clock: where the timeline has its zero."""
    probe: Probe
    outages: tuple[Outage, ...]
    probes: tuple[Measured, ...] = ()
    flagged_duplicate: Flagged | None = None
    timeline: tuple[Event, ...]
    stages: tuple[Stage, ...] = ()
    restored: bool
