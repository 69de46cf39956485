"""drill: judge, inject a fault, measure, judge, restore, judge. Whatever happens, the fault is undone."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from runbooks.apply.locking import locked
from runbooks.drill.members import Baseline
from runbooks.drill.probes import plan_probes
from runbooks.drill.run import DrillRun
from runbooks.process.exits import Exit, exit_for
from runbooks.session import Session
from runbooks.verify import Look, answered_hosts, asked_hosts, fabric_maps, first_problem, first_wrong, look_at
from tasks.change.faults import FAULTS
from tasks.judge.checks.duplicates import ROUND, budget_of
from tasks.judge.subject import Subject
from tasks.model.cluster import Cluster, Server
from tasks.model.drilled import Drill
from tasks.model.errors import IntentError, RefusedError
from tasks.model.judged import ClusterReport
from tasks.model.report import Report
from tasks.model.verdict import Status, VipState, VipVerdict, worst
from tasks.report.build import Reporter, judged_clusters

Confirm = Callable[[Report], bool]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the operator asked for; `target` None is the present master, no `probes` are all of the cluster's."""

    fault: str
    target: str | None
    probes: tuple[str, ...] = ()
    pace: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """A drill that has begun: its reports differ by what was judged and how it ended."""

    session: Session
    reporter: Reporter

    def before(self, look: Look, reason: str) -> Report:
        """Nothing was injected yet."""
        clusters = judged_clusters(look.vips, fabric_maps(look.found))
        return self._report(look, clusters, look.status, reason, None)

    def after(self, look: Look, run: DrillRun) -> Report:
        """Run it; what it ended with is the report's own judgement."""
        result, maps = run.execute(), fabric_maps(look.found)
        clusters = tuple(replace(each, fabric=maps.get(each.name)) for each in result.stages[-1].clusters)
        return self._report(look, clusters, drill_status(result), _reason(result, run.unmeasured), result)

    def _report(
        self,
        look: Look,
        clusters: tuple[ClusterReport, ...],
        verdict: Status,
        reason: str | None,
        result: Drill | None,
    ) -> Report:
        return self.reporter.report(
            asked=asked_hosts(self.session.clusters),
            answered=answered_hosts(look.replies),
            clusters=clusters,
            drill=result,
            verdict=verdict,
            reason=reason,
        )


def drill(session: Session, order: Order, *, confirm: Confirm, progress: Progress) -> Report:
    """The whole drill, or the reason why it will not begin; in a dry run of Nornir's, what it would do."""
    session = _measured_from(session, order)
    begun = _Begun(session=session, reporter=Reporter("drill"))
    progress("judging the cluster before anything is touched")
    look = look_at(session, session.clusters)
    if not _healthy(look):
        return begun.before(look, _unfit(look))
    wait_s = pause_s(look.found, pace=order.pace)
    run = _prepare(session, order, look, progress)
    notes = _foreseen(look, run)
    for each in notes:
        progress(f"note: {each}")
    announced = begun.before(look, _announced(order, run, wait_s, notes))
    if session.dry_run:
        return announced
    if not confirm(announced):
        raise RefusedError("not confirmed; nothing was injected")
    if wait_s:
        progress(f"waiting {wait_s:.0f} s: until then two more moves would flag the VIP as a duplicate")
        time.sleep(wait_s)
        look = look_at(session, session.clusters)
        if not _healthy(look):
            return begun.before(look, _unfit(look))
        run = _prepare(session, order, look, progress)
    with locked(session, "drill", run.lease_s(), progress):
        return begun.after(look, run)


def _announced(order: Order, run: DrillRun, wait_s: float, notes: Sequence[str]) -> str:
    pause = f", after {wait_s:.0f} s in which the leaves forget earlier moves" if wait_s else ""
    trap = "; a leaf will not follow, see the note above" if notes else ""
    return f"about to inject {order.fault} on {run.target.name}: {run.injection.summary}{pause}{trap}"


def _foreseen(look: Look, run: DrillRun) -> tuple[str, ...]:
    return tuple(said for subject in look.found if (said := run.fault.foreseen(subject, run.target.name)))


def _measured_from(session: Session, order: Order) -> Session:
    """The session with the named probe hosts alone: an echo from another would teach it where the VIP is meanwhile."""
    clusters = (replace(cluster, probes=order.probes or cluster.probes) for cluster in session.clusters)
    return replace(session, clusters=tuple(clusters))


def _healthy(look: Look) -> bool:
    states = {vip.state for vip in look.vips}
    return look.status in {Status.PASS, Status.WARN} and states == {VipState.HEALTHY}


def _unfit(look: Look) -> str:
    return f"no drill on a cluster that is not healthy: {first_problem(look.vips)}"


def _prepare(session: Session, order: Order, look: Look, progress: Progress) -> DrillRun:
    cluster = session.clusters[0]
    probes = plan_probes(look.found[0], cluster.probes)
    baseline = Baseline(replies=look.replies, found=look.found, judged=look.vips, probes=probes)
    return DrillRun.prepare(session, _target(cluster, order, look.vips), order.fault, baseline, progress)


def pause_s(found: Sequence[Subject], *, pace: bool) -> float:
    """How long to wait so that the moves of a drill stay under what every leaf allows; RefusedError when none helps.

    A VIP that is flagged already has nothing left to exhaust; where that freezes it, the cluster is not healthy.
    """
    wait_s = 0.0
    for subject in found:
        for leaf in subject.leaves:
            budget = budget_of(subject, leaf)
            if budget is None or budget.left >= ROUND:
                continue
            rule = f"{leaf} flags {subject.vip.ip} as a duplicate at {budget.max_moves} moves in {budget.window_s} s"
            if budget.max_moves - 1 < ROUND:
                raise RefusedError(f"{rule}, and a drill makes {ROUND}; raise dup-addr-detection max-moves")
            if not pace:
                raise RefusedError(
                    f"{rule}, and {budget.left} are left; wait {budget.wait_s:.0f} s, or drill with --pace"
                )
            wait_s = max(wait_s, budget.wait_s)
    return wait_s


def order(session: Session, fault: str, target: str | None, probes: Sequence[str] = (), *, pace: bool = True) -> Order:
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
    problems += [
        f"--probe {probe}: not a probe host of {cluster.name}; accepted: {', '.join(cluster.probes)}"
        for probe in probes
        if probe not in cluster.probes and cluster.probes
    ]
    if problems:
        raise IntentError(*problems)
    return Order(fault=fault, target=target, probes=tuple(dict.fromkeys(probes)), pace=pace)


def _target(cluster: Cluster, order: Order, vips: tuple[VipVerdict, ...]) -> Server:
    owner = vips[0].owner
    if owner is None:
        raise RefusedError("no single master to inject a fault on")
    return cluster.server(order.target or owner)


def drill_status(drill: Drill) -> Status:
    """Every stage held, both outages were measured and are explained, and everything is as it was."""
    stages = [Status(stage.verdict) for stage in drill.stages]
    outages = [
        Status.UNKNOWN if not outage.measured else Status.PASS if outage.within_bound else Status.FAIL
        for each in drill.probes
        for outage in each.outages
    ]
    return worst([*stages, *outages, Status.PASS if drill.restored else Status.FAIL])


def drill_exit(report: Report) -> Exit:
    """What could not be put back outranks every verdict."""
    if report.drill is not None and not report.drill.restored:
        return Exit.NOT_ROLLED_BACK
    return exit_for(report.status)


def _reason(drill: Drill, unmeasured: Mapping[str, str]) -> str | None:
    """The first thing that went wrong, in one sentence."""
    if not drill.restored:
        return f"{drill.target} is not as it was before the drill"
    for stage in drill.stages:
        if stage.verdict in {Status.FAIL, Status.UNKNOWN}:
            return f"{stage.name}: {first_wrong(stage.checks)}"
    for each in drill.probes:
        for outage in each.outages:
            if not outage.measured:
                why = unmeasured.get(each.host)
                return f"{outage.phase}: {each.host} gave too little to measure{f': {why}' if why else ''}"
            if not outage.within_bound:
                low, high = outage.bound_s
                seen = f"{outage.phase}: {outage.seconds:.3f} s of outage from {each.host}"
                return f"{seen}; timers and fabric explain {low:.3f} to {high:.3f} s"
    return None
