"""Each output of a run for itself: what happens to one reaches neither the others nor the exit code of the verdict.

Real processes, whose standard output is a full disk, a pipe that nobody reads, or is closed.
"""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from runbooks.cli.face import Face, guard
from runbooks.history.keeping import history_path
from runbooks.process.exits import Exit
from runbooks.process.outputs import Outputs
from tasks.model.errors import RefusedError, VipbookError
from tests.unit.builders import nornir
from tests.unit.report.test_document import report

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[4]
CODES = ("0", "1", "3", "4", "5", "130")
RAISED = {"0": 3}
"""What a lost output makes of a code: nothing but this."""


def argv(code: str, *words: str) -> list[str]:
    command = ["verify"] if code in {"0", "1", "3"} else ["apply", "--yes"]
    return [sys.executable, "-m", "tests.unit.runbooks.canned", code, *command, *words]


def process(code: str, *words: str, **options: Any) -> subprocess.Popen[str]:  # noqa: ANN401
    options = {"stderr": subprocess.PIPE, "text": True, "cwd": ROOT, "env": os.environ | {"PYTHONPATH": str(ROOT)}} | options  # fmt: skip  # noqa: E501
    return subprocess.Popen(argv(code, *words), **options)


def shelled(code: str, how: str, *words: str) -> subprocess.CompletedProcess[str]:
    line = f"{shlex.join(argv(code, *words))} {how}"
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    return {form: tmp_path / f"report.{form}" for form in ("json", "csv")}


def asked_for(files: dict[str, Path]) -> list[str]:
    return [word for form, path in files.items() for word in ("--report", f"{form}:{path}")]


def kept() -> list[tuple[str, int]]:
    with sqlite3.connect(history_path()) as connection:
        return list(connection.execute("SELECT command, exit_code FROM runs"))


def all_there(files: dict[str, Path], code: str) -> None:
    assert json.loads(files["json"].read_text())["schema"] == 1
    assert files["csv"].read_text().count("\n") > 1
    assert kept() == [("verify" if code in {"0", "1", "3"} else "apply", int(code))]


FULL = "error: standard output: No space left on device"
CLOSED = "error: standard output: it is closed"


@pytest.mark.parametrize(
    ("code", "how", "said"),
    [
        *(pytest.param(code, ">/dev/full", FULL, id=f"full, {code}") for code in CODES),
        pytest.param("0", ">&-", CLOSED, id="closed"),
        pytest.param("5", ">&- <&-", CLOSED, id="closed, and no standard input"),
    ],
)
def test_lost_standard_output(code: str, how: str, said: str, files: dict[str, Path]) -> None:
    ran = shelled(code, how, *(["--json"] if code == "0" else []), *asked_for(files))
    assert (ran.returncode, ran.stderr.splitlines()) == (RAISED.get(code, int(code)), [said])
    all_there(files, code)


@pytest.mark.parametrize(("code", "how", "ends"), [("5", "2>&-", 5), ("4", "2>/dev/full", 4), ("0", ">&- 2>&- <&-", 3)])
def test_lost_standard_error(code: str, how: str, ends: int, files: dict[str, Path]) -> None:
    ran = shelled(code, how, *asked_for(files))
    assert ran.returncode == ends
    assert bool(ran.stdout) is (">&- 2" not in how)
    all_there(files, code)


@pytest.mark.parametrize(
    ("code", "read"),
    [
        pytest.param("0", 0, id="before the first octet"),
        pytest.param("5", 0, id="before the first octet, 5"),
        pytest.param("0", 10, id="in the middle of the document"),
    ],
)
def test_a_reader_that_goes_away(code: str, read: int, files: dict[str, Path]) -> None:
    ran = process(code, "--json", *asked_for(files), stdout=subprocess.PIPE)
    assert ran.stdout is not None
    assert len(os.read(ran.stdout.fileno(), read)) == read
    ran.stdout.close()
    _, said = ran.communicate(timeout=120)
    assert (ran.returncode, said) == (RAISED.get(code, int(code)), "error: standard output: Broken pipe\n")
    all_there(files, code)


@pytest.mark.parametrize("code", ["0", "5"])
def test_one_report_that_can_not_be_written(code: str, files: dict[str, Path]) -> None:
    ran = shelled(code, "", "--json", "--report", "json:/dev/full", *asked_for(files))
    assert ran.stderr.splitlines() == ["error: --report json:/dev/full: can't be written: No space left on device"]
    assert ran.returncode == RAISED.get(code, int(code))
    assert json.loads(ran.stdout)["schema"] == 1
    all_there(files, code)


def test_a_form_whose_library_is_missing(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISSING", "jinja2")
    html = files["json"].with_suffix(".html")
    ran = shelled("5", "", "--report", f"html:{html}", *asked_for(files))
    assert ran.returncode == 5
    assert f"error: --report html:{html}: " in ran.stderr
    assert "ModuleNotFoundError" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not html.exists()
    all_there(files, "5")


@pytest.mark.parametrize("code", ["0", "130"])
def test_a_history_that_can_not_be_written(code: str, files: dict[str, Path]) -> None:
    history_path().parent.mkdir(parents=True, mode=0o700)
    history_path().symlink_to("/dev/full")
    ran = shelled(code, "", *asked_for(files))
    assert ran.returncode == int(code), "the history is never the reason for another code"
    assert "warning: this run is not kept:" in ran.stderr
    assert ran.stdout
    assert all(path.exists() for path in files.values())


def notified(directory: Path, text: str) -> str:
    path = directory / "tell"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return f"command:{path}"


def test_all_others_are_lost_and_the_command_is_told(tmp_path: Path) -> None:
    """The history can't be read, either: then what is not fine is told each time."""
    history_path().parent.mkdir(parents=True, mode=0o700)
    history_path().write_text("nonsense" * 1000)
    target = notified(tmp_path, f"cat >> {tmp_path}/told")
    for _ in range(2):
        ran = shelled("1", ">/dev/full", "--report", "json:/dev/full", "--notify", target)
        assert ran.returncode == 1
        assert "the last verdict sent to command:" in ran.stderr
    told = [json.loads(line) for line in (tmp_path / "told").read_text().splitlines()]
    assert [(each["from"], each["to"]) for each in told] == [(None, "fail")] * 2


def test_a_request_to_end_reaches_one_notification_alone(tmp_path: Path, files: dict[str, Path]) -> None:
    first = notified(tmp_path, "kill -INT $PPID; exec sleep 60")
    (tmp_path / "second").mkdir()
    second = notified(tmp_path / "second", f"cat > {tmp_path}/told")
    ran = shelled("1", "", "--notify", first, "--notify", second, *asked_for(files))
    assert ran.returncode == 1
    assert "warning: --notify: interrupted" in ran.stderr
    assert json.loads((tmp_path / "told").read_text())["to"] == "fail"
    all_there(files, "1")


@pytest.mark.parametrize(("code", "number"), [("0", signal.SIGINT), ("5", signal.SIGTERM)])
def test_a_request_to_end_while_it_prints(code: str, number: int, files: dict[str, Path]) -> None:
    """A reader that does not read, as a pager: the pipe is full, and the run waits. What it did is kept."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, 1031, 4096)  # F_SETPIPE_SZ: less than the report
    ran = process(code, "--json", *asked_for(files), stdout=writing)
    os.close(writing)

    def waiting() -> int:
        (octets,) = struct.unpack("i", fcntl.ioctl(reading, termios.FIONREAD, b"\0\0\0\0"))
        return int(octets)

    until = time.monotonic() + 60
    while waiting() < 4096:
        assert time.monotonic() < until
        assert ran.poll() is None
        time.sleep(0.01)
    ran.send_signal(number)
    _, said = ran.communicate(timeout=60)
    os.close(reading)
    assert (ran.returncode, said) == (RAISED.get(code, int(code)), "error: standard output: interrupted\n")
    all_there(files, code)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system of its own")


@needs_root
@pytest.mark.parametrize("options", ["size=64k", "ro"])
def test_a_full_and_a_read_only_disk(options: str, tmp_path: Path) -> None:
    """Real ENOSPC and EROFS for a report, the history, and the bundle's directory; what is on another disk is there."""
    small, state, good = tmp_path / "small", tmp_path / "small/state", tmp_path / "good.json"
    small.mkdir()
    words = ("--json", "--report", f"html:{small}/x.html", "--report", f"json:{good}")
    fill = f"mkdir {state}; " + (f"head -c 60000 /dev/zero > {small}/zero; " if "size" in options else "")
    mount = f"mount -t tmpfs -o size=64k none {small} && {fill}" + ("mount -o remount,ro none small; " if options == "ro" else "")  # fmt: skip  # noqa: E501
    line = f"cd {tmp_path}; {mount} cd {ROOT}; exec {shlex.join(argv('5', *words))}"
    environment = os.environ | {"VIPBOOK_STATE": str(state), "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        ["unshare", "--mount", "sh", "-c", line], capture_output=True, text=True, env=environment, check=False
    )
    why = "No space left on device" if "size" in options else "Read-only file system"
    assert ran.returncode == 5, ran.stderr
    assert f"error: --report html:{small}/x.html: can't be written: {why}" in ran.stderr
    assert "warning: this run is not kept:" in ran.stderr
    assert json.loads(ran.stdout) == json.loads(good.read_text())


class Broken:
    """A stream that takes nothing."""

    def __init__(self, error: OSError) -> None:
        self.error = error

    def write(self, _: str) -> int:
        raise self.error

    def flush(self) -> None:
        raise self.error

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("error", [BrokenPipeError(32, "Broken pipe"), OSError(5, "Input/output error"), OSError(28, "x")])  # fmt: skip  # noqa: E501
def test_a_lost_terminal_ends_nothing_that_is_under_way(error: OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is said in the middle of a change, and of its undo."""
    monkeypatch.setattr(sys, "stderr", Broken(error))
    face = Face()
    reached = []
    with face.working("asking"):
        face.progress("undoing")
        face.note("a note")
        reached.append("the end")
    assert reached == ["the end"]


@pytest.mark.parametrize("how", ["<&-", "</dev/null"])
def test_nobody_is_asked_without_standard_input(how: str) -> None:
    line = f"{shlex.join([sys.executable, '-m', 'tests.unit.runbooks.canned', '0', 'apply'])} {how}"
    ran = subprocess.run(["sh", "-c", line], capture_output=True, text=True, cwd=ROOT, check=False)
    said = ["error: this changes servers and there is no terminal to ask on; give --yes"]
    assert (ran.returncode, ran.stderr.splitlines()) == (2, said)


def test_a_plan_that_can_not_be_shown_is_not_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    ask = Face().asker(yes=False)
    monkeypatch.setattr(sys, "stderr", Broken(OSError(5, "Input/output error")))
    with pytest.raises(RefusedError, match="nothing was changed"):
        ask(report())


@pytest.mark.parametrize(
    ("typed", "confirmed"),
    [("y\n", True), ("yes\n", True), (" Y \n", True), ("\n", False), ("n\n", False), ("", False), ("ye\n", False)],
)
def test_only_a_yes_confirms(typed: str, confirmed: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    class Typed:
        isatty = staticmethod(lambda: True)
        readline = staticmethod(lambda: typed)

    monkeypatch.setattr(sys, "stdin", Typed)
    assert Face().asker(yes=False)(report()) is confirmed


@pytest.mark.parametrize("end", [KeyboardInterrupt(), OSError(5, "x"), VipbookError("stuck"), EOFError()])
def test_a_host_that_does_not_let_go_loses_no_report(
    end: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Stuck:
        nornir = nornir()

        def close(self) -> None:
            raise end

    monkeypatch.setattr("runbooks.session.open_session", lambda *_: Stuck())

    def run() -> None:
        with guard(Face()) as face:
            with face.session(Path("inventory"), None):
                pass
            face.finish(report(command="plan"), Exit.NOT_ROLLED_BACK)

    with pytest.raises(typer.Exit) as caught:
        run()
    assert caught.value.exit_code == 5
    shown = capsys.readouterr()
    assert "PASS" in shown.out
    assert shown.err.startswith("warning: ")


def _raise(error: BaseException) -> Callable[[], None]:
    def deliver() -> None:
        raise error

    return deliver


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device"), "x: No space left on device"),
        (VipbookError("--report x: can't be written"), "--report x: can't be written"),
        (UnicodeEncodeError("utf-8", "\udcff", 0, 1, "no"), "x: UnicodeEncodeError: "),
        (ModuleNotFoundError("No module named 'jinja2'"), "x: ModuleNotFoundError: No module"),
        (ZeroDivisionError("a bug"), "x: ZeroDivisionError: a bug"),
        (MemoryError(), "x: MemoryError"),
        (KeyboardInterrupt(), "x: interrupted"),
    ],
)
@pytest.mark.parametrize(("asked", "code"), [(True, 3), (False, 0)])
def test_whatever_keeps_an_output_back_is_said(error: BaseException, said: str, asked: bool, code: int) -> None:  # noqa: FBT001
    lines: list[str] = []
    outputs = Outputs(lines.append)
    outputs.attempt("x", _raise(error), asked=asked)
    assert lines[0].startswith(f"{'error' if asked else 'warning'}: {said}")
    assert [outputs.code(each) for each in (0, 1, 2, 3, 4, 5, 130)] == [code, 1, 2, 3, 4, 5, 130]
