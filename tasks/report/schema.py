"""The report as others may read it: the shape of the JSON document, published, and the gate for a stored one.

What a file holds is turned into these frozen types once; every form of the report but JSON is made from them. Keys that
a newer version added are let through (adding is free), and what is missing or of another type is refused.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from tasks.model.errors import IntentError

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SHOWN = 3
"""So many problems of a file tell what is wrong with it."""
StatusWord = Literal["pass", "warn", "fail", "unknown", "skip"]
VerdictWord = Literal["pass", "warn", "fail", "unknown"]
StateWord = Literal[
    "healthy",
    "no-master",
    "split-brain",
    "stale-neighbor",
    "not-learned",
    "wrong-location",
    "not-advertised",
    "black-hole",
    "unknown",
]


class Shape(BaseModel):
    """What all parts of the document have in common."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=False)


class EvidenceShape(Shape):
    """What one command said on one host."""

    host: str
    command: str
    observed_at: AwareDatetime
    status: int = 0
    output: str


class CheckShape(Shape):
    """What one check says of one target. `id` is unique in the report and the same from run to run."""

    id: str
    check: str
    target: str
    status: StatusWord
    message: str
    expected: str
    actual: str
    evidence: tuple[EvidenceShape, ...] = ()


class CauseShape(Shape):
    """A signature that is known to have one cause, and what a person does about it."""

    id: str
    host: str
    explanation: str
    reference: str
    advice: tuple[str, ...] = ()


class VipShape(Shape):
    """Everything said of one VIP. `masters`: how many servers bear it; `moves_left`: duplicate budget by leaf."""

    address: str
    state: StateWord
    owner: str | None
    mac: str | None
    masters: int | None = None
    moves_left: dict[str, int] = Field(default_factory=dict)
    known_causes: tuple[CauseShape, ...] = ()
    checks: tuple[CheckShape, ...]


class MappedServerShape(Shape):
    """A server, and the leaves it hangs on."""

    name: str
    address: str
    leaves: tuple[str, ...]


class MappedLeafShape(Shape):
    """A leaf, its VTEP, and where its EVPN sessions lead."""

    name: str
    vtep: str | None
    spines: tuple[str, ...]


class MappedProbeShape(Shape):
    """A probe host, and the leaves that see it on a port."""

    name: str
    on_link: bool
    leaves: tuple[str, ...]


class FabricShape(Shape):
    """Who hangs where."""

    vni: int
    servers: tuple[MappedServerShape, ...]
    leaves: tuple[MappedLeafShape, ...]
    probes: tuple[MappedProbeShape, ...]


class ClusterShape(Shape):
    """One cluster of the intent."""

    name: str
    vips: tuple[VipShape, ...]
    fabric: FabricShape | None = None


class HostsShape(Shape):
    """Who was asked, and who answered."""

    asked: tuple[str, ...]
    answered: tuple[str, ...]


class ChangeShape(Shape):
    """One step of a plan."""

    topic: str
    summary: str
    diff: str


class ServerShape(Shape):
    """What `plan` or `apply` says of one server."""

    host: str
    outcome: Literal[
        "unchanged",
        "planned",
        "applied",
        "rolled-back",
        "not-rolled-back",
        "refused",
        "unknown",
        "not-reached",
    ]
    reason: str
    changes: tuple[ChangeShape, ...]
    notes: tuple[str, ...] = ()


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


class ReportShape(Shape):
    """One report of vipbook, schema 1."""

    model_config = ConfigDict(title="vipbook report")

    schema_: Literal[1] = Field(alias="schema")
    command: str
    started_at: AwareDatetime
    duration_s: float
    verdict: VerdictWord
    hosts: HostsShape
    clusters: tuple[ClusterShape, ...]
    reason: str | None = None
    waited_s: float | None = None
    settled_s: dict[str, float] | None = None
    changed: bool | None = None
    servers: tuple[ServerShape, ...] = ()
    drill: DrillShape | None = None
    location: WhereaboutsShape | None = None
    window: WindowShape | None = None
    past: PastShape | None = None


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the report."""
    return {"$schema": _DIALECT, **ReportShape.model_json_schema(by_alias=True)}


def read_report(text: str | bytes, name: str) -> ReportShape:
    """A stored report; IntentError when it is none. `name` is what the error calls it, a path as a rule."""
    try:
        return ReportShape.model_validate_json(text)
    except ValidationError as error:
        raise IntentError(
            *(f"{name}: not a vipbook report: {_problem(each)}" for each in error.errors()[:_SHOWN])
        ) from None


def report_of(shape: dict[str, Any]) -> ReportShape:
    """The document of this run as types."""
    return ReportShape.model_validate(shape)


def _problem(error: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails has keys that differ by kind
    where = ".".join(map(str, error["loc"]))
    return f"{where}: {error['msg']}" if where else str(error["msg"])
