"""Files where others may write too: whole or not at all, and never where a link leads that others could have put there.

A link is followed only in a directory that root or this user alone can write: elsewhere, another user would choose
what root overwrites. Each directory is opened from its parent, so that none can be exchanged between the
check and the write (openat(2)).
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tasks.model.errors import IntentError

_OWNER = 0o600
_OWNER_ONLY = 0o700
_MOST_LINKS = 40
"""As many as Linux follows (path_resolution(7))."""
_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Place:
    """A name in an open directory, and what it is: None for nothing yet. Never a link.

    `descriptor`: what the path names is an open file of this process (/dev/stdout, /dev/fd/63).
    """

    path: Path
    directory: int
    name: str
    status: os.stat_result | None
    descriptor: int | None = None


@contextmanager
def place_of(path: Path) -> Generator[Place]:
    """Where a path leads; OSError when it leads nowhere, IntentError for what others could have planted there."""
    walk = _Walk(path, os.open("/", _DIRECTORY))
    try:
        place = walk.to_the_end()
        _not_planted(place)
        yield place
    finally:
        os.close(walk.directory)


def writable(path: Path, option: str) -> Path:
    """The path, if a file can be put there; IntentError, which begins with the option, where it can't."""
    if not path.parent.is_dir():
        raise IntentError(f"{option}: there is no directory {path.parent}; make it first")
    try:
        with place_of(path):
            return path
    except OSError as error:
        raise IntentError(f"{option}: can't be written: {error.strerror}") from None


def write_whole(path: Path, content: bytes, *, mode: int = _OWNER) -> None:
    """The file appears whole or not at all; OSError when it can't, IntentError where others could choose the target.

    A device or pipe is written into: a rename would put a file in its place.
    """
    with place_of(path) as place:
        if place.descriptor is not None:
            _write_into(os.dup(place.descriptor), content)
        elif place.status is None or stat.S_ISREG(place.status.st_mode):
            _replace(place, content, mode)
        else:
            flags = os.O_WRONLY | os.O_NOCTTY | os.O_NOFOLLOW | os.O_CLOEXEC
            _write_into(os.open(place.name, flags, dir_fd=place.directory), content, place.status)


def own_directory(path: Path, *, make: bool) -> None:
    """The directory exists, and only root and this user can change what is in it, or put another in its place.

    OSError when it is not and can't be made, IntentError when others can.
    """
    walk = _Walk(path, os.open("/", _DIRECTORY), make=make, lasting=True)
    try:
        walk.through()
        if _others_write(walk.directory):
            why = "others than root and you can write there, and could change what vipbook keeps"
            raise IntentError(f"{path}: {why}; chown it to yourself and chmod go-w it, or name another directory")
    finally:
        os.close(walk.directory)


class _Walk:
    """From the root along a path, directory by directory. `lasting`: no part of it may be exchanged later either."""

    def __init__(self, path: Path, root: int, *, make: bool = False, lasting: bool = False) -> None:
        self.path, self.directory, self._make, self._lasting = path, root, make, lasting
        whole = path if path.is_absolute() else Path.cwd() / path
        self._left = list(reversed(whole.parts[1:]))
        self._links = 0

    def to_the_end(self) -> Place:
        """The last name of the path, and what it is."""
        while self._left:
            name = self._left.pop()
            last = not self._left
            status = self._status(name, missing=last)
            if status is not None and stat.S_ISLNK(status.st_mode):
                if last and self._is_descriptor(name):
                    return Place(self.path, self.directory, name, None, int(name))
                self._follow(name)
            elif last and name != "..":
                return Place(self.path, self.directory, name, status)
            else:
                self._enter(name)
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(self.path))

    def through(self) -> None:
        """Every part of the path, the last one too, is a directory."""
        while self._left:
            name = self._left.pop()
            status = self._status(name, missing=self._make)
            if status is None:
                with suppress(FileExistsError):
                    os.mkdir(name, _OWNER_ONLY, dir_fd=self.directory)
            if status is not None and stat.S_ISLNK(status.st_mode):
                self._follow(name)
            else:
                self._enter(name)

    def _status(self, name: str, *, missing: bool) -> os.stat_result | None:
        try:
            return os.stat(name, dir_fd=self.directory, follow_symlinks=False)
        except FileNotFoundError as error:
            if not missing:
                raise FileNotFoundError(error.errno, error.strerror, str(self.path)) from None
        return None

    def _enter(self, name: str) -> None:
        if self._lasting and name != "..":
            _not_exchangeable(self.path, self.directory, name)
        inner = os.open(name, _DIRECTORY, dir_fd=self.directory)
        os.close(self.directory)
        self.directory = inner

    def _follow(self, name: str) -> None:
        target = Path(os.readlink(name, dir_fd=self.directory))
        if _others_write(self.directory):
            where = _name_of(self.directory)
            why = f"{where}/{name} is a link, and others than root and you can write in {where}"
            raise IntentError(f"{self.path}: {why}; name the file that is meant itself, or another directory")
        self._links += 1
        if self._links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(self.path))
        parts = target.parts
        if target.is_absolute():
            os.close(self.directory)
            self.directory = os.open("/", _DIRECTORY)
            parts = parts[1:]
        self._left += reversed(parts)

    def _is_descriptor(self, name: str) -> bool:
        """A name in /proc/self/fd leads to what is open, which its text need not name (proc(5)): a pipe, a socket."""
        return name.isdecimal() and _name_of(self.directory) == f"/proc/{os.getpid()}/fd"


def _name_of(directory: int) -> str:
    return str(Path(f"/proc/self/fd/{directory}").readlink())


def _owners() -> set[int]:
    return {0, os.geteuid()}


def _others_write(directory: int) -> bool:
    return os.fstat(directory).st_uid not in _owners() or _shared(directory)


def _shared(directory: int) -> bool:
    """Can others than its owner write there? A group of the owner's name without other members is the owner's alone.

    Such a group is what most distributions give each user, with a umask of 002.
    """
    status = os.fstat(directory)
    if status.st_mode & stat.S_IWOTH or not status.st_mode & stat.S_IWGRP:
        return bool(status.st_mode & stat.S_IWOTH)
    with suppress(OSError):
        # The bits of the group are those of all that the list names (acl(5)).
        os.getxattr(f"/proc/self/fd/{directory}", "system.posix_acl_access")
        return True
    try:
        group, owner = grp.getgrgid(status.st_gid), pwd.getpwuid(status.st_uid)
    except KeyError:
        return True
    return group.gr_name != owner.pw_name or not set(group.gr_mem) <= {owner.pw_name}


def _not_exchangeable(path: Path, directory: int, name: str) -> None:
    """IntentError where others may rename `name`: a directory that they can write, and that is not sticky."""
    if _shared(directory) and not os.fstat(directory).st_mode & stat.S_ISVTX:
        where = _name_of(directory)
        why = f"others than root and you can write in {where}, and could put another {name} there"
        raise IntentError(f"{path}: {why}; chmod go-w {where}, or name another directory")


def _not_planted(place: Place) -> None:
    """IntentError for a disk, and for a pipe or device of another user in a directory that others can write."""
    if place.status is None or stat.S_ISREG(place.status.st_mode) or stat.S_ISDIR(place.status.st_mode):
        return
    if stat.S_ISBLK(place.status.st_mode):
        raise IntentError(f"{place.path}: a block device; name a file")
    if _others_write(place.directory) and place.status.st_uid not in _owners():
        why = f"another user's pipe or device in {_name_of(place.directory)}, where others can write"
        raise IntentError(f"{place.path}: {why}; name another file")


def _write_into(descriptor: int, content: bytes, expected: os.stat_result | None = None) -> None:
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        if expected is not None and not os.path.samestat(os.fstat(descriptor), expected):
            raise OSError(errno.ESTALE, "was exchanged meanwhile")
        rest = memoryview(content)
        while rest:
            taken = file.write(rest)
            if taken is None:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            rest = rest[taken:]


def _replace(place: Place, content: bytes, mode: int) -> None:
    """Through a new file with a name that can't be guessed, flushed to the disk before it takes the place."""
    fresh = f".vipbook-{os.urandom(8).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(fresh, flags, _OWNER, dir_fd=place.directory)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        os.replace(fresh, place.name, src_dir_fd=place.directory, dst_dir_fd=place.directory)
    except BaseException:
        with suppress(OSError):
            os.unlink(fresh, dir_fd=place.directory)
        raise
