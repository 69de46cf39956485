"""Where a file may go: what others could have planted in a directory that they can write is never followed."""

from __future__ import annotations

import grp
import os
import pwd
import stat
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.model.errors import IntentError
from tasks.store.bundle import bundle_target, write_bundle
from tasks.store.files import own_directory, place_of, write_whole
from tests.unit.builders import AT

SHARED = [pytest.param(0o1777, id="sticky"), pytest.param(0o777, id="for everybody"), pytest.param(0o770, id="group")]
NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another user")


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """What must stay as it is."""
    (tmp_path / "victim").write_text("precious")
    return tmp_path / "victim"


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    (tmp_path / "shared").mkdir()
    return tmp_path / "shared"


def open_to(directory: Path, mode: int) -> None:
    """Others may write there, by the mode; for a group it has to be one that is not the user's own."""
    if mode == 0o770:
        if os.geteuid():
            pytest.skip("gives a directory to another group")
        os.chown(directory, -1, NOBODY)
    directory.chmod(mode)


def planted(shared: Path, victim: Path) -> dict[str, Path]:
    """Links that lead from a directory to the victim, or to its directory."""
    (shared / "plain").symlink_to(victim)
    (shared / "relative").symlink_to("../victim")
    (shared / "chained").symlink_to("plain")
    (shared / "dangling").symlink_to(victim.parent / "fresh")
    (shared / "directory").symlink_to(victim.parent)
    return {
        "plain": shared / "plain",
        "relative": shared / "relative",
        "chained": shared / "chained",
        "dangling": shared / "dangling",
        "through a directory": shared / "directory" / "victim",
        "through a directory and back": shared / "directory" / "shared" / ".." / "victim",
    }


KINDS = ["plain", "relative", "chained", "dangling", "through a directory", "through a directory and back"]


@pytest.mark.parametrize("mode", SHARED)
@pytest.mark.parametrize("kind", KINDS)
def test_a_link_where_others_can_write_is_refused(kind: str, mode: int, shared: Path, victim: Path) -> None:
    path = planted(shared, victim)[kind]
    open_to(shared, mode)
    with pytest.raises(
        IntentError, match=r"is a link, and others than root and you can write in .*shared; name the file"
    ):
        write_whole(path, b"new")
    assert victim.read_text() == "precious"
    assert not (victim.parent / "fresh").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_link_where_only_the_user_can_write_is_followed_and_stays(kind: str, shared: Path, victim: Path) -> None:
    path = planted(shared, victim)[kind]
    write_whole(path, b"new")
    target = victim.parent / "fresh" if kind == "dangling" else victim
    assert target.read_text() == "new"
    assert (shared / "plain").is_symlink()


@needs_root
def test_a_directory_of_another_user_is_one_that_others_write(shared: Path, victim: Path) -> None:
    path = planted(shared, victim)["plain"]
    os.chown(shared, NOBODY, NOBODY)
    with pytest.raises(IntentError, match="is a link"):
        write_whole(path, b"new")
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("mode", SHARED)
def test_what_was_there_before_is_replaced_and_never_written_into(mode: int, shared: Path, victim: Path) -> None:
    """A file that others made, and one with a second name elsewhere: the report is a new file of its own."""
    (shared / "open").write_text("theirs")
    (shared / "open").chmod(0o666)
    os.link(victim, shared / "linked")
    open_to(shared, mode)
    held = (shared / "open").open()
    for name in ("open", "linked"):
        write_whole(shared / name, b"new")
        assert (shared / name).read_text() == "new"
        assert stat.S_IMODE((shared / name).stat().st_mode) == 0o600
    assert (victim.read_text(), held.read()) == ("precious", "theirs")
    held.close()
    assert sorted(path.name for path in shared.iterdir()) == ["linked", "open"], "nothing is left beside it"


@needs_root
def test_a_pipe_of_another_user_gets_no_report(shared: Path) -> None:
    pipe = shared / "pipe"
    os.mkfifo(pipe, 0o666)
    os.chown(pipe, NOBODY, NOBODY)
    shared.chmod(0o1777)
    with pytest.raises(IntentError, match="another user's pipe or device"), place_of(pipe):
        pass


def test_a_disk_is_no_file(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("makes a device")
    os.mknod(tmp_path / "disk", 0o600 | stat.S_IFBLK, os.makedev(7, 99))
    with pytest.raises(IntentError, match="a block device; name a file"):
        write_whole(tmp_path / "disk", b"x")


def test_links_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        write_whole(tmp_path / "a", b"x")


@pytest.mark.parametrize(
    ("path", "error"),
    [
        (".", IsADirectoryError),
        ("..", IsADirectoryError),
        ("/", IsADirectoryError),
        ("nowhere/x", FileNotFoundError),
        ("victim/x", NotADirectoryError),
        ("shared", IsADirectoryError),
    ],
)
@pytest.mark.usefixtures("victim", "shared")
def test_what_is_no_place_for_a_file(path: str, error: type[OSError], tmp_path: Path) -> None:
    with pytest.raises(error):
        write_whole(tmp_path / path, b"x")


WRITER = "import sys; from pathlib import Path; from tasks.store.files import write_whole; write_whole(Path(sys.argv[1]), b'report')"  # noqa: E501


@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_an_open_file_is_written_into_where_it_is(path: str, tmp_path: Path) -> None:
    """A pipe, a socket, and a file that is written to already: none of them is opened again, or replaced."""
    piped = subprocess.run([sys.executable, "-c", WRITER, path], capture_output=True, check=True)
    assert piped.stdout == b"report"
    with (tmp_path / "out").open("wb") as out:
        out.write(b"before ")
        out.flush()
        subprocess.run([sys.executable, "-c", WRITER, path], stdout=out, check=True)
    assert (tmp_path / "out").read_bytes() == b"before report"


def test_a_process_substitution() -> None:
    line = f'{sys.executable} -c "$1" >(cat)'
    ran = subprocess.run(["bash", "-c", f"{line}; wait $!", "bash", WRITER], capture_output=True, check=True)
    assert ran.stdout == b"report"


def test_a_pipe_and_a_device_stay_what_they_are(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.append(pipe.read_text()))
    reader.start()
    write_whole(pipe, b"x" * 200_000)
    reader.join(30)
    assert (len(said[0]), pipe.is_fifo()) == (200_000, True)
    write_whole(Path("/dev/null"), b"x")
    with pytest.raises(OSError, match="No space left"):
        write_whole(Path("/dev/full"), b"x")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("mode", SHARED)
@pytest.mark.parametrize("name", ["w.tar.gz", "w"])
def test_a_bundle_goes_nowhere_else_either(mode: int, name: str, shared: Path, victim: Path) -> None:
    target = victim.parent / "elsewhere"
    target.mkdir()
    (shared / "link").symlink_to(target)
    (shared / name).symlink_to(target / "fresh")
    open_to(shared, mode)
    with pytest.raises(IntentError, match="is a link"):
        bundle_target(shared / "link" / name)
    with pytest.raises(IntentError, match="is there already"):
        bundle_target(shared / name)
    for path in (shared / "link" / name, shared / name):
        with pytest.raises(IntentError, match="is a link"):
            write_bundle(path, {"a/b": b"x"}, AT)
    assert list(target.iterdir()) == []


def test_a_directory_of_ones_own_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    own_directory(tmp_path / "a" / "b", make=True)
    assert [stat.S_IMODE((tmp_path / each).stat().st_mode) for each in ("a", "a/b")] == [0o700, 0o700]
    own_directory(tmp_path / "a" / "b", make=False)
    with pytest.raises(FileNotFoundError):
        own_directory(tmp_path / "c", make=False)


def _others_may(shared: Path) -> Path:
    (shared / "state").mkdir()
    (shared / "state").chmod(0o777)
    return shared / "state"


def _others_exchange(shared: Path) -> Path:
    (shared / "state").mkdir(mode=0o700)
    shared.chmod(0o777)
    return shared / "state"


def _a_link(shared: Path) -> Path:
    (shared / "real").mkdir(mode=0o700)
    (shared / "state").symlink_to("real")
    shared.chmod(0o1777)
    return shared / "state"


def _anothers(shared: Path) -> Path:
    (shared / "state").mkdir(mode=0o700)
    os.chown(shared / "state", NOBODY, NOBODY)
    shared.chmod(0o1777)
    return shared / "state"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_others_may, "could change what vipbook keeps; chown it to yourself and chmod go-w it"),
        (_others_exchange, "could put another state there; chmod go-w"),
        (_a_link, "is a link, and others than root and you can write"),
        pytest.param(_anothers, "could change what vipbook keeps", marks=needs_root),
    ],
)
@pytest.mark.parametrize("create", [True, False])
def test_a_directory_that_others_could_exchange(
    make: Callable[[Path], Path],
    said: str,
    create: bool,  # noqa: FBT001
    shared: Path,
) -> None:
    path = make(shared)
    with pytest.raises(IntentError, match=said):
        own_directory(path, make=create)


def test_a_state_directory_in_tmp_is_fine_when_it_is_ones_own(shared: Path) -> None:
    shared.chmod(0o1777)
    own_directory(shared / "state", make=True)
    own_directory(shared / "state", make=False)


@pytest.mark.parametrize("acl", [False, True])
def test_a_group_of_the_users_own_is_the_user_but_for_a_list_of_others(acl: bool, shared: Path, victim: Path) -> None:  # noqa: FBT001
    """What a umask of 002 makes, and what looks like it."""
    path = planted(shared, victim)["plain"]
    owner, group = pwd.getpwuid(shared.stat().st_uid), grp.getgrgid(shared.stat().st_gid)
    if group.gr_name != owner.pw_name or group.gr_mem:
        pytest.skip("this user has no group of the same name")
    shared.chmod(0o770)
    if not acl:
        write_whole(path, b"new")
        own_directory(shared, make=False)
        assert victim.read_text() == "new"
        return
    entries = ((1, 7, -1), (2, 7, NOBODY), (4, 5, -1), (16, 7, -1), (32, 0, -1))
    packed = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *each) for each in entries)
    try:
        os.setxattr(shared, "system.posix_acl_access", packed)
    except OSError as error:
        pytest.skip(f"no lists here: {error}")
    with pytest.raises(IntentError, match="is a link"):
        write_whole(path, b"new")
    with pytest.raises(IntentError, match="others than root and you can write there"):
        own_directory(shared, make=False)
