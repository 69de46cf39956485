"""The undo when the server is at its worst: full and read-only disks, a boot in the middle, users in its way."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import Fabric, eventually
from tests.lab.test_apply import CONFIG, leftovers, snapshot
from tests.lab.test_reboot import reboot
from tests.lab.test_safety import PRIORITY, until_reading_back

pytestmark = pytest.mark.lab
UNDO = "vipbook-undo-*.service"
SUM = "/usr/bin/sha256sum"


def sh(fabric: Fabric, script: str, *, check: bool = True) -> str:
    return fabric.shell("H2", "sh", "-c", script, check=check)


def held(fabric: Fabric, tmp_path: Path, seconds: int, *argv: str) -> subprocess.Popen[str]:
    """An apply that has changed H2 and is held there for so long: by what writes down what it left."""
    slow = f"#!/bin/sh\\nsleep {seconds}\\nexec {SUM}.real\\n"
    sh(fabric, f"cp -a {SUM} {SUM}.real && printf '{slow}' > {SUM}.new && chmod 755 {SUM}.new && mv {SUM}.new {SUM}")
    running = fabric.variant(tmp_path, PRIORITY).start("apply", "--yes", *argv)
    eventually(lambda: sh(fabric, f"pgrep -fx 'sleep {seconds}'", check=False), bool, timeout=60)
    assert "priority 3" in sh(fabric, f"cat {CONFIG}")
    sh(fabric, f"mv {SUM}.real {SUM}")
    return running


def left_alone(fabric: Fabric, tmp_path: Path, timeout_s: int) -> None:
    """H2 has its change, its undo is armed, and the machine that asked is gone."""
    running = held(fabric, tmp_path, 300, "--confirm-timeout", str(timeout_s))
    running.kill()
    running.communicate(timeout=30)
    # The lock that it held would last longer.
    for server in ("H1", "H2"):
        fabric.shell(server, "sh", "-c", "rm -f /run/vipbook/*.lock")


@pytest.fixture
def worst(healthy: Fabric) -> Iterator[Fabric]:
    """H2, and the mounts that a test put over its directories taken away again."""
    yield healthy
    for place in ("/etc", "/var/lib/vipbook", "/run/vipbook"):
        sh(healthy, f"while mountpoint -q {place}; do umount {place} || umount -l {place}; done", check=False)
    # Only a test that failed leaves anything of an undo.
    links = "/etc/systemd/system/multi-user.target.wants"
    sh(healthy, f"systemctl stop 'vipbook-undo-*'; rm -f {links}/vipbook-undo-* {links}/../vipbook-undo-*", check=False)
    sh(healthy, f"[ ! -e {SUM}.real ] || mv {SUM}.real {SUM}", check=False)
    sh(healthy, "rm -f /etc/keepalived/.keepalived.conf.vipbook-*", check=False)
    sh(healthy, "rm -rf /root/etc /var/lib/vipbook/undo-* /run/vipbook", check=False)
    healthy.vipbook("apply", "--yes")


FILL = "dd if=/dev/zero of={place}/filler bs=1k 2>/dev/null; ! touch {place}/more 2>/dev/null"
SMALL = "mount -t tmpfs -o size={size}k small {place}"
ETC_SMALL = """
    cp -a /etc /root/etc
    mount -t tmpfs -o size=$(($(du -sk /root/etc | cut -f1) + 400))k small /etc
    cp -a /root/etc/. /etc/
"""
WORST = {
    "state full": (SMALL.format(size=512, place="/var/lib/vipbook"), FILL.format(place="/var/lib/vipbook")),
    "state read-only": (
        SMALL.format(size=512, place="/var/lib/vipbook"),
        "mount -o remount,ro /var/lib/vipbook; ! touch /var/lib/vipbook/more 2>/dev/null",
    ),
    "run full": (
        f"rm -rf /run/vipbook; mkdir /run/vipbook; {SMALL.format(size=64, place='/run/vipbook')}",
        FILL.format(place="/run/vipbook"),
    ),
    "etc full": (
        ETC_SMALL,
        FILL.format(place="/etc"),
    ),
}


@pytest.mark.parametrize(("before", "then"), WORST.values(), ids=WORST)
def test_it_needs_no_space_and_writes_nothing_but_what_it_restores(
    worst: Fabric, tmp_path: Path, before: str, then: str
) -> None:
    sh(worst, before)
    was = snapshot(worst, "H2")
    left_alone(worst, tmp_path, 30)
    sh(worst, then)
    began = time.monotonic()
    eventually(lambda: CONFIG in sh(worst, f"grep -l 'priority 1$' {CONFIG}", check=False), bool, timeout=60)
    assert time.monotonic() - began < 50
    eventually(lambda: sh(worst, f"systemctl list-units --all --no-legend '{UNDO}'"), lambda text: not text, timeout=20)
    now = snapshot(worst, "H2")
    now["others"] = now["others"].replace("filler\n", "")
    assert now == was
    assert not sh(worst, "ls /etc/systemd/system/multi-user.target.wants | grep vipbook-undo", check=False)
    said = sh(worst, f"journalctl -b -u '{UNDO}' -o cat --no-pager --since -2min")
    assert ("could not be removed; it holds what was kept" in said) is ("remount,ro" in then)


def test_on_a_read_only_etc_it_says_what_is_missing_and_tries_until_it_is_restored(
    worst: Fabric, tmp_path: Path
) -> None:
    was = snapshot(worst, "H2")
    other = worst.variant(tmp_path, PRIORITY)
    running = held(worst, tmp_path / "held", 10, "--json", "--confirm-timeout", "60")
    sh(worst, "mount --bind /etc /etc && mount -o remount,bind,ro /etc && systemctl stop keepalived")
    out, err = running.communicate(timeout=200)
    assert running.returncode == 5, err
    assert f"not undone: restore {CONFIG}: mv: cannot move" in out
    assert "Read-only file system" in out
    assert "it tries again every 10 s: journalctl -u vipbook-undo-" in out
    assert f"could not restore {CONFIG}" in sh(worst, f"journalctl -b -u '{UNDO}' -o cat --no-pager")
    # No second change comes in between, and says why not.
    refused = other.vipbook("apply", "--yes", "--json")
    assert refused.code == 4
    assert "an earlier change on this server is not undone yet: restore" in refused.out
    sh(worst, "mount -o remount,bind,rw /etc; umount -l /etc")
    eventually(lambda: leftovers(worst, "H2"), lambda text: not text, timeout=60)
    assert snapshot(worst, "H2") == was


def test_a_power_cut_while_it_can_not_be_restored_leaves_it_to_the_next_boot(worst: Fabric, tmp_path: Path) -> None:
    was = snapshot(worst, "H2")
    left_alone(worst, tmp_path, 20)
    sh(worst, "mount --bind /etc /etc && mount -o remount,bind,ro /etc")
    eventually(lambda: sh(worst, "ls /run/vipbook/undo-*/status", check=False), bool, timeout=60)
    reboot("H2")
    eventually(lambda: leftovers(worst, "H2"), lambda text: not text, timeout=60)
    assert worst.vipbook("verify", "--wait", "60").code == 0
    assert snapshot(worst, "H2") == was


def test_whichever_of_confirmation_and_undo_is_first_what_is_reported_is_what_is_there(
    worst: Fabric, tmp_path: Path
) -> None:
    was = snapshot(worst, "H2")
    running = worst.variant(tmp_path, PRIORITY).start("apply", "--yes", "--json", "--confirm-timeout", "120")
    until_reading_back(running)
    sh(worst, "cd /etc/systemd/system; for each in vipbook-undo-*.service; do systemctl start $each; done", check=False)
    out, err = running.communicate(timeout=200)
    eventually(lambda: leftovers(worst, "H2"), lambda text: not text, timeout=30)
    assert running.returncode in {0, 4}, err
    assert ('"rolled-back"' in out) is (running.returncode == 4)
    assert (snapshot(worst, "H2") == was) is (running.returncode == 4)
    assert worst.vipbook("apply", "--yes").code == 0


def test_no_user_holds_the_lock_and_a_step_of_the_wall_clock_frees_none(worst: Fabric, tmp_path: Path) -> None:
    """As an older release left it: a user who opened the lock when it was open to all has it still."""
    for server in ("H1", "H2"):
        worst.shell(
            server, "sh", "-c", "install -d -m 0755 /run/vipbook && install -m 0644 /dev/null /run/vipbook/.mutex"
        )
    hold = "su -s /bin/sh nobody -c 'flock {} {} sleep 300'"
    sh(worst, f"systemd-run --unit=holds {hold.format('', '/run/vipbook/.mutex')}")
    eventually(
        lambda: sh(worst, "fuser /run/vipbook/.mutex 2>/dev/null || pgrep -u nobody sleep", check=False),
        bool,
        timeout=10,
    )
    date = "/usr/bin/date"
    try:
        running = held(worst, tmp_path, 20, "--confirm-timeout", "60")
        for name in (".mutex", ".exclusive", "web.lock"):
            assert sh(worst, f"{hold.format('-n', f'/run/vipbook/{name}')} 2>&1; true").count("Permission denied") == 1
        lie = f'#!/bin/sh\\ncase "$*" in +%s) echo 4000000000 ;; *) exec {date}.real "$@" ;; esac\\n'
        sh(
            worst,
            f"cp -a {date} {date}.real && printf '{lie}' > {date}.new && chmod 755 {date}.new && mv {date}.new {date}",
        )
        refused = worst.variant(tmp_path / "second", ("priority: 1,", "priority: 4,")).vipbook("apply", "--yes")
        running.communicate(timeout=200)
        assert refused.code == 1
        assert "web is locked on H" in refused.err
        assert running.returncode == 0
    finally:
        sh(worst, f"[ ! -e {date}.real ] || mv {date}.real {date}; systemctl stop holds", check=False)
    assert worst.vipbook("apply", "--yes").code == 0
