"""The root that all nodes share: built once with mmdebstrap, cached, and read-only ever after.

A finished root is `<state>/rootfs/<key>`. It is built beside that name and renamed at the end, so a build that was
killed leaves nothing that looks finished; the next build sweeps it up.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from lab import recipe
from lab.command import attempt, run
from lab.errors import LabError
from lab.lock import locked
from lab.model import Topology
from lab.preflight import KEYRING
from lab.repository import write_index

MIRROR_VARIABLE = "VIPBOOK_MIRROR"
BUILD_TIMEOUT_S = 1800.0
# Killed with this process, together with all its children and mounts: PID 1 of a namespace takes everything with it.
CONTAINED = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
BUILDING = ".building-"


def ensure_rootfs(state: Path, topology: Topology, progress: Callable[[str], None]) -> Path:
    """The finished root for this topology's packages; LabError when it cannot be built."""
    cache = state / "rootfs"
    wanted = cache / recipe.recipe_key(topology)
    if wanted.is_dir():
        return wanted
    with locked(cache / ".lock", progress, doing="building the nodes' root", timeout=BUILD_TIMEOUT_S):
        if not wanted.is_dir():
            progress("building the nodes' root with mmdebstrap, once (about 40 s)")
            _sweep(cache)
            building = cache / f"{BUILDING}{wanted.name}"
            _build(building, topology)
            building.rename(wanted)
    return wanted


def sweep_builds(state: Path) -> None:
    """Remove what killed builds left, unless one is going on just now."""
    cache = state / "rootfs"
    if not any(cache.glob(f"{BUILDING}*")):
        return
    with contextlib.suppress(LabError), locked(cache / ".lock", lambda _: None, doing="building", timeout=0.0):
        for entry in cache.glob(f"{BUILDING}*"):
            shutil.rmtree(entry)


def _sweep(cache: Path) -> None:
    """Remove unfinished builds, and finished ones that no lab has mounted."""
    mounted = Path("/proc/mounts").read_text(encoding="utf-8")
    for entry in cache.iterdir():
        if entry.is_dir() and str(entry) not in mounted:
            shutil.rmtree(entry)


def _build(root: Path, topology: Topology) -> None:
    try:
        run(mmdebstrap_argv(root, topology), timeout=BUILD_TIMEOUT_S)
    except LabError as error:
        message = f"the nodes' root cannot be built: {error.problem}"
        raise LabError(message, "apt-get update (and see whether this machine reaches a Debian mirror)") from error
    write_index(root / recipe.REPOSITORY.lstrip("/"))
    _write_files(root, topology)
    for user in topology.users:
        _chroot(root, ["useradd", "--create-home", "--shell", "/bin/bash", "--password", "*", user])
    _set_units(root)
    _chroot(root, ["apt-get", "update", "--quiet=2"])


def mmdebstrap_argv(root: Path, topology: Topology) -> list[str]:
    """The one command that needs a Debian mirror: it installs the packages and fetches the offline ones."""
    debs = f"{root}{recipe.REPOSITORY}"
    # Outside apt with mmdebstrap's own configuration, as its manual says for customize hooks.
    fetch = (
        'APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get --yes --download-only --no-install-recommends install '
        + " ".join(topology.offline_packages)
    )
    hooks = [f"mkdir -p {debs}"]
    if topology.offline_packages:
        archives = f"{root}/var/cache/apt/archives"
        # What mmdebstrap itself fetched is installed already, and must not pass for a part of the repository.
        hooks += [f"rm -f {archives}/*.deb", fetch, f"mv {archives}/*.deb {debs}/"]
    mirror = os.environ.get(MIRROR_VARIABLE)
    return [
        *CONTAINED,
        "--",
        "mmdebstrap",
        "--quiet",
        "--mode=root",
        "--variant=minbase",
        "--format=directory",
        *([f"--keyring={KEYRING}"] if KEYRING.exists() else []),
        *[f"--aptopt={option}" for option in _proxy_options()],
        *[f"--dpkgopt={option}" for option in recipe.DPKG_OPTIONS],
        f"--include={','.join(topology.packages)}",
        *[f"--customize-hook={hook}" for hook in hooks],
        topology.suite,
        str(root),
        *([mirror] if mirror else []),
    ]


def _proxy_options() -> list[str]:
    """This machine's own way to its mirror: mmdebstrap starts from an empty apt configuration."""
    dump = attempt(["apt-config", "dump", "--no-empty", "--format", '%f "%v";%n']).stdout
    return [line for line in dump.splitlines() if line.startswith(("Acquire::http", "Acquire::https"))]


def _write_files(root: Path, topology: Topology) -> None:
    (root / "etc/apt/apt.conf.d/99mmdebstrap").unlink(missing_ok=True)
    shutil.rmtree(root / "etc/apt/sources.list.d", ignore_errors=True)
    files = {**recipe.FILES, **{f"/etc/sudoers.d/{user}": recipe.sudoers(user) for user in topology.users}}
    for name, text in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o440 if "sudoers" in name else 0o644)
    # Shared host keys would let one lab pass for another.
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()


def _set_units(root: Path) -> None:
    units = root / "etc/systemd/system"
    # As `systemctl disable` does: the links that pull a unit in, and its aliases.
    for link in [*units.glob("*.wants/*"), *units.iterdir()]:
        if link.is_symlink() and link.readlink().name in recipe.DISABLED:
            link.unlink()
    generators = root / "etc/systemd/system-generators"
    generators.mkdir(exist_ok=True)
    masked = [generators / f"systemd-{name}-generator" for name in recipe.GENERATORS]
    for link in [*masked, *(units / unit for unit in recipe.MASKED)]:
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")


def _chroot(root: Path, argv: Sequence[str]) -> None:
    run([*CONTAINED, "--", "chroot", str(root), *argv])
