"""schedule on a machine whose systemd is a stand-in: what is refused, and what is put back. The lab has a real one."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from runbooks import schedule as runbook
from tasks.render.schedule import MARKER
from tests.unit.runbooks.cli.test_commands import ended, run
from tests.unit.runbooks.inventories import write_inventory


class Systemd:
    """Answers as systemctl and systemd-analyze would; `broken` names words that fail."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.broken: set[str] = set()
        self.enabled = False
        self.shown = ""

    def run(self, argv: list[str]) -> subprocess.CompletedProcess[str]:
        words = [each for each in argv[1:] if not each.startswith(("-", "/"))]
        self.calls.append(" ".join(words))
        bad = bool(self.broken & {argv[0], *words})
        if words[:1] in (["enable"], ["disable"]) and not bad:
            self.enabled = words[0] == "enable"
        code = 1 if bad or (words[0].startswith("is-") and not self.enabled) else 0
        return subprocess.CompletedProcess(argv, code, self.shown if words[0] == "show" else "", "no" if bad else "")


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemd:
    stand_in = Systemd()
    (tmp_path / "units").mkdir()
    monkeypatch.setattr(runbook, "UNITS", tmp_path / "units")
    monkeypatch.setattr(runbook, "_BOOTED", tmp_path)
    monkeypatch.setattr(runbook, "_run", stand_in.run)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.delenv("VIPBOOK_STATE")
    return stand_in


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    return write_inventory(tmp_path / "inventory")


def units(tmp_path: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted((tmp_path / "units").iterdir())}


def test_install_and_again_and_changed_and_removed(systemd: Systemd, inventory: Path, tmp_path: Path) -> None:
    assert run("schedule", "install", inventory=inventory).stdout == "vipbook-verify.timer: installed\n"
    assert list(units(tmp_path)) == ["vipbook-verify.service", "vipbook-verify.timer"]
    assert systemd.calls[-3:] == ["daemon-reload", "enable vipbook-verify.timer", "restart vipbook-verify.timer"]
    systemd.calls.clear()
    assert run("schedule", "install", inventory=inventory).stdout == "vipbook-verify.timer: unchanged\n"
    assert not {"daemon-reload", "restart vipbook-verify.timer"} & set(systemd.calls)
    assert run("schedule", "install", "--every", "1h", inventory=inventory).stdout == "vipbook-verify.timer: changed\n"
    assert "OnUnitActiveSec=3600s" in units(tmp_path)["vipbook-verify.timer"]
    assert run("schedule", "remove").stdout == "removed\n"
    assert units(tmp_path) == {}
    assert run("schedule", "remove").stdout == "nothing to remove\n"


@pytest.mark.parametrize("broken", ["daemon-reload", "enable", "restart"])
def test_what_fails_is_put_back(systemd: Systemd, inventory: Path, tmp_path: Path, broken: str) -> None:
    systemd.broken = {broken} - {"daemon-reload"} or {"enable"}
    ended(run("schedule", "install", inventory=inventory), 3, "could not be set up, and what stood there is back")
    assert units(tmp_path) == {}
    systemd.broken = set()
    run("schedule", "install", inventory=inventory)
    before = units(tmp_path)
    systemd.broken = {broken} - {"daemon-reload"} or {"enable"}
    ended(run("schedule", "install", "--every", "1h", inventory=inventory), 3, "what stood there is back")
    assert units(tmp_path) == before


def test_what_can_not_be_put_back_is_said(systemd: Systemd, inventory: Path) -> None:
    systemd.broken = {"daemon-reload"}
    ended(run("schedule", "install", inventory=inventory), 5, "not as they were")


def test_units_that_systemd_does_not_accept_replace_nothing(systemd: Systemd, inventory: Path, tmp_path: Path) -> None:
    systemd.broken = {"systemd-analyze"}
    ended(run("schedule", "install", inventory=inventory), 2, "systemd does not accept the units: no")
    assert units(tmp_path) == {}


@pytest.mark.usefixtures("systemd")
@pytest.mark.parametrize("kind", ["service", "timer"])
def test_somebody_elses_unit_is_left_alone(inventory: Path, tmp_path: Path, kind: str) -> None:
    (tmp_path / "units" / f"vipbook-verify.{kind}").write_text("[Unit]\n")
    for command in (("install",), ("remove",)):
        result = run("schedule", *command, inventory=inventory if command == ("install",) else None)
        ended(result, 2, f"vipbook-verify.{kind}: somebody else's unit; give this one another --name")
    assert units(tmp_path) == {f"vipbook-verify.{kind}": "[Unit]\n"}


@pytest.mark.usefixtures("systemd")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--every", "5"), "--every 5: accepted: 30s to 7d"),
        (("--name", "A b"), "--name A b: accepted"),
        (("--user", "a b"), "not the name of a user"),
        (("wbe",), "no cluster 'wbe'; accepted: web"),
        (("--report", "xml:x"), "accepted formats: csv, html, json, junit, markdown, prom"),
        (("--report", "prom:/nowhere/x"), "there is no directory /nowhere"),
        (("--notify", "mail:x"), "accepted: webhook:URL, webhook-env:NAME, command:PATH"),
        (("--notify", "webhook:https://h/T0P"), "a unit is no place for it; --notify webhook-env:NAME"),
        (("--notify", "webhook-env:A-B"), "name an environment variable"),
        (("--environment-file", "/nowhere/x"), "there is no such file"),
        (("--wait", "inf"), "--wait inf: accepted: 0 to 86400 seconds"),
    ],
)
def test_wrong_calls(words: tuple[str, ...], said: str, inventory: Path, tmp_path: Path) -> None:
    ended(run("schedule", "install", *words, inventory=inventory), 2, said)
    assert units(tmp_path) == {}


@pytest.mark.usefixtures("systemd")
def test_line_breaks_in_paths_reach_no_unit(inventory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = tmp_path / "x\nExecStartPre=+touch owned"
    odd.mkdir()
    (odd / "env").write_text("A=b\n")
    write_inventory(odd / "inventory")
    said = "can't be written into a unit; name it without control characters"
    for words in (("--environment-file", odd / "env"), ("--report", f"prom:{odd}/x")):
        for print_ in ((), ("--print",)):
            ended(run("schedule", "install", *words, *print_, inventory=inventory), 2, said)
    ended(run("schedule", "install", inventory=odd / "inventory"), 2, said)
    monkeypatch.setenv("VIPBOOK_STATE", str(odd / "state"))
    ended(run("schedule", "install", inventory=inventory), 2, said)
    assert units(tmp_path) == {}


@pytest.mark.usefixtures("systemd")
def test_a_relative_state_is_where_it_is_now(inventory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VIPBOOK_STATE", "kept")
    ended(run("schedule", "install", inventory=inventory), 0)
    assert f"Environment=VIPBOOK_STATE={tmp_path}/kept\n" in units(tmp_path)["vipbook-verify.service"]


def test_print_touches_nothing_and_needs_neither_root_nor_systemd(
    inventory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runbook, "_BOOTED", tmp_path / "nowhere")
    shown = run("schedule", "install", "--print", inventory=inventory)
    ended(shown, 0)
    assert shown.stdout.count(MARKER) == 2
    assert "# /etc/systemd/system/vipbook-verify.timer" in shown.stdout
    for command in ("install", "remove", "status"):
        result = run("schedule", command, inventory=inventory if command == "install" else None)
        ended(result, 2, "systemd does not run this machine", "--print` shows the units")


def test_units_are_roots(systemd: Systemd, inventory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    ended(run("schedule", "install", inventory=inventory), 2, "units are root's; mend: sudo vipbook schedule")
    assert "enable vipbook-verify.timer" not in systemd.calls
    ended(run("schedule", "status"), 1)


@pytest.mark.parametrize(
    ("shown", "code", "meaning", "last"),
    [
        ("ActiveState=inactive\nExecMainStatus=0\nExecMainExitTimestamp=\n", 1, "has not run yet", None),
        ("ActiveState=active\nExecMainStatus=0\nExecMainExitTimestamp=x\n", 0, "holds", 0),
        ("ActiveState=active\nExecMainStatus=1\nExecMainExitTimestamp=x\n", 1, "fails", 1),
        ("ActiveState=active\nExecMainStatus=3\nExecMainExitTimestamp=x\n", 1, "undetermined", 3),
        ("ActiveState=active\nResult=timeout\nExecMainStatus=15\nExecMainExitTimestamp=x\n", 1, "timeout", 15),
        ("ActiveState=active\nExecMainStatus=0\n", 0, "has not run yet", None),
    ],
)
def test_status(systemd: Systemd, shown: str, code: int, meaning: str, last: int | None) -> None:
    systemd.shown = shown
    result = run("schedule", "status", "--json")
    assert result.exit_code == code
    found = json.loads(result.stdout)
    assert (found["meaning"], found["last_exit"], found["installed"]) == (meaning, last, False)
