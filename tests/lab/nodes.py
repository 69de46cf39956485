"""Commands inside the lab's nodes as `vipbook lab shell` runs them, without a Python of their own for each.

The command itself is shown in test_lab_lifecycle.py.
"""

from __future__ import annotations

import os
import subprocess

from lab.boot import enter_argv, find_leader
from lab.place import LabPaths, state_directory
from lab.processes import Process, _read

NAME = os.environ.get("VIPBOOK_TEST_LAB", "test") + os.environ.get("PYTEST_XDIST_WORKER", "")
"""Each worker has its own lab."""
PATHS = LabPaths(name=NAME, state=state_directory())
_leaders: dict[str, Process] = {}


def leader(node: str) -> Process:
    """The node's PID 1. Looked for again only when the one that was found last has ended: a node may be rebooted."""
    known = _leaders.get(node)
    if known is None or _read(known.pid) != known:
        found = find_leader(PATHS, node)
        assert found is not None, f"{node} does not run"
        known = _leaders[node] = found
    return known


def argv_in(node: str, *command: str) -> list[str]:
    """What runs the command as root inside the node."""
    return enter_argv(leader(node), command)


def run_in(node: str, *command: str, stdin: str = "", timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run it to its end, whatever its exit status."""
    return subprocess.run(
        argv_in(node, *command),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
