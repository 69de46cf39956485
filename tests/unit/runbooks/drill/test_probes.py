"""What a drill makes of its probe stream."""

from __future__ import annotations

from typing import cast

import pytest

from runbooks.drill.events import Timeline, probe_events
from runbooks.drill.members import bound_of
from runbooks.drill.probes import ProbePlan, Probes, events_of, parse, why_not
from runbooks.drill.probes import measured as seen_by
from runbooks.drill.runbook import _reason
from tasks.change.faults import fault_of
from tasks.intent.timers import failback_bound, failover_bound
from tasks.model.answer import NoAnswer
from tasks.model.drill import ProbeReply, ProbeStream
from tasks.model.drilled import Drill, Outage
from tasks.model.errors import RefusedError
from tasks.transport import Stream
from tests.unit.builders import AT, GONE, answers, cluster, server

ZERO = 1767225600.0
PER_S = 100
ROUTED = ProbePlan(host="I1", on_link=False, ageing_s=0.0)
CLIENT = ProbePlan(host="C1", on_link=True, ageing_s=53.0)


def stream(*dark: tuple[float, float], until: float = 20.0) -> ProbeStream:
    """A probe every 10 ms from ZERO on; `dark` are the seconds without an answer."""
    replies, unanswered = [], []
    for number in range(int(until * PER_S)):
        if any(since <= number / PER_S < end for since, end in dark):
            unanswered.append(number)
        else:
            replies.append(ProbeReply(sequence=number, sent_at=ZERO + number / PER_S, rtt_ms=0.3, duplicate=False))
    last = int(until * PER_S) - 1
    return ProbeStream(replies=tuple(replies), unanswered=tuple(unanswered), errors=(), last_sequence=last)


def measured(probes: ProbeStream, *, tripped: float = 2.0, restored: float = 10.0) -> tuple[Outage, Outage]:
    phases = (ZERO + tripped, ZERO + restored)
    failover, failback = seen_by(ROUTED, probes, phases, failover_bound(2, 1.0, 1, 1.0), failback_bound(1.0)).outages
    return failover, failback


def test_a_failover_and_a_failback_without_loss() -> None:
    failover, failback = measured(stream((2.0, 5.4)))
    assert failover.seconds == pytest.approx(3.4, abs=0.011)
    assert failover.within_bound
    assert (failback.phase, failback.seconds, failback.within_bound) == ("failback", 0.0, True)


def test_a_gap_that_begins_just_before_the_fault_by_the_other_clock() -> None:
    failover, _ = measured(stream((1.7, 5.1)))
    assert failover.seconds == pytest.approx(3.4, abs=0.011)


def test_a_failback_that_takes_too_long() -> None:
    failover, failback = measured(stream((2.0, 5.4), (12.0, 14.5)))
    assert failover.within_bound
    assert failback.seconds == pytest.approx(2.5, abs=0.011)
    assert not failback.within_bound


def test_a_vip_that_never_comes_back_was_not_within_its_bound() -> None:
    """The last probes were sent and got no answer: nobody saw the end of that outage."""
    _, failback = measured(stream((2.0, 5.4), (11.0, 20.0)))
    assert not failback.within_bound


def test_no_probe_at_all_measures_nothing() -> None:
    nothing = ProbeStream(replies=(), unanswered=(), errors=(), last_sequence=0)
    assert [each.measured for each in measured(nothing)] == [False, False]


def test_a_successor_that_tells_no_timers_is_refused() -> None:
    whole, second = cluster(), server("H2")
    gone = NoAnswer(host="H2", reason=GONE.reason, at=AT)
    for reply in (gone, answers("H2"), answers("H2", json="[]")):
        with pytest.raises(RefusedError, match="H2 did not tell its timers"):
            bound_of(fault_of("link-down"), whole, second, {"H2": reply})


def test_the_timeline_is_in_order_and_counts_from_the_fault() -> None:
    timeline = Timeline()
    timeline.add(ZERO + 5, "H2", "keepalived", "master")
    timeline.add(ZERO + 2, "H1", "fault", "down")
    found = timeline.events(ZERO + 2)
    assert [(each.offset_s, each.event) for each in found] == [(0.0, "down"), (3.0, "master")]


@pytest.mark.parametrize(
    ("dark", "events"),
    [
        ((1.0, 1.0), []),
        ((1.0, 1.02), []),
        ((1.0, 1.03), ["probe 99)", "probe 103, 3 lost)"]),
        ((1.0, 2.0), ["probe 99)", "probe 200, 100 lost)"]),
    ],
)
def test_gaps_worth_a_line(dark: tuple[float, float], events: list[str]) -> None:
    found = [event for _, _, _, event in probe_events(stream(dark, until=3.0), "I1")]
    assert len(found) == len(events)
    assert all(event.endswith(end) for event, end in zip(found, events, strict=True))


def test_a_client_may_see_longer_than_the_fabric_takes_and_no_longer() -> None:
    """It sends to a MAC that it holds itself: failover within 3 to 5 s, and up to 53 s more until it asks anew."""
    for until, within in [(20.0, True), (57.0, True), (62.0, False)]:
        seen = stream((2.0, until), until=90.0)
        found = seen_by(CLIENT, seen, (ZERO + 2, ZERO + 80), failover_bound(2, 1.0, 1, 1.0), failback_bound(1.0))
        assert (found.host, found.on_link, found.interval_s) == ("C1", True, 0.01)
        assert found.outages[0].bound_s == (pytest.approx(2.996, abs=0.001), pytest.approx(57.996, abs=0.001))
        assert found.outages[0].within_bound is within, until
        routed = seen_by(ROUTED, seen, (ZERO + 2, ZERO + 80), failover_bound(2, 1.0, 1, 1.0), failback_bound(1.0))
        assert not routed.outages[0].within_bound


def test_a_client_that_lost_nothing_saw_too_little() -> None:
    """The shortest time is VRRP's own, whoever looks."""
    found = seen_by(CLIENT, stream(), (ZERO + 2, ZERO + 10), failover_bound(2, 1.0, 1, 1.0), failback_bound(1.0))
    assert [each.within_bound for each in found.outages] == [False, True]


def test_gaps_of_all_hosts_are_told_host_by_host() -> None:
    seen = {"I1": stream((1.0, 2.0), until=3.0), "C1": stream((1.0, 2.5), until=3.0)}
    assert [(host, source) for _, host, source, _ in events_of(seen, ZERO)] == [("I1", "probe")] * 2 + [
        ("C1", "probe")
    ] * 2


@pytest.mark.parametrize("text", ["", "garbage", "\x00"])
def test_an_unreadable_stream_has_no_replies(text: str) -> None:
    assert parse(text).replies == ()


CUT = "its output is longer than 16 MiB, and was cut there"


class Cut:
    """A stream that was cut at its bound, or that says this."""

    def __init__(self, reason: str | None, text: str = "") -> None:
        self.reason, self._text = reason, text

    def text(self) -> str:
        return self._text

    def stop(self) -> str:
        return self._text


@pytest.mark.parametrize(
    ("stopped", "why"),
    [
        pytest.param(
            Cut(CUT, "[1767225600.0] 64 bytes from 100.65.0.10: icmp_seq=1 ttl=63 time=0.3 ms\n"), CUT, id="cut"
        ),
        pytest.param(Cut(None, "ping: socket: Operation not permitted\n"), "Operation not permitted", id="no-probe"),
        pytest.param(Cut(None, f"From 192.0.2.1 icmp_seq=1 {'x' * 5000}\n"), "more characters", id="a-long-line"),
        pytest.param(Cut(None), "nothing was printed", id="silent"),
    ],
)
def test_why_a_probe_host_measured_nothing_is_in_the_timeline_and_in_the_reason(stopped: Cut, why: str) -> None:
    seen = Probes(streams={"I1": cast("Stream", stopped)}, plans=(ROUTED,)).stop()
    found = seen_by(ROUTED, seen["I1"], (ZERO + 2, ZERO + 10), failover_bound(2, 1.0, 1, 1.0), failback_bound(1.0))
    assert [each.measured for each in found.outages] == [False, False]
    ((at, host, source, event),) = events_of(seen, ZERO + 10)
    assert (at, host, source, why in event) == (ZERO + 10, "I1", "probe", True), event
    held = Drill(fault="link-down", target="H1", probe=found, outages=(), probes=(found,), timeline=(), restored=True)
    reason = _reason(held, {"I1": why_not(seen["I1"])}) or ""
    assert reason.startswith("failover: I1 gave too little to measure: ")
    assert why in reason
    assert len(reason) < 400


def test_a_stream_that_is_cut_before_the_fault_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runbooks.drill.probes._PATIENCE_S", 0.2)
    probes = Probes(streams={"I1": cast("Stream", Cut(CUT, "x" * 300))}, plans=(ROUTED,))
    with pytest.raises(RefusedError, match=CUT):
        probes._await_answers("I1")
