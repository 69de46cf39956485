"""The evidence of a window: complete, checkable, and never over something else."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

import pytest

from tasks.model.errors import IntentError, VipbookError
from tasks.store.bundle import MANIFEST, bundle_target, evidence_files, write_bundle
from tests.unit.builders import AT, answer

FILES = {"report.json": b"{}\n", "before/L1/01-macs_100.txt": b"x" * 5000, "after/L1/01-macs_100.txt": b"\xff"}


def listed(top: Path) -> dict[str, str]:
    return {name: digest for digest, name in (line.split("  ") for line in (top / MANIFEST).read_text().splitlines())}


@pytest.mark.parametrize("name", ["w.tar.gz", "w.tgz", "w", "w.d"])
def test_every_file_is_there_with_its_sum(tmp_path: Path, name: str) -> None:
    write_bundle(tmp_path / name, FILES, AT)
    top = tmp_path / name
    if top.is_file():
        assert top.stat().st_mode & 0o077 == 0
        with tarfile.open(top) as archive:
            archive.extractall(tmp_path / "out", filter="data")
        (top,) = (tmp_path / "out").iterdir()
        assert top.name == "w"
    found = {str(path.relative_to(top)): path for path in top.rglob("*") if path.is_file()}
    assert set(found) == {*FILES, MANIFEST}
    assert listed(top) == {each: hashlib.sha256(found[each].read_bytes()).hexdigest() for each in FILES}
    assert all(path.stat().st_mode & 0o077 == 0 for path in found.values())
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("name", "said"),
    [("nowhere/w.tar.gz", "there is no directory"), ("there", "is there already"), ("file", "is there already")],
)
def test_where_no_bundle_goes(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "file").write_text("x")
    with pytest.raises(IntentError, match=said):
        bundle_target(tmp_path / name)


def test_a_name_that_nobody_can_write_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "w.tar.gz").mkdir()
    with pytest.raises(VipbookError, match="can't be written"):
        write_bundle(tmp_path / "w.tar.gz", FILES, AT)
    assert [path.name for path in tmp_path.iterdir()] == ["w.tar.gz"]


def test_each_answer_is_a_file_that_says_what_was_asked_and_how_it_ended() -> None:
    answers = {"L1/x": {"macs 100": answer("L1", "vtysh", "rows\n"), "clock": answer("L1", "date", "", 1, "no")}}
    found = dict(evidence_files("before", answers))
    assert list(found) == ["before/L1_x/01-macs_100.txt", "before/L1_x/02-clock.txt"]
    first, second = (content.decode() for content in found.values())
    assert first.splitlines()[0] == "# vtysh"
    assert first.endswith("exit status 0\nrows\n")
    assert second.endswith("exit status 1\n\n# on stderr:\nno")
