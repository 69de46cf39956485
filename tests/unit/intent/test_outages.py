"""What each fault may cost, from the timers alone; the figures worked out by hand from the RFCs' formulas."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.intent.outages import expected_outages
from tasks.model.options import Track, TrackProcess, TrackScript
from tests.unit.builders import cluster, fabric, server


@pytest.mark.parametrize(
    ("changed", "fault", "shortest", "longest", "source"),
    [
        ({}, "graceful stop", 0.996, 1.996, "(RFC 3768 6.1)"),
        ({}, "link down", 2.996, 4.996, "RFC 3768 6.1"),
        ({}, "crash", 2.996, 4.996, "the VIP may stay on H1"),
        ({}, "return", 0.0, 1.0, "3.609 s after H1 is back"),
        ({"preempt_delay_s": 30.0}, "return", 0.0, 1.0, "33.609 s after H1 is back"),
        ({"preempt": False}, "return", 0.0, 0.0, "nopreempt: H1 stays backup"),
        ({"version": 3, "advert_int": 0.1}, "graceful stop", 0.0996, 1.0996, "(RFC 5798 6.1, RFC 9568 6.1)"),
        ({"version": 3, "advert_int": 0.1}, "link down", 0.2996, 1.3996, "RFC 9568"),
        ({"fabric": fabric(allowance_s=0.5)}, "link down", 2.996, 4.496, "RFC 3768"),
        ({"advert_int": 5.0}, "crash", 10.996, 16.996, "RFC 3768"),
    ],
)
def test_each_fault(changed: dict[str, Any], fault: str, shortest: float, longest: float, source: str) -> None:
    (found,) = [each for each in expected_outages(cluster(**changed)) if each.fault == fault]
    assert found.bound_s == pytest.approx((shortest, longest), abs=0.001)
    assert source in found.why
    assert (found.cluster, found.instance) == ("web", "VI_web")


def test_every_member_that_can_be_master_has_its_heir() -> None:
    three = cluster(servers=(server("H1"), server("H3", priority=50), server("H2")))
    found = [(each.fault, each.master, each.heir) for each in expected_outages(three)]
    assert [each[1:] for each in found if each[0] == "crash"] == [("H1", "H3"), ("H3", "H2")]
    assert found[-1] == ("return", "H3", "H1")
    assert [each.heir for each in expected_outages(cluster(preempt=False))][-1] is None


def test_without_preempt_whoever_became_master_costs_the_same_anew() -> None:
    two = [(each.fault, each.master, each.heir) for each in expected_outages(cluster(preempt=False))]
    assert [each[1:] for each in two if each[0] == "link down"] == [("H1", "H2"), ("H2", "H1")]
    (back,) = [each for each in expected_outages(cluster(preempt=False)) if each.fault == "crash" and each.heir == "H1"]
    assert back.bound_s == pytest.approx((2.609, 4.609), abs=0.001)


@pytest.mark.parametrize(
    ("track", "skew"),
    [
        (Track(scripts=(TrackScript(name="a", command="/bin/a", weight=100),)), (256 - 101) / 256),
        (Track(processes=(TrackProcess(name="a", process="a", weight=100),)), (256 - 101) / 256),
        (Track(scripts=(TrackScript(name="a", command="/bin/a", weight=1),)), (256 - 2) / 256),
        (Track(scripts=(TrackScript(name="a", command="/bin/a", weight=-100),)), 255 / 256),
        (Track(scripts=(TrackScript(name="a", command="/bin/a", weight=253),)), 2 / 256),
        (Track(scripts=tuple(TrackScript(name=each, command="/bin/a", weight=253) for each in "ab")), 2 / 256),
    ],
)
def test_a_weight_that_raises_counts_while_all_is_well(track: Track, skew: float) -> None:
    (stop,) = [each for each in expected_outages(cluster(track=track)) if each.fault == "graceful stop"]
    assert stop.bound_s[0] == pytest.approx(skew)
