"""Take everything of a lab off the machine, whatever is there of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from lab.cgroups import remove_cgroups
from lab.detach import machine_runs_systemd, stop_units
from lab.errors import LabUsageError
from lab.namespaces import delete_namespaces, namespaces_of
from lab.overlay import mounts_below, remove_directory, unmount_all
from lab.place import STATE_VARIABLE, LabPaths
from lab.processes import all_processes, is_keeper, kill_lab_processes, lab_processes

NSPAWN_RUN = Path("/run/systemd/nspawn")


def anything_left(paths: LabPaths) -> bool:
    """Whether there is a process, mount, namespace or file of this lab."""
    return bool(
        paths.directory.exists()
        or namespaces_of(paths)
        or mounts_below(paths.directory)
        or lab_processes(paths, all_processes())
    )


def refuse_foreign(paths: LabPaths) -> None:
    """LabUsageError when a lab of this name runs from another state directory: its processes are not ours to end."""
    for process in all_processes():
        for argument in process.argv if process.program == "systemd-nspawn" else ():
            name = argument.removeprefix("--machine=")
            if name != argument and paths.namespace_pattern.fullmatch(name) and not is_keeper(process, paths):
                message = f"the lab {paths.prefix} runs from another state directory"
                raise LabUsageError(message, f"set {STATE_VARIABLE} as it was when the lab was brought up")


def tear_down(paths: LabPaths, progress: Callable[[str], None]) -> None:
    """Processes, mounts, namespaces, cgroups, files, in this order: each may hold the next."""
    progress("ending the lab's processes")
    kill_lab_processes(paths)
    stop_units(paths)
    progress("removing its mounts, namespaces and files")
    locks = _nspawn_locks(paths)
    unmount_all(paths)
    delete_namespaces(paths)
    if not machine_runs_systemd():
        remove_cgroups(paths)
    _sweep_nspawn(paths, locks)
    remove_directory(paths)


def _nspawn_locks(paths: LabPaths) -> list[Path]:
    """systemd-nspawn names a lock by the inode of the root that it runs: known only while that is mounted."""
    roots = [Path(target).stat() for target in mounts_below(paths.directory)]
    return [NSPAWN_RUN / "locks" / f"inode-{root.st_dev}:{root.st_ino}" for root in roots]


def _sweep_nspawn(paths: LabPaths, locks: list[Path]) -> None:
    """What systemd-nspawn leaves in /run when it is killed."""
    for lock in locks:
        lock.unlink(missing_ok=True)
    propagate = NSPAWN_RUN / "propagate"
    for entry in propagate.iterdir() if propagate.is_dir() else ():
        if paths.namespace_pattern.fullmatch(entry.name):
            shutil.rmtree(entry)
