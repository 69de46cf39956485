"""Rows that say the same are one row, and nothing else is."""

from __future__ import annotations

import pytest

from tasks.model.judged import CheckReport
from tasks.model.verdict import Status
from tasks.report.gathered import gathered

WHY = "it refused the login of user 'me'"


def row(status: str, check: str, target: str, message: str) -> CheckReport:
    return CheckReport(
        id="x", check=check, target=target, status=Status(status), message=message, expected="", actual=""
    )


def rows(status: str, count: int, message: str = WHY, *, hosts: int = 2) -> list[CheckReport]:
    return [row(status, f"c{number}", f"H{number % hosts}", message) for number in range(count)]


FAIL = row("fail", "master", "web", "no master")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param([], [], id="none"),
        pytest.param(rows("unknown", 3), rows("unknown", 3), id="few"),
        pytest.param(rows("unknown", 4), [row("unknown", "4 checks", "H0, H1", WHY)], id="many"),
        pytest.param(rows("fail", 9), rows("fail", 9), id="what fails is never folded"),
        pytest.param(rows("pass", 9), rows("pass", 9), id="nor what passes"),
        pytest.param(
            [*rows("unknown", 4), *rows("unknown", 4, "other")],
            [row("unknown", "4 checks", "H0, H1", WHY), row("unknown", "4 checks", "H0, H1", "other")],
            id="a row each reason",
        ),
        pytest.param(
            [*rows("unknown", 2), FAIL, *rows("unknown", 2)],
            [row("unknown", "4 checks", "H0, H1", WHY), FAIL],
            id="in the place of the first",
        ),
        pytest.param(
            rows("unknown", 49, hosts=10),
            [row("unknown", "49 checks", "H0, H1, H2, H3, H4, H5, H6, H7 and 2 more", WHY)],
            id="one wrong key",
        ),
        pytest.param([FAIL, FAIL, FAIL, FAIL], [FAIL, FAIL, FAIL, FAIL], id="the same row again"),
    ],
)
def test_rows(given: list[CheckReport], expected: list[CheckReport]) -> None:
    assert gathered(given) == expected
