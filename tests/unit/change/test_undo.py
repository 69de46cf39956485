"""The undo: once, in time, after a boot too, until all of it is restored, and by no step that hangs."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.change.files import keep, put_back
from tasks.change.undo import CONFIRMED, RETRY_S, Undo, way_back
from tasks.model.plan import Step
from tests.unit.change.ways_back import TAG, Root, undo_of


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root(tmp_path)


def said(root: Root) -> list[str]:
    """What the lines of the undo wrote down."""
    found = root.path / "said"
    return found.read_text().split() if found.exists() else []


def echo(root: Root, word: str) -> str:
    return f"echo {word} >> {root.path}/said"


def test_the_last_step_comes_first_and_each_steps_lines_in_order(root: Root) -> None:
    undo = undo_of((echo(root, "1a"), echo(root, "1b")), (), (echo(root, "2a"), echo(root, "2b")))
    root.armed(undo)
    assert root.undone().returncode == 0
    assert said(root) == ["2a", "2b", "1a", "1b"]
    # Nothing is left of it but the word that it is undone.
    assert (root.directory().exists(), root.linked(), root.state()) == (False, False, {"undone"})
    assert not list((root.path / "etc/systemd/system").glob("*.service"))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("false", ""),
        ("exit 7", ""),
        ("cd /nowhere", "can't cd to /nowhere"),
        ("no-such-program", "not found"),
        ("echo it says why; exit 1", "it says why"),
    ],
)
def test_it_goes_on_after_a_line_that_fails_and_says_which(root: Root, line: str, why: str) -> None:
    root.armed(undo_of((echo(root, "last"),), (line,), (echo(root, "first"),)))
    done = root.undone()
    assert said(root) == ["first", "last"]
    # systemd tries again.
    assert done.returncode == 1
    assert root.linked()
    assert root.state() >= {"undoing", "status"}
    status = (root.path / f"run/vipbook/undo-{TAG}/status").read_text()
    for text in (status, done.stderr):
        assert f"undo 'step 2' ({line})" in text
        assert why in text


def test_a_line_that_failed_is_tried_again_and_no_other_is_repeated(root: Root) -> None:
    root.armed(undo_of((echo(root, "one"),), (f"test -e {root.path}/well", echo(root, "two")), (echo(root, "three"),)))
    assert root.undone().returncode == 1
    assert root.undone().returncode == 1
    # What comes after a line that fails belongs to it: a reload of the file that is not restored yet.
    assert said(root) == ["three", "two", "one", "two"]
    (root.path / "well").touch()
    assert root.undone().returncode == 0
    assert said(root)[4:] == ["two"]


def test_what_compares_with_before_is_done_once_however_often_another_line_fails(root: Root) -> None:
    """What others changed since then would be lost each time."""
    last = (f"echo one >> {root.path}/said; test -e {root.path}/well", echo(root, "two"))
    undo = way_back(TAG, [Step(topic="x", summary="step 1", undo=("false",))], 120, last)
    root.armed(undo)
    assert root.undone().returncode == 1
    assert root.undone().returncode == 1
    assert said(root) == ["one", "two", "one"]
    (root.path / "well").touch()
    assert root.undone().returncode == 1
    assert root.undone().returncode == 1
    assert said(root) == ["one", "two", "one", "one"]


def test_without_space_in_run_no_line_is_repeated(root: Root) -> None:
    root.armed(undo_of(("false",), (echo(root, "inserted"),)))
    root.program("mkdir", "echo 'No space left on device' >&2; exit 1")
    for _ in range(3):
        assert root.undone().returncode == 1
    assert said(root) == ["inserted"]


def test_a_line_that_hangs_keeps_no_other_from_running(root: Root) -> None:
    root.program("timeout", 'shift 3; exec /usr/bin/timeout -k 0.1 0.3 "$@"')
    root.armed(undo_of((echo(root, "last"),), ("sleep 60",)))
    assert root.undone().returncode == 1
    assert said(root) == ["last"]


def test_it_is_undone_once(root: Root) -> None:
    root.armed(undo_of((echo(root, "done"),)))
    script = root.directory() / "undo.sh"
    copy = root.path / "copy.sh"
    copy.write_bytes(script.read_bytes())
    assert root.undone().returncode == 0
    again = subprocess.run(["/bin/sh", copy], text=True, capture_output=True, check=False)
    assert again.returncode == 0
    assert "nothing is restored" in again.stderr
    assert said(root) == ["done"]


@pytest.mark.parametrize("upto", ["undo script", "undo shell", "flush kept"])
def test_what_was_never_armed_is_not_undone(root: Root, upto: str) -> None:
    undo = undo_of((echo(root, "touched"),))
    commands = [*undo.prepare(), *undo.arm()]
    keys = [each.key for each in commands]
    root.do(commands[: keys.index(upto) + 1])
    done = root.undone()
    assert (done.returncode, said(root)) == (0, [])
    assert "nothing is restored" in done.stderr
    assert root.do([undo.ended(), undo.clean()])["clean"].status == 0
    assert not root.directory().exists()


def test_without_its_directory_it_touches_nothing_and_is_not_over(root: Root) -> None:
    root.armed(undo_of((echo(root, "touched"),)))
    copy = root.path / "copy.sh"
    copy.write_bytes((root.directory() / "undo.sh").read_bytes())
    root.directory().rename(root.path / "away")
    done = subprocess.run(["/bin/sh", copy], text=True, capture_output=True, check=False)
    assert (done.returncode, said(root)) == (1, [])
    assert f"could not read {root.directory()}: it is not there" in done.stderr
    (root.path / "away").rename(root.directory())
    assert root.undone().returncode == 0
    assert said(root) == ["touched"]


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


def noted(root: Root, pid: int) -> None:
    """As if that process had made the change."""
    since = Path(f"/proc/{pid}/stat").read_text().split()[21]
    (root.path / f"run/vipbook/undo-{TAG}/shell").write_text(f"{pid} {since}\n")


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


def test_a_step_that_hangs_is_ended_before_anything_is_restored(root: Root, hanging: subprocess.Popen[str]) -> None:
    root.armed(undo_of((echo(root, "undone"),)))
    noted(root, hanging.pid)
    below = children(hanging.pid)
    deepest = [pid for each in below for pid in children(each)] or below
    assert deepest
    # Something has to reap it, as sshd does.
    reaper = threading.Thread(target=waited, args=(hanging, 10.0))
    reaper.start()
    done = root.undone()
    reaper.join()
    assert (done.returncode, said(root)) == (0, ["undone"]), done.stderr
    assert hanging.returncode == -signal.SIGKILL
    assert not any(_runs(pid) for pid in (*below, *deepest))


def _runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_the_process_that_makes_the_change_is_written_down(root: Root) -> None:
    undo = undo_of()
    root.do(undo.prepare())
    pid, since = (root.path / f"run/vipbook/undo-{TAG}/shell").read_text().split()
    assert int(pid) > 1
    assert int(since) > 1


def test_another_process_of_that_number_is_left_alone(root: Root, hanging: subprocess.Popen[str]) -> None:
    root.armed(undo_of((echo(root, "undone"),)))
    (root.path / f"run/vipbook/undo-{TAG}/shell").write_text(f"{hanging.pid} 1\n")
    assert root.undone().returncode == 0
    assert said(root) == ["undone"]
    assert waited(hanging, 0.2) is None
    assert _runs(hanging.pid)


def test_a_rollback_days_later_ends_nothing_and_decides_nothing(root: Root, hanging: subprocess.Popen[str]) -> None:
    undo = undo_of((echo(root, "undone"), 'echo "$backup" >> @/said'.replace("@", str(root.path))))
    root.armed(undo)
    assert root.do([undo.confirm(keep=True)])["confirm"].status == 0
    script = root.path / "var/lib/vipbook/backups" / TAG / "undo.sh"
    for _ in range(2):
        argv = ["/bin/sh", script, f"backups/{TAG}"]
        assert subprocess.run(argv, text=True, capture_output=True, check=False).returncode == 0
    assert said(root) == ["undone", f"backups/{TAG}"] * 2
    assert script.exists()
    assert waited(hanging, 0.2) is None


def test_the_clock_is_systemds_and_nothing_secret_is_in_an_argument() -> None:
    undo = undo_of(("echo hunter22",))
    assert undo.directory == f"/var/lib/vipbook/undo-{TAG}"
    clock = undo.arm()[-2]
    assert clock.argv[0] == "systemd-run"
    assert "--on-active=120" in clock.argv
    assert clock.argv[-1] == f"--unit=vipbook-undo-{TAG}.service"
    commands = (*undo.prepare(), *undo.arm(), *undo.run_now(1.0), undo.confirm(keep=True), undo.clean())
    assert all(command.sudo for command in commands)
    assert not any("hunter22" in command.title for command in commands)
    script, _, unit = (command.feed for command in commands if command.feed is not None)
    assert script == undo.script().encode()
    started = f"ExecStart=/bin/sh {undo.directory}/undo.sh"
    conditions = [f"ConditionPathIsSymbolicLink=|{WANTED}"]
    conditions += [f"ConditionPathExists=|/run/vipbook/undo-{TAG}/{state}" for state in ("armed", "undoing")]
    for line in (started, *conditions, "Restart=on-failure", f"RestartSec={RETRY_S}"):
        assert f"\n{line}\n".encode() in (unit or b"")
    # With /var away it goes on trying: that is no condition.
    assert (unit or b"").count(undo.directory.encode()) == 1
    # systemd 219 refuses a oneshot that is to be restarted.
    assert b"oneshot" not in (unit or b"")


UNIT = f"/etc/systemd/system/vipbook-undo-{TAG}.service"
WANTED = f"/etc/systemd/system/multi-user.target.wants/vipbook-undo-{TAG}.service"
PASSING = f"/run/systemd/system/vipbook-undo-{TAG}.service"


@pytest.mark.parametrize(("outlives", "unit"), [(True, UNIT), (False, PASSING)])
def test_a_boot_undoes_what_outlives_one(root: Root, *, outlives: bool, unit: str) -> None:
    undo = undo_of((echo(root, "undone"),), outlives_boot=outlives)
    by_key = {command.key: command for command in undo.arm()}
    assert by_key["undo unit"].argv[1] == f"of={unit}"
    assert ("arm boot" in by_key) is outlives
    # The copies are on the disk before anything counts, all of it before the clock runs, and that before it is armed:
    # what is armed and has no clock would keep every later change from beginning.
    keys = list(by_key)
    assert (keys[0], keys[1], keys[-2], keys[-1]) == ("flush kept", "undo unit", "arm", "armed")
    root.armed(undo)
    assert root.linked() is outlives
    assert Path(root.here(unit)).exists()
    assert root.undone().returncode == 0
    assert not root.linked()
    assert not Path(root.here(unit)).exists()


def test_after_a_boot_it_is_undone_from_the_beginning_and_knows_that_it_was_booted(root: Root) -> None:
    root.armed(undo_of((f'echo "booted=$booted" >> {root.path}/said',), ("false",), (echo(root, "first"),)))
    assert root.undone().returncode == 1
    assert said(root) == ["first", "booted="]
    root.boot()
    # The attempts after the first one know it, too.
    for _ in range(2):
        assert root.undone().returncode == 1
    assert said(root)[2:] == ["first", "booted=yes"]


def test_who_emptied_run_did_not_confirm(root: Root) -> None:
    """A drill's undo does not outlive a boot, but its unit says that it is armed."""
    for undo in (undo_of((echo(root, "undone"),)), undo_of((echo(root, "undone"),), outlives_boot=False)):
        root.armed(undo)
        subprocess.run(["rm", "-rf", root.path / "run/vipbook"], check=True)
        confirmed = root.do([undo.confirm(keep=True)])["confirm"]
        assert (confirmed.status, confirmed.stderr.count("no change is armed here any more")) == (1, 1)
        assert root.undone().returncode == 0
    assert said(root) == ["undone"] * 2


def test_a_boot_after_the_confirmation_undoes_nothing(root: Root) -> None:
    undo = undo_of((echo(root, "undone"),))
    root.armed(undo)
    script = (root.directory() / "undo.sh").read_bytes()
    assert root.do([undo.confirm(keep=True)])["confirm"].status == 0
    assert not root.linked()
    root.boot()
    (root.path / "copy.sh").write_bytes(script)
    done = subprocess.run(["/bin/sh", root.path / "copy.sh"], text=True, capture_output=True, check=False)
    assert (done.returncode, said(root)) == (0, [])


NAME = f"vipbook-undo-{TAG}.service"
KNOWS = 'case $1 in show) echo Wants=ssh.service {} ;; *) echo "systemctl $*" >> {}/systemd; exit 1 ;; esac'


@pytest.mark.parametrize(
    ("wants", "forgets"), [(NAME, True), ("", False), (NAME.replace("abc", "abd"), False)], ids=["known", "no", "other"]
)
def test_systemd_forgets_the_unit_where_it_knows_it(root: Root, wants: str, *, forgets: bool) -> None:
    """Read at a boot, or when a service was enabled since: later, once the script has ended."""
    root.program("systemctl", KNOWS.format(wants, root.path))
    root.armed(undo_of())
    assert root.undone().returncode == 0
    assert ("systemd-run --on-active=1 systemctl daemon-reload" in (root.path / "systemd").read_text()) is forgets


@pytest.mark.parametrize(("wants", "forgets"), [(NAME, True), ("", False)])
@pytest.mark.parametrize("how", ["keep", "drop", "clean"])
def test_what_ends_it_makes_systemd_forget(root: Root, wants: str, how: str, *, forgets: bool) -> None:
    root.program("systemctl", KNOWS.format(wants, root.path))
    undo = undo_of()
    root.armed(undo)
    if how == "clean":
        root.undone()
    command = undo.clean() if how == "clean" else undo.confirm(keep=how == "keep")
    # Nothing of it does harm, although systemctl fails: it is no reason to go back.
    assert root.do([command])[command.key].status == 0
    text = (root.path / "systemd").read_text()
    assert f"systemctl stop vipbook-undo-{TAG}.timer" in text
    assert ("systemctl daemon-reload\n" in text.replace("systemd-run --on-active=1 systemctl daemon-reload\n", "")) is (
        forgets
    )


def test_undoing_needs_no_systemd(root: Root) -> None:
    undo = undo_of((echo(root, "undone"),))
    root.armed(undo)
    root.program("systemctl", "echo 'Failed to connect to bus' >&2; exit 1")
    done = root.do(undo.run_now(5.0))
    assert done["undone"].status == 0
    assert said(root) == ["undone"]


def test_what_is_not_undone_in_time_is_said_and_is_not_cleaned_away(root: Root) -> None:
    undo = undo_of(("echo why it fails >&2; false",))
    root.armed(undo)
    root.program("systemctl", f'[ "$1" != start ] || sh {root.directory()}/undo.sh || true')
    assert root.do([undo.ended()])["undone"].stderr.strip() == "the undo has not ended"
    done = root.do(undo.run_now(0.3))["undone"]
    assert done.status == 1
    assert "undo 'step 1' (echo why it fails >&2; false): why it fails" in done.stderr
    clean = root.do([undo.clean()])["clean"]
    assert (clean.status, clean.stderr.strip()) == (1, "the change is not undone yet")
    assert root.linked()


def test_the_confirmation_that_came_first_wins_and_the_undo_says_so(root: Root) -> None:
    undo = undo_of((echo(root, "undone"),))
    root.armed(undo)
    root.directory().joinpath("copy.sh").write_bytes((root.directory() / "undo.sh").read_bytes())
    assert root.do([undo.confirm(keep=True)])["confirm"].status == 0
    backup = root.path / "var/lib/vipbook/backups" / TAG
    done = subprocess.run(["/bin/sh", backup / "copy.sh"], text=True, capture_output=True, check=False)
    assert (done.returncode, said(root)) == (0, [])
    assert "the change was confirmed; nothing is restored" in done.stderr
    # The operator whose connection broke learns it, in this boot and in the next.
    assert root.do([undo.ended()])["undone"].status == CONFIRMED
    root.boot()
    assert root.do([undo.ended()])["undone"].status == CONFIRMED


def test_the_undo_that_came_first_wins_and_the_confirmation_says_so(root: Root) -> None:
    undo = undo_of((echo(root, "undone"),))
    root.armed(undo)
    assert root.undone().returncode == 0
    done = root.do([undo.confirm(keep=True)])["confirm"]
    assert done.status == 1
    assert "the server has undone the change, or begun to" in done.stderr
    assert not (root.path / "var/lib/vipbook/backups").exists()


def test_the_link_of_the_boot_is_gone_before_it_is_confirmed_or_it_is_not(root: Root) -> None:
    undo = undo_of((echo(root, "undone"),))
    root.armed(undo)
    root.program("rm", "echo 'Read-only file system' >&2; exit 1")
    done = root.do([undo.confirm(keep=True)])["confirm"]
    assert (done.status, root.state()) == (1, {"armed"})
    (root.bin / "rm").unlink()
    assert root.undone().returncode == 0
    assert said(root) == ["undone"]


@pytest.mark.parametrize("program", ["mv", "systemctl"])
def test_what_can_not_be_tidied_up_is_said_and_it_is_confirmed(root: Root, program: str) -> None:
    undo = undo_of()
    root.armed(undo)
    real = f'case "$*" in *backups*) exit 1 ;; esac; exec /bin/{program} "$@"'
    root.program(program, real if program == "mv" else "exit 1")
    done = root.do([undo.confirm(keep=True)])["confirm"]
    assert (done.status, root.state()) == (0, {"confirmed"})
    assert ("no backup was made" in done.stderr) is (program == "mv")


def test_five_backups_stay(root: Root) -> None:
    backups = root.path / "var/lib/vipbook/backups"
    for day in range(1, 8):
        (backups / f"2025010{day}T000000-abc123").mkdir(parents=True)
    undo = undo_of()
    root.armed(undo)
    assert root.do([undo.confirm(keep=True)])["confirm"].status == 0
    assert sorted(each.name[:8] for each in backups.iterdir()) == [
        *(f"2025010{day}" for day in range(4, 8)),
        "20260101",
    ]
    assert backups.stat().st_mode & 0o777 == 0o700


def other(tag: str) -> Undo:
    return Undo(tag=tag, after_s=120)


@pytest.mark.parametrize(
    ("earlier", "refused"),
    [
        ("armed", True),
        ("undoing", True),
        ("booted", True),
        ("confirmed", False),
        ("undone", False),
        ("never armed", False),
    ],
)
def test_no_second_undo_while_an_earlier_one_may_restore_its_files(root: Root, earlier: str, *, refused: bool) -> None:
    path = root.path / "etc/x.conf"
    path.write_text("old\n")
    undo = undo_of(("false",), (put_back(str(path)),), files=(str(path),))
    keeping = [keep(str(path), undo.directory, TAG)]
    if earlier == "never armed":
        root.do((*undo.prepare(), *keeping))
    else:
        root.armed(undo if earlier != "undone" else undo_of((put_back(str(path)),), files=undo.files), keeping)
    if earlier in {"undoing", "undone"}:
        root.undone()
    if earlier == "confirmed":
        root.do([undo.record(), undo.confirm(keep=True)])
    if earlier == "booted":
        root.boot()
    done = root.do(other("20260102T000000-abc123").prepare())
    assert (done["no other undo"].status != 0) is refused, done
    if refused:
        assert "an earlier change on this server is not undone yet" in done["no other undo"].stderr
        assert list(done) == ["no other undo"]
    else:
        # No copy of a password stays behind.
        assert not root.directory().exists()
        assert {each.name for each in (root.path / "etc").iterdir()} == {"systemd", "x.conf"}


SPOILED = {
    "no-script": lambda place: (place / "undo.sh").unlink(),
    "script-cut-short": lambda place: (place / "undo.sh").write_text("line() {\n"),
    "empty-script": lambda place: (place / "undo.sh").write_text(""),
    "no-checksums": lambda place: (place / "left").write_text(""),
    "half-a-checksum": lambda place: (place / "left").write_text((place / "left").read_text()[:40]),
    "of-another-file": lambda place: (place / "left").write_text((place / "left").read_text().replace("x.conf", "y")),
    "no-list": lambda place: (place / "files").unlink(),
    "no-copy": lambda place: next(place.glob("*x.conf")).unlink(),
}


@pytest.mark.parametrize("how", [None, *SPOILED])
def test_what_a_power_cut_left_is_a_backup_when_it_is_whole(root: Root, how: str | None) -> None:
    """The confirmation was on the disk, and the name of the backup was not."""
    path = root.path / "etc/x.conf"
    path.write_text("old\n")
    undo = undo_of((put_back(str(path)),), files=(str(path),))
    root.armed(undo, [keep(str(path), undo.directory, TAG)])
    root.do([undo.record()])
    root.program("mv", 'case "$*" in *backups*) exit 1 ;; esac; exec /bin/mv "$@"')
    assert root.do([undo.confirm(keep=True)])["confirm"].status == 0
    (root.bin / "mv").unlink()
    root.boot()
    if how is not None:
        SPOILED[how](root.directory())
    done = root.do(other("20260102T000000-abc123").prepare())
    assert done["no other undo"].status == 0
    assert not root.directory().exists()
    backup = root.path / "var/lib/vipbook/backups" / TAG
    assert backup.exists() is (how is None)
    if how is None:
        path.write_text("new\n")
        subprocess.run(["/bin/sh", backup / "undo.sh", f"backups/{TAG}"], check=True)
        assert path.read_text() == "old\n"


@pytest.mark.parametrize("how", ["drop", "clean", "begin"])
def test_what_was_kept_and_can_not_be_removed_is_said(root: Root, how: str) -> None:
    """It may hold a password."""
    undo = undo_of()
    if how == "begin":
        root.do(undo.prepare())
    else:
        root.armed(undo)
    root.program("rm", 'case "$*" in *lib/vipbook/undo-*) echo "rm: Read-only" >&2; exit 1 ;; esac; exec /bin/rm "$@"')
    if how == "clean":
        root.undone()
    commands = {"drop": undo.confirm(keep=False), "clean": undo.clean(), "begin": other("2").prepare()[0]}
    done = root.do([commands[how]])[commands[how].key]
    assert (done.status, root.directory().exists()) == (0, True)
    assert f"{root.directory()} could not be removed; it holds what was kept, a password too" in done.stderr
