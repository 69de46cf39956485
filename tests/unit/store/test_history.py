"""The history of runs: several writers, a kill in the middle, foreign files, and what it knows afterwards."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tasks.model.errors import IntentError
from tasks.model.written import stamp
from tasks.report.document import document
from tasks.store.history import Wanted, open_history, scope_of
from tests.unit.report.test_document import DRILL, report
from tests.unit.report.test_schema import SILENT, STALE

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
GOOD, BAD = document(report()), document(report(vips=(STALE,)))
UNKNOWN = document(report(vips=(SILENT,)))
DRILLED = document(report(command="drill", drill=DRILL))


def filled(path: Path, *shapes: dict[str, Any]) -> None:
    with open_history(path, create=True) as history:
        for number, shape in enumerate(shapes):
            at = AT + timedelta(hours=number)
            history.add({**shape, "started_at": f"{at:%Y-%m-%dT%H:%M:%S}.000Z"}, at + timedelta(seconds=1), number)


def kept_at(path: Path, *times: datetime) -> None:
    """A run at each of these times, in this order."""
    with open_history(path, create=True) as history:
        for at in times:
            history.add({**GOOD, "started_at": stamp(at)}, at + timedelta(seconds=1), 0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


def test_what_was_kept_is_there_and_nobody_else_reads_it(path: Path) -> None:
    filled(path, GOOD, BAD, DRILLED)
    with open_history(path, create=False) as history:
        newest, middle, oldest = history.runs(Wanted(), 10)
        assert [each.id for each in (newest, middle, oldest)] == [3, 2, 1]
        assert (newest.command, newest.verdict, newest.exit_code) == ("drill", "pass", 2)
        assert (oldest.started_at, oldest.ended_at) == (AT, AT + timedelta(seconds=1))
        assert oldest.clusters == ("web",)
        assert json.loads(history.document(2))["clusters"] == BAD["clusters"]
        assert (history.holds(3), history.holds(4)) == (True, False)
        assert [history.newest(back) for back in (0, 1, 3, 4)] == [None, 3, 1, None]
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Wanted(), [5, 4, 3, 2, 1]),
        (Wanted(verdict="fail"), [2]),
        (Wanted(command="drill"), [4]),
        (Wanted(cluster="web"), [4, 3, 2, 1]),
        (Wanted(cluster="db"), [5]),
        (Wanted(cluster="db", verdict="fail"), []),
        (Wanted(cluster="\udcff"), []),
        (Wanted(command="\udcff"), []),
        (Wanted(verdict="\udcff"), []),
        (Wanted(command="x'; DROP TABLE runs; --"), []),
    ],
)
def test_which_runs(path: Path, wanted: Wanted, numbers: list[int]) -> None:
    other = {**GOOD, "clusters": [{**GOOD["clusters"][0], "name": "db"}]}
    filled(path, GOOD, BAD, UNKNOWN, DRILLED, other)
    with open_history(path, create=False) as history:
        assert [each.id for each in history.runs(wanted, 10)] == numbers
        assert [each.id for each in history.runs(wanted, 1)] == numbers[:1]


def test_what_a_report_asks_of_it(path: Path) -> None:
    filled(path, GOOD, DRILLED, BAD)
    with open_history(path, create=False) as history:
        assert history.last_success(scope_of(GOOD)) == AT + timedelta(hours=1, seconds=1)
        assert history.last_success('["db"]') is None
        outages = history.outages("web")
        assert [(each.probe, each.phase, each.seconds) for each in outages] == [
            ("I1", "failover", 3.4123),
            ("C1", "failover", 3.4123),
            ("C1", "failback", 0.0),
        ], "what was not measured is no figure"
        assert (outages[0].run, outages[0].at, outages[0].allowed_s, outages[0].within) == (2, AT + timedelta(hours=1), 4.996, True)  # fmt: skip  # noqa: E501
        assert history.outages("db") == ()
        assert [each.healthy for each in history.health("web")] == [True, True, False]


@pytest.mark.parametrize(
    ("days", "count", "left"),
    [(90, 100, [4, 3, 2, 1]), (90, 2, [4, 3]), (1, 100, [4, 3, 2, 1]), (90, 4, [4, 3, 2, 1]), (90, 1, [4])],
)
def test_too_many_are_forgotten_with_all_that_belongs_to_them(path: Path, days: int, count: int, left: list[int]) -> None:  # fmt: skip  # noqa: E501
    filled(path, GOOD, DRILLED, BAD, GOOD)
    with open_history(path, create=False) as history:
        history.prune(AT + timedelta(hours=4), days, count)
        assert [each.id for each in history.runs(Wanted(), 10)] == left
        assert len(history.health()) == len(left)
        assert bool(history.outages()) is (2 in left)


def test_too_old_ones_are_forgotten_and_numbers_are_never_given_twice(path: Path) -> None:
    recent = AT + timedelta(days=91)
    kept_at(path, AT, AT + timedelta(days=2), recent, recent, recent)
    with open_history(path, create=False) as history:
        assert history.prune(recent + timedelta(hours=1), 90, 100) == 1
        assert history.prune(recent + timedelta(days=5), 90, 100) == 0, "as far as the newest runs confirm the clock"
        assert [each.id for each in history.runs(Wanted(), 10)] == [5, 4, 3, 2]
        assert history.prune(recent, 90, 1) == 3
        assert history.add(GOOD, AT, 0) == 6


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")


def newer(path: Path) -> None:
    filled(path, GOOD)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_text("not a database, but long enough to be looked at" * 40), "not a history"),
        (foreign, "somebody else's database; move it away"),
        (newer, "a history of version 99; this vipbook knows 1; upgrade it"),
        (lambda path: path.mkdir(), "can't be opened"),
    ],
)
def test_what_is_not_ours_is_refused_and_left_as_it_is(path: Path, make: Any, said: str) -> None:  # noqa: ANN401
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    for create in (True, False):
        with pytest.raises(IntentError, match=said), open_history(path, create=create) as history:
            history.add(GOOD, AT, 0)
    assert (path.read_bytes() if path.is_file() else b"") == before


def test_a_torn_file_is_refused(path: Path) -> None:
    filled(path, *[BAD] * 30)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(IntentError, match="not a history that can be used"):
        _use(path)


def _use(path: Path) -> None:
    """Read all of it, and write."""
    with open_history(path, create=False) as history:
        for each in history.runs(Wanted(), 100):
            history.document(each.id)
        history.health()
        history.add(BAD, AT, 0)


def test_without_a_run_there_is_none(path: Path) -> None:
    with pytest.raises(IntentError, match="no run is kept there yet"), open_history(path, create=False):
        pass
    assert not path.exists()


def _add(path: Path, count: int) -> None:
    for _ in range(count):
        with open_history(path, create=True) as history:
            history.add(GOOD, AT, 0)


def test_several_at_once_lose_nothing(path: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_add, args=(path, 10)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    with open_history(path, create=False) as history:
        assert [each.id for each in history.runs(Wanted(), 100)] == list(range(40, 0, -1))


def test_a_kill_in_the_middle_of_a_write_costs_that_run_at_most(path: Path) -> None:
    context = multiprocessing.get_context("fork")
    for _ in range(5):
        writer = context.Process(target=_add, args=(path, 100_000))
        writer.start()
        before = _count(path)
        while _count(path) < before + 3:
            assert writer.is_alive()
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join(5)
        with open_history(path, create=False) as history:
            assert all(json.loads(history.document(each.id)) for each in history.runs(Wanted(), 1000))
            assert history.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert len(history.health()) == _count(path)


def _count(path: Path) -> int:
    if not path.exists():
        return 0
    with open_history(path, create=True) as history:
        return len(history.runs(Wanted(), 100_000))
