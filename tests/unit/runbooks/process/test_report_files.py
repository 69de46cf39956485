"""Where a report may go."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from runbooks.history.keeping import keep
from runbooks.process.report_files import write_report
from tasks.model.errors import VipbookError
from tasks.report.formats import rendered
from tests.unit.runbooks.cli.test_commands import ended, run
from tests.unit.store.test_history import GOOD


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text("old")
    link.symlink_to(real)
    write_report(f"json:{link}", "new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.append(pipe.read_text()))
    reader.start()
    write_report(f"json:{pipe}", "report")
    reader.join(5)
    assert said == ["report"]
    assert pipe.is_fifo()


def test_a_full_device_is_an_error_and_stays_one() -> None:
    with pytest.raises(VipbookError, match="can't be written"):
        write_report("json:/dev/full", "report" * 10_000)
    assert Path("/dev/full").is_char_device()


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    write_report(f"json:{tmp_path / 'x.json'}", "report")
    assert (tmp_path / "x.json").stat().st_mode & 0o077 == 0
    assert [each.name for each in tmp_path.iterdir()] == ["x.json"]


@pytest.mark.parametrize("words", [("lint", "--report"), ("checks", "--report"), ("history", "show", "1", "--report")])
def test_a_planted_link_is_refused_before_anything_is_done(words: tuple[str, ...], tmp_path: Path) -> None:
    shared, victim = tmp_path / "shared", tmp_path / "victim"
    victim.write_text("precious")
    shared.mkdir()
    (shared / "x.json").symlink_to(victim)
    shared.chmod(0o1777)
    result = run(*words, f"json:{shared}/x.json")
    ended(result, 2, f"{shared}/x.json is a link, and others than root and you can write in {shared}")
    assert result.stdout == ""
    assert victim.read_text() == "precious"


def test_a_plot_and_a_stored_report_go_nowhere_else_either(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    shared = tmp_path / "shared"
    shared.mkdir()
    for name in ("x.svg", "x.json"):
        (shared / name).symlink_to(victim)
    shared.chmod(0o1777)
    (tmp_path / "from.json").write_text(rendered("json", GOOD))
    ended(run("report", "json", tmp_path / "from.json", "--output", shared / "x.json"), 2, "is a link")
    keep(GOOD, 0)
    ended(run("history", "trend", "--plot", shared / "x.svg"), 2, "is a link")
    assert victim.read_text() == "precious"
