"""Where values and ticks of a picture are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.report.drawing.axes import Scale, ticks, time_ticks, width_of


@pytest.mark.parametrize(
    ("value", "at"), [(0, 100.0), (10, 300.0), (5, 200.0), (-1, 100.0), (11, 300.0), (1 / 3, 106.7)]
)
def test_a_value_is_on_the_axis_and_never_beyond_it(value: float, at: float) -> None:
    assert Scale(0, 10, 100, 300).at(value) == at
    assert Scale(0, 10, 300, 100).at(value) == pytest.approx(400 - at)


@pytest.mark.parametrize(
    ("low", "high", "most", "labels"),
    [
        (0, 100, 5, ["0", "20", "40", "60", "80", "100"]),
        (-2.3, 91.2, 11, ["0", "10", "20", "30", "40", "50", "60", "70", "80", "90"]),
        (-0.3, 1.3, 8, ["\N{MINUS SIGN}0.2", "0.0", "0.2", "0.4", "0.6", "0.8", "1.0", "1.2"]),
        (49.08, 49.3, 6, ["49.10", "49.15", "49.20", "49.25", "49.30"]),
        (0, 1, 4, ["0.00", "0.25", "0.50", "0.75", "1.00"]),
        (1_000_000, 1_000_001, 2, ["1000000.0", "1000000.5", "1000001.0"]),
    ],
)
def test_ticks_are_round_and_told_apart(low: float, high: float, most: int, labels: list[str]) -> None:
    assert [label for _, label in ticks(low, high, most)] == labels


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 12))
def test_there_are_never_more_ticks_than_there_is_room_for(low: float, width: float, most: int) -> None:
    found = ticks(low, low + width, most)
    assert len(found) <= most + 1
    assert len({label for _, label in found}) == len(found)


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        (10, ["07:00:00", "07:00:02", "07:00:04", "07:00:06", "07:00:08", "07:00:10"]),
        (
            3600,
            ["01-01 07:00", "01-01 07:10", "01-01 07:20", "01-01 07:30", "01-01 07:40", "01-01 07:50", "01-01 08:00"],
        ),
        (86400 * 2, ["01-01 12:00", "01-02 00:00", "01-02 12:00", "01-03 00:00"]),
        (86400 * 10, ["2026-01-03", "2026-01-05", "2026-01-07", "2026-01-09", "2026-01-11"]),
        (86400 * 4000, ["2027-07-01", "2030-03-27", "2032-12-21", "2035-09-17"]),
    ],
)
def test_ticks_of_a_time_are_those_of_clock_and_calendar(seconds: float, labels: list[str]) -> None:
    begin = datetime(2026, 1, 1, 7, tzinfo=UTC).timestamp()
    found = time_ticks(begin, begin + seconds, 7)
    assert [label for _, label in found] == labels


@given(st.floats(0, 4e9), st.floats(3, 1e9), st.integers(2, 12))
def test_there_are_never_more_times_than_there_is_room_for(low: float, width: float, most: int) -> None:
    assert len(time_ticks(low, low + width, most)) <= most + 1


def test_wide_letters_take_more_room() -> None:
    assert width_of("ab", 10) == width_of("漢", 10) == 12
