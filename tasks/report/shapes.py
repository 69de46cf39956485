"""The parts of the report's document that say what was judged and changed."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

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
    """What one check says of one target. `id` is unique in the report and the same from run to run.

    `overruled`: why the intent switched it off, or made a warning of a failure.
    """

    id: str
    check: str
    target: str
    status: StatusWord
    message: str
    expected: str
    actual: str
    evidence: tuple[EvidenceShape, ...] = ()
    overruled: str | None = None


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
    """What `plan`, `apply` or `rollback` says of one server, and what stands there at the end."""

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
    stands: Literal["as declared", "as before", "unknown"] = "unknown"
    changes: tuple[ChangeShape, ...]
    notes: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()


class TimerShape(Shape):
    """What one fault may cost, by the timers of the intent. `bound_s`: the shortest and the longest, in seconds."""

    cluster: str
    instance: str
    fault: str
    master: str
    heir: str | None
    bound_s: tuple[float, float]
    why: str
