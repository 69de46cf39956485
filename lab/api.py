"""The lab's verbs: up, down, status, reboot, shell. They say what they do through `progress` and raise LabError."""

from __future__ import annotations

from collections.abc import Callable

from lab.addresses import read_octet, take_octet
from lab.assemble import amiss, assemble, restart_forwarders
from lab.errors import LabError
from lab.health import look, wait_until_ready
from lab.lock import locked
from lab.place import Lab, lab_paths
from lab.power import power_cycle, rebootable
from lab.preflight import check_inotify, check_machine, check_root
from lab.rootfs import sweep_builds
from lab.shell import shell
from lab.status import LabStatus
from lab.teardown import anything_left, refuse_foreign, tear_down
from lab.topology import load_topology

__all__ = ["down", "reboot", "shell", "status", "up"]


def up(name: str | None, progress: Callable[[str], None]) -> LabStatus:
    """Bring the lab up, or make sure that it is up; returns when every node, BGP and EVPN are.

    A lab that is whole is left alone. A lab of which something is missing, or that was made from another topology, is
    taken away and built anew: what a killed lab leaves in the kernel is no state to go on from.
    """
    check_machine()
    paths = lab_paths(name)
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
    paths = lab_paths(name)
    with locked(paths.lock_file, progress, doing=f"working on the lab {paths.prefix}"):
        refuse_foreign(paths)
        if anything_left(paths):
            tear_down(paths, progress)
    sweep_builds(paths.state)


def status(name: str | None) -> LabStatus:
    """The lab as it is now; a lab that is down has all its nodes not running."""
    check_root()
    paths = lab_paths(name)
    return look(Lab(paths=paths, topology=load_topology(), octet=read_octet(paths)))


def reboot(name: str | None, node: str, progress: Callable[[str], None]) -> LabStatus:
    """Boot a server or a client anew, as after a power cut; returns when the whole lab is up again."""
    check_machine()
    paths = lab_paths(name)
    with locked(paths.lock_file, progress, doing=f"working on the lab {paths.prefix}"):
        refuse_foreign(paths)
        lab = Lab(paths=paths, topology=load_topology(), octet=read_octet(paths))
        target = rebootable(lab, node)
        problem = amiss(lab) if anything_left(paths) else "it is down"
        if problem is not None:
            message = f"the lab {paths.prefix} is not whole: {problem}"
            raise LabError(message, f"vipbook lab up{paths.command_options}")
        return power_cycle(lab, target, progress)
