"""The longest gap of a probe stream, from streams whose gaps are known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.intent.timers import Bound
from tasks.judge.outage import gaps_of, measure
from tasks.model.drill import ProbeReply
from tasks.model.drilled import Outage

BEGAN = 1767225600.0
BOUND = Bound(shortest_s=3.0, longest_s=4.0)
WIDE = Bound(shortest_s=0.0, longest_s=1.0)


def stream(total: int, lost: Iterable[int] = (), *, spacing: float = 0.01, jitter: float = 0.0) -> list[ProbeReply]:
    """Probes 1 to `total`, a `spacing` apart from BEGAN on, those of `lost` without a reply."""
    missing = set(lost)
    return [
        ProbeReply(
            sequence=number, sent_at=BEGAN + number * spacing + jitter * (number % 2), rtt_ms=0.3, duplicate=False
        )
        for number in range(1, total + 1)
        if number not in missing
    ]


def measured(replies: list[ProbeReply], *, until: float, since: float = 0.0, bound: Bound = BOUND) -> Outage:
    return measure("failover", replies, (BEGAN + since, BEGAN + until), bound, BEGAN)


@pytest.mark.parametrize("spacing", [0.01, 0.016, 0.0175, 0.2])
def test_the_interval_is_what_was_really_sent(spacing: float) -> None:
    """A machine that is asked for 10 ms and sends every 16 ms: 200 lost probes are 3.2 s."""
    found = measured(stream(600, range(101, 301), spacing=spacing, jitter=spacing / 10), until=600 * spacing)
    assert found.seconds == pytest.approx(200 * spacing, abs=spacing)
    assert found.resolution_s == pytest.approx(spacing, rel=0.15)
    assert (found.sent, found.lost, found.measured) == (599, 200, True)
    assert found.began_s == pytest.approx(101 * spacing, abs=spacing)


@pytest.mark.parametrize(
    ("lost", "seconds", "within"),
    [
        (range(101, 101 + 300), 3.0, True),
        (range(101, 101 + 350), 3.5, True),
        (range(101, 101 + 400), 4.0, True),
        (range(101, 101 + 298), 2.98, False),
        (range(101, 101 + 402), 4.02, False),
        (range(101, 101 + 10), 0.1, False),
        ((), 0.0, False),
    ],
)
def test_bound(lost: Iterable[int], seconds: float, within: bool) -> None:  # noqa: FBT001
    found = measured(stream(1000, lost), until=10.0)
    assert found.seconds == pytest.approx(seconds, abs=1e-6)
    assert found.within_bound is within
    assert found.bound_s == (3.0, 4.0)


def test_no_gap_is_no_outage() -> None:
    found = measured(stream(200), until=2.0, bound=WIDE)
    assert (found.seconds, found.lost, found.sent, found.began_s) == (0.0, 0, 199, None)
    assert found.within_bound


def test_a_single_lost_probe_is_one_interval_give_or_take_one() -> None:
    found = measured(stream(200, [77]), until=2.0, bound=WIDE)
    assert found.seconds == pytest.approx(0.01)
    assert found.lost == 1
    assert found.began_s == pytest.approx(0.77, abs=0.01)


def test_of_several_gaps_the_longest_counts_and_all_losses() -> None:
    found = measured(stream(500, [*range(50, 60), *range(100, 200), *range(300, 305)]), until=5.0, bound=WIDE)
    assert found.seconds == pytest.approx(1.0)
    assert found.lost == 115
    assert found.began_s == pytest.approx(1.0, abs=0.01)


def test_every_second_probe_lost_is_many_short_gaps() -> None:
    found = measured(stream(400, range(200, 300, 2)), until=4.0, bound=WIDE)
    assert found.seconds == pytest.approx(0.01, abs=1e-6)
    assert found.lost == 50


def test_a_gap_belongs_to_the_phase_in_which_it_begins() -> None:
    """Service ends before the restore and comes back after it: all of it is the failover's outage."""
    replies = stream(1000, range(101, 501))
    failover = measure("failover", replies, (BEGAN - 0.5, BEGAN + 3.0), WIDE, BEGAN)
    failback = measure("failback", replies, (BEGAN + 3.0, BEGAN + 10.0), WIDE, BEGAN)
    assert failover.seconds == pytest.approx(4.0)
    assert (failback.seconds, failback.lost) == (0.0, 0)


def test_what_was_lost_before_the_window_is_not_counted() -> None:
    found = measured(stream(600, range(10, 90)), since=1.0, until=6.0, bound=WIDE)
    assert (found.seconds, found.lost) == (0.0, 0)


def test_replies_in_any_order() -> None:
    replies = stream(600, range(101, 401))
    assert measured(replies[::-1], until=6.0) == measured(replies, until=6.0)


def test_a_duplicate_reply_is_no_probe_and_hides_no_loss() -> None:
    replies = stream(600, range(101, 401))
    twice = [replace(each, sent_at=each.sent_at + 0.001, duplicate=True) for each in replies[30:60]]
    found = measured(sorted([*replies, *twice], key=lambda reply: reply.sent_at), until=6.0)
    clean = measured(replies, until=6.0)
    assert (found.sent, found.lost) == (clean.sent, clean.lost) == (599, 300)
    assert found.seconds == pytest.approx(clean.seconds, abs=0.001)


@pytest.mark.parametrize(
    ("replies", "why"),
    [
        ([], "nothing came"),
        (stream(1), "one reply"),
        (stream(20), "19 pairs"),
        (stream(600, range(1, 590)), "only the end was answered"),
        (stream(600, range(101, 601)), "the end was never seen"),
        (stream(600, range(450, 601)), "the last 1.5 s are missing"),
        (stream(600, range(2, 600, 2)), "no two probes in a row"),
    ],
)
def test_too_little_to_say_anything_is_not_a_measurement(replies: list[ProbeReply], why: str) -> None:
    found = measured(replies, until=6.0, bound=WIDE)
    assert not found.measured, why
    assert not found.within_bound
    assert (found.seconds, found.lost, found.sent) == (0.0, 0, 0)


def test_twenty_pairs_are_enough() -> None:
    assert measured(stream(21), until=0.21, bound=WIDE).measured


@given(gap=st.integers(0, 400), start=st.integers(30, 100), spacing=st.sampled_from([0.01, 0.016, 0.05]))
@settings(max_examples=60, deadline=None)
def test_a_known_gap_is_measured_to_one_interval(gap: int, start: int, spacing: float) -> None:
    found = measured(stream(700, range(start, start + gap), spacing=spacing), until=700 * spacing, bound=WIDE)
    # The VIP was dark somewhere between `gap` and `gap + 2` intervals less than two.
    assert abs(found.seconds - gap * spacing) <= found.resolution_s
    assert found.lost == gap
    assert found.sent == 699


def test_probes_that_a_leaf_kept_until_arp_was_answered_are_no_service() -> None:
    """Sent in the middle of the outage, answered all at once at its end: service came back when the answers did."""
    back = 4.0
    replies = [
        ProbeReply(
            sequence=number,
            sent_at=BEGAN + number * 0.01,
            rtt_ms=(back - number * 0.01) * 1000 if 3.4 <= number * 0.01 < back else 0.3,
            duplicate=False,
        )
        for number in range(1, 600)
        if not 1.0 <= number * 0.01 < 3.4
    ]
    outage = measure("failover", replies, (BEGAN, BEGAN + 6.0), Bound(shortest_s=2.9, longest_s=3.1), BEGAN)
    assert outage.seconds == pytest.approx(3.0, abs=0.02)
    assert outage.within_bound
    (gap,) = gaps_of(replies)
    assert gap.ended_at - BEGAN == pytest.approx(back, abs=0.001)


def test_a_probe_host_that_paused_is_no_outage() -> None:
    replies = [
        ProbeReply(
            sequence=number, sent_at=BEGAN + number * 0.01 + (0.5 if number > 50 else 0.0), rtt_ms=0.3, duplicate=False
        )
        for number in range(1, 200)
    ]
    assert gaps_of(replies) == ()
    assert measure("failover", replies, (BEGAN, BEGAN + 2.4), WIDE, BEGAN).seconds == 0.0
