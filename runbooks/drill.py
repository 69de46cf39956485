"""drill: judge, trip, measure, judge, restore, judge. Whatever happens, what was tripped is put back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from runbooks.drill_run import DrillRun
from runbooks.exits import Exit, exit_for
from runbooks.session import Session
from runbooks.verify import answered_hosts, asked_hosts, first_problem, judge, observe
from tasks.change.faults import FAULTS
from tasks.model.cluster import Cluster, Server
from tasks.model.drill import Drill
from tasks.model.errors import IntentError, RefusedError
from tasks.model.report import Report
from tasks.model.verdict import Status, VipState, VipVerdict, worst

Confirm = Callable[[Report], bool]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the operator asked for; `target` None is the present master."""

    fault: str
    target: str | None


def drill(session: Session, order: Order, *, confirm: Confirm, progress: Progress) -> Report:
    """The whole drill, or the reason why it will not begin."""
    started_at, began = datetime.now(UTC), time.monotonic()
    cluster = session.clusters[0]
    progress("judging the cluster before anything is touched")
    replies = observe(session, session.clusters)
    vips = judge(session, session.clusters, replies)

    def report(judged: tuple[VipVerdict, ...], verdict: Status, reason: str | None, result: Drill | None) -> Report:
        return Report(
            command="drill",
            started_at=started_at,
            duration_s=time.monotonic() - began,
            asked=asked_hosts(session.clusters),
            answered=answered_hosts(replies),
            vips=judged,
            drill=result,
            verdict=verdict,
            reason=reason,
        )

    status = worst(vip.status for vip in vips)
    if status not in {Status.PASS, Status.WARN} or any(vip.state is not VipState.HEALTHY for vip in vips):
        return report(vips, status, f"no drill on a cluster that is not healthy: {first_problem(vips)}", None)
    run = DrillRun.prepare(session, cluster, _target(cluster, order, vips), order.fault, vips, replies, progress)
    if not confirm(
        report(vips, status, f"about to trip {order.fault} on {run.target.name}: {run.fault.summary}", None)
    ):
        raise RefusedError("not confirmed; nothing was tripped")
    result = run.execute()
    return report(result.stages[-1].vips, drill_status(result), _reason(result), result)


def order(session: Session, fault: str, target: str | None) -> Order:
    """What the operator asked for; IntentError when this cluster has no such thing. Nothing is contacted."""
    cluster = session.clusters[0]
    names = [server.name for server in cluster.servers]
    problems = []
    if fault not in FAULTS:
        problems.append(f"no fault {fault!r}; accepted: {', '.join(FAULTS)}")
    if target is not None and target not in names:
        problems.append(f"--target {target}: not a server of {cluster.name}; accepted: {', '.join(names)}")
    if not cluster.probes:
        problems.append(f"clusters.{cluster.name}.probes: a drill measures from a probe host; name one")
    if problems:
        raise IntentError(*problems)
    return Order(fault=fault, target=target)


def _target(cluster: Cluster, order: Order, vips: tuple[VipVerdict, ...]) -> Server:
    owner = vips[0].owner
    if owner is None:
        raise RefusedError("no single master to trip")
    return cluster.server(order.target or owner)


def drill_status(drill: Drill) -> Status:
    """Every stage held, both outages were measured and are explained, and everything is as it was."""
    stages = [worst(vip.status for vip in stage.vips) for stage in drill.stages]
    outages = [
        Status.UNKNOWN if not outage.measured else Status.PASS if outage.within_bound else Status.FAIL
        for outage in drill.outages
    ]
    return worst([*stages, *outages, Status.PASS if drill.restored else Status.FAIL])


def drill_exit(report: Report) -> Exit:
    """What could not be put back outranks every verdict."""
    if report.drill is not None and not report.drill.restored:
        return Exit.NOT_ROLLED_BACK
    return exit_for(report.status)


def _reason(drill: Drill) -> str | None:
    """The first thing that went wrong, in one sentence."""
    if not drill.restored:
        return f"{drill.target} is not as it was before the drill"
    for stage in drill.stages:
        if worst(vip.status for vip in stage.vips) in {Status.FAIL, Status.UNKNOWN}:
            return f"{stage.name}: {first_problem(stage.vips)}"
    for outage in drill.outages:
        if not outage.measured:
            return f"{outage.phase}: the probe gave too little to measure"
        if not outage.within_bound:
            low, high = outage.bound_s
            return (
                f"{outage.phase}: {outage.seconds:.3f} s of outage; timers and fabric explain {low:.3f} to {high:.3f} s"
            )
    return None
