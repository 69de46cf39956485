"""One drill on one server, from the armed way back to the last judgement."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from runbooks.drill_events import Timeline, journal_events, probe_events
from runbooks.interrupts import deferred, shielded
from runbooks.server_change import tag
from runbooks.session import Session
from runbooks.verify import first_problem, judge, observe
from tasks.change.faults import Fault, carries_session, link_down, lost, state_commands
from tasks.change.undo import Undo, way_back
from tasks.intent.timers import Bound, failback_bound, failover_bound, master_down_s
from tasks.judge.outage import measure
from tasks.model.answer import Answers, Command, NoAnswer, Reply
from tasks.model.cluster import Cluster, Server
from tasks.model.drill import Drill, Outage, ProbeStream, Stage
from tasks.model.errors import HostError, NoAnswerError, NotRestoredError, RefusedError, StepError
from tasks.model.observation import Read
from tasks.model.verdict import Status, VipVerdict, worst
from tasks.observe.ping import parse_probe_stream
from tasks.observe.readings import Garbled
from tasks.observe.server import server_facts
from tasks.transport import Script, Stream

_INTERVAL_S = 0.01
_MARGIN_S = 15.0
"""What polling, logins and a slow machine may take beyond protocol and fabric."""
_CLEAN = 50
"""Answered probes in a row before anything is tripped."""
_LONGEST_PAUSE_S = 5.0
_POLL_S = 0.3
_STEADY = 2
"""Judgements in a row that must hold: one may have caught a table on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRun:
    """Everything that is known before the fault is tripped."""

    session: Session
    cluster: Cluster
    target: Server
    owner: Server
    heir: Server
    fault: Fault
    undo: Undo
    before: Answers
    judged: tuple[VipVerdict, ...]
    failover: Bound
    progress: Callable[[str], None]
    timeline: Timeline = field(default_factory=Timeline)

    @staticmethod
    def prepare(  # noqa: PLR0913, PLR0917 - each is a fact of its own that only the caller has
        session: Session,
        cluster: Cluster,
        target: Server,
        fault_name: str,
        judged: tuple[VipVerdict, ...],
        replies: Mapping[str, Reply],
        progress: Callable[[str], None],
    ) -> DrillRun:
        """Read what the fault will lose; RefusedError when the drill would cut off its own way back."""
        state = _ask(session, target.name, state_commands(target))
        if carries_session(target, state):
            raise RefusedError(
                f"{target.name} is reached through {target.interface}, the interface that {fault_name} takes down; "
                "reach it by another one"
            )
        owner = cluster.server(judged[0].owner or "")
        others = [server for server in cluster.servers if server.name != target.name]
        heir = max(others, key=lambda server: server.priority) if target.name == owner.name else owner
        bound = _failover_bound(cluster, target, owner, heir, replies)
        fault = link_down(target, state)
        heal = int(bound.longest_s + 2 * _MARGIN_S) + 1
        return DrillRun(
            session=session,
            cluster=cluster,
            target=target,
            owner=owner,
            heir=heir,
            fault=fault,
            undo=way_back(tag(), [fault.undo], heal),
            before=state,
            judged=judged,
            failover=bound,
            progress=progress,
        )

    def execute(self) -> Drill:
        """Trip, judge, restore, judge, measure; whatever ends it early, the way back is taken first."""
        stream = self._start_probe()
        try:
            return self._drill(stream)
        except BaseException as error:
            with shielded(self.progress):
                self.progress(f"undoing: {error or 'interrupted'}")
                self._recover(stream)
            raise

    def _drill(self, stream: Stream) -> Drill:
        stages = [Stage(name="before", vips=self.judged)]
        tripped_at = self._trip()
        stages.append(self._stage("failover", self.heir, self.failover.longest_s + _MARGIN_S, self.target.name))
        restored_at = self._restore()
        stages.append(self._stage("failback", self._returning(), self._failback_wait()))
        still_lost = self._close()
        probes = _parse(stream.stop())
        outages = self._measure(probes, tripped_at, restored_at)
        self._gather(probes, tripped_at)
        for each in still_lost:
            self.progress(f"{self.target.name}: did not come back: {each}")
        return Drill(
            fault=self.fault.name,
            target=self.target.name,
            probe_from=self.cluster.probes[0],
            probe_interval_s=_INTERVAL_S,
            outages=outages,
            timeline=self.timeline.events(tripped_at),
            stages=tuple(stages),
            restored=not still_lost,
        )

    def _start_probe(self) -> Stream:
        """Numbered, timestamped probes; RefusedError when they are not all answered before anything is touched."""
        self.progress(
            f"probing {self.cluster.vips[0].ip} from {self.cluster.probes[0]} every {_INTERVAL_S * 1000:g} ms"
        )
        # A count bounds it when nobody stops it. -w would end it at the first ICMP error, in the middle of the outage.
        most = int((self.failover.longest_s + self._failback_wait() + 4 * _MARGIN_S) / _INTERVAL_S)
        words = ("-D", "-O", "-n", "-i", str(_INTERVAL_S), "-c", str(most), str(self.cluster.vips[0].ip))
        probe = self.cluster.probes[0]
        stream = self.session.open_stream(probe, Command(key="probe", argv=("ping", *words), sudo=True))
        if isinstance(stream, NoAnswer):
            raise NoAnswerError(probe, "ping", stream.reason)
        deadline = time.monotonic() + 10.0
        while time.monotonic() < deadline:
            time.sleep(0.1)
            replies = _parse(stream.text()).replies
            if len(replies) >= _CLEAN and replies[-1].sequence - replies[-_CLEAN].sequence == _CLEAN - 1:
                return stream
        raise RefusedError(f"{probe} gets no {_CLEAN} answers in a row; nothing was tripped: {stream.stop()[-200:]}")

    def _trip(self) -> float:
        """Arm the way back and trip, in one round trip; the time by the target's clock just before the fault.

        The judgement before ended with an advert that arrived, so without a pause of random length every drill would
        trip at the same moment between two adverts, and measure the same part of what the timers allow.
        """
        time.sleep(random.uniform(0.0, min(self.cluster.advert_int, _LONGEST_PAUSE_S)))  # noqa: S311 - no secret
        self.progress(f"tripping {self.fault.name} on {self.target.name} ({self.undo.after_s} s until it heals itself)")
        clock = Command(key="clock before", argv=("date", "+%s.%N"))
        commands = (*self.undo.prepare(), self.undo.arm(), clock, self.fault.trip)
        with deferred(self.progress):
            answers = _ask(self.session, self.target.name, commands, stop=True)
        for command in commands:
            answer = answers.by_key.get(command.key)
            if answer is None or answer.status != 0:
                said = answer.stderr.strip() if answer is not None else "not reached"
                raise StepError(self.target.name, command.title, said)
        at = float(answers["clock before"].stdout)
        self.timeline.add(at, self.target.name, "fault", self.fault.summary)
        return at

    def _stage(self, name: str, owner: Server, wait_s: float, tripped: str | None = None) -> Stage:
        """Judge until the VIP is right at its owner several times in a row, or the time is up."""
        self.progress(f"{name}: waiting for {owner.name} and for every leaf")
        deadline = time.monotonic() + wait_s
        steady, vips = 0, self.judged
        said = ""
        while steady < _STEADY:
            looked = time.monotonic()
            replies = observe(self.session, (self.cluster,))
            vips = judge(self.session, (self.cluster,), replies, expected_owner=owner.name, tripped=tripped)
            held = worst(vip.status for vip in vips) in {Status.PASS, Status.WARN}
            if held and steady == 0:
                self.timeline.add(time.time(), "vipbook", "judge", f"{name}: {owner.name} and every leaf agree")
            steady = steady + 1 if held else 0
            if not held and (said := _told(said, first_problem(vips), self.progress)) and looked > deadline:
                break
            time.sleep(_POLL_S)
        return Stage(name=name, vips=vips)

    def _restore(self) -> float:
        """Put back through the same script that the server would run by itself."""
        self.progress(f"restoring {self.target.name}")
        with deferred(self.progress):
            at = self._undo()
        self.timeline.add(at, self.target.name, "fault", self.fault.undone)
        return at

    def _undo(self) -> float:
        """The way back; the time by the target's clock just before it."""
        clock = Command(key="clock before", argv=("date", "+%s.%N"))
        # A script that ran already, by the server's own clock, ends with an error here and is as good.
        answers = _ask(self.session, self.target.name, (clock, *self.undo.run_now()))
        return float(answers["clock before"].stdout)

    def _recover(self, stream: Stream) -> None:
        """After an early end: the way back, disarmed, and no probe left behind; NotRestoredError when it failed."""
        try:
            self._undo()
            left = self._close()
        except HostError as error:
            left = [error.reason]
        finally:
            stream.stop()
        if left:
            raise NotRestoredError(
                f"{self.target.name} is not as it was: {'; '.join(left)}; "
                f"it puts {self.target.interface} back by itself within {self.undo.after_s} s of the fault"
            )

    def _returning(self) -> Server:
        """Who should bear the VIP once the target is back."""
        return self.owner if self.cluster.preempt else self.heir

    def _failback_wait(self) -> float:
        cluster = self.cluster
        return master_down_s(cluster.version, cluster.advert_int, self.target.priority) + _MARGIN_S

    def _close(self) -> list[str]:
        """Disarm for good, and say what did not come back."""
        try:
            after = _ask(self.session, self.target.name, (*self.undo.clean(), *state_commands(self.target)))
        except HostError as error:
            return [str(error)]
        return lost(self.before, after)

    def _measure(self, probes: ProbeStream, tripped_at: float, restored_at: float) -> tuple[Outage, ...]:
        allowance = self.cluster.fabric.allowance_s
        end = _end_of(probes, restored_at)
        # The clocks of target and probe host may differ a little: a gap may begin just before the fault.
        return (
            measure("failover", probes.replies, (tripped_at - 0.5, restored_at), self.failover),
            measure("failback", probes.replies, (restored_at, end), failback_bound(allowance)),
        )

    def _gather(self, probes: ProbeStream, since: float) -> None:
        """What the servers' journals and the probe tell of the same minutes."""
        for each in probe_events(probes, self.cluster.probes[0]):
            self.timeline.add(*each)
        for server in self.cluster.servers:
            for event in journal_events(self.session, server.name, self.cluster, since):
                self.timeline.add(*event)


def _end_of(probes: ProbeStream, default: float) -> float:
    """When the last probe was sent, answered or not: silence at the end must not shorten what was measured."""
    if not probes.replies:
        return default
    first, last = probes.replies[0], probes.replies[-1]
    spacing = (last.sent_at - first.sent_at) / max(1, last.sequence - first.sequence)
    return last.sent_at + (probes.last_sequence - last.sequence) * max(spacing, _INTERVAL_S)


def _told(last: str, problem: str, progress: Callable[[str], None]) -> str:
    """Say what is waited for when it changes."""
    if problem != last:
        progress(f"waiting: {problem}")
    return problem


def _ask(session: Session, host: str, commands: tuple[Command, ...], *, stop: bool = False) -> Answers:
    reply = session.run_scripts({host: Script(commands=commands, stop_on_failure=stop)})[host]
    if not isinstance(reply, Answers):
        raise NoAnswerError(host, "", reply.reason)
    return reply


def _failover_bound(
    cluster: Cluster, target: Server, owner: Server, heir: Server, replies: Mapping[str, Reply]
) -> Bound:
    """From the timers in force, as the heir's keepalived tells them; tripping a backup explains no outage."""
    if target.name != owner.name:
        return failback_bound(cluster.fabric.allowance_s)
    instances = server_facts(heir.name, replies[heir.name]).instances
    running = instances.value if isinstance(instances, Read) else ()
    for instance in running:
        if instance.name == cluster.instance:
            allowance = cluster.fabric.allowance_s
            return failover_bound(instance.version, instance.advert_int, instance.effective_priority, allowance)
    raise RefusedError(f"{heir.name} did not tell its timers, so no bound can be computed")


def _parse(text: str) -> ProbeStream:
    """An unreadable or empty stream has no replies, which measures nothing."""
    try:
        return parse_probe_stream(text)
    except Garbled:
        return ProbeStream(replies=(), unanswered=(), errors=(), last_sequence=0)
