"""`vipbook lab`: exit codes, stdout and stderr, without a lab."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab import api
from lab.errors import LabError, LabUsageError
from lab.model import Kind
from lab.status import Count, LabStatus, NodeStatus
from runbooks.cli.lab import app

ROOT = Path(__file__).parents[3]


def lab_status(*, sshd: bool) -> LabStatus:
    none = Count(actual=0, expected=0)
    node = NodeStatus(
        name="H1",
        kind=Kind.SERVER,
        address="127.0.1.11",
        port=22022,
        user="automation",
        running=True,
        sshd=sshd,
        bgp=none,
        vteps=none,
    )
    return LabStatus(name=None, prefix="vipbook", nodes=(node,))


def test_up_prints_the_lab_and_tells_its_steps_on_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    def up(name: str | None, progress: object) -> LabStatus:
        assert (name, callable(progress)) == ("t1", True)
        progress("booting 8 nodes")  # type: ignore[operator]
        return lab_status(sshd=True)

    monkeypatch.setattr(api, "up", up)
    result = CliRunner().invoke(app, ["up", "--name", "t1"])
    assert result.exit_code == 0
    assert "… booting 8 nodes" in result.stderr
    assert "booting" not in result.stdout
    assert "the lab vipbook is up" in result.stdout


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (LabError("H1 ended", "vipbook lab down"), 1, "error: H1 ended; mend it with: vipbook lab down\n"),
        (LabUsageError("the lab needs root", "sudo x"), 2, "error: the lab needs root; mend it with: sudo x\n"),
        (LabError("H1 [ended]"), 1, "error: H1 [ended]\n"),
        (KeyboardInterrupt(), 130, "interrupted; `vipbook lab up` begins anew"),
    ],
)
@pytest.mark.parametrize("call", [["up"], ["down"], ["status"], ["reboot", "H1"]])
def test_each_end_has_its_code_and_one_line(
    monkeypatch: pytest.MonkeyPatch, call: list[str], error: BaseException, code: int, said: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(api, call[0], fail)
    result = CliRunner().invoke(app, call)
    assert result.exit_code == code
    assert result.stderr.startswith(said)
    assert result.stdout == ""


@pytest.mark.parametrize(("sshd", "code"), [(True, 0), (False, 1)])
def test_status_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, *, sshd: bool, code: int) -> None:
    monkeypatch.setattr(api, "status", lambda _: lab_status(sshd=sshd))
    plain = CliRunner().invoke(app, ["status"])
    document = CliRunner().invoke(app, ["status", "--json"])
    assert (plain.exit_code, document.exit_code) == (code, code)
    assert json.loads(document.stdout)["ready"] is sshd
    assert ("H1: sshd does not answer" in plain.stdout) is not sshd


@pytest.mark.parametrize(
    "arguments",
    [["up", "x"], ["shell"], ["reboot"], ["reboot", "H1", "H2"], ["status", "--jsn"], ["sideways"], ["up", "--name"]],
)
def test_a_wrong_call(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == 2


def test_reboot_names_the_node_and_prints_the_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []

    def reboot(name: str | None, node: str, progress: object) -> LabStatus:
        calls.append((name, node, callable(progress)))
        return lab_status(sshd=True)

    monkeypatch.setattr(api, "reboot", reboot)
    result = CliRunner().invoke(app, ["reboot", "H1", "--name", "t1"])
    assert (result.exit_code, calls) == (0, [("t1", "H1", True)])
    assert "the lab vipbook is up" in result.stdout


def test_shell_passes_the_command_on(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []

    def shell(name: str | None, node: str, argv: list[str]) -> int:
        calls.append((name, node, argv))
        return 7

    monkeypatch.setattr("lab.shell.shell", shell)
    runner = CliRunner()
    assert runner.invoke(app, ["shell", "H1", "--", "ls", "-l", "--name"]).exit_code == 7
    assert runner.invoke(app, ["shell", "H1", "--name", "t1"]).exit_code == 7
    assert calls == [(None, "H1", ["ls", "-l", "--name"]), ("t1", "H1", [])]


def test_help_does_not_wait_for_the_lab() -> None:
    script = "import sys, runbooks.cli.lab; print([m for m in sys.modules if m.split('.')[0] in ('lab', 'pydantic')])"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert result.stdout == "[]\n"
