"""What the history keeps of earlier runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field

from tasks.model.written import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run, without its document. `ahead`: its time is in the future, so the clock was wrong then, or is now."""

    id: int
    started_at: Moment
    ended_at: Annotated[datetime, Field(exclude=True)]
    ahead: Annotated[bool, Field(alias="in_the_future")] = False
    command: str
    verdict: str
    exit_code: int
    duration_s: float
    clusters: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastOutage:
    """An outage that an earlier drill measured."""

    cluster: str
    probe: str
    phase: str
    seconds: float
    allowed_s: float
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptOutage(PastOutage):
    """The same as the history has it."""

    run: int
    within: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PastHealth:
    """Were all VIPs of a cluster healthy at a run?"""

    run: int
    at: datetime
    cluster: str
    healthy: bool
