"""A machine that vipbook is run from: systemd booted on the lab's common root, with this checkout in it.

It has the network of the machine that the lab is on, so that it reaches the nodes as everybody does, and no right to
change anything of it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lab.boot import enter_argv
from lab.cgroups import hierarchies
from lab.detach import detach
from lab.place import state_directory
from lab.processes import Process, all_processes
from lab.rootfs import ensure_rootfs
from lab.topology import load_topology
from tests.lab.conftest import NAME, ROOT

MACHINE = f"vipbook-{NAME}-ctl"
HERE = "/opt/vipbook"
VIPBOOK = f"{HERE}/.venv/bin/vipbook"
# Under another path the command's own first line would lead out of the machine, and a unit has a /tmp of its own.
_COMMAND = f"""#!{HERE}/.venv/bin/python
import sys

sys.path.insert(0, "{HERE}")
from runbooks.cli import main

main()
"""
_MASKED = ("ssh.service", "lldpd.service", "frr.service", "nftables.service", "netfilter-persistent.service")
_BOOT_S = 30.0


@dataclass(frozen=True, slots=True)
class Controller:
    """The running machine; `lab` is where the lab's inventory is, as it is outside."""

    lab: Path

    def run(self, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command as root inside."""
        leader = _leader()
        assert leader is not None, "the controller does not run"
        done = subprocess.run(
            enter_argv(leader, argv), capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False
        )
        assert not check or done.returncode == 0, f"{argv}: {done.returncode}: {done.stdout}{done.stderr}"
        return done


@contextmanager
def controller(directory: Path, lab: Path) -> Generator[Controller]:
    """Boot it, and take it off the machine again, whatever happens in between."""
    for part in ("upper", "work", "root"):
        (directory / part).mkdir()
    root = directory / "root"
    command = directory / "vipbook"
    command.write_text(_COMMAND)
    command.chmod(0o755)
    rootfs = ensure_rootfs(state_directory(), load_topology(), lambda _: None)
    options = f"lowerdir={rootfs},upperdir={directory / 'upper'},workdir={directory / 'work'}"
    subprocess.run(["mount", "-t", "overlay", MACHINE, "-o", options, str(root)], check=True)
    try:
        for unit in _MASKED:
            (root / "etc/systemd/system" / unit).unlink(missing_ok=True)
            (root / "etc/systemd/system" / unit).symlink_to("/dev/null")
        detach(MACHINE, _nspawn(root, command, lab), directory / "console.log", cgroup=True)
        yield _booted(Controller(lab), directory / "console.log")
    finally:
        _end()
        subprocess.run(["umount", "--lazy", str(root)], check=False)


def _nspawn(root: Path, command: Path, lab: Path) -> list[str]:
    python = Path(sys.base_prefix).resolve()
    binds = [f"{ROOT}:{HERE}", f"{command}:{VIPBOOK}", *(str(lab / each) for each in ("web", "ssh", "secrets"))]
    if not python.is_relative_to("/usr"):
        binds.append(str(python))
    return [
        "systemd-nspawn",
        *("--quiet", "--boot", "--register=no", "--keep-unit", "--settings=no", "--link-journal=no"),
        *("--resolv-conf=off", "--timezone=off", "--console=pipe", f"--machine={MACHINE}", f"--directory={root}"),
        *(f"--bind-ro={each}" for each in binds),
    ]


def _leader() -> Process | None:
    """The machine's PID 1: the child of the nspawn of that name."""
    processes = all_processes()
    keepers = [
        each.pid for each in processes if each.program == "systemd-nspawn" and f"--machine={MACHINE}" in each.argv
    ]
    return next((each for each in processes if each.ppid in keepers and each.program == "systemd"), None)


def _booted(machine: Controller, log: Path) -> Controller:
    deadline = time.monotonic() + _BOOT_S
    while time.monotonic() < deadline:
        if _leader() is not None:
            said = machine.run("systemctl", "is-system-running", check=False).stdout.strip()
            if said in {"running", "degraded"}:
                return machine
        time.sleep(0.2)
    raise AssertionError(f"the controller did not boot: {log.read_text()[-2000:]}")


def _end() -> None:
    """Its init, which takes along whatever runs in it, and its cgroup."""
    leader = _leader()
    if leader is not None:
        with suppress(ProcessLookupError):
            os.kill(leader.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    groups = [mount / MACHINE for mount in hierarchies(Path("/proc/self/mounts").read_text())]
    while time.monotonic() < deadline and any(group.exists() for group in groups):
        for group in groups:
            for deeper in sorted(group.rglob("*/"), reverse=True):
                with suppress(OSError):
                    deeper.rmdir()
            with suppress(OSError):
                group.rmdir()
        time.sleep(0.1)
