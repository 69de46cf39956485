"""A file that is a link somewhere else: keep, replace and put back as a shell really runs them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tasks.change.files import beside, keep, kept, put_back, replace_by_new, write_like
from tasks.model.answer import Command
from tests.unit.change.ways_back import TAG, Root, undo_of


class Place:
    """`etc/x.conf` beneath a directory of the test's own, and an undo directory."""

    def __init__(self, root: Path, name: str = "x.conf") -> None:
        self.root = Root(root)
        self.etc = root / "etc/keepalived"
        self.path, self.real = self.etc / name, self.etc / "real" / name
        (self.etc / "real").mkdir(parents=True)
        self.undo = undo_of((put_back(str(self.path)),), files=(str(self.path),))

    def do(self, *commands: Command) -> list[tuple[int, str]]:
        """Status and stderr of each command that ran."""
        return [(each.status, each.stderr) for each in self.root.do(commands).values()]

    def kept(self) -> list[tuple[int, str]]:
        """Prepared, kept, and armed if that went well; what keeping it said."""
        self.do(*self.undo.prepare())
        done = self.do(keep(str(self.path), self.undo.directory, TAG))
        if done[0][0] == 0:
            assert all(status == 0 for status, _ in self.do(*self.undo.arm()))
        return done

    def changed(self, text: str = "new\n") -> list[tuple[int, str]]:
        """What a step does with a file that it edits."""
        path = str(self.path)
        done = self.kept()
        return done if done[0][0] != 0 else [*done, *self.do(*write_like(path, text), replace_by_new(path))]

    def back(self) -> subprocess.CompletedProcess[str]:
        """The undo."""
        return self.root.undone()

    def names(self) -> set[str]:
        return {str(each.relative_to(self.etc)) for each in self.etc.rglob("*")}


@pytest.fixture(params=["relative", "absolute", "over two links"])
def linked(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """The path leads to a file with an unusual mode, in one of the ways that links lead."""
    place = Place(tmp_path, "quote'd $(x) file.conf" if request.param == "absolute" else "x.conf")
    place.real.write_text("old\n")
    place.real.chmod(0o604)
    if request.param == "over two links":
        (place.etc / "between").symlink_to(place.real)
        place.path.symlink_to("between")
    else:
        place.path.symlink_to(place.real if request.param == "absolute" else f"real/{place.real.name}")
    return place


def copies(place: Place) -> set[str]:
    """What is next to the files until the change is confirmed or undone."""
    return {f".{place.path.name}.vipbook-{TAG}.link", f"real/.{place.path.name}.vipbook-{TAG}"}


def test_the_real_file_is_replaced_by_a_rename_and_the_link_stays(linked: Place) -> None:
    link, number, names = linked.path.readlink(), linked.real.stat().st_ino, linked.names()
    assert all(each == (0, "") for each in linked.changed())
    assert linked.path.readlink() == link
    assert linked.real.read_text() == "new\n"
    assert linked.real.stat().st_mode & 0o777 == 0o604
    # Another file under the same name: nobody ever saw half of the text.
    assert linked.real.stat().st_ino != number
    assert linked.names() - names == copies(linked)


def test_the_way_back_puts_back_the_real_file(linked: Place) -> None:
    link, names = linked.path.readlink(), linked.names()
    linked.changed()
    linked.real.chmod(0o640)
    done = linked.back()
    assert (done.returncode, done.stderr) == (0, "")
    assert linked.path.readlink() == link
    assert linked.real.read_text() == "old\n"
    assert linked.real.stat().st_mode & 0o777 == 0o604
    assert linked.names() == names


def test_before_the_rename_the_real_file_is_as_it_was(linked: Place) -> None:
    number = linked.real.stat().st_ino
    linked.kept()
    linked.do(*write_like(str(linked.path), "new\n"))
    assert (linked.real.read_text(), linked.real.stat().st_ino) == ("old\n", number)
    assert not Path(beside(str(linked.path))).is_symlink()
    assert linked.back().returncode == 0
    assert (linked.real.read_text(), linked.real.stat().st_ino) == ("old\n", number)
    assert not Path(beside(str(linked.path))).exists()


def test_a_link_that_a_program_wrote_over_comes_back(linked: Place) -> None:
    """ufw and firewall-cmd rename a file of their own into the place of the link."""
    link = linked.path.readlink()
    linked.kept()
    linked.path.unlink()
    linked.path.write_text("a program's\n")
    assert linked.back().returncode == 0
    assert linked.path.readlink() == link
    assert linked.real.read_text() == "old\n"


def test_a_real_file_that_vanished_comes_back(linked: Place) -> None:
    linked.kept()
    linked.real.unlink()
    assert linked.back().returncode == 0
    assert linked.path.is_symlink()
    assert linked.real.read_text() == "old\n"


def test_leftovers_of_a_run_before_are_not_written_through(linked: Place) -> None:
    other = linked.etc / "others"
    other.write_text("not ours\n")
    Path(beside(str(linked.path))).symlink_to(other)
    Path(beside(str(linked.real))).symlink_to(other)
    linked.changed()
    assert other.read_text() == "not ours\n"
    assert linked.real.read_text() == "new\n"


@pytest.mark.parametrize("kind", ["directory", "pipe"])
@pytest.mark.parametrize("link", [True, False])
def test_what_is_no_regular_file_is_refused_and_untouched(tmp_path: Path, kind: str, link: bool) -> None:  # noqa: FBT001
    place = Place(tmp_path)
    target = place.real if link else place.path
    if kind == "directory":
        target.mkdir()
    else:
        os.mkfifo(target)
    if link:
        place.path.symlink_to(target)
    before = place.names()
    ((status, said),) = place.changed()
    assert status == 1
    assert f"{place.path} is no regular file" in said
    assert place.back().returncode == 0
    assert place.names() == before


@pytest.mark.parametrize("target", ["nowhere", "/nowhere/at/all", "x.conf"])
def test_a_link_to_nowhere_is_refused_and_stays(tmp_path: Path, target: str) -> None:
    place = Place(tmp_path)
    place.path.symlink_to(target)
    ((status, said),) = place.changed()
    assert status == 1
    assert f"{place.path} is a link to a file that is not there" in said
    assert place.back().returncode == 0
    assert place.path.readlink() == Path(target)


def test_a_link_that_another_made_where_nothing_was_kept_is_theirs(tmp_path: Path) -> None:
    place = Place(tmp_path)
    assert place.kept() == [(0, "")]
    place.real.write_text("theirs\n")
    place.path.symlink_to(place.real)
    assert place.back().returncode == 0
    assert place.path.read_text() == "theirs\n"


def test_a_link_that_leads_to_no_file_by_now_is_not_renamed_over(linked: Place) -> None:
    linked.kept()
    linked.path.unlink()
    pipe = linked.etc / "pipe"
    os.mkfifo(pipe)
    linked.path.symlink_to(pipe)
    assert linked.back().returncode == 1
    assert pipe.is_fifo()
    assert (linked.root.directory() / kept(str(linked.path))).read_text() == "old\n"
