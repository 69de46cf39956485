"""Which processes belong to a lab: read from /proc at the moment of asking, never from pid files.

A pid file tells what ran once; a command line and a network namespace tell what runs now. That also finds what a
killed `up` left before it could write anything down.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.namespaces import namespace_file, namespaces_of
from lab.place import LabPaths

KILL_TIMEOUT_S = 15.0
POLL_S = 0.05
# Its own end, once its container is gone: it removes its cgroups and its directories in /run itself.
NSPAWN_GRACE_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process as /proc showed it. `started` (clock ticks since boot) tells it from a later one with the same pid."""

    pid: int
    ppid: int
    started: int
    argv: tuple[str, ...]
    netns: int

    def has_argument(self, argument: str) -> bool:
        """Whether it was called with exactly this argument."""
        return argument in self.argv

    @property
    def program(self) -> str:
        """The file name of what it runs."""
        return Path(self.argv[0]).name if self.argv else ""

    def becomes(self, program: str) -> bool:
        """Whether it runs the program, or is a wrapper that is about to."""
        return any(Path(argument).name == program for argument in self.argv)


def all_processes() -> tuple[Process, ...]:
    """Every process with a command line that could be read; those that end meanwhile are left out."""
    found = (_read(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return tuple(process for process in found if process is not None)


def _read(pid: int) -> Process | None:
    try:
        base = Path("/proc") / str(pid)
        argv = tuple(base.joinpath("cmdline").read_bytes().decode(errors="replace").split("\0")[:-1])
        # The program's name in brackets may hold anything: what follows the last bracket is numbers.
        fields = base.joinpath("stat").read_text(errors="replace").rpartition(")")[2].split()
        if fields[0] in "ZX":
            return None
        netns = base.joinpath("ns/net").stat().st_ino
        return Process(pid=pid, ppid=int(fields[1]), started=int(fields[19]), argv=argv, netns=netns)
    except OSError:
        return None


def lab_processes(paths: LabPaths, processes: Iterable[Process]) -> list[Process]:
    """Those in the lab's namespaces, its containers' keepers and its forwarders."""
    inodes = {namespace_file(name).stat().st_ino for name in namespaces_of(paths)}
    return [
        process
        for process in processes
        if process.netns in inodes or is_keeper(process, paths) or is_forwarder(process, paths)
    ]


def is_keeper(process: Process, paths: LabPaths) -> bool:
    """Whether this is the systemd-nspawn of one of the lab's nodes, or is about to become it, by its directory."""
    return process.becomes("systemd-nspawn") and any(
        argument.startswith(f"--directory={paths.nodes}/") for argument in process.argv
    )


def is_forwarder(process: Process, paths: LabPaths) -> bool:
    """Whether this is a socat that leads into one of the lab's namespaces, or is about to become one."""
    return process.becomes("socat") and any(
        (name := _entered_namespace(argument)) is not None and paths.namespace_pattern.fullmatch(name)
        for argument in process.argv
    )


def _entered_namespace(argument: str) -> str | None:
    _, found, rest = argument.partition("--net=/run/netns/")
    return rest.split()[0] if found and rest else None


def keeper_of(namespace: str, paths: LabPaths, processes: Iterable[Process]) -> Process | None:
    """The systemd-nspawn that keeps this node."""
    wanted = f"--machine={namespace}"
    return next((entry for entry in processes if entry.has_argument(wanted) and is_keeper(entry, paths)), None)


def leader_of(namespace: str, paths: LabPaths, processes: Iterable[Process]) -> Process | None:
    """The node's PID 1: the child of its keeper that is in the node's namespace."""
    processes = tuple(processes)
    keeper = keeper_of(namespace, paths, processes)
    path = namespace_file(namespace)
    if keeper is None or not path.exists():
        return None
    inode = path.stat().st_ino
    return next((entry for entry in processes if entry.ppid == keeper.pid and entry.netns == inode), None)


def kill_lab_processes(paths: LabPaths) -> None:
    """End every one of them, the nodes' first; LabError when some are left after 15 s."""
    deadline = time.monotonic() + KILL_TIMEOUT_S
    patience = time.monotonic() + NSPAWN_GRACE_S
    while remaining := lab_processes(paths, all_processes()):
        now = time.monotonic()
        if now > deadline:
            message = f"process {remaining[0].pid} ({remaining[0].program}) of the lab does not end"
            raise LabError(message, f"vipbook lab down{paths.command_options}")
        for process in remaining:
            if now > patience or not is_keeper(process, paths):
                kill(process)
        time.sleep(POLL_S)


def kill(process: Process) -> None:
    """SIGKILL through a pidfd, so that it cannot hit another process that has been given the pid meanwhile."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        current = _read(process.pid)
        if current is not None and current.started == process.started:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)
