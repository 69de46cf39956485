"""The way back: run once, in time, after a boot too, and by nothing that hangs."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.change.undo import Undo, way_back
from tests.unit.change.ways_back import TAG, shell, undo_in


def test_the_way_back_takes_the_last_step_first_and_each_steps_lines_in_order(tmp_path: Path) -> None:
    armed, script = undo_in(tmp_path, ("echo 1a", "echo 1b"), (), ("echo 2a", "echo 2b"))
    assert armed.lines == ("echo 2a", "echo 2b", "echo 1a", "echo 1b")
    assert shell(script, tmp_path).stdout.split() == ["2a", "2b", "1a", "1b"]


@pytest.mark.parametrize("line", ["false", "exit 7", "cd /nowhere", "no-such-program"])
def test_it_goes_on_behind_a_line_that_fails_and_says_so(tmp_path: Path, line: str) -> None:
    _, script = undo_in(tmp_path, ("echo last",), (line,), ("echo first",))
    done = shell(script, tmp_path)
    assert done.stdout.split() == ["first", "last"]
    assert done.returncode == 1


def test_it_runs_once(tmp_path: Path) -> None:
    _, script = undo_in(tmp_path, ("echo done",))
    assert shell(script, tmp_path).returncode == 0
    again = shell(script, tmp_path)
    assert (again.returncode, again.stdout) == (1, "")


def test_without_its_directory_it_touches_nothing(tmp_path: Path) -> None:
    script = Undo(tag=TAG, lines=(f"touch {tmp_path}/touched",), after_s=1).script()
    done = shell(script.replace("/var/lib/vipbook", str(tmp_path / "gone")), tmp_path)
    assert done.returncode == 1
    assert not (tmp_path / "touched").exists()


HANGS = 'echo began; sh -c "sleep 60; echo overtaken > late" & wait\n'


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A shell with a step that hangs in a child of a child."""
    with subprocess.Popen(
        ["/bin/sh", "-s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(HANGS)
        process.stdin.close()
        assert process.stdout.readline() == "began\n"
        yield process
        process.kill()


def told(place: Path, pid: int) -> None:
    """What the change writes down of its shell."""
    tell = next(each for each in Undo(tag=TAG, lines=(), after_s=1).prepare() if each.key == "undo shell")
    assert tell.fragment is not None
    assert tell.fragment.endswith('"$$"')
    line = tell.fragment.replace("sudo -n ", "").replace("/var/lib/vipbook", str(place)).replace("$$", str(pid))
    assert shell(line, place).returncode == 0


def children(pid: int) -> list[int]:
    found = []
    for each in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            if f"\nPPid:\t{pid}\n" in each.read_text():
                found.append(int(each.parent.name))
    return found


def waited(process: subprocess.Popen[str], timeout: float = 5.0) -> int | None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.wait(timeout)
    return None


def test_a_step_that_hangs_is_ended_before_anything_is_put_back(tmp_path: Path, hanging: subprocess.Popen[str]) -> None:
    _, script = undo_in(tmp_path, ("echo undone",))
    told(tmp_path, hanging.pid)
    below = children(hanging.pid)
    deepest = [pid for each in below for pid in children(each)] or below
    assert deepest
    # Somebody has to reap it, as sshd does.
    reaper = threading.Thread(target=waited, args=(hanging, 10.0))
    reaper.start()
    done = shell(script, tmp_path)
    reaper.join()
    assert (done.returncode, done.stdout) == (0, "undone\n")
    assert hanging.returncode == -signal.SIGKILL
    assert not any(_runs(pid) for pid in (*below, *deepest))


def _runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_another_process_of_that_number_is_left_alone(tmp_path: Path, hanging: subprocess.Popen[str]) -> None:
    _, script = undo_in(tmp_path, ("echo undone",))
    told(tmp_path, hanging.pid)
    (tmp_path / f"undo-{TAG}" / "shell").write_text(f"{hanging.pid} 1\n")
    assert shell(script, tmp_path).stdout == "undone\n"
    assert waited(hanging, 0.2) is None
    assert _runs(hanging.pid)


def test_a_rollback_days_later_ends_nothing(tmp_path: Path, hanging: subprocess.Popen[str]) -> None:
    _, script = undo_in(tmp_path, ("echo undone",))
    told(tmp_path, hanging.pid)
    given = f"set -- undo-{TAG}\n{script}"
    assert shell(given, tmp_path).stdout == "undone\n"
    assert waited(hanging, 0.2) is None


def test_the_clock_is_systemds_and_nothing_secret_is_in_an_argument() -> None:
    undo = Undo(tag=TAG, lines=("echo hunter22",), after_s=77)
    assert undo.directory == f"/var/lib/vipbook/undo-{TAG}"
    clock = undo.arm()[-1]
    assert clock.argv[0] == "systemd-run"
    assert "--on-active=77" in clock.argv
    assert clock.argv[-1] == f"--unit=vipbook-undo-{TAG}.service"
    commands = (*undo.prepare(), *undo.arm(), *undo.run_now(), *undo.disarm(), *undo.clean())
    assert all(command.sudo for command in commands)
    assert not any("hunter22" in command.title for command in commands)
    script, unit = (command.feed for command in commands if command.feed)
    assert script == undo.script().encode()
    for line in ("ExecStart=/bin/sh ", "ConditionPathExists="):
        assert f"\n{line}{undo.directory}/undo.sh\n".encode() in (unit or b"")


UNIT = f"/etc/systemd/system/vipbook-undo-{TAG}.service"
WANTED = f"/etc/systemd/system/multi-user.target.wants/vipbook-undo-{TAG}.service"
PASSING = f"/run/systemd/system/vipbook-undo-{TAG}.service"


@pytest.mark.parametrize(("outlives", "units"), [(True, (WANTED, UNIT)), (False, (PASSING,))])
def test_a_boot_takes_back_what_outlives_one(*, outlives: bool, units: tuple[str, ...]) -> None:
    undo = way_back(TAG, [], 120, outlives_boot=outlives)
    by_key = {command.key: command for command in undo.arm()}
    assert by_key["undo unit"].argv[1] == f"of={units[-1]}"
    assert ("arm boot" in by_key) is outlives
    if outlives:
        assert by_key["arm boot"].argv == ("ln", "-s", UNIT, WANTED)
    # The copies are on the disk before a boot would use them, and all of it before the clock runs.
    keys = list(by_key)
    assert (keys[0], keys[-1]) == ("flush kept", "arm")
    # Whatever ends it takes the units away.
    for commands in (undo.disarm(), undo.keep(), undo.clean()):
        assert any(command.argv[0] == "rm" and set(units) <= set(command.argv) for command in commands)
    assert f"rm -f -- {' '.join(units)}\n" in undo.script()


def test_what_was_kept_is_flushed_and_the_boot_written_down(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("x")
    (tmp_path / "kept.link").symlink_to("/nowhere/at/all")
    flush = Undo(tag=TAG, lines=(), after_s=1).arm()[0].fragment
    assert flush is not None
    line = flush.replace("sudo -n ", "").replace(f"/var/lib/vipbook/undo-{TAG}", str(tmp_path))
    done = shell(line, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "boot").read_text() == Path("/proc/sys/kernel/random/boot_id").read_text()


def program(place: Path, name: str, body: str) -> None:
    (place / name).write_text(f"#!/bin/sh\n{body}\n")
    (place / name).chmod(0o755)


def undone(
    place: Path, boot: str | None, *, began: bool = False, argument: str = "", wants: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a way back in a directory that was made in this boot; `began`: it was run before, and cut short."""
    _, script = undo_in(place, ('echo "booted=$booted"', "test ! -e shell || echo shell"))
    directory = place / f"undo-{TAG}"
    if boot is not None:
        (directory / "boot").write_text(boot)
    (directory / "shell").write_text("1 1\n")
    if began:
        (directory / "ran").mkdir()
    program(place, "systemd-run", f'echo "$*" >> {place}/told')
    program(place, "systemctl", f"echo Wants=ssh.service {wants}")
    script = script.replace("PATH=/usr/sbin:", f"PATH={place}:/usr/sbin:", 1)
    return shell(f"set -- {argument}\n{script}" if argument else script, place)


NOW, EARLIER = Path("/proc/sys/kernel/random/boot_id").read_text(), "0000\n"


@pytest.mark.parametrize(
    ("boot", "began", "status", "out"),
    [
        (NOW, False, 0, "booted=\nshell\n"),
        # In this boot it runs once; in the next one it begins anew, and no process of the last one is left to be ended.
        (NOW, True, 1, ""),
        (EARLIER, False, 0, "booted=yes\n"),
        (EARLIER, True, 0, "booted=yes\n"),
        # Made by a release that wrote down no boot.
        (None, True, 1, ""),
    ],
)
def test_after_a_boot_it_begins_anew(tmp_path: Path, boot: str | None, status: int, out: str, *, began: bool) -> None:
    # The lines run from the last step to the first.
    done = undone(tmp_path, boot, began=began)
    assert done.returncode == status
    assert sorted(done.stdout.split()) == sorted(out.split())


def test_a_rollback_days_later_is_no_boot(tmp_path: Path) -> None:
    done = undone(tmp_path, EARLIER, argument=f"undo-{TAG}")
    assert "booted=\n" in done.stdout
    assert "shell" in done.stdout


NAME = f"vipbook-undo-{TAG}.service"


@pytest.mark.parametrize(
    ("wants", "argument", "told"),
    [
        # Read at a boot, or when a service was enabled since: systemd has to read again, once the script has ended.
        (NAME, "", "--on-active=1 systemctl daemon-reload\n"),
        ("", "", ""),
        (NAME.replace("abc", "abd"), "", ""),
        # A rollback, days later, runs the script of a unit that is long gone.
        (NAME, f"undo-{TAG}", ""),
    ],
)
def test_systemd_forgets_the_unit_where_it_knows_it(tmp_path: Path, wants: str, argument: str, told: str) -> None:
    assert undone(tmp_path, NOW, wants=wants, argument=argument).returncode == 0
    found = tmp_path / "told"
    assert (found.read_text() if found.exists() else "") == told


@pytest.mark.parametrize(("wants", "told"), [(NAME, "daemon-reload\n"), ("", "")])
def test_whoever_disarms_makes_systemd_forget(tmp_path: Path, wants: str, told: str) -> None:
    undo = way_back(TAG, [], 120)
    body = f'case $1 in show) echo Wants=ssh.service {wants} ;; *) echo "$*" >> {tmp_path}/told; exit 1 ;; esac'
    program(tmp_path, "systemctl", body)
    for commands in (undo.disarm(), undo.keep(), undo.clean()):
        (forget,) = [command for command in commands if command.key == "forget"]
        done = shell(f"PATH={tmp_path}:$PATH\n{(forget.fragment or '').replace('sudo -n ', '')}\n", tmp_path)
        # Nothing of it does harm: it is no reason to go back.
        assert done.returncode == 0
        found = tmp_path / "told"
        assert (found.read_text() if found.exists() else "") == told
        found.unlink(missing_ok=True)


def test_disarming_fails_when_the_server_has_already_gone_back() -> None:
    undo = Undo(tag=TAG, lines=(), after_s=1)
    keys = [command.key for command in undo.disarm()]
    wanted = ["stop timer", "still there", "not undone", "disarm", "clean"]
    assert [key for key in keys if key in wanted] == wanted
    assert undo.disarm()[2].argv == ("test", "!", "-e", f"{undo.directory}/ran")
