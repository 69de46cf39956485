"""The window's commands: wrong input is one clear sentence, and contacts nobody."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from runbooks.process.outputs import Outputs
from runbooks.process.state import state_directory
from runbooks.window.runbook import Look, _closed, windows
from tasks.report.build import Reporter
from tests.unit.builders import AT
from tests.unit.report.test_schema import REPORTS
from tests.unit.runbooks.cli.test_commands import ended, run
from tests.unit.runbooks.inventories import write_inventory
from tests.unit.store.test_windows import WINDOW


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    return write_inventory(tmp_path / "inventory")


@pytest.fixture(autouse=True)
def no_contact(monkeypatch: pytest.MonkeyPatch) -> None:
    def contact(*_: object, **__: object) -> None:
        pytest.fail("a host was contacted")

    monkeypatch.setattr("runbooks.session.Session.run_scripts", contact)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("open", "a b"), "'a b': a window's name is"),
        (("open", "../x"), "a window's name is"),
        (("open", "w", "wbe"), "no cluster 'wbe'; accepted: web"),
        (("open", "w", "--expect", "sunshine"), "--expect 'sunshine': not an expectation; accepted:"),
        (("open", "w", "--expect", "web moves to H9"), "no server of web 'H9'; accepted: H1, H2"),
        (("open", "w", "--report", "yaml:x"), "accepted formats: csv, html, json, junit, markdown, prom"),
        (("check", "w"), "there is no window 'w'; open now: none"),
        (("close", "w"), "there is no window 'w'"),
        (("close", "a/b"), "a window's name is"),
    ],
)
def test_wrong_calls(words: tuple[str, ...], said: str, inventory: Path) -> None:
    result = run("window", *words, inventory=inventory)
    ended(result, 2, "error: ", said)
    assert result.stdout == ""


def test_a_window_that_is_torn(inventory: Path) -> None:
    directory = state_directory() / "windows"
    directory.mkdir(parents=True)
    (directory / "w.json").write_text('{"vipbook_window"')
    ended(run("window", "check", "w", inventory=inventory), 2, "w.json: not a window of vipbook: it is torn")
    (directory / "w.json").write_text(json.dumps({"vipbook_window": 1, "sha256": "0"}) + "\n{}\n")
    ended(run("window", "close", "w", inventory=inventory), 2, "w.json: not as vipbook wrote it")


def test_the_list_shows_what_can_not_be_read_beside_what_can() -> None:
    assert run("window", "list").stdout == "no window is kept here\n"
    kept = windows()
    kept.write(WINDOW)
    kept.path("torn").write_text("x")
    rows = json.loads(run("window", "list", "--json").stdout)
    assert [(each["name"], each["clusters"]) for each in rows] == [("torn", []), ("w", ["web"])]
    assert "not a window of vipbook" in rows[0]["state"]
    assert (rows[1]["state"], rows[1]["opened_at"]) == ("open", "2026-01-01T00:00:00.000Z")
    shown = run("window", "list").stdout
    assert "2026-01-01 00:00:00" in shown


def test_a_state_directory_that_can_not_be(inventory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPBOOK_STATE", "/proc/nowhere")
    ended(
        run("window", "open", "w", inventory=inventory),
        2,
        "can't keep state there",
        "VIPBOOK_STATE names another place",
    )


def test_a_silent_fabric_is_no_ground_for_a_window(inventory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("VIPBOOK_STATE", str(inventory / "state"))
    result = run("window", "open", "w", "--json", inventory=inventory)
    assert result.exit_code == 3
    assert "--accept-failing" in json.loads(result.stdout)["reason"]
    assert not list((inventory / "state" / "windows").glob("*.json"))


LOOK = Look(
    reporter=Reporter("window", AT), replies={}, snapshot=WINDOW.snapshot, vips=(), asked=(), answered=(), clusters=()
)
COMPARED = REPORTS["window closed"]


@pytest.mark.parametrize("lost", ["bundle", "window"])
def test_a_verdict_is_reported_although_its_evidence_can_not_be_kept(
    lost: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    kept = windows()
    kept.write(WINDOW)
    monkeypatch.setattr(f"tasks.store.{lost if lost == 'bundle' else 'windows'}.write_whole", full)
    said: list[str] = []
    outputs = Outputs(said.append)
    report = _closed(kept, WINDOW, LOOK, COMPARED, tmp_path / "w.tar.gz", outputs)
    assert (report.verdict, report.window and report.window.bundle) == (COMPARED.verdict, None)
    (line,) = said
    assert line.endswith("can't be written: No space left on device; window 'w' stays open")
    assert [outputs.code(code) for code in (0, 1)] == [3, 1]
    assert kept.read("w").closed_at is None


def test_a_form_that_can_not_be_made_is_missing_in_the_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tasks.report.formats.html", None)
    kept, said = windows(), list[str]()
    outputs = Outputs(said.append)
    _closed(kept, WINDOW, LOOK, COMPARED, tmp_path / "w", outputs)
    names = {path.name for path in (tmp_path / "w").iterdir()}
    assert {"report.json", "report.md", "report.xml", "opened.json", "before"} <= names
    assert "report.html" not in names
    assert "html report of the bundle" in said[0]
    assert outputs.lost
    assert kept.read("w").closed_at is not None


def test_a_window_of_another_shape_is_refused_in_words(inventory: Path) -> None:
    kept = windows()
    kept.write(replace(WINDOW, report={"clusters": [{}]}))
    ended(run("window", "check", "w", inventory=inventory), 2, "the window's own report is not one of vipbook's")
    kept.write(replace(WINDOW, closing={"window": None}))
    (row,) = json.loads(run("window", "list", "--json").stdout)
    assert row["state"] == "closed, and the verdict can't be read"


def test_windows_are_kept_nowhere_that_others_can_write(inventory: Path) -> None:
    windows().directory.chmod(0o777)
    ended(run("window", "open", "w", inventory=inventory), 2, "others than root and you can write there")
