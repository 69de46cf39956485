"""The script of the documentation, run as a user does: against servers and leaves that answer as a healthy lab did."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import paramiko
import pytest

from runbooks.session import open_session
from tests.unit.judge.recorded import recorded
from tests.unit.transport.hostile import Asked, Host, Play, end, inventory

ROOT = Path(__file__).resolve().parents[3]
HOSTS = ("H1", "H2", "L1", "L2", "L3", "I1", "C1")
LOAD = {"load": {"stdout": "0.10 0.20 0.30 1/100 4242\n", "status": 0}}


def as_recorded(name: str, configs: dict[str, str]) -> Play:
    """`configs`: keepalived.conf of each server as it is rendered now."""
    said = recorded()["replies"][name] | LOAD

    def play(channel: paramiko.Channel, script: Asked) -> None:
        channel.sendall(script.clock())
        for key in script.keys:
            text = configs[name] if key == "config" else said[key]["stdout"]
            channel.sendall(script.section(key, text.encode(), said[key]["status"]))
            channel.sendall_stderr(said[key].get("stderr", "").encode() + script.line(key, "-"))
        end(channel)

    return play


@pytest.fixture
def hosts(tmp_path: Path) -> Generator[dict[str, Host]]:
    configs: dict[str, str] = {}
    made = {name: Host(play=as_recorded(name, configs)) for name in HOSTS}
    clusters = (ROOT / "inventory/clusters.yaml").read_text().partition("  db:\n")[0]
    path = inventory(tmp_path / "inventory", made, clusters=clusters.replace("/var/lib/vipbook/labs/vipbook/", ""))
    (path / "defaults.yaml").write_text("data: {}\n")
    (path / "secrets").mkdir()
    (path / "secrets/web").write_text("hunter22\n")
    configs |= {name: each.config for name, each in open_session(path, ["web"]).desired.items()}
    yield made
    for each in made.values():
        each.close()


def ran(directory: Path) -> tuple[int, list[str]]:
    """Exit status and lines."""
    done = subprocess.run(
        [sys.executable, ROOT / "docs/own_script.py"],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


@pytest.mark.usefixtures("hosts")
def test_all_is_well(tmp_path: Path) -> None:
    assert ran(tmp_path) == (0, ["H1 0.10", "H2 0.10", "100.65.0.10: healthy on H1, pass"])


def test_a_silent_host_is_told_to_the_processor(tmp_path: Path, hosts: dict[str, Host]) -> None:
    hosts["H2"].play = lambda channel, _: end(channel)
    code, lines = ran(tmp_path)
    assert code == 1
    # The user's own question and vipbook's fail for one reason, which is said once.
    assert [line for line in lines if line.startswith("H2: ")] == [lines[0]]
    assert "did not run /bin/sh" in lines[0]
    assert "H1 0.10" in lines
    assert "100.65.0.10: unknown on None, unknown" in lines


def test_the_page_shows_the_script() -> None:
    assert '\n--8<-- "own_script.py"\n' in (ROOT / "docs/how-to/nornir.md").read_text()
