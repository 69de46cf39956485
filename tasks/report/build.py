"""From what a runbook found and did to its report."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import cast

from tasks.model.drilled import Drill, Stage
from tasks.model.expected import ExpectedOutage
from tasks.model.fabric_map import FabricMap
from tasks.model.judged import CheckReport, ClusterReport, VerdictWord, VipReport
from tasks.model.location import SightingReport, Whereabouts, WhereaboutsReport
from tasks.model.mask import said
from tasks.model.plan import ServerOutcome
from tasks.model.report import SCHEMA, Hosts, Report, ServerReport, StepReport
from tasks.model.verdict import Finding, KnownCause, Status, VipVerdict, worst
from tasks.model.window import WindowResult
from tasks.report.evidence import Evidences


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Reporter:
    """Makes the reports of one run, which begins with it."""

    command: str
    started_at: datetime = field(default_factory=_now)
    began: float = field(default_factory=time.monotonic)

    def report(  # noqa: PLR0913 - a report has as many parts
        self,
        *,
        asked: Iterable[str] = (),
        answered: Iterable[str] = (),
        clusters: tuple[ClusterReport, ...] = (),
        servers: Iterable[ServerOutcome] | None = None,
        timers: Iterable[ExpectedOutage] = (),
        drill: Drill | None = None,
        location: Whereabouts | None = None,
        window: WindowResult | None = None,
        verdict: Status | None = None,
        reason: str | None = None,
    ) -> Report:
        """What is known by now. `verdict`: where the checks do not decide alone; None is the worst of the VIPs.

        `servers`: what became of each, for a command that plans or changes them.
        """
        outcomes = tuple(servers or ())
        return Report(
            schema=SCHEMA,
            command=self.command,
            started_at=self.started_at,
            duration_s=time.monotonic() - self.began,
            verdict=_word(verdict or worst(vip.status for each in clusters for vip in each.vips)),
            hosts=Hosts(asked=tuple(asked), answered=tuple(answered)),
            clusters=clusters,
            reason=reason,
            changed=None if servers is None else any(each.plan.changed for each in outcomes),
            servers=tuple(map(_server, outcomes)),
            timers=tuple(timers),
            drill=drill,
            location=_location(location) if location is not None else None,
            window=window,
        )


def _word(status: Status) -> VerdictWord:
    return cast("VerdictWord", status.value)


def judged_clusters(
    vips: Iterable[VipVerdict], fabrics: Mapping[str, FabricMap], evidence: Evidences | None = None
) -> tuple[ClusterReport, ...]:
    """The verdicts cluster by cluster. `evidence`: of the whole report, where this is a part of it."""
    evidence = evidence or Evidences()
    by_name: dict[str, list[VipReport]] = {}
    for vip in vips:
        by_name.setdefault(vip.cluster, []).append(_vip(vip, evidence))
    return tuple(
        ClusterReport(name=name, vips=tuple(reports), fabric=fabrics.get(name)) for name, reports in by_name.items()
    )


def judged_stage(name: str, vips: tuple[VipVerdict, ...], evidence: Evidences) -> Stage:
    """A judgement of a drill on its way."""
    return Stage(
        name=name, clusters=judged_clusters(vips, {}, evidence), verdict=_word(worst(vip.status for vip in vips))
    )


def _vip(vip: VipVerdict, evidence: Evidences) -> VipReport:
    return VipReport(
        address=str(vip.address),
        state=vip.state,
        owner=vip.owner,
        mac=str(vip.mac) if vip.mac is not None else None,
        masters=vip.masters,
        moves_left=dict(vip.budgets),
        known_causes=tuple(map(_cause, vip.causes)),
        checks=tuple(_check(vip, finding, evidence) for finding in vip.findings),
    )


def _cause(cause: KnownCause) -> KnownCause:
    return replace(cause, explanation=said(cause.explanation), advice=tuple(map(said, cause.advice)))


def _check(vip: VipVerdict, finding: Finding, evidence: Evidences) -> CheckReport:
    return CheckReport(
        id=f"{vip.cluster}/{vip.address}/{finding.check}/{finding.target}",
        check=finding.check,
        target=finding.target,
        status=finding.status,
        message=finding.message,
        expected=finding.expected,
        actual=finding.actual,
        evidence=tuple(map(evidence.of, finding.evidence)),
        overruled=finding.overruled or None,
    )


def _server(outcome: ServerOutcome) -> ServerReport:
    return ServerReport(
        host=outcome.host,
        outcome=outcome.outcome,
        reason=outcome.reason or outcome.plan.refusal or "",
        stands=outcome.stands,
        changes=tuple(
            StepReport(topic=each.topic, summary=each.summary, diff=each.diff) for each in outcome.plan.all_steps
        ),
        notes=outcome.plan.notes,
        losses=outcome.plan.losses,
    )


def _location(found: Whereabouts) -> WhereaboutsReport:
    return WhereaboutsReport(
        query=str(found.query),
        locations=found.locations,
        sightings=tuple(
            SightingReport(
                leaf=each.leaf, table=each.table, says=each.says, local=each.here, command=each.source.command
            )
            for each in found.sightings
        ),
        unread=found.unread,
    )
