"""Start what outlives the command that started it: under the machine's systemd if it has one, else on its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.cgroups import make_cgroups
from lab.command import attempt, run
from lab.place import LabPaths

ENTER_CGROUP = Path(__file__).with_name("enter_cgroup.py")
PYTHON = (sys.executable, "-I", "-S")


def machine_runs_systemd() -> bool:
    """As sd_booted(3) tells."""
    return Path("/run/systemd/system").is_dir()


def detach(
    unit: str, argv: Sequence[str], log: Path, *, environment: Mapping[str, str] | None = None, cgroup: bool = False
) -> None:
    """Run it in the background. `cgroup` gives it a cgroup called like the unit; stdout and stderr go to `log`."""
    settings = [f"{name}={value}" for name, value in (environment or {}).items()]
    if machine_runs_systemd():
        run(_systemd_run(unit, argv, log, settings))
        return
    enter = [*PYTHON, str(ENTER_CGROUP), *map(str, make_cgroups(unit)), "--"] if cgroup else []
    with log.open("ab") as output:
        # setsid forks: init adopts what it starts, so it is nobody's zombie when it ends before its starter does.
        subprocess.run(
            ["setsid", "--fork", *enter, "env", *settings, *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            check=True,
        )


def _systemd_run(unit: str, argv: Sequence[str], log: Path, settings: Sequence[str]) -> list[str]:
    properties = ("Delegate=yes", "KillMode=mixed", "Type=exec", f"StandardOutput=append:{log}")
    return [
        "systemd-run",
        "--quiet",
        "--collect",
        f"--unit={unit}",
        *[f"--property={entry}" for entry in (*properties, f"StandardError=append:{log}")],
        *[f"--setenv={setting}" for setting in settings],
        "--",
        *argv,
    ]


def stop_units(paths: LabPaths) -> None:
    """Stop the lab's transient units, so that their names are free again. Nothing to do without systemd."""
    if not machine_runs_systemd():
        return
    listing = attempt(["systemctl", "list-units", "--all", "--plain", "--no-legend", f"{paths.prefix}-*.service"])
    names = [line.split()[0] for line in listing.stdout.splitlines() if line.split()]
    mine = [
        name for name in names if paths.namespace_pattern.fullmatch(name.removesuffix(".service").removesuffix("-ssh"))
    ]
    if mine:
        run(["systemctl", "stop", *mine])
        attempt(["systemctl", "reset-failed", *mine])
