"""The timer on a machine with a real systemd: it fires, keeps what it found, and shows what fails as failed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.conftest import Fabric, eventually
from tests.lab.controller import VIPBOOK, Controller, controller

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def machine(fabric: Fabric, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    with controller(tmp_path_factory.mktemp("controller"), fabric.whole.parent) as booted:
        yield booted


def state(machine: Controller, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(machine.run(VIPBOOK, "schedule", "status", *words, "--json", check=False).stdout)
    return found


def ran(machine: Controller, *words: str, exit_code: int) -> dict[str, Any]:
    """The state once the timer has fired and the run has ended so; the oldest timer waits 10 s and a little."""
    return eventually(
        lambda: state(machine, *words),
        lambda found: found["last_exit"] == exit_code and not found["running"],
        timeout=60,
        interval=1.0,
    )


def test_the_timer_fires_and_the_run_is_kept(healthy: Fabric, machine: Controller) -> None:
    inventory = str(healthy.inventory)
    machine.run("mkdir", "-p", "/srv/metrics")
    words = ("--every", "30s", "--inventory", inventory, "--report", "prom:/srv/metrics/vipbook.prom")
    first = machine.run(VIPBOOK, "schedule", "install", *words)
    assert first.stdout == "vipbook-verify.timer: installed\n"
    found = ran(machine, exit_code=0)
    assert (found["installed"], found["active"], found["enabled"], found["meaning"]) == (True, True, True, "holds")
    assert machine.run(VIPBOOK, "schedule", "status").stdout.startswith(
        "vipbook-verify.timer: active; last run: holds (exit status 0)"
    )
    shown = machine.run("cat", "/srv/metrics/vipbook.prom").stdout
    assert 'vipbook_verdict{command="verify",verdict="pass"} 1.0' in shown
    (row, *_) = json.loads(machine.run(VIPBOOK, "history", "list", "--json").stdout)
    assert (row["command"], row["verdict"], row["exit_code"]) == ("verify", "pass", 0)
    # And again after the interval, by itself.
    kept = lambda: len(json.loads(machine.run(VIPBOOK, "history", "list", "--json").stdout))  # noqa: E731
    eventually(kept, lambda count: count > 1, timeout=60, interval=1.0)

    again = machine.run(VIPBOOK, "schedule", "install", *words)
    assert again.stdout == "vipbook-verify.timer: unchanged\n"
    changed = machine.run(VIPBOOK, "schedule", "install", "--every", "1h", "--inventory", inventory)
    assert changed.stdout == "vipbook-verify.timer: changed\n"
    assert "OnUnitActiveSec=3600s" in machine.run("cat", "/etc/systemd/system/vipbook-verify.timer").stdout
    assert machine.run(VIPBOOK, "schedule", "remove").stdout == "removed\n"
    assert machine.run(VIPBOOK, "schedule", "remove").stdout == "nothing to remove\n"
    left = machine.run(
        "sh", "-c", "ls /etc/systemd/system | grep vipbook; systemctl list-timers --all | grep vipbook", check=False
    )
    assert left.stdout == ""
    assert machine.run(VIPBOOK, "schedule", "status", check=False).returncode == 1


def test_what_fails_is_a_failed_unit(healthy: Fabric, machine: Controller) -> None:
    words = ("--name", "red", "--every", "1h", "--inventory", str(healthy.inventory))
    healthy.shell("H2", "systemctl", "stop", "keepalived")
    try:
        machine.run(VIPBOOK, "schedule", "install", *words)
        found = ran(machine, "--name", "red", exit_code=1)
        assert found["meaning"] == "fails"
        assert machine.run("systemctl", "is-failed", "vipbook-verify-red.service", check=False).stdout == "failed\n"
        assert machine.run(VIPBOOK, "schedule", "status", "--name", "red", check=False).returncode == 1
    finally:
        healthy.shell("H2", "systemctl", "start", "keepalived")
        machine.run(VIPBOOK, "schedule", "remove", "--name", "red")


def test_a_unit_of_somebody_else_is_left_alone(healthy: Fabric, machine: Controller) -> None:
    path = "/etc/systemd/system/vipbook-verify-theirs.service"
    machine.run("sh", "-c", f"echo '[Unit]' > {path}")
    words = ("--name", "theirs", "--inventory", str(healthy.inventory))
    refused = machine.run(VIPBOOK, "schedule", "install", *words, check=False)
    assert refused.returncode == 2
    assert "somebody else's unit; give this one another --name" in refused.stderr
    assert machine.run(VIPBOOK, "schedule", "remove", "--name", "theirs", check=False).returncode == 2
    assert machine.run("cat", path).stdout == "[Unit]\n"
    assert not Path("/etc/systemd/system/vipbook-verify-theirs.timer").exists()


def test_another_user_than_root_needs_sudo(healthy: Fabric, machine: Controller) -> None:
    line = f"exec {VIPBOOK} schedule install --inventory {healthy.inventory}"
    refused = machine.run("setpriv", "--reuid=nobody", "--clear-groups", "sh", "-c", line, check=False)
    assert refused.returncode in {2, 126}
    shown = machine.run(VIPBOOK, "schedule", "install", "--print", "--inventory", str(healthy.inventory))
    assert "ExecStart=" in shown.stdout


def test_paths_reach_systemd_as_they_are(healthy: Fabric, machine: Controller) -> None:
    """Blanks, quotes, specifiers and variables in every path that a unit has; and the limit of its memory."""
    odd = "/srv/a $b%c\"d'e;f"
    machine.run("mkdir", "-p", odd)
    machine.run("mkdir", "-m", "700", f"{odd}/state")
    machine.run("sh", "-c", 'echo A=b > "$1/env"', "sh", odd)
    words = ("--report", f"json:{odd}/last.json", "--environment-file", f"{odd}/env", "--inventory")
    install = (VIPBOOK, "schedule", "install", "--name", "odd", "--every", "30s", *words, str(healthy.inventory))
    try:
        machine.run("env", f"VIPBOOK_STATE={odd}/state", *install)
        ran(machine, "--name", "odd", exit_code=0)
        assert json.loads(machine.run("cat", f"{odd}/last.json").stdout)["verdict"] == "pass"
        machine.run("test", "-s", f"{odd}/state/history.db")
        shown = machine.run("systemctl", "show", "-p", "MemoryMax", "vipbook-verify-odd.service").stdout
        assert shown == f"MemoryMax={2**30}\n"
    finally:
        machine.run(VIPBOOK, "schedule", "remove", "--name", "odd", check=False)
