"""Where a report may go."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from runbooks.report_files import write_report
from tasks.model.errors import VipbookError


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
