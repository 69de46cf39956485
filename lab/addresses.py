"""Which loopback addresses a lab has: 127.0.1.x for the default one, the first free 127.0.N.x for a named one."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from pathlib import Path

from lab.errors import LabError
from lab.lock import locked
from lab.place import DEFAULT_OCTET, FIRST_HOST, SSH_PORT, LabPaths

LAST_OCTET = 254


def read_octet(paths: LabPaths) -> int | None:
    """The lab's third octet; None while the lab has none."""
    if paths.name is None:
        return DEFAULT_OCTET
    return _read(paths.octet_file)


def _read(file: Path) -> int | None:
    """None where there is none, or no more: other labs come and go."""
    try:
        return int(file.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return None


def take_octet(paths: LabPaths, progress: Callable[[str], None]) -> int:
    """The lab's octet, chosen now if it has none: one that no other lab has, here or under another state directory."""
    octet = read_octet(paths)
    if octet is not None:
        return octet
    labs = paths.state / "labs"
    with locked(labs / ".addresses.lock", progress, doing="choosing a lab's addresses", timeout=30.0):
        taken = _taken(labs)
        for candidate in range(DEFAULT_OCTET + 1, LAST_OCTET + 1):
            if candidate not in taken and _is_free(candidate):
                paths.octet_file.parent.mkdir(parents=True, exist_ok=True)
                paths.octet_file.write_text(f"{candidate}\n", encoding="ascii")
                return candidate
    message = "there are 253 labs on this machine already"
    raise LabError(message, "vipbook lab down --name <one of them>")


def _taken(labs: Path) -> set[int | None]:
    return {_read(file) for file in labs.glob("*/octet")}


def _is_free(octet: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((f"127.0.{octet}.{FIRST_HOST}", SSH_PORT))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True
