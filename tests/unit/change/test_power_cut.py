"""A change and its undo, stopped at every command that they run: all is as before, or all is new and confirmed."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tasks.change.files import keep, put_back, replace_by_new, write_like, write_new
from tasks.change.undo import Undo
from tasks.model.answer import Command
from tasks.model.script import write_script
from tests.unit.change.ways_back import TAG, Root, undo_of

pytestmark = pytest.mark.slow

WRITERS = ("mv", "rm", "cp", "sync", "install", "dd", "touch", "ln", "mkdir")
"""Programs that change something on a disk: between two others the disk is the same."""
COUNTING = """
read -r count < @/count
count=$((count + 1))
echo "$count" > @/count
read -r at < @/at
echo "{name} $*" >> @/log
if [ "$count" = "$at" ]; then sh @/then; fi
exec {real} "$@"
"""
UNFLUSHED = """
for word; do shift; [ "$word" = conv=fsync ] || set -- "$@" "$word"; done
exec {real} "$@"
"""
"""What is flushed is in the log; the test's own disk is none that loses its power."""
KILLED = 'kill -KILL -- "-$GROUP"; kill -KILL 0'


class Server(Root):
    """A file that is edited, one that is a link, and one that is new; what it is told happens before a command."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.etc = path / "etc/keepalived"
        (self.etc / "real").mkdir(parents=True)
        self.paths = [str(self.etc / name) for name in ("keepalived.conf", "linked", "new")]
        (self.etc / "keepalived.conf").write_text("old\n")
        (self.etc / "keepalived.conf").chmod(0o600)
        (self.etc / "real/linked").write_text("old\n")
        (self.etc / "linked").symlink_to("real/linked")
        for name in WRITERS:
            real = "true" if name == "sync" else shutil.which(name)
            counting = COUNTING.replace('exec {real} "$@"\n', UNFLUSHED) if name == "dd" else COUNTING
            self.program(name, counting.format(name=name, real=real).replace("@/", f"{path}/"))
        self.program("flock", 'shift 2; exec /usr/bin/flock -w 0.1 "$@"')

    def undo(self) -> Undo:
        return undo_of(*((put_back(path),) for path in self.paths), files=tuple(self.paths))

    def change(self) -> list[Command]:
        """From nothing to the confirmation, which is the last command."""
        undo, (conf, linked, new) = self.undo(), self.paths
        return [
            *undo.prepare(),
            *(keep(path, undo.directory, TAG) for path in self.paths),
            *undo.arm(),
            *write_like(conf, "new\n"),
            replace_by_new(conf),
            *write_like(linked, "new\n"),
            replace_by_new(linked),
            *write_new(new, "new\n"),
            replace_by_new(new),
            undo.record(),
            undo.confirm(keep=True),
        ]

    def run(self, script: str | Path, at: int = 0, then: str = KILLED) -> int:
        """Run it; before its command number `at` happens what `then` says. How many commands it ran."""
        (self.path / "count").write_text("0\n")
        (self.path / "at").write_text(f"{at}\n")
        (self.path / "then").write_text(f"echo 0 > {self.path}/at\n{then}\n")
        argv = ["/bin/sh", "-c", 'export GROUP=$$; exec /bin/sh "$0"', script]
        done = subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, start_new_session=True, check=False)
        self.status, self.errors = done.returncode, done.stderr.decode()
        return int((self.path / "count").read_text())

    def script(self, commands: Sequence[Command], name: str = "change.sh") -> Path:
        """The commands as vipbook sends them."""
        path = self.path / name
        path.write_text(self.here(write_script([self._own(each) for each in commands], "n", stop_on_failure=True)))
        return path

    def files(self) -> set[str]:
        """What the three files hold; a new one that is not there counts as old."""
        found = {path: Path(path) for path in self.paths}
        assert found[self.paths[1]].is_symlink()
        return {each.read_text().strip() if each.exists() else "old" for each in found.values()}

    def names(self) -> set[str]:
        """Everything in /etc but the files themselves and their directories."""
        etc = self.path / "etc"
        found = {str(each.relative_to(etc)) for each in etc.rglob("*") if each.is_symlink() or each.is_file()}
        return found - {"keepalived/keepalived.conf", "keepalived/linked", "keepalived/real/linked", "keepalived/new"}

    def booted(self) -> None:
        """The next boot: systemd starts what is linked, if its condition holds, until it ends well."""
        self.boot()
        if self.linked():
            assert (self.path / f"etc/systemd/system/vipbook-undo-{TAG}.service").read_text()
            self.run(self.directory() / "undo.sh")
            assert self.status == 0, self.errors


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Server]:
    """A server where nothing was changed; each in the place of the one before."""

    def made() -> Server:
        shutil.rmtree(tmp_path / "server", ignore_errors=True)
        return Server(tmp_path / "server")

    return made


@pytest.fixture
def changed(fresh: Callable[[], Server], tmp_path: Path) -> Callable[[], Server]:
    """One where a change is armed and made, and not confirmed; its undo is `copy.sh`, too."""
    server = fresh()
    server.run(server.script(server.change()[:-1]))
    assert server.files() == {"new"}
    assert server.linked()
    (server.path / "copy.sh").write_bytes((server.directory() / "undo.sh").read_bytes())
    shutil.copytree(server.path, tmp_path / "model", symlinks=True)

    def made() -> Server:
        shutil.rmtree(server.path)
        shutil.copytree(tmp_path / "model", server.path, symlinks=True)
        return server

    return made


def test_a_power_cut_anywhere_in_a_change_leaves_all_as_before_or_all_new(fresh: Callable[[], Server]) -> None:
    server = fresh()
    count = server.run(server.script(server.change()))
    assert (server.files(), server.names(), server.linked()) == ({"new"}, set(), False)
    outcomes = []
    for at in range(1, count + 1):
        server = fresh()
        server.run(server.script(server.change()), at)
        server.booted()
        (outcome,) = server.files()
        outcomes.append(outcome)
        # The next change tidies up whatever is left of this one.
        server.do(Undo(tag="20260102T000000-abc123", after_s=1).prepare())
        assert server.names() == set(), at
        assert not server.directory().exists()
        # What was confirmed can be rolled back.
        assert (server.path / "var/lib/vipbook/backups" / TAG).exists() is (outcome == "new"), at
    # Once it is confirmed it stays so.
    assert outcomes == sorted(outcomes, reverse=True)
    assert set(outcomes) == {"old", "new"}


@pytest.mark.parametrize("boots", [True, False], ids=["power cut", "killed"])
def test_an_undo_that_is_cut_short_anywhere_is_finished(changed: Callable[[], Server], *, boots: bool) -> None:
    server = changed()
    script = server.path / "copy.sh"
    count = server.run(script)
    assert (server.status, server.files(), server.names()) == (0, {"old"}, set())
    for at in range(1, count + 1):
        changed().run(script, at)
        assert server.status != 0
        if boots:
            server.booted()
        else:
            server.run(script)
            assert server.status == 0, server.errors
        assert (server.files(), server.names()) == ({"old"}, set()), at
        assert Path(server.paths[0]).stat().st_mode & 0o777 == 0o600


def confirming(server: Server) -> Path:
    """The confirmation as vipbook sends it, and what it ended with in `confirmed`."""
    path = server.script([server.undo().confirm(keep=True)], "confirm.sh")
    ended = f'echo "$vipbook_status" > {server.path}/confirmed\n'
    path.write_text(path.read_text().replace('[ "$vipbook_status" -eq 0 ] || exit 0\n', ended))
    return path


@pytest.mark.parametrize("first", ["confirmation", "undo"])
def test_the_confirmation_and_the_undo_exclude_each_other_at_every_command(
    changed: Callable[[], Server], first: str
) -> None:
    """One of them is stopped before each of its commands in turn, and the other one runs there."""
    server = changed()
    undo = server.path / "copy.sh"
    count = server.run(confirming(server) if first == "confirmation" else undo)
    winners = set()
    for at in range(1, count + 1):
        changed()
        one, other = (confirming(server), undo) if first == "confirmation" else (undo, confirming(server))
        server.run(one, at, f"sh {other} >/dev/null 2>&1")
        # systemd tries again what was held up by the lock.
        server.run(undo)
        assert server.status == 0, server.errors
        confirmed = (server.path / "confirmed").read_text() == "0\n"
        winners.add(confirmed)
        assert server.files() == ({"new"} if confirmed else {"old"}), at
        assert (server.names(), server.linked()) == (set(), False), at
    # The undo takes the lock before its first command that writes.
    assert winners == {first == "confirmation"}


def test_a_confirmation_that_is_killed_anywhere_confirms_or_lets_the_undo_do_its_work(
    changed: Callable[[], Server],
) -> None:
    server = changed()
    count = server.run(confirming(server))
    outcomes = []
    for at in range(1, count + 1):
        changed().run(confirming(server), at)
        server.run(server.path / "copy.sh")
        assert server.status == 0, server.errors
        (outcome,) = server.files()
        outcomes.append(outcome)
        assert ("the change was confirmed" in server.errors) is (outcome == "new"), at
    assert outcomes == sorted(outcomes, reverse=True)
    assert set(outcomes) == {"old", "new"}


@pytest.mark.parametrize("seed", range(8))
def test_whichever_of_them_is_first_by_chance_wins_alone(changed: Callable[[], Server], seed: int) -> None:
    """Two undos, as by the timer and by hand, and two confirmations, all at once."""
    server = changed()
    server.program("flock", 'shift 2; exec /usr/bin/flock -w 20 "$@"')
    undo = server.path / "copy.sh"
    confirmations = [server.script([server.undo().confirm(keep=True)], f"confirm{each}.sh") for each in range(2)]
    for each, path in enumerate(confirmations):
        ended = f'echo "$vipbook_status" > {server.path}/confirmed{each}\n'
        path.write_text(path.read_text().replace('[ "$vipbook_status" -eq 0 ] || exit 0\n', ended))
    order = [undo, undo, *confirmations]
    random.Random(seed).shuffle(order)
    running = [
        subprocess.Popen(["/bin/sh", each], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for each in order
    ]
    assert all(each.wait(60) == 0 for each in running)
    confirmed = [(server.path / f"confirmed{each}").read_text() == "0\n" for each in range(2)]
    assert confirmed.count(True) <= 1
    assert server.files() == ({"new"} if any(confirmed) else {"old"})
    assert (server.names(), server.linked()) == (set(), False)


def log_of(server: Server) -> list[list[str]]:
    return [line.split() for line in (server.path / "log").read_text().splitlines()]


def flushed(log: Sequence[Sequence[str]], path: str) -> bool:
    """Was it on the disk after it was last written?"""
    last = ""
    for words in log:
        if words[0] == "sync" and path in words:
            last = "flushed"
        elif words[0] == "dd" and f"of={path}" in words:
            last = "flushed" if "conv=fsync" in words else "written"
        elif words[0] in {"cp", "install", "touch"} and words[-1] == path:
            last = "written"
    return last == "flushed"


def test_what_is_renamed_into_place_is_on_the_disk_first_and_the_rename_soon_after(
    fresh: Callable[[], Server], tmp_path: Path
) -> None:
    server = fresh()
    server.run(server.script(server.change()))
    undone = Server(tmp_path / "undone")
    undone.run(undone.script(undone.change()[:-1]))
    undone.run(undone.directory() / "undo.sh")
    renames = 0
    for each in (server, undone):
        log = log_of(each)
        for place, words in enumerate(log):
            if words[0] != "mv" or "/run/" in words[-1]:
                continue
            renames += 1
            source, target = words[-2:]
            if not Path(target).is_dir() and not re.search(r"/undo-|\.link$", source):
                assert flushed(log[:place], source), words
            assert any(later[0] == "sync" and target.rpartition("/")[0] in later for later in log[place:]), words
    assert renames >= 8


def test_before_the_first_change_everything_that_the_undo_needs_is_on_the_disk(
    fresh: Callable[[], Server],
) -> None:
    server = fresh()
    server.run(server.script(server.change()))
    log = log_of(server)
    first = next(place for place, words in enumerate(log) if words[-1] == server.paths[0] and words[0] == "mv")
    before, units = log[:first], server.path / "etc/systemd/system"
    kept = server.directory()
    names = [each.replace("/", "%").strip("%") for each in server.paths]
    for path in (
        *(str(kept / name) for name in names[:2]),
        str(kept / f"{names[2]}.none"),
        str(kept / "undo.sh"),
        str(kept / "files"),
        str(units / f"vipbook-undo-{TAG}.service"),
    ):
        assert flushed(before, path), path
    # Their names, too.
    for directory in (kept, kept.parent, units, units / "multi-user.target.wants", server.etc, server.etc / "real"):
        assert any(words[0] == "sync" and str(directory) in words for words in before), directory
