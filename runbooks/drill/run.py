"""One drill on one server, from the armed way back to the last judgement."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from runbooks.apply.locking import LEASE_MARGIN_S
from runbooks.apply.naming import tag
from runbooks.apply.undoing import is_confirmed, note_left
from runbooks.drill.events import Timeline, journal_events
from runbooks.drill.members import Baseline, ask, bound_of, flagged_leaves, heir_of, vips_of
from runbooks.drill.probes import Probes, events_of, measured, why_not
from runbooks.process.interrupts import deferred, shielded
from runbooks.session import Session
from runbooks.settling import Settling
from runbooks.verify import arrived, first_problem, judge, observe, open_firewalls, subjects, unprobed
from tasks.change.faults import Fault, Injection, fault_of
from tasks.change.undo import Undo, way_back
from tasks.intent.timers import Bound, master_down_s
from tasks.judge.subject import Subject
from tasks.model.address import IpAddress
from tasks.model.answer import Answers, Command
from tasks.model.cluster import Cluster, Server
from tasks.model.drill import Injected
from tasks.model.drilled import Drill, Flagged, Probe, Stage
from tasks.model.errors import HostError, NotRestoredError, RefusedError, StepError
from tasks.model.leaf import LeafFacts
from tasks.model.plan import Step
from tasks.model.verdict import Status, worst
from tasks.report.build import judged_stage
from tasks.report.evidence import Evidences

_MARGIN_S = 15.0
"""What polling, logins and a slow machine may take beyond protocol and fabric."""
_LONGEST_PAUSE_S = 5.0
_POLL_S = 0.3
_UNDO_S = 20.0
"""How long the undo is waited for: the round trip takes 30 s at most."""
_STEADY = 2
"""Judgements in a row that must hold: one may have caught a table on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRun:
    """Everything that is known before the fault is injected."""

    session: Session
    cluster: Cluster
    target: Server
    owner: Server
    heir: Server
    fault_name: str
    fault: Fault
    injection: Injection
    undo: Undo
    before: Answers
    baseline: Baseline
    failover: Bound
    progress: Callable[[str], None]
    timeline: Timeline = field(default_factory=Timeline)
    evidence: Evidences = field(default_factory=Evidences)
    unmeasured: dict[str, str] = field(default_factory=dict)
    """Why a probe host measured nothing, where that is known."""

    @staticmethod
    def prepare(
        session: Session, target: Server, fault_name: str, baseline: Baseline, progress: Callable[[str], None]
    ) -> DrillRun:
        """Read what the fault will lose; RefusedError when the drill would cut off its own way back."""
        cluster = session.clusters[0]
        fault = fault_of(fault_name)
        state = ask(session, target.name, fault.questions(target))
        if (refusal := fault.refusal(target, state)) is not None:
            raise RefusedError(refusal)
        owner = cluster.server(baseline.judged[0].owner or "")
        heir = heir_of(cluster, target.name, owner.name)
        # On a backup the fault explains no outage.
        harmless = fault.failback(cluster.fabric.allowance_s) if target.name != owner.name else None
        bound = harmless or bound_of(fault, cluster, heir, baseline.replies)
        injection = fault.injection(target, state, vips_of(session, target))
        ageing = max(plan.ageing_s for plan in baseline.probes)
        heal = int(bound.longest_s + ageing + 2 * _MARGIN_S) + 1
        return DrillRun(
            session=session,
            cluster=cluster,
            target=target,
            owner=owner,
            heir=heir,
            fault_name=fault_name,
            fault=fault,
            injection=injection,
            undo=way_back(
                tag(), [Step(topic="fault", summary=injection.summary, undo=injection.undo)], heal, outlives_boot=False
            ),
            before=state,
            baseline=baseline,
            failover=bound,
            progress=progress,
        )

    def lease_s(self) -> int:
        """The longest that the whole may take, for whoever else wants the cluster meanwhile."""
        return int(self._longest_s() + LEASE_MARGIN_S)

    def _longest_s(self) -> float:
        return self.failover.longest_s + self._failback_wait() + 2 * self._ageing() + 4 * _MARGIN_S

    def execute(self) -> Drill:
        """Inject, judge, restore, judge, measure; whatever ends it early, the undo comes first."""
        longest = self._longest_s()
        probes = Probes.start(self.session, self.cluster, self.baseline.probes, longest, self.progress)
        try:
            return self._drill(probes)
        except BaseException as error:
            with shielded(self.progress):
                self.progress(f"undoing: {error or 'interrupted'}")
                self._recover(probes)
            raise

    def _drill(self, probes: Probes) -> Drill:
        stages = [judged_stage("before", self.baseline.judged, self.evidence)]
        injected_at = self._inject()
        wait_s = self.failover.longest_s + self._ageing() + _MARGIN_S
        stage, _ = self._stage("failover", self._heirs(), wait_s, self.fault.on(self.target.name))
        stages.append(stage)
        restored_at = self._restore()
        stage, left = self._stage("failback", self._returning(), self._failback_wait() + self._ageing())
        stages.append(stage)
        still_lost = self._close()
        seen = probes.stop()
        failback = self.fault.failback(self.cluster.fabric.allowance_s)
        for entry in events_of(seen, restored_at):
            self.timeline.add(*entry)
        self._gather(injected_at)
        for each in still_lost:
            self.progress(f"{self.target.name}: did not come back: {each}")
        self.unmeasured.update({host: why_not(stream) for host, stream in seen.items()})
        probed = tuple(
            measured(plan, seen[plan.host], (injected_at, restored_at), self.failover, failback)
            for plan in self.baseline.probes
        )
        return Drill(
            fault=self.fault_name,
            target=self.target.name,
            tripped_at=datetime.fromtimestamp(injected_at, UTC),
            probe=Probe(host=probed[0].host, interval_s=probed[0].interval_s),
            outages=probed[0].outages,
            probes=probed,
            flagged_duplicate=Flagged(before=flagged_leaves(self.baseline.found), after=flagged_leaves(left)),
            timeline=self.timeline.events(injected_at),
            stages=tuple(stages),
            restored=not still_lost,
        )

    def _ageing(self) -> float:
        """The longest that a probe host may keep an old MAC by itself."""
        return max(plan.ageing_s for plan in self.baseline.probes)

    def _inject(self) -> float:
        """Arm the undo and inject, in one round trip; the time by the target's clock just before the fault.

        The judgement before ended with an advert that arrived, so without a pause of random length every drill would
        begin at the same moment between two adverts, and measure the same part of what the timers allow.
        """
        time.sleep(random.uniform(0.0, min(self.cluster.advert_int, _LONGEST_PAUSE_S)))  # noqa: S311 - no secret
        self.progress(
            f"injecting {self.fault_name} on {self.target.name} ({self.undo.after_s} s until it undoes itself)"
        )
        clock = Command(key="clock before", argv=("date", "+%s.%N"))
        commands = (*self.undo.prepare(), *self.undo.arm(), clock, self.injection.command)
        with deferred(self.progress):
            answers = ask(self.session, self.target.name, commands, stop=True)
        for command in commands:
            answer = answers.by_key.get(command.key)
            if answer is None or answer.status != 0:
                said = answer.stderr.strip() if answer is not None else "not reached"
                raise StepError(self.target.name, command.title, said)
        at = float(answers["clock before"].stdout)
        self.timeline.add(at, self.target.name, "fault", self.injection.summary)
        return at

    def _stage(
        self, name: str, owners: Mapping[str, str], wait_s: float, injected: Injected | None = None
    ) -> tuple[Stage, tuple[Subject, ...]]:
        """Judge until the VIP is right at its owner several times in a row, or the time is up."""
        names = ", ".join(dict.fromkeys(owners.values()))
        self.progress(f"{name}: waiting for {names} and for every leaf")
        deadline = time.monotonic() + wait_s
        steady, said, settling, quiet = 0, "", Settling(), True
        while True:
            looked = time.monotonic()
            # Servers and leaves alone until they agree: the probes run anyway, and tell by their own stamps.
            every = self.session.clusters
            clusters = unprobed(every) if quiet else every
            # The fault changes no firewall, and its time is limited: the drill's last look asks for it again.
            whole = injected is None and not quiet and steady == _STEADY - 1
            replies = observe(
                self.session, clusters, {} if whole else open_firewalls(self.baseline.replies, self.baseline.judged)
            )
            facts = subjects(self.session, clusters, replies, owners, injected, self._leaves_before())
            vips = judge(facts)
            quiet = quiet and not arrived(vips) and looked < deadline - wait_s / 2
            settling.look(vips, time.time())
            held = worst(vip.status for vip in vips) in {Status.PASS, Status.WARN}
            steady = steady + 1 if held and clusters == every else 0
            if steady >= _STEADY:
                break
            if not held and (said := _told(said, first_problem(vips), self.progress)) and looked > deadline:
                break
            time.sleep(_POLL_S)
        self._settled(name, settling)
        return judged_stage(name, vips, self.evidence), facts

    def _settled(self, name: str, settling: Settling) -> None:
        """When each leaf and each probe host was right for good."""
        for target in (*self.cluster.fabric.leaves, *self.cluster.probes):
            if target in settling.since:
                self.timeline.add(settling.since[target], target, "judge", f"{name}: all that it holds is right")

    def _leaves_before(self) -> Mapping[IpAddress, Mapping[str, LeafFacts]]:
        return {subject.vip.ip: subject.leaves for subject in self.baseline.found}

    def _restore(self) -> float:
        """Put back through the same script that the server would run by itself."""
        self.progress(f"restoring {self.target.name}")
        with deferred(self.progress):
            at = self._undo()
        self.timeline.add(at, self.target.name, "fault", self.injection.undone)
        return at

    def _undo(self) -> float:
        """Undo, if the server has not; the time by the target's clock before that. StepError: what is not restored."""
        clock = Command(key="clock before", argv=("date", "+%s.%N"))
        answers = ask(self.session, self.target.name, (clock, *self.undo.run_now(_UNDO_S)))
        is_confirmed(self.target.name, self.undo, answers)
        return float(answers["clock before"].stdout)

    def _recover(self, probes: Probes) -> None:
        """After an early end: the way back, disarmed, and no probe left behind; NotRestoredError when it failed."""
        try:
            self._undo()
            left = self._close()
        except HostError as error:
            left = [error.reason]
        finally:
            probes.stop()
        if left:
            raise NotRestoredError(
                f"{self.target.name} is not as it was: {'; '.join(left)}; "
                f"it undoes the fault by itself within {self.undo.after_s} s"
            )

    def _owners(self) -> dict[str, str]:
        """Who bore the VIPs of each instance before."""
        before = zip(self.baseline.found, self.baseline.judged, strict=True)
        judged = {subject.cluster.instance: vip.owner for subject, vip in before}
        return {instance: owner for instance, owner in judged.items() if owner is not None}

    def _heirs(self) -> dict[str, str]:
        """Who should bear the VIPs of each instance while the target is down."""
        owners = self._owners()
        return {
            cluster.instance: heir_of(cluster, self.target.name, owners[cluster.instance]).name
            for cluster in self.session.clusters
            if cluster.instance in owners
        }

    def _returning(self) -> dict[str, str]:
        """Who should bear them once the target is back."""
        return self._owners() if self.cluster.preempt else self._heirs()

    def _failback_wait(self) -> float:
        down = master_down_s(self.cluster.version, self.cluster.advert_int, self.target.priority)
        return down + self.cluster.preempt_delay_s + _MARGIN_S

    def _close(self) -> list[str]:
        """Disarm for good, and say what did not come back."""
        try:
            after = ask(self.session, self.target.name, (self.undo.clean(), *self.fault.questions(self.target)))
        except HostError as error:
            return [str(error)]
        note_left(self.target.name, after, self.progress)
        return self.fault.lost(self.before, after, vips_of(self.session, self.target))

    def _gather(self, since: float) -> None:
        """What the servers' journals tell of the same minutes."""
        for server in self.cluster.servers:
            for event in journal_events(self.session, server.name, self.session.clusters, since):
                self.timeline.add(*event)


def _told(last: str, problem: str, progress: Callable[[str], None]) -> str:
    """Say what is waited for when it changes."""
    if problem != last:
        progress(f"waiting: {problem}")
    return problem
