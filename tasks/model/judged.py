"""What a report says of checks, VIPs and clusters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from tasks.model.fabric_map import FabricMap
from tasks.model.verdict import KnownCause, Status, VipState, worst
from tasks.model.written import UNLESS_NONE, Moment, Sentence

VerdictWord = Literal["pass", "warn", "fail", "unknown"]
"""Status of more than one check: nothing to judge is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one command said on one host."""

    host: str
    command: str
    observed_at: Moment
    status: int = 0
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What one check says of one target. `id` is unique in the report and the same from run to run.

    `overruled`: why the intent switched it off, or made a warning of a failure.
    """

    id: str
    check: str
    target: str
    status: Status
    message: Sentence
    expected: Sentence
    actual: Sentence
    evidence: tuple[Evidence, ...] = ()
    overruled: Annotated[Sentence | None, UNLESS_NONE] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VipReport:
    """Everything said of one VIP. `masters`: how many servers hold it; `moves_left`: duplicate budget by leaf."""

    address: str
    state: VipState
    owner: str | None
    mac: str | None
    masters: int | None = None
    moves_left: Mapping[str, int] = field(default_factory=dict)
    known_causes: tuple[KnownCause, ...] = ()
    checks: tuple[CheckReport, ...]

    @property
    def status(self) -> Status:
        """The worst of all checks."""
        return worst(check.status for check in self.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterReport:
    """One cluster of the intent."""

    name: str
    vips: tuple[VipReport, ...]
    fabric: Annotated[FabricMap | None, UNLESS_NONE] = None
