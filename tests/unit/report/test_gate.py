"""Hostile text at every output: nothing of it is obeyed, hidden or markup, and all of it can still be read."""

from __future__ import annotations

import dataclasses
import enum
import io
import json
import logging
import re
import subprocess
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from rich.console import RenderableType
from rich.table import Table

from lab import api
from lab.errors import LabError
from runbooks import schedule
from runbooks.cli.face import Face, _Plain, guard
from runbooks.cli.lab import _steps
from runbooks.history.keeping import keep
from runbooks.window import runbook as window
from tasks.model.errors import IntentError, NotRestoredError, RefusedError, VipbookError
from tasks.model.history import KeptOutage
from tasks.model.mac import MacAddress
from tasks.model.report import Report
from tasks.model.text import visible
from tasks.model.window import KeptWindow
from tasks.report.document import document, report_of
from tasks.report.drawing.trend import plot_trends
from tasks.report.formats import FORMATS, rendered
from tasks.report.screen.console import render_report
from tasks.report.screen.difference import differences, render_differences
from tasks.report.screen.terminal import Terminal
from tasks.report.trend import Trend, render_trends
from tests.unit.lab.test_lab_command import lab_status
from tests.unit.report.test_schema import REPORTS
from tests.unit.runbooks.cli.test_commands import run

WORD = "rädel"
HOSTILE = {
    "an escape sequence": f"\x1b[31;1m{WORD}\x1b]0;title\x07",
    "a link and the clipboard": f"\x1b]8;;http://x/\x07{WORD}\x1b]52;c;cm0=\x07",
    "C1 controls": f"\x9b31m{WORD}\x9d0;x\x9c",
    "what overwrites": f"all is well\rfine\x08\x08{WORD}\x7f\x00\x0b\x0c",
    "directions": f"\u202e{WORD}\u2066\u2069\u200f",
    "without a width": f"\u200b\u200d\ufeff\u2060{WORD}\U000e0041\u3164",
    "line separators": f"\u2028{WORD}\u2029\x85",
    "marks in a pile": f"{WORD}" + "e\u0301\u0302\u0303\u0304\u0305" * 3,
    "half a character": f"{WORD}\ud800",
    "markup of rich": f"[/x] [fe80::1] [bold red]{WORD}[/] :smile: [link=http://x]",
    "a long line": WORD + "x" * 5_000,
    "wide signs": "漢字" * 50 + WORD,
    "markup of the web": f"<script>alert(1)</script>{WORD}<!--]]>&amp;",
}
_KEPT = {"command", "action", "kind", "stands", "fault", "schema", "id", "key", "verdict"}
"""Words that vipbook itself makes, and that another would not be a report with; and what tells checks apart."""
_SGR = re.compile(r"\x1b\[[0-9;]*m|\x1b\[\?25[lh]|\x1b\[2K|\x1b\[1A|\r")


def spoiled(value: Any, text: str) -> Any:  # noqa: ANN401 - a report, or any part of it
    """The same with this text behind every text that comes from outside."""
    if isinstance(value, MacAddress):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value) if each.init}
        changed = {name: spoiled(held, text) for name, held in fields.items() if name not in _KEPT}
        return dataclasses.replace(value, **changed)
    if isinstance(value, tuple):
        return tuple(spoiled(each, text) for each in value)
    if isinstance(value, dict):
        return {spoiled(key, text): spoiled(each, text) for key, each in value.items()}
    return f"{value}{text}" if isinstance(value, str) and not isinstance(value, enum.Enum) else value


def hostile(name: str, text: str) -> Report:
    found: Report = spoiled(REPORTS[name], text)
    return found


def harmless(text: str) -> None:
    assert visible(text) == text
    assert "\r" not in text


def on_screen(renderable: RenderableType, *, terminal: bool) -> str:
    file = io.StringIO()
    console = Terminal(file=file, width=200)
    console._force_terminal = terminal
    console.print(renderable, crop=False)
    return _SGR.sub("", file.getvalue())


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("name", REPORTS)
class TestReports:
    def test_every_form(self, name: str, text: str) -> None:
        shape = document(hostile(name, text))
        for form in FORMATS:
            made = rendered(form, json.loads(json.dumps(shape)))
            if form == "json":
                assert made.isascii()
                continue
            harmless(made)
            if form == "junit":
                ET.fromstring(made)
            if form == "html":
                assert "<script>alert" not in made

    @pytest.mark.parametrize("terminal", [True, False])
    def test_the_screen(self, name: str, text: str, terminal: bool) -> None:  # noqa: FBT001
        shown = on_screen(render_report(hostile(name, text), verbose=True), terminal=terminal)
        harmless(shown)
        if "[fe80::1]" in text and name in {"stale", "drill", "window closed"}:
            assert "[/x] [fe80::1]" in re.sub(r"\s+", " ", shown)

    def test_a_difference(self, name: str, text: str) -> None:
        before, after = (
            report_of(json.loads(json.dumps(document(each)))) for each in (REPORTS[name], hostile(name, text))
        )
        harmless(on_screen(render_differences(differences(before, after)), terminal=True))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
class TestAllElse:
    def test_notes_and_progress(self, text: str, capsys: pytest.CaptureFixture[str]) -> None:
        face = Face()
        face.note(text)
        face.progress(text)
        said = capsys.readouterr().err
        harmless(said)
        assert said.count(WORD) == 2
        if "[fe80::1]" in text:
            assert said.count("[/x] [fe80::1] [bold red]") == 2

    def test_what_libraries_log(self, text: str) -> None:
        record = logging.LogRecord("paramiko", logging.ERROR, "x", 1, "Exception: %s", (text,), None)
        shown = _Plain("%(message)s").format(record)
        harmless(shown)
        assert WORD in shown

    def test_whatever_is_in_a_table(self, text: str) -> None:
        """A str in a cell and a title are where rich looks for markup."""
        table = Table(text, title=text)
        table.add_row(text)
        shown = on_screen(table, terminal=True)
        harmless(shown)
        assert "smile" in shown or "smile" not in text

    def test_a_trend(self, text: str) -> None:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        outage = KeptOutage(
            run=1,
            cluster="web",
            at=at,
            probe=f"I1{text}",
            phase=f"failover{text}",
            seconds=1.0,
            allowed_s=2.0,
            within=True,
        )
        trends = [Trend(cluster=f"web $x^{text}", runs=((at, True),), outages=(outage,))]
        harmless(on_screen(render_trends(trends), terminal=True))
        if not any(ord(sign) > 0x2000 for sign in text):
            harmless(plot_trends(trends))

    def test_stored_reports_and_runs(self, text: str, tmp_path: Path) -> None:
        """A file that somebody else made, and the history of such runs."""
        shape = json.loads(json.dumps(document(hostile("stale", text))))
        (tmp_path / "report.json").write_text(json.dumps(shape))
        assert keep(shape, 1) is None
        assert keep(json.loads(json.dumps(document(hostile("drill", text)))), 1) is None
        commands = [["report", form, str(tmp_path / "report.json")] for form in FORMATS if form != "json"]
        commands += [["history", *words] for words in (["list"], ["show", "1"], ["diff", "1", "2"], ["trend"])]
        for words in commands:
            result = run(*words)
            assert result.exit_code in {0, 1}, (words, result.stderr)
            harmless(result.stdout)
            harmless(result.stderr)
            assert words[0] == "history" or words[1] == "prom" or WORD in result.stdout

    @pytest.mark.parametrize("options", [[], ["--json"]], ids=["screen", "json"])
    def test_windows_that_are_kept(self, text: str, options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """Names of files, and why one can't be read."""
        at = datetime(2026, 1, 1, tzinfo=UTC)
        rows = (
            KeptWindow(name=text, state=text),
            KeptWindow(name=text, state=text, opened_at=at, clusters=(text, text)),
        )
        monkeypatch.setattr(window, "listed", lambda: rows)
        result = run("window", "list", *options)
        assert result.exit_code == 0
        printed(result, text, as_json=bool(options))

    @pytest.mark.parametrize("options", [[], ["--json"]], ids=["screen", "json"])
    def test_what_systemd_says_of_a_schedule(
        self, text: str, options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keys = ("ActiveState", "UnitFileState", "LastTriggerUSec", "Result", "ExecMainStatus", "ExecMainExitTimestamp")
        said = "".join(f"{key}={text}\n" for key in keys)
        real = subprocess.run
        (tmp_path / "said").write_text(said, errors="surrogatepass")
        monkeypatch.setattr(schedule, "_BOOTED", tmp_path)
        monkeypatch.setattr(subprocess, "run", lambda _, **how: real(["/bin/cat", tmp_path / "said"], **how))
        result = run("schedule", "status", *options)
        assert result.exit_code == 1, result.exception
        printed(result, text, as_json=bool(options))

    @pytest.mark.parametrize("options", [[], ["--json"]], ids=["screen", "json"])
    def test_nodes_of_a_lab(self, text: str, options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        found = spoiled(lab_status(sshd=False), text)
        monkeypatch.setattr(api, "status", lambda _: found)
        result = run("lab", "status", *options)
        assert result.exit_code == 1
        printed(result, text, as_json=bool(options))

    @pytest.mark.parametrize(
        "error", [IntentError, RefusedError, VipbookError, NotRestoredError, LabError], ids=lambda each: each.__name__
    )
    def test_why_a_command_ends(self, text: str, error: type[Exception], capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(typer.Exit), _steps() if error is LabError else guard(Face()):  # type: ignore[attr-defined]
            raise error(text)
        said = capsys.readouterr().err
        harmless(said)
        assert WORD in said.replace("\n", "") or "漢" in text


def printed(result: Result, text: str, *, as_json: bool) -> None:
    """All of it is there, and nothing of it is obeyed."""
    assert isinstance(result.exception, SystemExit | None), result.exception
    assert not result.stderr
    if as_json:
        assert result.stdout.isascii()
        json.loads(result.stdout)
    harmless(result.stdout)
    if "[fe80::1]" in text and not as_json:
        assert "[/x] [fe80::1]" in re.sub(r"\s+", " ", result.stdout)
