"""A command inside a node. Apart from the other verbs, because it must not wait for what only they need."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence

from lab.boot import enter_argv, find_leader
from lab.errors import LabError, LabUsageError
from lab.place import lab_paths
from lab.preflight import check_root

SIGNALLED = 128


def shell(name: str | None, node: str, argv: Sequence[str]) -> int:
    """Run a command (an interactive bash if there is none) as root inside the node; its exit status.

    128 + N when signal N ended it, as a shell says. stdin, stdout and stderr are passed through as they are.
    """
    check_root()
    paths = lab_paths(name)
    leader = find_leader(paths, node)
    if leader is None:
        _refuse_unknown(node)
        message = f"{node} does not run"
        raise LabError(message, f"vipbook lab up{paths.command_options}")
    child = subprocess.Popen(enter_argv(leader, list(argv) or ["bash", "-i"]))
    # Ctrl-C is for the command: the terminal sends it to both, and only the command knows what to do.
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = child.wait()
    finally:
        signal.signal(signal.SIGINT, previous)
    return code if code >= 0 else SIGNALLED - code


def _refuse_unknown(node: str) -> None:
    from lab.topology import load_topology  # noqa: PLC0415 - pydantic and YAML, for an error message alone

    names = [entry.name for entry in load_topology().nodes]
    if node not in names:
        message = f"the lab has no node {node!r} (it has {', '.join(names)})"
        raise LabUsageError(message)
