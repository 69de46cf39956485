"""File locks that leave no file behind, and that the kernel lets go of when their holder is killed."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.errors import LabError

POLL_S = 0.1


@contextmanager
def locked(path: Path, progress: Callable[[str], None], *, doing: str, timeout: float = 900.0) -> Iterator[None]:
    """Hold the lock; says once who is waited for, LabError after `timeout` seconds.

    The file is removed while the lock is still held. Whoever got hold of the removed file notices (another inode, or
    none, at the path) and begins again: so a lab that is down has no lock file either.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + timeout
    told = False
    while (handle := _try(path)) is None:
        if time.monotonic() > deadline:
            message = f"another process has been {doing} for over {timeout:g} s (it holds {path})"
            raise LabError(message)
        if not told:
            progress(f"waiting for another process that is {doing}")
            told = True
        time.sleep(POLL_S)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def _try(path: Path) -> int | None:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino == os.fstat(handle).st_ino:
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(handle)
    return None
