"""A history with rows that nobody wrote, and from clocks that were wrong: the others are read, and nothing is lost."""

from __future__ import annotations

import json
import sqlite3
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runbooks.history.keeping import history_path, keep, with_past
from runbooks.history.notify import notify
from runbooks.process.state import state_directory
from tasks.model.errors import VipbookError
from tasks.model.written import stamp
from tasks.store.history import Wanted, open_history, scope_of
from tests.unit.runbooks.cli.test_commands import ended, run
from tests.unit.store.test_history import BAD, DRILLED, GOOD, filled, kept_at

NOW = datetime.now(UTC)
SPOILED: dict[str, tuple[str, object]] = {
    "a date that is none": ("started_at", "soon"),
    "a date of the 99th month": ("started_at", "2026-99-01T00:00:00.000Z"),
    "a date without a zone": ("started_at", "2026-01-01T00:00:00"),
    "a date before the first year": ("started_at", "0001-01-01T00:00:00+14:00"),
    "a date behind the last year": ("started_at", "9999-12-31T23:59:59-12:00"),
    "a date of the first year": ("started_at", "0001-01-01T00:00:00Z"),
    "an end behind the last year": ("ended_at", "9999-12-31T23:59:59-12:00"),
    "a date that is a number": ("started_at", 7),
    "a date that is no text": ("ended_at", b"\xff\xfe"),
    "an end that is none": ("ended_at", ""),
    "a verdict that is none": ("verdict", "fine"),
    "clusters that are no JSON": ("clusters", "web"),
    "clusters of another shape": ("clusters", '{"a": 1}'),
    "clusters of numbers": ("clusters", "[1]"),
    "a duration that is none": ("duration_s", "long"),
    "an exit code that is none": ("exit_code", b"\x00"),
}


def changed(number: int, column: str, value: object) -> None:
    with sqlite3.connect(history_path()) as connection:
        connection.execute(f"UPDATE runs SET {column} = ? WHERE id = ?", (value, number))


@pytest.fixture(autouse=True)
def kept() -> None:
    state_directory().mkdir(parents=True)
    filled(history_path(), GOOD, DRILLED, BAD)


@pytest.mark.parametrize("name", SPOILED)
class TestARowThatCanNotBeRead:
    def test_the_list_names_it_and_shows_the_others(self, name: str) -> None:
        changed(2, *SPOILED[name])
        for words in ((), ("--json",)):
            ended(run("history", "list", *words), 0, "warning: ", "history.db: run 2 can't be read and is left out: ")
        assert [each["id"] for each in json.loads(run("history", "list", "--json").stdout)] == [3, 1]

    def test_what_needs_no_more_of_it_than_its_document_has_it(self, name: str) -> None:
        changed(3, *SPOILED[name])
        ended(run("history", "show", "last"), 0)
        ended(run("history", "diff", "1", "-1"), 1)

    def test_a_trend_and_a_report_go_on(self, name: str) -> None:
        changed(2, *SPOILED[name])
        ended(run("history", "trend", "--json"), 0)
        said: list[str] = []
        assert "past" in with_past(BAD, said.append)

    def test_pruning_and_keeping_go_on(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("runbooks.history.keeping._PRUNED_EACH", 1)
        changed(2, *SPOILED[name])
        keep(GOOD, 0)
        with open_history(history_path(), create=False) as history:
            assert history.newest(1) == 4
            assert history.holds(2)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (b"garbage", "run 2: its document can't be read"),
        ("text", "run 2: its document can't be read: a document of type str"),
        (zlib.compress(json.dumps(GOOD).encode())[:-20], "run 2: its document can't be read: cut short"),
        (zlib.compress(b"not JSON"), "run 2: not a vipbook report"),
        (zlib.compress(b"[]"), "run 2: not a vipbook report"),
        (zlib.compress(b'{"schema": 1}'), "run 2: not a vipbook report: command: Field required"),
        (zlib.compress(json.dumps({**GOOD, "started_at": "soon"}).encode()), "run 2: not a vipbook report: started_at"),
    ],
)
def test_a_document_that_is_none_is_named(document: object, said: str) -> None:
    changed(2, "document", document)
    for words in (("show", "2"), ("show", "2", "--json"), ("diff", "1", "2"), ("diff", "2", "1")):
        ended(run("history", *words), 2, said)
    ended(run("history", "show", "3"), 0)
    ended(run("history", "list"), 0)


def test_a_history_in_use_says_so_and_is_not_to_be_moved_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.store.database._PATIENCE_S", 0.1)
    holder = sqlite3.connect(history_path(), isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    result = run("history", "list")
    ended(result, 2, "another program has kept it locked")
    assert "move it away" not in result.stderr
    with pytest.raises(VipbookError, match=r"this run is not kept: .* locked"):
        keep(GOOD, 0)
    said: list[str] = []
    assert with_past(GOOD, said.append) == GOOD
    assert "nothing is known of earlier runs" in said[0]
    holder.close()


def test_a_run_is_kept_although_old_ones_can_not_be_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("runbooks.history.keeping._PRUNED_EACH", 1)
    monkeypatch.setattr("tasks.store.history.History.prune", broken)
    with pytest.raises(VipbookError, match="old runs are not forgotten"):
        keep(GOOD, 0)
    with open_history(history_path(), create=False) as history:
        assert history.newest(1) == 4


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b"x" * 9000), lambda path: path.write_bytes(path.read_bytes()[:5000])])  # fmt: skip  # noqa: E501
def test_a_target_is_told_without_the_history(spoil: Any, tmp_path: Path) -> None:  # noqa: ANN401
    tell = tmp_path / "tell"
    tell.write_text(f"#!/bin/sh\ncat >> {tmp_path}/told\n")
    tell.chmod(0o755)
    spoil(history_path())
    problems = notify([f"command:{tell}", "command:/nowhere", f"command:{tell}"], BAD)
    assert (tmp_path / "told").read_text().count('"to": "fail"') == 2
    assert any("name an executable file" in each for each in problems)
    assert notify([f"command:{tell}"], GOOD), "what is fine is told only when it is known to be a change"
    assert (tmp_path / "told").read_text().count("\n") == 2


# Clocks.


def fresh() -> Path:
    history_path().unlink()
    return history_path()


def numbers() -> list[int]:
    with open_history(history_path(), create=False) as history:
        return [each.id for each in history.runs(Wanted(), 1000)]


MINUTES = [NOW - timedelta(minutes=5 * number) for number in range(40, 0, -1)]
FUTURE, PAST = datetime(2036, 2, 7, tzinfo=UTC), datetime(1970, 1, 1, 0, 5, tzinfo=UTC)


class Clock(datetime):
    """What the clock of the machine says."""

    at = NOW

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return cls.at


@pytest.mark.parametrize("wrong", [pytest.param(FUTURE, id="2036"), pytest.param(PAST, id="1970")])
@pytest.mark.parametrize("runs", [1, 3, 12])
def test_a_wrong_clock_prunes_nothing_then_or_later(wrong: datetime, runs: int, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip  # noqa: E501
    kept_at(fresh(), *MINUTES)
    monkeypatch.setattr("runbooks.history.keeping._PRUNED_EACH", 1)
    monkeypatch.setattr("runbooks.history.keeping.datetime", Clock)
    monkeypatch.setattr(Clock, "at", wrong)
    for _ in range(runs):
        keep({**GOOD, "started_at": stamp(wrong)}, 0)
    assert len(numbers()) == 40 + runs
    monkeypatch.setattr(Clock, "at", NOW)
    for _ in range(30):
        keep({**GOOD, "started_at": stamp(NOW)}, 0)
    assert len(numbers()) == 70 + runs, "nor does the run of the wrong clock go before its neighbours"


def test_what_is_too_old_goes_although_a_run_of_the_future_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    old = NOW - timedelta(days=100)
    kept_at(fresh(), old, FUTURE, old, *MINUTES)
    monkeypatch.setattr("runbooks.history.keeping._PRUNED_EACH", 1)
    keep({**GOOD, "started_at": stamp(NOW)}, 0)
    assert numbers() == list(range(44, 3, -1))


@pytest.mark.parametrize("wrong", [[FUTURE], [FUTURE, FUTURE]])
def test_the_last_success_is_not_in_the_future(wrong: list[datetime]) -> None:
    kept_at(fresh(), MINUTES[0], *wrong)
    said: list[str] = []
    past = with_past(BAD, said.append)["past"]
    assert past["last_success_at"] == stamp(MINUTES[0] + timedelta(seconds=1))
    assert "the clock was wrong at run 2" in said[0]
    with open_history(history_path(), create=False) as history:
        assert history.last_success(scope_of(GOOD)) == MINUTES[0].replace(microsecond=MINUTES[0].microsecond // 1000 * 1000) + timedelta(seconds=1)  # fmt: skip  # noqa: E501


def test_there_is_no_last_success_where_only_the_future_has_one() -> None:
    kept_at(fresh(), FUTURE)
    assert with_past(BAD, lambda _: None)["past"]["last_success_at"] is None


def test_an_outage_of_the_future_is_not_the_last_one() -> None:
    with open_history(fresh(), create=True) as history:
        for at in (MINUTES[0], FUTURE):
            history.add({**DRILLED, "started_at": stamp(at)}, at, 0)
    past = with_past(BAD, lambda _: None)["past"]
    assert {each["at"] for each in past["last_outages"]} == {stamp(MINUTES[0])}


def test_the_list_shows_a_run_of_the_future_as_such() -> None:
    kept_at(fresh(), MINUTES[0], FUTURE)
    rows = json.loads(run("history", "list", "--json").stdout)
    assert [each["in_the_future"] for each in rows] == [True, False]
    shown = run("history", "list").stdout
    assert "2036-02-07 00:00:00 (in the future)" in shown
    assert shown.count("in the future") == 1


@pytest.mark.parametrize("wrong", [FUTURE, PAST])
def test_a_trend_leaves_out_what_a_wrong_clock_made_and_names_it(wrong: datetime, tmp_path: Path) -> None:
    kept_at(fresh(), *MINUTES[:3], wrong, *MINUTES[3:5])
    plot = tmp_path / "trend.svg"
    result = run("history", "trend", "--json", "--plot", plot)
    ended(result, 0, "the clock was wrong at run 4, or is now")
    (web,) = json.loads(result.stdout)
    assert (web["runs"], web["from"], web["to"]) == (5, stamp(MINUTES[0]), stamp(MINUTES[4]))
    assert plot.exists()


def test_a_trend_of_the_future_alone_is_none() -> None:
    kept_at(fresh(), FUTURE, FUTURE)
    ended(run("history", "trend"), 2, "no run whose time can be right has judged a cluster")


def test_another_version_is_refused_by_each_reader_and_left_alone() -> None:
    with sqlite3.connect(history_path()) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = history_path().read_bytes()
    with pytest.raises(VipbookError, match=r"this run is not kept: .* a history of version 99"):
        keep(GOOD, 0)
    said: list[str] = []
    assert with_past(GOOD, said.append) == GOOD
    assert "version 99" in said[0]
    for words in (("list",), ("show", "1"), ("diff", "1", "2"), ("trend",)):
        ended(run("history", *words), 2, "a history of version 99; this vipbook knows 1; upgrade it")
    assert history_path().read_bytes() == before


def test_a_state_directory_that_others_can_write_is_not_believed() -> None:
    state_directory().chmod(0o777)
    for words in (("list",), ("show", "1"), ("trend",)):
        ended(run("history", *words), 2, "others than root and you can write there")
    with pytest.raises(VipbookError, match=r"this run is not kept: .*others than root"):
        keep(GOOD, 0)
