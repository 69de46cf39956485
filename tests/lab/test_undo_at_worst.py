"""The undo when the server is at its worst: full and read-only disks, a boot in the middle, users in its way.

That the timer begins it is shown in test_safety.py; here it is begun as vipbook does it, which takes less time.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import Fabric, eventually
from tests.lab.test_apply import CONFIG, leftovers, snapshot
from tests.lab.test_reboot import reboot
from tests.lab.test_safety import PRIORITY, until_reading_back

pytestmark = [pytest.mark.lab, pytest.mark.narrow]
STATE, RUN = "/var/lib/vipbook", "/run/vipbook"
BOOT_LINKS = "/etc/systemd/system/multi-user.target.wants"
SUM, SYNC, CMP, DATE = (f"/usr/bin/{name}" for name in ("sha256sum", "sync", "cmp", "date"))
JOURNAL = "journalctl -b -u 'vipbook-undo-*' -o cat --no-pager"
HOLD = """#!/bin/sh
case "$*" in
    {when}) touch /root/held; while [ -e /root/held ]; do sleep 0.1; done; exec {program} "$@" ;;
esac
exec {program}.real "$@"
"""


def sh(fabric: Fabric, script: str, *, check: bool = True) -> str:
    return fabric.shell("H2", "sh", "-c", script, check=check)


def replace_program(fabric: Fabric, program: str, text: str) -> None:
    """H2 runs this text in the place of the program, which is kept next to it."""
    new = f"[ -e {program}.real ] || cp -a {program} {program}.real && cat > {program}.new && chmod 755 {program}.new"
    fabric.shell("H2", "sh", "-c", f'printf "%s" "$1" | {{ {new} && mv {program}.new {program}; }}', "sh", text)


def hold(fabric: Fabric, program: str, when: str = "*") -> None:
    """Whoever runs the program on H2 with these arguments waits in it until `let_go`."""
    replace_program(fabric, program, HOLD.format(program=program, when=when))


def is_held(fabric: Fabric) -> None:
    eventually(lambda: sh(fabric, "ls /root/held", check=False), bool, timeout=60)


def let_go(fabric: Fabric, program: str, *, fails: bool = False) -> None:
    """Whoever waits in it goes on, with the program or with one that fails."""
    sh(fabric, f"mv {program}.real {program}")
    if fails:
        replace_program(fabric, program, "#!/bin/sh\nexit 1\n")
    sh(fabric, "rm /root/held")


def held(fabric: Fabric, directory: Path, *argv: str) -> subprocess.Popen[str]:
    """An apply that has changed H2 and waits there, in what writes down what the change left."""
    hold(fabric, SUM)
    running = fabric.variant(directory, PRIORITY).start("apply", "--yes", *argv)
    is_held(fabric)
    assert "priority 3" in sh(fabric, f"cat {CONFIG}")
    return running


def left_alone(fabric: Fabric, directory: Path) -> None:
    """H2 has its change, its undo is armed, and the machine that asked is gone."""
    running = held(fabric, directory)
    running.kill()
    running.communicate(timeout=30)


def begin_undo(fabric: Fabric) -> None:
    sh(fabric, "systemctl stop 'vipbook-undo-*.timer'")
    sh(fabric, f"cd {BOOT_LINKS} && systemctl start --no-block vipbook-undo-*.service")


def is_undone(fabric: Fabric) -> None:
    eventually(lambda: sh(fabric, f"ls -d {RUN}/undo-*/undone", check=False), bool, timeout=30)
    units = "systemctl list-units --all --no-legend 'vipbook-*'"
    eventually(lambda: sh(fabric, units), lambda text: not text, timeout=20)


@pytest.fixture
def worst(healthy: Fabric) -> Iterator[Fabric]:
    """H2, and what a test did to its directories and programs taken away again."""
    yield healthy
    for place in ("/etc", STATE, RUN):
        sh(healthy, f"while mountpoint -q {place}; do umount {place} || umount -l {place} || break; done")
    for program in (SUM, SYNC, CMP, DATE):
        sh(healthy, f"[ ! -e {program}.real ] || mv {program}.real {program}")
    # Only a test that failed leaves anything of an undo.
    sh(healthy, "systemctl stop 'vipbook-undo-*'", check=False)
    sh(healthy, f"rm -f {BOOT_LINKS}/vipbook-undo-* {BOOT_LINKS}/../vipbook-undo-* /root/held")
    sh(healthy, f"rm -f /etc/keepalived/.keepalived.conf.vipbook-*; rm -rf /root/etc {STATE}/undo-*")
    # The locks of those who were killed would last longer.
    for server in ("H1", "H2"):
        healthy.shell(server, "rm", "-rf", RUN)
    if "priority 3" in sh(healthy, f"cat {CONFIG}", check=False):
        healthy.vipbook("apply", "--yes")


SMALL = "mkdir -p {place} && mount -t tmpfs -o size={size}k,nr_inodes=64 small {place}"
SMALL_ETC = """
    cp -a /etc /root/etc && mount -t tmpfs -o size=$(($(du -sk /root/etc | cut -f1) + 600))k small /etc &&
    cp -a /root/etc/. /etc/
"""
# Bounded, should the mount be missing; neither data nor, where it is small, a name fits in any more.
FILL = """
    mountpoint -q {place} || exit 1
    dd if=/dev/zero of={place}/filler bs=4k count=512 2>/dev/null && exit 1
    for each in $(seq {names}); do touch {place}/filler.$each 2>/dev/null || break; done
    ! echo more 2>/dev/null > {place}/more
"""
EMPTY = "rm -f {place}/filler* {place}/more"
# By another mount on top of it: whoever writes there already, writes below.
READ_ONLY = "mount --bind {place} {place} && mount -o remount,bind,ro {place} && ! touch {place}/more 2>/dev/null"


@pytest.mark.parametrize(
    ("place", "before", "then"),
    [
        pytest.param(STATE, SMALL.format(size=512, place=STATE), FILL.format(place=STATE, names=64), id="state"),
        pytest.param(RUN, SMALL.format(size=64, place=RUN), FILL.format(place=RUN, names=64), id="run"),
        pytest.param("/etc", SMALL_ETC, FILL.format(place="/etc", names=0), id="etc"),
        pytest.param(STATE, SMALL.format(size=512, place=STATE), READ_ONLY.format(place=STATE), id="state-read-only"),
    ],
)
def test_it_needs_no_space_and_writes_nothing_but_what_it_restores(
    worst: Fabric, tmp_path: Path, place: str, before: str, then: str
) -> None:
    read_only = then == READ_ONLY.format(place=place)
    sh(worst, before)
    was = snapshot(worst, "H2")
    left_alone(worst, tmp_path)
    sh(worst, then)
    begin_undo(worst)
    is_undone(worst)
    sh(worst, EMPTY.format(place=place), check=False)
    assert snapshot(worst, "H2") == was
    assert "vipbook-undo" not in sh(worst, f"ls {BOOT_LINKS} {BOOT_LINKS}/..")
    assert bool(sh(worst, f"ls -d {STATE}/undo-*", check=False)) is read_only
    said = sh(worst, f"{JOURNAL} --since -1min")
    assert ("could not be removed; it holds what was kept" in said) is read_only
    assert "could not restore" not in said


def test_on_a_read_only_etc_it_says_what_is_missing_and_tries_until_it_is_restored(
    worst: Fabric, tmp_path: Path
) -> None:
    was = snapshot(worst, "H2")
    running = held(worst, tmp_path / "first", "--json", "--confirm-timeout", "30")
    sh(worst, READ_ONLY.format(place="/etc"))
    let_go(worst, SUM, fails=True)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 5, err
    assert f"not undone: restore {CONFIG}: mv: cannot move" in out
    assert "Read-only file system" in out
    assert "it tries again every 10 s: journalctl -u vipbook-undo-" in out
    assert f"could not restore {CONFIG}" in sh(worst, JOURNAL)
    # No second change comes in between, and it says why not.
    second = worst.variant(tmp_path / "second", ("priority: 1,", "priority: 4,"))
    refused = second.vipbook("apply", "--yes", "--json")
    assert refused.code == 4
    assert "an earlier change on this server is not undone yet: restore" in refused.out
    sh(worst, "umount -l /etc")
    is_undone(worst)
    assert leftovers(worst, "H2") == ""
    assert snapshot(worst, "H2") == was


def test_a_power_cut_while_it_can_not_be_restored_leaves_it_to_the_next_boot(worst: Fabric, tmp_path: Path) -> None:
    was = snapshot(worst, "H2")
    left_alone(worst, tmp_path)
    sh(worst, READ_ONLY.format(place="/etc"))
    begin_undo(worst)
    eventually(lambda: sh(worst, f"cat {RUN}/undo-*/status", check=False), bool, timeout=30)
    assert "priority 3" in sh(worst, f"cat {CONFIG}")
    reboot("H2")
    is_undone(worst)
    assert leftovers(worst, "H2") == ""
    # Its master may be the other server for a moment: nothing here depends on it.
    eventually(lambda: snapshot(worst, "H2") == was, bool, timeout=30)


def test_an_undo_that_comes_during_the_confirmation_restores_nothing(worst: Fabric, tmp_path: Path) -> None:
    hold(worst, SYNC, BOOT_LINKS)
    running = worst.variant(tmp_path, PRIORITY).start("apply", "--yes", "--json")
    is_held(worst)
    # systemd would not begin it any more: what was to be done at a boot is gone already. It is run without.
    sh(worst, f"systemd-run --unit=late-undo sh -c 'sh {STATE}/undo-*/undo.sh'")
    eventually(lambda: sh(worst, "pgrep -fx 'flock -w 30 9'", check=False), bool, timeout=8)
    let_go(worst, SYNC)
    _, err = running.communicate(timeout=120)
    assert running.returncode == 0, err
    eventually(lambda: leftovers(worst, "H2"), lambda text: not text, timeout=20)
    said = "journalctl -b -u late-undo -o cat --no-pager --since -1min"
    eventually(lambda: sh(worst, said), lambda text: "the change was confirmed; nothing is restored" in text, timeout=5)
    assert "priority 3" in sh(worst, f"cat {CONFIG}")
    assert worst.vipbook("apply", "--yes").code == 0


def test_a_confirmation_that_comes_during_the_undo_confirms_nothing(worst: Fabric, tmp_path: Path) -> None:
    was = snapshot(worst, "H2")
    hold(worst, CMP)
    running = worst.variant(tmp_path, PRIORITY).start("apply", "--yes", "--json")
    until_reading_back(running)
    sh(worst, f"cd {BOOT_LINKS} && systemctl start --no-block vipbook-undo-*.service")
    is_held(worst)
    eventually(lambda: sh(worst, "pgrep -fx 'flock -w 10 9'", check=False), bool, timeout=30)
    let_go(worst, CMP)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 4, err
    assert '"rolled-back"' in out
    assert '"as before"' in out
    assert leftovers(worst, "H2") == ""
    assert snapshot(worst, "H2") == was


def test_no_user_holds_the_lock_and_a_step_of_the_wall_clock_frees_none(worst: Fabric, tmp_path: Path) -> None:
    """As an older release left it: a user who opened the lock when it was open to all has it still."""
    for server in ("H1", "H2"):
        worst.shell(server, "sh", "-c", f"rm -rf {RUN}; install -d {RUN} && install -m 0644 /dev/null {RUN}/.mutex")
    sh(worst, f"systemd-run --uid=nobody --unit=holds flock {RUN}/.mutex sleep 300")
    try:
        eventually(
            lambda: sh(worst, f"flock -n {RUN}/.mutex echo free", check=False), lambda text: not text, timeout=10
        )
        running = held(worst, tmp_path / "first")
        for name in (".mutex", ".exclusive", "web.lock"):
            said = sh(worst, f"setpriv --reuid=nobody --clear-groups flock -n {RUN}/{name} true 2>&1", check=False)
            assert "Permission denied" in said
        replace_program(worst, DATE, f'#!/bin/sh\n[ "$*" != +%s ] || exec echo 4000000000\nexec {DATE}.real "$@"\n')
        refused = worst.variant(tmp_path / "second", ("priority: 1,", "priority: 4,")).vipbook("apply", "--yes")
        let_go(worst, SUM)
        _, err = running.communicate(timeout=120)
        assert refused.code == 1
        assert "web is locked on H" in refused.err
        assert running.returncode == 0, err
    finally:
        sh(worst, f"[ ! -e {DATE}.real ] || mv {DATE}.real {DATE}; systemctl stop holds")
    assert worst.vipbook("apply", "--yes").code == 0
