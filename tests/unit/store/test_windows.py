"""A window as a file: whole or not at all, and nobody else's."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tasks.judge.snapshot.entries import snapshot_of
from tasks.model.errors import IntentError, VipbookError
from tasks.model.window import WindowFile
from tasks.report.document import document
from tasks.store.windows import Windows
from tests.unit.builders import answer, subject
from tests.unit.report.test_document import report

AT = datetime(2026, 1, 1, tzinfo=UTC)
WINDOW = WindowFile(
    name="w",
    clusters=("web",),
    expectations=("web moves to H2",),
    accept_failing=False,
    opened_at=AT,
    snapshot=snapshot_of([subject()], [subject()], ["H1", "L1"], ["H1"]),
    report=document(report()),
    answers={"H1": {"config": answer("H1", "cat", "text\x1b\u00e4")}},
    versions={"python": "3"},
)


@pytest.fixture
def kept(tmp_path: Path) -> Windows:
    return Windows(tmp_path)


def test_what_was_written_is_read(kept: Windows) -> None:
    kept.write(WINDOW)
    assert kept.read("w") == WINDOW
    assert kept.exists("w")
    assert kept.names() == ("w",)
    assert kept.path("w").stat().st_mode & 0o777 == 0o600
    assert [each.name for each in kept.directory.iterdir()] == ["w.json"]


def test_two_windows_do_not_touch_each_other(kept: Windows) -> None:
    kept.write(WINDOW)
    kept.write(replace(WINDOW, name="v", expectations=()))
    assert (kept.read("w").expectations, kept.read("v").expectations) == (("web moves to H2",), ())
    assert kept.names() == ("v", "w")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../w", "a b", "-x", ".w", "ä", "x" * 65, "w\n"])
def test_what_is_no_name(kept: Windows, name: str) -> None:
    with pytest.raises(IntentError, match="a window's name is"):
        kept.path(name)


def test_one_that_is_not_there_names_those_that_are(kept: Windows) -> None:
    with pytest.raises(IntentError, match="there is no window 'x'; open now: none"):
        kept.read("x")
    kept.write(WINDOW)
    with pytest.raises(IntentError, match="open now: w"):
        kept.read("x")


def spoiled(kept: Windows) -> list[tuple[str, bytes]]:
    kept.write(WINDOW)
    whole = kept.path("w").read_bytes()
    head, _, body = whole.partition(b"\n")
    return [
        ("torn", whole[: len(whole) // 2]),
        ("cut by one", whole[:-2]),
        ("empty", b""),
        ("head alone", head + b"\n"),
        ("another JSON", b'{"a": 1}'),
        ("a list", b"[]\n[]"),
        ("binary", bytes(range(256))),
        ("one word changed", whole.replace(b'"vlan100 100.65.0.10"', b'"vlan100 100.65.0.99"')),
        ("no head", body),
        ("newer", json.dumps({"vipbook_window": 2, "sha256": "0"}).encode() + b"\n" + body),
    ]


def test_what_is_torn_or_foreign_is_refused_and_left_alone(kept: Windows) -> None:
    for what, content in spoiled(kept):
        kept.path("w").write_bytes(content)
        with pytest.raises(IntentError) as caught:
            kept.read("w")
        assert str(kept.path("w")) in str(caught.value), what
        assert kept.path("w").read_bytes() == content, what


def test_a_directory_of_that_name(kept: Windows) -> None:
    kept.path("w").mkdir()
    with pytest.raises(IntentError, match="can't be read: Is a directory"):
        kept.read("w")


def test_a_window_in_use_is_refused_at_once_and_others_are_free(kept: Windows) -> None:
    with kept.locked("w"):
        with pytest.raises(IntentError, match="window 'w' is in use by another vipbook"), kept.locked("w"):
            pass
        with kept.locked("v"):
            pass
    with kept.locked("w"):
        pass


def _writes_for_ever(directory: Path, started: object) -> None:
    kept = Windows(directory)
    while True:
        kept.write(WINDOW)
        started.set()  # type: ignore[attr-defined]


def test_a_kill_in_the_middle_of_a_write_leaves_the_window_that_was_there(kept: Windows) -> None:
    context = multiprocessing.get_context("fork")
    for _ in range(5):
        started = context.Event()
        writer = context.Process(target=_writes_for_ever, args=(kept.directory, started))
        writer.start()
        assert started.wait(10)
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join(5)
        assert kept.read("w") == WINDOW
    assert kept.names() == ("w",)


def test_a_place_that_can_not_be_written(tmp_path: Path) -> None:
    with pytest.raises(VipbookError, match="can't be written"):
        Windows(tmp_path / "nowhere").write(WINDOW)
    with pytest.raises(IntentError, match="can't be opened"), Windows(tmp_path / "nowhere").locked("w"):
        pass
