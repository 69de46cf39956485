"""Any form of a stored report: the file is checked first, and wrong input is one clear sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks.report.document import document, json_schema
from tests.unit.report.test_document import DRILL, report
from tests.unit.runbooks.cli.test_commands import ended, run


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(document(report(command="drill", drill=DRILL))))
    return path


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("json", '{\n  "schema": 1'),
        ("junit", "<?xml"),
        ("markdown", "# vipbook drill: PASS"),
        ("csv", "started_at,command"),
        ("prom", "# HELP vipbook_"),
    ],
)
def test_every_form_from_a_file_on_standard_output_and_in_a_file(stored: Path, form: str, begins: str) -> None:
    shown = run("report", form, stored)
    ended(shown, 0)
    assert shown.stdout.startswith(begins)
    assert shown.stderr == ""
    target = stored.parent / "out"
    written = run("report", form, stored, "-o", target)
    ended(written, 0)
    assert (written.stdout, target.read_text()) == ("", shown.stdout)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "run.json: not a vipbook report: Invalid JSON"),
        ('{"schema": 1, "command": "ver', "Invalid JSON"),
        ("[]", "not a vipbook report"),
        ('{"schema": 2}', "schema: Input should be 1"),
        ("\x00\xff", "not a vipbook report"),
    ],
)
def test_what_is_no_report(stored: Path, content: str, said: str) -> None:
    stored.write_bytes(content.encode("latin-1"))
    result = run("report", "markdown", stored)
    ended(result, 2, "error: ", said)
    assert result.stdout == ""


def test_wrong_calls(stored: Path, tmp_path: Path) -> None:
    ended(run("report", "pdf", stored), 2, "error: no format 'pdf'; accepted: csv, html, json, junit, markdown, prom")
    ended(run("report", "csv", tmp_path / "none.json"), 2, "none.json: there is no such file", "--report json:PATH")
    ended(run("report", "csv", tmp_path), 2, "can't be read: Is a directory")
    ended(run("report", "csv", stored, "-o", "/nowhere/x"), 2, "there is no directory /nowhere; make it first")
    ended(run("report", "csv", stored, "-o", tmp_path), 2, "is a directory; name a file")


def test_the_schema_is_printed() -> None:
    result = run("schema")
    ended(result, 0)
    assert json.loads(result.stdout) == json_schema()
