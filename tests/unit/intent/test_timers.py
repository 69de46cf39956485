"""VRRP's timers against the formulas of RFC 3768 6.1 and RFC 5798 6.1, worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.intent.timers import Bound, client_ageing_s, failback_bound, failover_bound, master_down_s, skew_s
from tests.unit.builders import TIMERS


@pytest.mark.parametrize(
    ("version", "advert_int", "priority", "skew", "down"),
    [
        (2, 1, 1, 255 / 256, 3.99609375),
        (2, 1, 100, 156 / 256, 3.609375),
        (2, 1, 254, 2 / 256, 3.0078125),
        (2, 5, 1, 255 / 256, 15.99609375),  # version 2 counts the skew in seconds, whatever the interval is
        (2, 255, 100, 156 / 256, 765.609375),
        (3, 1, 1, 255 / 256, 3.99609375),
        (3, 0.1, 1, 0.099609375, 0.399609375),  # version 3 counts it in parts of the interval
        (3, 0.1, 100, 0.0609375, 0.3609375),
        (3, 0.01, 254, 0.000078125, 0.030078125),
        (3, 40.95, 100, 24.95390625, 147.80390625),
    ],
)
def test_skew_and_master_down(version: int, advert_int: float, priority: int, skew: float, down: float) -> None:
    assert skew_s(version, advert_int, priority) == pytest.approx(skew)
    assert master_down_s(version, advert_int, priority) == pytest.approx(down)


@pytest.mark.parametrize(
    ("version", "advert_int", "priority", "allowance", "shortest", "longest"),
    [
        (2, 1, 1, 1.0, 2.99609375, 4.99609375),
        (2, 1, 100, 0.5, 2.609375, 4.109375),
        (3, 0.1, 1, 1.0, 0.299609375, 1.399609375),
    ],
)
def test_failover_bound_is_down_less_one_interval_to_down_and_allowance(
    version: int, advert_int: float, priority: int, allowance: float, shortest: float, longest: float
) -> None:
    bound = failover_bound(version, advert_int, priority, allowance)
    assert (bound.shortest_s, bound.longest_s) == (pytest.approx(shortest), pytest.approx(longest))


def test_failback_needs_no_time_of_the_protocol() -> None:
    assert failback_bound(1.5) == Bound(shortest_s=0.0, longest_s=1.5)


@pytest.mark.parametrize(
    ("seconds", "resolution", "held"),
    [
        (3.0, 0.0, True),
        (4.0, 0.0, True),
        (3.0, 0.01, True),
        (4.0, 0.01, True),
        (2.995, 0.01, True),
        (4.005, 0.01, True),
        (2.985, 0.01, False),
        (4.015, 0.01, False),
        (2.999, 0.0, False),
        (4.001, 0.0, False),
        (0.0, 0.01, False),
    ],
)
def test_a_measurement_is_held_as_exactly_as_it_was_made(seconds: float, resolution: float, held: bool) -> None:  # noqa: FBT001
    assert Bound(shortest_s=3.0, longest_s=4.0).holds(seconds, resolution_s=resolution) is held


@pytest.mark.parametrize(
    ("changed", "seconds"),
    [
        ({}, 30 * 1.5 + 5 + 3 * 1),  # Linux's defaults
        ({"base_reachable_s": 50.0}, 83.0),
        ({"delay_first_probe_s": 0.0}, 48.0),
        ({"unicast_probes": 0}, 50.0),
        ({"retransmit_s": 0.25}, 50.75),
        ({"base_reachable_s": 0.0, "delay_first_probe_s": 0.0, "unicast_probes": 0}, 0.0),
    ],
)
def test_how_long_a_host_goes_on_sending_to_an_old_mac(changed: dict[str, Any], seconds: float) -> None:
    assert client_ageing_s(replace(TIMERS, **changed)) == pytest.approx(seconds)
