"""Rows that say the same are one row, and nothing else is."""

from __future__ import annotations

import pytest

from tasks.report.gathered import Row, gathered

WHY = "it refused the login of user 'me'"


def rows(status: str, count: int, message: str = WHY, *, hosts: int = 2) -> list[Row]:
    return [Row(status, f"c{number}", f"H{number % hosts}", message) for number in range(count)]


FAIL = Row("fail", "master", "web", "no master")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param([], [], id="none"),
        pytest.param(rows("unknown", 3), rows("unknown", 3), id="few"),
        pytest.param(rows("unknown", 4), [Row("unknown", "4 checks", "H0, H1", WHY)], id="many"),
        pytest.param(rows("fail", 9), rows("fail", 9), id="what fails is never folded"),
        pytest.param(rows("pass", 9), rows("pass", 9), id="nor what passes"),
        pytest.param(
            [*rows("unknown", 4), *rows("unknown", 4, "other")],
            [Row("unknown", "4 checks", "H0, H1", WHY), Row("unknown", "4 checks", "H0, H1", "other")],
            id="a row each reason",
        ),
        pytest.param(
            [*rows("unknown", 2), FAIL, *rows("unknown", 2)],
            [Row("unknown", "4 checks", "H0, H1", WHY), FAIL],
            id="in the place of the first",
        ),
        pytest.param(
            rows("unknown", 49, hosts=10),
            [Row("unknown", "49 checks", "H0, H1, H2, H3, H4, H5, H6, H7 and 2 more", WHY)],
            id="one wrong key",
        ),
        pytest.param([FAIL, FAIL, FAIL, FAIL], [FAIL, FAIL, FAIL, FAIL], id="the same row again"),
    ],
)
def test_rows(given: list[Row], expected: list[Row]) -> None:
    assert gathered(given) == expected
