"""What an addition costs: one file in its folder, and every place that lists such things knows it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., str]

FORMAT = '''
"""One word."""

from tasks.report.formats import Format

FORMAT = Format(suffix="txt", render=lambda report: f"just {report.verdict}\\n")
'''
FAULT = '''
"""keepalived stops."""

from tasks.change.faults import Fault, Injection
from tasks.change.files import sudo
from tasks.intent.outages import Ending
from tasks.intent.timers import failback_bound, stop_bound

FAULT = Fault(
    questions=lambda server: (),
    refusal=lambda server, state: None,
    injection=lambda server, state, vips: Injection(
        command=sudo("inject", "systemctl", "stop", "keepalived"),
        undo=("systemctl start keepalived",),
        summary="keepalived stopped",
        undone="keepalived started",
    ),
    lost=lambda before, after, vips: [],
    foreseen=lambda subject, target: None,
    ending=Ending(name="halt", bound=stop_bound, why="{master} says goodbye"),
    failback=failback_bound,
    effect="stopped",
    excused=frozenset({"service"}),
)
'''
REPORT = (
    '{"schema": 1, "command": "verify", "started_at": "2026-01-01T00:00:00.000Z", "duration_s": 1.0, '
    '"verdict": "pass", "hosts": {"asked": [], "answered": []}, "clusters": []}'
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product without its tests, to add to."""
    place = tmp_path_factory.mktemp("product")
    for name in ("runbooks", "tasks", "lab", "templates"):
        shutil.copytree(ROOT / name, place / name)
    return place


@pytest.fixture
def run(copy: Path, tmp_path: Path) -> Run:
    def called(*argv: str, code: int = 0) -> str:
        environment = {
            **os.environ,
            "PYTHONPATH": str(copy),
            "COLUMNS": "200",
            "VIPBOOK_STATE": str(tmp_path / "state"),
        }
        words = [sys.executable, "-c", "from runbooks.cli import main; main()", *argv]
        done = subprocess.run(words, cwd=copy, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    return called


def test_a_format_is_one_file(copy: Path, run: Run, tmp_path: Path) -> None:
    (copy / "tasks/report/formats/oneword.py").write_text(FORMAT)
    (tmp_path / "report.json").write_text(REPORT)
    assert run("report", "oneword", str(tmp_path / "report.json")) == "just pass\n"
    assert "oneword or prom" in run("verify", "--help")
    assert "markdown, oneword, prom" in run("verify", "--report", "none:x", code=2)


def test_a_fault_is_one_file(copy: Path, run: Run) -> None:
    (copy / "tasks/change/faults/half_stop.py").write_text(FAULT)
    assert "What to inject: half-stop, link-down." in run("drill", "--help")
    assert "H1 says goodbye" in run("lint", "--timers", "--inventory", str(ROOT / "inventory"))
