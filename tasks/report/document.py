"""The report as the JSON document that others rely on (schema 1): adding a key is free, changing one is not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from tasks.model.drill import Drill, Measured, Outage
from tasks.model.expected import ExpectedOutage
from tasks.model.fabric_map import FabricMap, MappedLeaf, MappedProbe, MappedServer
from tasks.model.plan import ServerOutcome
from tasks.model.report import Report
from tasks.model.text import readable
from tasks.model.verdict import Finding, KnownCause, VipVerdict, worst
from tasks.render.mask import masked, said
from tasks.report.evidence import Evidence
from tasks.report.location import location_document
from tasks.report.stamps import stamp
from tasks.report.window import window_document

SCHEMA = 1


def document(report: Report) -> dict[str, Any]:
    """The whole report as plain values; what hosts said, as long as a report should be."""
    evidence = Evidence()
    shape: dict[str, Any] = {
        "schema": SCHEMA,
        "command": report.command,
        "started_at": stamp(report.started_at),
        "duration_s": round(report.duration_s, 3),
        "verdict": str(report.status),
        "hosts": {"asked": list(report.asked), "answered": list(report.answered)},
        "clusters": _clusters(report.vips, evidence, report.fabrics),
    }
    if report.waited_s is not None:
        shape["waited_s"] = round(report.waited_s, 3)
        shape["settled_s"] = {target: round(at, 3) for target, at in (report.settled_s or {}).items()}
    if report.reason is not None:
        shape["reason"] = said(report.reason)
    if report.command in {"plan", "apply", "rollback"}:
        shape["changed"] = any(outcome.plan.changed for outcome in report.servers)
        shape["servers"] = [_server(outcome) for outcome in report.servers]
    if report.outages:
        shape["timers"] = [_expected(each) for each in report.outages]
    if report.drill is not None:
        shape["drill"] = _drill(report.drill, evidence)
    if report.location is not None:
        shape["location"] = location_document(report.location)
    if report.window is not None:
        shape["window"] = window_document(report.window)
    fit: dict[str, Any] = _fit(shape)
    return fit


def _expected(outage: ExpectedOutage) -> dict[str, Any]:
    return {
        "cluster": outage.cluster,
        "instance": outage.instance,
        "fault": outage.fault,
        "master": outage.master,
        "heir": outage.heir,
        "bound_s": [round(bound, 3) for bound in outage.bound_s],
        "why": outage.why,
    }


def _fit(value: Any) -> Any:  # noqa: ANN401 - any plain value
    """The same without lone surrogates, which names in an inventory may hold: what reads JSON refuses them."""
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, list):
        return [_fit(each) for each in value]
    return {_fit(key): _fit(each) for key, each in value.items()} if isinstance(value, dict) else value


def _clusters(
    vips: Iterable[VipVerdict], evidence: Evidence, fabrics: Iterable[FabricMap] = ()
) -> list[dict[str, Any]]:
    maps = {each.cluster: {"fabric": _fabric(each)} for each in fabrics}
    by_name: dict[str, list[dict[str, Any]]] = {}
    for vip in vips:
        by_name.setdefault(vip.cluster, []).append(_vip(vip, evidence))
    return [{"name": readable(name), "vips": shapes, **maps.get(name, {})} for name, shapes in by_name.items()]


def _fabric(each: FabricMap) -> dict[str, Any]:
    return {
        "vni": each.vni,
        "servers": [_listed(server) for server in each.servers],
        "leaves": [_listed(leaf) for leaf in each.leaves],
        "probes": [_listed(probe) for probe in each.probes],
    }


def _listed(part: MappedServer | MappedLeaf | MappedProbe) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(part).items()}


def _vip(vip: VipVerdict, evidence: Evidence) -> dict[str, Any]:
    return {
        "address": str(vip.address),
        "state": str(vip.state),
        "owner": vip.owner,
        "mac": str(vip.mac) if vip.mac is not None else None,
        "masters": vip.masters,
        "moves_left": dict(vip.budgets),
        "known_causes": [_cause(cause) for cause in vip.causes],
        "checks": [_finding(vip, finding, evidence) for finding in vip.findings],
    }


def _cause(cause: KnownCause) -> dict[str, Any]:
    return {
        "id": cause.id,
        "host": cause.host,
        "explanation": said(cause.explanation),
        "reference": cause.reference,
        "advice": [said(step) for step in cause.advice],
    }


def _finding(vip: VipVerdict, finding: Finding, evidence: Evidence) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "id": f"{vip.cluster}/{vip.address}/{finding.check}/{finding.target}",
        "check": finding.check,
        "target": finding.target,
        "status": str(finding.status),
        "message": said(finding.message),
        "expected": said(finding.expected),
        "actual": said(finding.actual),
        "evidence": [evidence.of(answer) for answer in finding.evidence],
    }
    return {**shape, "overruled": said(finding.overruled)} if finding.overruled else shape


def _server(outcome: ServerOutcome) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "host": outcome.host,
        "outcome": str(outcome.outcome),
        "reason": said(outcome.reason or outcome.plan.refusal or ""),
        "stands": outcome.stands,
        "changes": [
            {"topic": step.topic, "summary": step.summary, "diff": masked(step.diff)} for step in outcome.plan.all_steps
        ],
        "notes": [said(note) for note in outcome.plan.notes],
    }
    if outcome.plan.losses:
        shape["losses"] = [said(loss) for loss in outcome.plan.losses]
    return shape


def _measured(each: Measured, zero: float) -> dict[str, Any]:
    return {
        "from": readable(each.probe),
        "interval_s": each.interval_s,
        "same_subnet": each.on_link,
        "outages": [_outage(outage, zero) for outage in each.outages],
        "answered_s": [[round(begin - zero, 3), round(end - zero, 3)] for begin, end in each.answered],
    }


def _outage(outage: Outage, zero: float) -> dict[str, Any]:
    return {
        "phase": outage.phase,
        "seconds": round(outage.seconds, 4),
        "sent": outage.sent,
        "lost": outage.lost,
        "resolution_s": round(outage.resolution_s, 4),
        "bound_s": [round(bound, 3) for bound in outage.bound_s],
        "within_bound": outage.within_bound,
        "measured": outage.measured,
        "began_s": None if outage.began_at is None else round(outage.began_at - zero, 3),
    }


def _drill(drill: Drill, evidence: Evidence) -> dict[str, Any]:
    first = drill.measured[0]
    return {
        "fault": drill.fault,
        "target": drill.target,
        # All that is in seconds below counts from here: the moment of the fault.
        "tripped_at": stamp(datetime.fromtimestamp(drill.tripped_at, UTC)),
        # The first probe host's, as schema 1 has them; `probes` holds those of all.
        "probe": {"from": first.probe, "interval_s": first.interval_s},
        "outages": [_outage(outage, drill.tripped_at) for outage in first.outages],
        "probes": [_measured(each, drill.tripped_at) for each in drill.measured],
        "flagged_duplicate": {"before": list(drill.flagged_before), "after": list(drill.flagged_after)},
        "timeline": [
            {
                "at": stamp(event.at),
                "offset_s": round(event.offset_s, 3),
                "host": event.host,
                "source": event.source,
                "event": said(event.event),
            }
            for event in drill.timeline
        ],
        "stages": [
            {"name": stage.name, "clusters": _clusters(stage.vips, evidence), "verdict": _worst(stage.vips)}
            for stage in drill.stages
        ],
        "restored": drill.restored,
    }


def _worst(vips: Iterable[VipVerdict]) -> str:
    return str(worst(vip.status for vip in vips))
