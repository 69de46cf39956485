"""The report: what every form of it is made from, and one to one what its JSON document holds.

Adding a field is free, changing one is not. Of a stored report, what has no default here must be there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import ConfigDict

from tasks.model.drilled import Drill
from tasks.model.expected import ExpectedOutage
from tasks.model.history import PastOutage
from tasks.model.judged import ClusterReport, VerdictWord, VipReport
from tasks.model.location import WhereaboutsReport
from tasks.model.plan import Outcome, Stands
from tasks.model.verdict import Status
from tasks.model.window import WindowResult
from tasks.model.written import UNLESS_EMPTY, UNLESS_NONE, Moment, Seconds, Sentence, Text

SCHEMA: Literal[1] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """Who was asked, and who answered; a host asked that is not answered is unknown."""

    asked: tuple[str, ...]
    answered: tuple[str, ...]

    @property
    def silent(self) -> tuple[str, ...]:
        """Who was asked and did not answer."""
        answered = set(self.answered)
        return tuple(host for host in self.asked if host not in answered)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """One step of a plan."""

    topic: str
    summary: str
    diff: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerReport:
    """What `plan`, `apply` or `rollback` says of one server, and in what state it is at the end."""

    host: str
    outcome: Outcome
    reason: Sentence
    stands: Stands = "unknown"
    changes: tuple[StepReport, ...]
    notes: tuple[Sentence, ...] = ()
    losses: Annotated[tuple[Sentence, ...], UNLESS_EMPTY] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What the run history knew when the report was made."""

    last_success_at: Moment | None
    last_outages: tuple[PastOutage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report of vipbook, schema 1."""

    __pydantic_config__ = ConfigDict(title="vipbook report")

    schema: Literal[1]
    command: str
    started_at: Moment
    duration_s: Seconds
    verdict: VerdictWord
    hosts: Hosts
    clusters: tuple[ClusterReport, ...]
    waited_s: Annotated[Seconds | None, UNLESS_NONE] = None
    """How long `--wait` took until the verdict held; None when it was not asked for."""
    settled_s: Annotated[Mapping[str, Seconds] | None, UNLESS_NONE] = None
    """With `--wait`: when every check of a target began to hold, in seconds from the beginning; no entry: never did."""
    reason: Annotated[Sentence | None, UNLESS_NONE] = None
    """Why the runbook ended early, when it did."""
    interrupted: Annotated[bool, UNLESS_EMPTY] = False
    """Was it asked to end before it was done? Then it undid first what was half done."""
    changed: Annotated[bool | None, UNLESS_NONE] = None
    servers: Annotated[tuple[ServerReport, ...], UNLESS_EMPTY] = ()
    timers: Annotated[tuple[ExpectedOutage, ...], UNLESS_EMPTY] = ()
    """`lint --timers`: what each fault may cost."""
    drill: Annotated[Drill | None, UNLESS_NONE] = None
    location: Annotated[WhereaboutsReport | None, UNLESS_NONE] = None
    window: Annotated[WindowResult | None, UNLESS_NONE] = None
    past: Annotated[Past | None, UNLESS_NONE] = None

    @property
    def status(self) -> Status:
        """The verdict of the whole."""
        return Status(self.verdict)

    @property
    def vips(self) -> tuple[VipReport, ...]:
        """Those of all clusters."""
        return tuple(vip for cluster in self.clusters for vip in cluster.vips)
