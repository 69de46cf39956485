"""The lines that an operator reads, from Nornir's own events."""

from __future__ import annotations

import pytest
from nornir.core.task import Result, Task

from runbooks.progress import Progress
from tasks.model.errors import NoAnswerError
from tests.unit.builders import nornir


def play(_task: Task, *, reason: str) -> Result:
    error = NoAnswerError("H1", "", reason) if reason else None
    return Result(host=None, failed=error is not None, exception=error)


@pytest.mark.parametrize(
    ("runs", "lines"),
    [
        ([(None, "")], []),
        ([("reading the servers", "")], ["reading the servers"]),
        ([("reading the servers", "no route")], ["reading the servers", "H1: no route"]),
        ([(None, "no route"), (None, "no route")], ["H1: no route"]),
        ([(None, "no route"), (None, "refused")], ["H1: no route", "H1: refused"]),
        ([(None, "no route"), (None, ""), (None, "no route")], ["H1: no route", "H1: no route"]),
    ],
)
def test_lines(runs: list[tuple[str | None, str]], lines: list[str]) -> None:
    said: list[str] = []
    here = nornir("H1").with_processors([Progress(said.append)])
    for name, reason in runs:
        here.run(task=play, name=name, on_failed=True, reason=reason)
    assert said == lines


def test_what_is_planned_is_in_the_report_alone() -> None:
    said: list[str] = []
    here = nornir("H1").with_processors([Progress(said.append)])
    here.data.dry_run = True
    here.run(task=play, reason="refused")
    assert said == []
