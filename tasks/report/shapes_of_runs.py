"""The parts of the report's document that one command alone has: drill, locate, window; and the history's."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from tasks.report.shapes import ClusterShape, Shape, VerdictWord


class OutageShape(Shape):
    """The longest time without service in one phase. `began_s` counts from the fault; None without an outage."""

    phase: str
    seconds: float
    sent: int
    lost: int
    resolution_s: float
    bound_s: tuple[float, float]
    within_bound: bool
    measured: bool = True
    began_s: float | None = None


class ProbeShape(Shape):
    """Who sent probes, and how often."""

    source: str = Field(alias="from")
    interval_s: float


class MeasuredShape(ProbeShape):
    """What one probe host saw. `answered_s`: spans in which answers came, from the fault on."""

    same_subnet: bool
    outages: tuple[OutageShape, ...]
    answered_s: tuple[tuple[float, float], ...] = ()


class EventShape(Shape):
    """Something that happened; `offset_s` counts from the fault."""

    at: AwareDatetime
    offset_s: float
    host: str
    source: str
    event: str


class StageShape(Shape):
    """A judgement that a drill made on its way."""

    name: str
    clusters: tuple[ClusterShape, ...]
    verdict: VerdictWord


class FlaggedShape(Shape):
    """The leaves that held the VIP for a duplicate."""

    before: tuple[str, ...]
    after: tuple[str, ...]


class DrillShape(Shape):
    """A failover and a failback, measured."""

    fault: str
    target: str
    tripped_at: AwareDatetime | None = None
    probe: ProbeShape
    outages: tuple[OutageShape, ...]
    probes: tuple[MeasuredShape, ...] = ()
    flagged_duplicate: FlaggedShape | None = None
    timeline: tuple[EventShape, ...]
    stages: tuple[StageShape, ...] = ()
    restored: bool


class LeafPortShape(Shape):
    """A port of a leaf; None: the leaf alone is known."""

    leaf: str
    port: str | None


class LocationShape(Shape):
    """One place of an address or MAC."""

    vni: int
    mac: str
    addresses: tuple[str, ...]
    server: str | None
    leaves: tuple[LeafPortShape, ...]
    vteps: tuple[str, ...]
    sequence: int | None
    since: str | None


class SightingShape(Shape):
    """What one table of one leaf says of it."""

    leaf: str
    table: str
    says: str
    local: bool
    command: str


class WhereaboutsShape(Shape):
    """The answer to `locate`."""

    query: str
    locations: tuple[LocationShape, ...]
    sightings: tuple[SightingShape, ...]
    unread: tuple[str, ...]


class MetShape(Shape):
    """An expectation of a change window, and whether it happened."""

    text: str
    happened: bool
    message: str


class EntryChangeShape(Shape):
    """One entry of one table that is not what it was; `explained_by` null: nothing does, it is collateral."""

    id: str
    host: str
    table: str
    key: str
    kind: Literal["appeared", "vanished", "changed"]
    before: dict[str, str] | None
    after: dict[str, str] | None
    explained_by: str | None
    command: str
    message: str


class WindowShape(Shape):
    """A change window. `verdict` and what follows it are there once it was checked."""

    name: str
    action: Literal["open", "check", "close"]
    opened_at: AwareDatetime
    expected: tuple[str, ...]
    accepted_failing: bool
    verdict: Literal["go", "no-go", "undetermined"] | None = None
    expectations: tuple[MetShape, ...] = ()
    problems: tuple[str, ...] = ()
    open_questions: tuple[str, ...] = ()
    failed_before: tuple[str, ...] = ()
    changes: tuple[EntryChangeShape, ...] = ()
    bundle: str | None = None


class PastOutageShape(Shape):
    """An outage that an earlier drill measured."""

    cluster: str
    probe: str
    phase: str
    seconds: float
    allowed_s: float
    at: AwareDatetime


class PastShape(Shape):
    """What the run history knew when the report was made."""

    last_success_at: AwareDatetime | None
    last_outages: tuple[PastOutageShape, ...] = ()
