"""A cgroup per node, on machines whose own init is not systemd.

Two containers in one cgroup would see each other's services as their own: `systemctl stop ssh` in one would reach for
the processes of the other. Where systemd runs the machine, a transient unit gives each node its cgroup instead.
"""

from __future__ import annotations

import time
from pathlib import Path

from lab.errors import LabError
from lab.place import LabPaths

REMOVE_TIMEOUT_S = 5.0
POLL_S = 0.05


def hierarchies(mounts: str) -> list[Path]:
    """Mount points of the hierarchies in which systemd keeps its services, from the text of /proc/self/mounts."""
    fields = [line.split() for line in mounts.splitlines()]
    return [
        Path(entry[1])
        for entry in fields
        if entry[2] == "cgroup2" or (entry[2] == "cgroup" and "name=systemd" in entry[3].split(","))
    ]


def make_cgroups(name: str) -> list[Path]:
    """A cgroup of this name in each hierarchy: the files to which a process writes itself to enter."""
    groups = [mount / name for mount in _mounted()]
    if not groups:
        message = "no cgroup hierarchy is mounted that systemd could run on"
        raise LabError(message, "mount -t cgroup2 none /sys/fs/cgroup")
    for group in groups:
        group.mkdir(exist_ok=True)
    return [group / "cgroup.procs" for group in groups]


def remove_cgroups(paths: LabPaths) -> None:
    """Remove the lab's cgroups and what its nodes made in them, once their processes are gone."""
    for mount in _mounted():
        for group in mount.iterdir():
            if group.is_dir() and paths.namespace_pattern.fullmatch(group.name):
                _remove_tree(group)


def _mounted() -> list[Path]:
    return hierarchies(Path("/proc/self/mounts").read_text(encoding="utf-8"))


def _remove_tree(group: Path) -> None:
    deadline = time.monotonic() + REMOVE_TIMEOUT_S
    # Only directories can be removed here, and the deepest first; the files in them are the kernel's.
    for directory in (*sorted((entry for entry in group.rglob("*/") if entry.is_dir()), reverse=True), group):
        while directory.exists():
            try:
                directory.rmdir()
            except OSError as error:
                # EBUSY for a moment, while the kernel still buries the last process.
                if time.monotonic() > deadline:
                    message = f"cgroup {directory} cannot be removed: {error}"
                    raise LabError(message) from error
                time.sleep(POLL_S)
