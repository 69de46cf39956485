"""The history's commands, and what a run leaves in it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from runbooks.history.keeping import history_path, keep, with_past
from runbooks.process.state import state_directory
from tests.unit.runbooks.cli.test_commands import ended, run
from tests.unit.runbooks.inventories import write_inventory
from tests.unit.store.test_history import BAD, DRILLED, GOOD, filled


@pytest.fixture
def kept() -> Path:
    state_directory().mkdir(parents=True)
    filled(history_path(), GOOD, DRILLED, BAD)
    return history_path()


@pytest.mark.usefixtures("kept")
class TestCommands:
    def test_list(self) -> None:
        rows = json.loads(run("history", "list", "--json").stdout)
        assert [(each["id"], each["command"], each["verdict"]) for each in rows] == [
            (3, "verify", "fail"),
            (2, "drill", "pass"),
            (1, "verify", "pass"),
        ]
        assert run("history").stdout == run("history", "list").stdout
        assert "2026-01-01 14:00:00" in run("history").stdout
        assert [each["id"] for each in json.loads(run("history", "list", "--verdict", "fail", "--json").stdout)] == [3]
        assert run("history", "list", "--cluster", "db").stdout == "no such run is kept\n"

    @pytest.mark.parametrize(
        ("word", "said"), [("3", "FAIL"), ("last", "FAIL"), ("-1", "FAIL"), ("-3", "PASS"), ("1", "PASS")]
    )
    def test_show(self, word: str, said: str) -> None:
        shown = run("history", "show", word)
        ended(shown, 0)
        assert shown.stdout.splitlines()[0].endswith(said)
        assert json.loads(run("history", "show", word, "--json").stdout)["verdict"] == said.lower()

    def test_any_form_of_an_earlier_run(self, tmp_path: Path) -> None:
        target = tmp_path / "old.xml"
        ended(run("history", "show", "3", "--report", f"junit:{target}"), 0)
        assert "<failure" in target.read_text()

    @pytest.mark.parametrize(
        ("word", "said"),
        [
            ("4", "error: no run 4 is kept; the newest is 3"),
            ("0", "no run 0 is kept"),
            ("-4", "no run -4 is kept"),
            ("-0", "no run -0 is kept"),
            ("x", "'x' names no run; accepted: a number, 'last', or -1, -2"),
            ("1;2", "names no run"),
            ("99999999999999999999", "names no run"),
        ],
    )
    def test_runs_that_are_none(self, word: str, said: str) -> None:
        ended(run("history", "show", word), 2, said)

    def test_diff(self) -> None:
        same = run("history", "diff", "1", "1")
        ended(same, 0)
        assert same.stdout == "no difference\n"
        found = run("history", "diff", "1", "3", "--json")
        ended(found, 1)
        rows = {each["about"]: (each["before"], each["after"]) for each in json.loads(found.stdout)}
        assert rows["verdict"] == ("pass", "fail")
        assert rows["web 100.65.0.10 state"] == ("healthy", "stale-neighbor")
        before, after = rows["web/100.65.0.10/neighbor/L2"]
        assert before.startswith("pass: ")
        assert after.startswith("fail: L2 still holds")
        assert not [about for about in rows if about.endswith("/neighbor/L1")]
        ended(run("history", "diff", "1", "9"), 2, "no run 9")

    def test_diff_of_a_drill(self) -> None:
        rows = {each["about"]: each["after"] for each in json.loads(run("history", "diff", "1", "2", "--json").stdout)}
        assert rows["failover from I1"] == "3.412 s"
        assert rows["failback from I1"] == "not measured"

    def test_trend(self, tmp_path: Path) -> None:
        (web,) = json.loads(run("history", "trend", "--json").stdout)
        assert (web["cluster"], web["runs"], web["pass_rate"]) == ("web", 3, 0.6667)
        assert [each["seconds"] for each in web["outages"]] == [3.4123, 3.4123, 0.0]
        shown = run("history", "trend", "web")
        assert "healthy in 66.7% of 3 runs" in shown.stdout
        assert "failover" in shown.stdout
        target = tmp_path / "trend.svg"
        ended(run("history", "trend", "--plot", target), 0)
        assert target.read_bytes().startswith(b"<?xml")
        ended(run("history", "trend", "db"), 2, "no run has judged 'db'; kept: web")
        for other in ("x.pdf", "x.png", "x"):
            ended(run("history", "trend", "--plot", other), 2, f"--plot {other}: accepted: a path that ends in .svg")
        ended(run("history", "trend", "--plot", "/nowhere/x.svg"), 2, "there is no directory /nowhere")


@pytest.mark.parametrize("words", [("list",), ("show", "last"), ("diff", "1", "2"), ("trend",)])
def test_without_a_history_each_says_so(words: tuple[str, ...]) -> None:
    ended(run("history", *words), 2, "history.db: no run is kept there yet")


@pytest.mark.parametrize("words", [("list",), ("show", "last"), ("trend",)])
def test_what_is_no_history(words: tuple[str, ...]) -> None:
    state_directory().mkdir(parents=True)
    history_path().write_text("nonsense" * 1000)
    ended(run("history", *words), 2, "not a history that can be used")


def test_a_run_is_kept_with_its_exit_code(tmp_path: Path) -> None:
    inventory = write_inventory(tmp_path / "inventory")
    ended(run("verify", inventory=inventory), 3)
    (row,) = json.loads(run("history", "list", "--json").stdout)
    assert (row["command"], row["verdict"], row["exit_code"], row["clusters"]) == ("verify", "unknown", 3, ["web"])
    ended(run("lint", inventory=inventory), 0)
    assert len(json.loads(run("history", "list", "--json").stdout)) == 1, "lint asks nobody"


def test_a_history_that_can_not_be_written_spoils_nothing(tmp_path: Path) -> None:
    inventory = write_inventory(tmp_path / "inventory")
    state_directory().mkdir(parents=True)
    history_path().write_text("nonsense" * 1000)
    result = run("verify", "--json", inventory=inventory)
    ended(result, 3, "warning: this run is not kept:", "move it away")
    assert json.loads(result.stdout)["verdict"] == "unknown"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("VIPBOOK_HISTORY_DAYS", "0", "VIPBOOK_HISTORY_DAYS=0: give a whole number from 1"),
        ("VIPBOOK_HISTORY_DAYS", "soon", "give a whole number"),
        ("VIPBOOK_HISTORY_RUNS", "-1", "give a whole number"),
        ("VIPBOOK_HISTORY_RUNS", "", "give a whole number"),
        ("VIPBOOK_HISTORY_DAYS", "100001", "give a whole number from 1 to 100000"),
        ("VIPBOOK_HISTORY", "maybe", "VIPBOOK_HISTORY=maybe: accepted: on, off"),
    ],
)
def test_wrong_settings(name: str, value: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    ended(run("verify", inventory=write_inventory(tmp_path / "inventory")), 2, said)
    assert not history_path().exists()


def test_switched_off_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPBOOK_HISTORY", "off")
    ended(run("verify", inventory=write_inventory(tmp_path / "inventory")), 3)
    assert not history_path().exists()


def test_what_a_report_is_told_of_the_past() -> None:
    said: list[str] = []
    assert with_past(GOOD, said.append) == GOOD
    keep(DRILLED, 0)
    past = with_past(BAD, said.append)["past"]
    assert said == []
    assert past["last_success_at"] is not None
    assert [each["phase"] for each in past["last_outages"]] == ["failover", "failover", "failback"]
    assert past["last_outages"][0] | {"at": ""} == {
        "cluster": "web",
        "probe": "I1",
        "phase": "failover",
        "seconds": 3.4123,
        "allowed_s": 4.996,
        "at": "",
    }


def test_old_runs_go_while_new_ones_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPBOOK_HISTORY_RUNS", "10")
    monkeypatch.setenv("VIPBOOK_HISTORY_DAYS", "100000")
    for _ in range(50):
        keep(GOOD, 0)
    with sqlite3.connect(history_path()) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone()[0] == 10
