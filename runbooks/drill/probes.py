"""The probes of a drill: numbered, timestamped echoes from each probe host, and what is measured from them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from runbooks.drill.events import Entry, probe_events
from runbooks.session import Session
from tasks.client.ping import parse_probe_stream
from tasks.client.probe import stream_command
from tasks.intent.timers import Bound, client_ageing_s
from tasks.judge.checks.client import on_link
from tasks.judge.outage import answered_spans, measure
from tasks.judge.subject import Subject
from tasks.model.answer import NoAnswer
from tasks.model.cluster import Cluster
from tasks.model.drill import ProbeStream
from tasks.model.drilled import Measured
from tasks.model.errors import NoAnswerError, RefusedError
from tasks.model.reading import Unread
from tasks.model.text import clipped
from tasks.observe.readings import Garbled
from tasks.transport import Stream

INTERVAL_S = 0.01
_CLEAN = 50
"""Answered probes in a row before anything is injected."""
_PATIENCE_S = 10.0
_SAID_MOST = 200
"""Characters of a line of a probe that says why it measured nothing."""
NOTHING = ProbeStream(replies=(), unanswered=(), errors=(), last_sequence=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePlan:
    """One probe host. `ageing_s`: how long its own kernel may keep an old MAC; 0 where it holds none for the VIP."""

    host: str
    on_link: bool
    ageing_s: float

    def bound(self, fabric: Bound) -> Bound:
        """What timers, fabric and this host's own neighbor table explain together."""
        return Bound(shortest_s=fabric.shortest_s, longest_s=fabric.longest_s + self.ageing_s)


def plan_probes(subject: Subject, hosts: Sequence[str]) -> tuple[ProbePlan, ...]:
    """Who measures, and what each may see longer than the fabric takes.

    A host in the VIP's own subnet sends to a MAC that it holds itself. When the VIP changes its MAC and leaves suppress
    ARP, only the host's own timers bring it to ask again. RefusedError when it does not tell them.
    """
    return tuple(_plan(subject, host) for host in hosts)


def _plan(subject: Subject, host: str) -> ProbePlan:
    route = subject.probes[host].routes[subject.vip.ip]
    if isinstance(route, Unread):
        raise RefusedError(f"{host} did not tell how it reaches {subject.vip.ip}: {route.reason}")
    if not on_link(subject, host) or subject.cluster.vmac is not None:
        return ProbePlan(host=host, on_link=on_link(subject, host), ageing_s=0.0)
    timers = subject.probes[host].timers[subject.vip.ip]
    if isinstance(timers, Unread):
        raise RefusedError(f"{host} did not tell how it ages neighbors, so no bound can be computed: {timers.reason}")
    return ProbePlan(host=host, on_link=True, ageing_s=client_ageing_s(timers.value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """Running streams, by the host that sends."""

    streams: Mapping[str, Stream]
    plans: tuple[ProbePlan, ...]

    @staticmethod
    def start(
        session: Session, cluster: Cluster, plans: tuple[ProbePlan, ...], longest_s: float, say: Callable[[str], None]
    ) -> Probes:
        """Begin on every host; RefusedError when they are not all answered before anything is touched."""
        address = cluster.vips[0].ip
        say(f"probing {address} from {', '.join(plan.host for plan in plans)} every {INTERVAL_S * 1000:g} ms")
        command = stream_command(address, int(longest_s / INTERVAL_S), INTERVAL_S)
        probes = Probes(streams={}, plans=plans)
        started: dict[str, Stream] = {}
        for plan in plans:
            stream = session.open_stream(plan.host, command)
            if isinstance(stream, NoAnswer):
                Probes(streams=started, plans=plans).stop()
                raise NoAnswerError(plan.host, "ping", stream.reason)
            started[plan.host] = stream
        probes = Probes(streams=started, plans=plans)
        for host in started:
            probes._await_answers(host)
        return probes

    def _await_answers(self, host: str) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            time.sleep(0.1)
            replies = parse(self.streams[host].text()).replies
            if len(replies) >= _CLEAN and replies[-1].sequence - replies[-_CLEAN].sequence == _CLEAN - 1:
                return
        said = self.streams[host].reason or self.streams[host].text()[-200:]
        self.stop()
        raise RefusedError(f"{host} gets no {_CLEAN} answers in a row; nothing was injected: {said}")

    def stop(self) -> dict[str, ProbeStream]:
        """End them all, and give what each saw."""
        texts = {host: stream.stop() for host, stream in self.streams.items()}
        seen = {host: parse(text) for host, text in texts.items()}
        # What was cut measures nothing: silence at its end would be its end and no outage.
        cut = {host: stream.reason for host, stream in self.streams.items() if stream.reason is not None}
        return seen | {host: replace(NOTHING, errors=(reason,)) for host, reason in cut.items()}


def parse(text: str) -> ProbeStream:
    """An unreadable or empty stream has no replies, which measures nothing, and the reason."""
    try:
        return parse_probe_stream(text)
    except Garbled as error:
        return replace(NOTHING, errors=(str(error),))


def measured(
    plan: ProbePlan, seen: ProbeStream, phases: tuple[float, float], failover: Bound, failback: Bound
) -> Measured:
    """Both outages as this host saw them, by its own clock. `phases`: when the fault was injected, and when undone."""
    injected_at, restored_at = phases
    end = _end_of(seen, restored_at)
    return Measured(
        host=plan.host,
        interval_s=INTERVAL_S,
        on_link=plan.on_link,
        answered_s=tuple((begin - injected_at, end - injected_at) for begin, end in answered_spans(seen.replies)),
        outages=(
            # The clocks of target and probe host may differ a little: a gap may begin just before the fault.
            measure("failover", seen.replies, (injected_at - 0.5, restored_at), plan.bound(failover), injected_at),
            measure("failback", seen.replies, (restored_at, end), plan.bound(failback), injected_at),
        ),
    )


def events_of(seen: Mapping[str, ProbeStream], end: float) -> Iterator[Entry]:
    """Where answers stopped coming and came again, host by host; at the end why one has none."""
    for host, stream in seen.items():
        yield from probe_events(stream, host)
        if not stream.replies and stream.errors:
            yield end, host, "probe", f"measured nothing: {why_not(stream)}"


def why_not(stream: ProbeStream) -> str:
    """Why it measured nothing, where that is known."""
    return clipped(next(iter(stream.errors), ""), _SAID_MOST)


def _end_of(probes: ProbeStream, default: float) -> float:
    """When the last probe was sent, answered or not: silence at the end must not shorten what was measured."""
    if not probes.replies:
        return default
    first, last = probes.replies[0], probes.replies[-1]
    spacing = (last.sent_at - first.sent_at) / max(1, last.sequence - first.sequence)
    return last.sent_at + (probes.last_sequence - last.sequence) * max(spacing, INTERVAL_S)
