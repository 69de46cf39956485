"""Run `vipbook` again and again in a process of its own each time, with its modules imported once.

Run as a program: on stdin a line of JSON per command ({"argv", "env", "cwd", "out"}), on stdout the number of its
process and, when it has ended, its exit status. `out` is a directory: its files `stdout` and `stderr` take the output.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import sys
from pathlib import Path
from typing import Any


def _import_everything() -> None:
    import runbooks  # noqa: PLC0415
    import tasks  # noqa: PLC0415

    for package in (runbooks, tasks):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)


def _run(asked: dict[str, Any]) -> None:
    """In the child: become the command."""
    for descriptor, name in enumerate(("/dev/null", f"{asked['out']}/stdout", f"{asked['out']}/stderr")):
        flags = os.O_RDONLY if descriptor == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        opened = os.open(name, flags, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.argv = ["vipbook", *asked["argv"]]

    from runbooks.cli import main  # noqa: PLC0415

    main()


def _serve() -> None:
    _import_everything()
    gc.freeze()
    # Not through sys.stdin: what it has read ahead would be the child's too.
    with Path("/dev/stdin").open("rb", buffering=0) as requests:
        while line := requests.readline():
            child = os.fork()
            if child == 0:
                _run(json.loads(line))
                return
            sys.stdout.write(f"{child}\n")
            sys.stdout.flush()
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            sys.stdout.write(f"{status}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    _serve()
