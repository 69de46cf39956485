"""The lab's four verbs: up, down, status, shell. They say what they do through `progress` and raise LabError."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

from lab.addresses import read_octet, take_octet
from lab.assemble import amiss, assemble, restart_forwarders
from lab.boot import enter_argv, find_leader
from lab.errors import LabError, LabUsageError
from lab.health import look, wait_until_ready
from lab.lock import locked
from lab.place import Lab, LabPaths, lab_prefix, state_directory
from lab.preflight import check_inotify, check_machine, check_root
from lab.rootfs import sweep_builds
from lab.teardown import anything_left, refuse_foreign, tear_down
from lab.topology import load_topology

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lab.status import LabStatus

INTERRUPTED = 128


def up(name: str | None, progress: Callable[[str], None]) -> LabStatus:
    """Bring the lab up, or make sure that it is up; returns when every node, BGP and EVPN are.

    A lab that is whole is left alone. A lab of which something is missing, or that was made from another topology, is
    taken away and built anew: what a killed lab leaves in the kernel is no state to go on from.
    """
    check_machine()
    paths = _paths(name)
    topology = load_topology()
    with locked(paths.lock_file, progress, doing=f"working on the lab {paths.prefix}"):
        refuse_foreign(paths)
        if anything_left(paths):
            lab = Lab(paths=paths, topology=topology, octet=read_octet(paths))
            problem = amiss(lab)
            if problem is None:
                restart_forwarders(lab, progress)
                return wait_until_ready(lab, progress)
            progress(f"{problem}: building it anew")
            tear_down(paths, progress)
        check_inotify(len(topology.nodes))
        lab = Lab(paths=paths, topology=topology, octet=take_octet(paths, progress))
        assemble(lab, progress)
        return wait_until_ready(lab, progress)


def down(name: str | None, progress: Callable[[str], None]) -> None:
    """Take everything of the lab off the machine, whatever state it is in; the cached root stays."""
    check_root()
    paths = _paths(name)
    with locked(paths.lock_file, progress, doing=f"working on the lab {paths.prefix}"):
        refuse_foreign(paths)
        if anything_left(paths):
            tear_down(paths, progress)
    sweep_builds(paths.state)


def status(name: str | None) -> LabStatus:
    """The lab as it is now; a lab that is down has all its nodes not running."""
    check_root()
    paths = _paths(name)
    return look(Lab(paths=paths, topology=load_topology(), octet=read_octet(paths)))


def shell(name: str | None, node: str, argv: Sequence[str]) -> int:
    """Run a command (an interactive bash if there is none) as root inside the node; its exit status.

    128 + N when signal N ended it, as a shell says.
    """
    check_root()
    paths = _paths(name)
    names = [entry.name for entry in load_topology().nodes]
    if node not in names:
        message = f"the lab has no node {node!r} (it has {', '.join(names)})"
        raise LabUsageError(message)
    leader = find_leader(paths, node)
    if leader is None:
        message = f"{node} does not run"
        raise LabError(message, f"vipbook lab up{paths.command_options}")
    child = subprocess.Popen(enter_argv(leader, list(argv) or ["bash", "-i"]))
    # Ctrl-C is for the command: the terminal sends it to both, and only the command knows what to do.
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = child.wait()
    finally:
        signal.signal(signal.SIGINT, previous)
    return code if code >= 0 else INTERRUPTED - code


def _paths(name: str | None) -> LabPaths:
    lab_prefix(name)  # refuses a bad name before it becomes a path
    return LabPaths(name=name, state=state_directory())
