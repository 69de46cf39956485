"""A schedule as units: what systemd reads is what was meant, whatever is in a path."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest

from tasks.model.errors import IntentError
from tasks.model.schedule import Schedule
from tasks.render.schedule import MARKER, parse_every, parse_name, parse_user, parse_wait, render_units, word

PLAIN = Schedule(name="", every_s=300, program="/opt/vipbook/.venv/bin/vipbook", inventory="/etc/vipbook")
FULL = replace(
    PLAIN,
    name="web",
    clusters=("web", "db"),
    wait_s=15.0,
    reports=(("prom", "/srv/metrics/vip book.prom"), ("json", "/srv/metrics/last.json")),
    notify=("command:/opt/tell me 100%",),
    user="vipbook",
    environment_file="/etc/vipbook/100%.env",
    state="/srv/state",
)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("90s", 90), ("5m", 300), ("1h", 3600), ("1d", 86400), ("7d", 604800)]
)
def test_every(text: str, seconds: int) -> None:
    assert parse_every(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "5", "29s", "0m", "8d", "5 m", "5min", "-5m", "1.5h", "m", "9999999s", "5M", "\uff15m"]
)
def test_what_is_no_interval(text: str) -> None:
    with pytest.raises(IntentError, match="accepted: 30s to 7d"):
        parse_every(text)


@pytest.mark.parametrize("text", ["A", "-x", "a b", "a/b", "x" * 33, "a.b", "a\n"])
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(IntentError, match="--name"):
        parse_name(text)


@pytest.mark.parametrize("text", ["", "a b", "-x", "root\nUser=other", "0x"])
def test_what_is_no_user(text: str) -> None:
    with pytest.raises(IntentError, match="not the name of a user"):
        parse_user(text)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("/opt/vipbook", "/opt/vipbook"),
        ("", '""'),
        ("a b", '"a b"'),
        ("100%", '"100%%"'),
        ("$HOME", "$HOME"),
        ('a"b', '"a\\"b"'),
        ("a\\b", '"a\\\\b"'),
        ("a;b", '"a;b"'),
        ("a'b", '"a\'b"'),
        ("é", "é"),
    ],
)
def test_a_word(text: str, written: str) -> None:
    assert word(text) == written


def test_a_variable_of_a_command_line_is_text() -> None:
    assert word("$HOME", variables=True) == '"$$HOME"'
    schedule = replace(PLAIN, program="/opt/$x/vipbook", inventory="/etc/$y", state="/srv/$z")
    service = render_units(schedule)["vipbook-verify.service"]
    assert 'ExecStart=/opt/$x/vipbook verify --inventory "/etc/$$y"\n' in service
    assert "Environment=VIPBOOK_STATE=/srv/$z\n" in service
    assert "ReadWritePaths=/srv/$z\n" in service


BREAKS = ["a\nb", "a\r", "a\x00", "a\x1b[31m", "a\x85b", "a\u2028b", "a\udcff", "a\u202eb"]


@pytest.mark.parametrize("text", BREAKS)
def test_what_can_not_be_a_word(text: str) -> None:
    with pytest.raises(IntentError, match="without control characters"):
        word(text)


@pytest.mark.parametrize("text", BREAKS)
@pytest.mark.parametrize(
    "field", ["program", "inventory", "clusters", "reports", "notify", "user", "environment_file", "state"]
)
def test_nothing_begins_a_line_of_its_own(field: str, text: str) -> None:
    value = {"clusters": (f"/{text}",), "notify": (f"command:/{text}",), "reports": (("json", f"/{text}"),)}
    schedule = replace(PLAIN, **{field: value.get(field, f"/{text}")})
    with pytest.raises(IntentError, match="can't be written into a unit; name it without control characters"):
        render_units(schedule)


@pytest.mark.parametrize("path", ["/etc/x\\", "/etc/*.env", "/etc/x?", "/etc/[x]", "/etc/x ", "/etc/x\\y"])
def test_an_environment_file_that_systemd_would_take_for_another(path: str) -> None:
    with pytest.raises(IntentError, match=r"--environment-file .* means something else in a unit"):
        render_units(replace(PLAIN, environment_file=path))


@pytest.mark.parametrize("seconds", [-1.0, 86401.0, float("inf"), float("nan")])
def test_a_wait_that_no_unit_can_have(seconds: float) -> None:
    with pytest.raises(IntentError, match="accepted: 0 to 86400 seconds"):
        parse_wait(seconds)
    assert (parse_wait(None), parse_wait(15.0)) == (None, 15.0)


def test_the_command_and_the_files() -> None:
    units = render_units(PLAIN)
    assert list(units) == ["vipbook-verify.service", "vipbook-verify.timer"]
    assert all(text.startswith(MARKER + "\n") for text in units.values())
    assert (
        "ExecStart=/opt/vipbook/.venv/bin/vipbook verify --inventory /etc/vipbook\n" in units["vipbook-verify.service"]
    )
    assert "StateDirectory=vipbook\n" in units["vipbook-verify.service"]
    assert "OnUnitActiveSec=300s\n" in units["vipbook-verify.timer"]
    assert not [line for text in units.values() for line in text.splitlines() if line != line.rstrip()]


def test_everything_that_can_be_asked_for() -> None:
    service, timer = render_units(FULL).values()
    (command,) = re.findall(r"^ExecStart=(.*)$", service, re.MULTILINE)
    assert command == (
        '/opt/vipbook/.venv/bin/vipbook verify web db --inventory /etc/vipbook --wait 15 --report "prom:/srv/metrics/vip book.prom"'  # noqa: E501
        ' --report json:/srv/metrics/last.json --notify "command:/opt/tell me 100%%"'
    )
    assert "User=vipbook\n" in service
    assert "EnvironmentFile=/etc/vipbook/100%%.env\n" in service
    assert "Environment=VIPBOOK_STATE=/srv/state\n" in service
    assert "StateDirectory" not in service
    assert "ReadWritePaths=/srv/state /srv/metrics\n" in service
    assert "TimeoutStartSec=330\n" in service
    assert "every 5m: web, db" in timer


SERVICE = """\
[Unit]
Description=vipbook verify: all clusters
Wants=network-online.target
After=network-online.target
[Service]
Type=oneshot
ExecStart=/opt/vipbook/.venv/bin/vipbook verify --inventory /etc/vipbook
TimeoutStartSec=300
StateDirectory=vipbook
StateDirectoryMode=0700
UMask=0077
MemoryMax=1G
MemorySwapMax=0
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
DevicePolicy=closed
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
KeyringMode=private
RemoveIPC=yes
"""
TIMER = """\
[Unit]
Description=vipbook verify every 5m: all clusters
[Timer]
OnActiveSec=10s
OnBootSec=1min
OnUnitActiveSec=300s
RandomizedDelaySec=30s
AccuracySec=1s
[Install]
WantedBy=timers.target
"""


@pytest.mark.parametrize(("unit", "wanted"), [("service", SERVICE), ("timer", TIMER)])
def test_a_unit_as_a_whole(unit: str, wanted: str) -> None:
    text = render_units(PLAIN)[f"vipbook-verify.{unit}"]
    assert [line for line in text.splitlines() if line and not line.startswith("#")] == wanted.splitlines()
    assert text.endswith("\n")


@pytest.mark.parametrize(
    ("unit", "reasons"),
    [
        (
            "service",
            [
                "Exit status 0 holds, ",
                "systemd never runs it twice ",
                "A run on nine hosts takes ",
                "It opens SSH sessions and ",
            ],
        ),
        ("timer", ["Once soon after it is enabled ", "Many controllers, or many "]),
    ],
)
def test_what_is_chosen_has_its_reason(unit: str, reasons: list[str]) -> None:
    lines = render_units(PLAIN)[f"vipbook-verify.{unit}"].splitlines()[1:]
    blocks = groupby(lines, key=lambda line: line.startswith("#"))
    said = [" ".join(line.lstrip("# ") for line in block) for is_reason, block in blocks if is_reason]
    assert len(said) == len(reasons)
    assert all(each.startswith(reason) and each.endswith(".") for each, reason in zip(said, reasons, strict=True)), said


needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


def analysed(directory: Path, schedule: Schedule, *words: str) -> subprocess.CompletedProcess[str]:
    paths = []
    for name, text in render_units(schedule).items():
        (directory / name).write_text(text)
        paths.append(str(directory / name))
    chosen = paths if words[0] == "verify" else paths[:1]
    return subprocess.run(["systemd-analyze", *words, *chosen], capture_output=True, text=True, check=False)


@needs_systemd
@pytest.mark.parametrize(
    "schedule", [PLAIN, FULL, replace(PLAIN, inventory="/srv/a b;c$d%e'f\"g", state="/srv/a b;c$d%e'f\"g")]
)
def test_systemd_accepts_the_units(schedule: Schedule, tmp_path: Path) -> None:
    program = tmp_path / "vipbook"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    done = analysed(tmp_path, replace(schedule, program=str(program)), "verify", "--man=no")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_systemd
def test_the_service_is_hardened(tmp_path: Path) -> None:
    done = analysed(tmp_path, PLAIN, "security", "--offline=true", "--threshold=25")
    assert done.returncode == 0, done.stdout
