"""The lock as a shell really keeps it: one holder, a lease by a clock that no step moves, and for root alone."""

from __future__ import annotations

import fcntl
import os
import re
import stat
import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from tasks.change.lock import HELD, SERVER, Holder, Lock, parse_holder
from tasks.intent.schema import ClusterName
from tasks.model.answer import Command

FIRST = Lock(clusters=("web", "db"), holder=Holder(who="one@ops", doing="apply", since="now"), token="1-aa", lease_s=60)
SECOND = replace(FIRST, holder=replace(FIRST.holder, who="two@ops"), token="2-bb")
CLOCK = 'case "$*" in +%s) exec /bin/date +%s -d "{} seconds" ;; esac; exec /bin/date "$@"'


def run(command: Command, place: Path) -> subprocess.CompletedProcess[str]:
    line = command.fragment or command.title.removeprefix("sudo ")
    line = line.replace("sudo -n ", "").replace("/run/vipbook", str(place / "vipbook"))
    for name in ("uptime", "sys/kernel/random/boot_id"):
        # The clock of the test's server, where there is one.
        fake = place / name.rpartition("/")[2]
        line = line.replace(f"/proc/{name}", str(fake)) if fake.exists() else line
    path = f"PATH={place}/bin:$PATH\n"
    return subprocess.run(["/bin/sh", "-c", path + line], text=True, capture_output=True, check=False)


def take(lock: Lock, place: Path) -> list[subprocess.CompletedProcess[str]]:
    directory, *each = lock.take()
    assert run(directory, place).returncode == 0
    return [run(command, place) for command in each]


def renew(lock: Lock, place: Path, lease_s: int | None = None) -> list[int]:
    return statuses([run(command, place) for command in lock.renew(lease_s)])


def statuses(done: list[subprocess.CompletedProcess[str]]) -> list[int]:
    return [each.returncode for each in done]


def wall_clock(place: Path, shift_s: int) -> None:
    """A `date` that is wrong by so much."""
    (place / "bin").mkdir(exist_ok=True)
    (place / "bin/date").write_text(f"#!/bin/sh\n{CLOCK.format(shift_s)}\n")
    (place / "bin/date").chmod(0o755)


def uptime(place: Path, seconds: float) -> None:
    (place / "uptime").write_text(f"{seconds:.2f} 1.00\n")


def test_the_second_is_told_who_and_since_when(tmp_path: Path) -> None:
    assert statuses(take(FIRST, tmp_path)) == [0, 0]
    done = take(SECOND, tmp_path)
    assert statuses(done) == [HELD, HELD]
    holder = parse_holder(done[0].stdout)
    assert str(holder) == "one@ops (apply) since now"
    until = datetime.strptime(holder.until, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    assert 55 < until - time.time() < 62


def test_the_server_itself_is_locked_whatever_its_clusters_are_called(tmp_path: Path) -> None:
    assert statuses(take(replace(FIRST, clusters=("web", SERVER)), tmp_path)) == [0, 0]
    assert statuses(take(replace(SECOND, clusters=("webx", SERVER)), tmp_path)) == [0, HELD]


@pytest.mark.parametrize("name", [SERVER, f"{SERVER}.lock"])
def test_no_cluster_has_the_name_of_the_servers_lock(name: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(ClusterName).validate_python(name)


def test_what_is_given_up_can_be_taken(tmp_path: Path) -> None:
    take(FIRST, tmp_path)
    assert statuses([run(command, tmp_path) for command in FIRST.release()]) == [0, 0]
    assert statuses(take(SECOND, tmp_path)) == [0, 0]


def test_no_other_gives_up_or_renews_it(tmp_path: Path) -> None:
    take(FIRST, tmp_path)
    assert statuses([run(command, tmp_path) for command in SECOND.release()]) == [0, 0]
    assert renew(SECOND, tmp_path) == [HELD, HELD]
    assert statuses(take(SECOND, tmp_path)) == [HELD, HELD]


@pytest.mark.parametrize(
    "content",
    ["", "who=x\n", "lease=\n", "lease=soon\n", "boot=@\nlease=1\n", "boot=@\n", "boot=another\nlease=99999999999\n"],
)
def test_a_dead_holders_lock_is_outlived_and_a_broken_one_holds_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "vipbook").mkdir()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    (tmp_path / "vipbook/web.lock").write_text(content.replace("@", boot))
    assert statuses(take(SECOND, tmp_path)) == [0, 0]
    assert "token=2-bb" in (tmp_path / "vipbook/web.lock").read_text()


def test_a_renewed_lease_lasts_longer_and_says_who_holds_it(tmp_path: Path) -> None:
    uptime(tmp_path, 1000)
    take(FIRST, tmp_path)
    uptime(tmp_path, 1055)
    assert renew(FIRST, tmp_path, 600) == [0, 0]
    uptime(tmp_path, 1654)
    done = take(SECOND, tmp_path)
    assert statuses(done) == [HELD, HELD]
    assert str(parse_holder(done[0].stdout)) == "one@ops (apply) since now"
    uptime(tmp_path, 1656)
    assert statuses(take(SECOND, tmp_path)) == [0, 0]
    # Its holder finds out, and takes nothing away.
    assert renew(FIRST, tmp_path) == [HELD, HELD]


@pytest.mark.parametrize("shift_s", [-(10**9), -3600, -61, 61, 3600, 10**9])
def test_a_step_of_the_wall_clock_frees_no_lock_and_prolongs_none(tmp_path: Path, shift_s: int) -> None:
    uptime(tmp_path, 1000)
    assert statuses(take(FIRST, tmp_path)) == [0, 0]
    wall_clock(tmp_path, shift_s)
    uptime(tmp_path, 1059)
    assert statuses(take(SECOND, tmp_path)) == [HELD, HELD]
    assert renew(FIRST, tmp_path) == [0, 0]
    uptime(tmp_path, 1118)
    assert statuses(take(SECOND, tmp_path)) == [HELD, HELD]
    uptime(tmp_path, 1120)
    assert statuses(take(SECOND, tmp_path)) == [0, 0]


@pytest.mark.parametrize("shift_s", [-3600, 3600])
def test_the_time_for_people_is_by_the_clock_that_they_see(tmp_path: Path, shift_s: int) -> None:
    take(FIRST, tmp_path)
    wall_clock(tmp_path, shift_s)
    until = parse_holder(take(SECOND, tmp_path)[0].stdout).until
    shown = datetime.strptime(until, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    assert 55 < shown - (time.time() + shift_s) < 62


def test_a_lock_of_another_boot_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "boot_id").write_text("first\n")
    uptime(tmp_path, 10**6)
    take(FIRST, tmp_path)
    (tmp_path / "boot_id").write_text("second\n")
    uptime(tmp_path, 10)
    assert statuses(take(SECOND, tmp_path)) == [0, 0]


def test_where_a_boot_emptied_run_nothing_is_held_any_more(tmp_path: Path) -> None:
    assert renew(FIRST, tmp_path) == [HELD, HELD]


@pytest.mark.parametrize("before", [None, 0o755, 0o777])
def test_it_is_for_root_alone(tmp_path: Path, before: int | None) -> None:
    """A directory that an older release left open is closed."""
    directory = tmp_path / "vipbook"
    if before is not None:
        directory.mkdir()
        directory.chmod(before)
    assert statuses(take(FIRST, tmp_path)) == [0, 0]
    assert renew(FIRST, tmp_path) == [0, 0]
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in (directory, *directory.iterdir())}
    assert modes == {"vipbook": 0o700, ".exclusive": 0o600, "web.lock": 0o600, "db.lock": 0o600}


def test_what_a_user_opened_when_it_was_open_to_all_holds_nothing(tmp_path: Path) -> None:
    directory = tmp_path / "vipbook"
    directory.mkdir()
    (directory / ".mutex").touch()
    with (directory / ".mutex").open() as old:
        fcntl.flock(old, fcntl.LOCK_EX)
        began = time.monotonic()
        assert statuses(take(FIRST, tmp_path)) == [0, 0]
    assert time.monotonic() - began < 5


def test_a_lock_that_can_not_be_written_says_why_and_is_not_held(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/mv").write_text("#!/bin/sh\necho 'mv: No space left on device' >&2\nexit 1\n")
    (tmp_path / "bin/mv").chmod(0o755)
    done = take(FIRST, tmp_path)
    assert all(each.returncode not in {0, HELD} and "No space left" in each.stderr for each in done)
    (tmp_path / "bin/mv").unlink()
    assert statuses(take(SECOND, tmp_path)) == [0, 0]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("who=a@b\ndoing=drill\nsince=t\n", "a@b (drill) since t"),
        ("who=a@b\ndoing=apply\nsince=t\nuntil=soon\n", "a@b (apply) since t"),
        ("", "somebody (something) since some time"),
        ("who=\nnoise\n", "somebody (something) since some time"),
    ],
)
def test_a_holder_for_people(text: str, shown: str) -> None:
    assert str(parse_holder(text)) == shown
    assert parse_holder(text).until == ""


OLD = "who=old@ops\ndoing=apply\nsince=then\ntoken=9-zz\nuntil={}\n"
"""A lock as releases wrote it that knew the wall clock alone."""


@pytest.mark.parametrize(
    ("written_s", "until_s", "up_s", "held"),
    [
        pytest.param(-10, 50, 1000, True, id="in-its-lease"),
        pytest.param(-10, 0, 1000, True, id="in-its-last-second"),
        pytest.param(-70, -10, 1000, False, id="outlived"),
        pytest.param(-10, 50, 5, False, id="of-an-earlier-boot"),
        pytest.param(40, 100, 1000, True, id="the-clock-went-back-a-little"),
        pytest.param(3600, 3660, 10**5, False, id="the-clock-went-back-further-than-a-lease"),
        pytest.param(-10, 10**15, 1000, False, id="no-time"),
    ],
)
def test_a_lock_of_an_older_release_holds_for_its_lease(
    tmp_path: Path,
    written_s: int,
    until_s: int,
    up_s: int,
    held: bool,  # noqa: FBT001
) -> None:
    now = int(time.time())
    uptime(tmp_path, up_s)
    (tmp_path / "vipbook").mkdir()
    lock = tmp_path / "vipbook/web.lock"
    lock.write_text(OLD.format(now + until_s + (2 if until_s >= 0 else 0)))
    os.utime(lock, (now + written_s, now + written_s))
    done = take(SECOND, tmp_path)
    assert statuses(done) == [HELD if held else 0, 0]
    assert not held or str(parse_holder(done[0].stdout)) == "old@ops (apply) since then"


def test_an_older_release_sees_how_long_it_is_held(tmp_path: Path) -> None:
    """It reads `until`, by the wall clock, and nothing else."""
    take(FIRST, tmp_path)
    wall_clock(tmp_path, 3600)
    assert renew(FIRST, tmp_path, 600) == [0, 0]
    (until,) = re.findall(r"^until=([0-9]+)$", (tmp_path / "vipbook/web.lock").read_text(), re.MULTILINE)
    assert 590 < int(until) - (time.time() + 3600) < 602


def test_a_holder_says_when_its_lease_runs_out() -> None:
    assert parse_holder("who=a\nuntil=1767225600\n").until == "2026-01-01T00:00:00Z"
