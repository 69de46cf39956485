"""A node's root: an overlayfs over the common one, with the node's files written into it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from lab.command import attempt, run
from lab.errors import LabError
from lab.nodefiles import NodeFile
from lab.place import LabPaths


def mount_node(paths: LabPaths, node: str, lower: Sequence[Path]) -> None:
    """An empty overlay on the common root and what lies above it, the uppermost first.

    `volatile`: a lab is never repaired from its disk, so no fsync either.
    """
    base = paths.nodes / node
    for part in ("upper", "work", "root"):
        (base / part).mkdir(parents=True)
    options = f"lowerdir={':'.join(map(str, lower))},upperdir={base / 'upper'},workdir={base / 'work'},volatile"
    result = attempt(["mount", "-t", "overlay", paths.namespace(node), "-o", options, str(base / "root")])
    if result.returncode != 0:
        message = f"no overlayfs on {paths.state}: {result.stderr.strip()}"
        raise LabError(message, "VIPBOOK_STATE=<a directory on ext4 or xfs> vipbook lab up")


def write_files(root: Path, files: Iterable[NodeFile]) -> None:
    """Write each file with its mode and owner; directories that are missing belong to the owner of the file."""
    ids = _user_ids(root)
    for file in files:
        path = root / file.path.lstrip("/")
        uid, gid = ids[file.owner]
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
            os.chown(path.parent, uid, gid)
        path.unlink(missing_ok=True)
        if file.link:
            path.symlink_to(file.link)
        else:
            path.write_text(file.text, encoding="utf-8")
            path.chmod(file.mode)
            os.chown(path, uid, gid)


def unmount_all(paths: LabPaths) -> None:
    """Every mount below the lab's directory, the deepest first."""
    for target in mounts_below(paths.directory):
        if attempt(["umount", target]).returncode != 0:
            # A process that is dying may still hold it for a moment: take it out of the tree at once.
            run(["umount", "--lazy", target])


def mounts_below(directory: Path) -> list[str]:
    """Mount points below a directory, the deepest first."""
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    # The kernel writes spaces in paths as octal escapes.
    targets = [line.split()[1].replace("\\040", " ") for line in lines]
    return [target for target in reversed(targets) if target.startswith(f"{directory}/")]


def remove_directory(paths: LabPaths) -> None:
    """All state of the lab; refuses while anything is mounted there, because it would empty what is mounted."""
    if mounts_below(paths.directory):
        message = f"{paths.directory} still has mounts in it"
        raise LabError(message, f"vipbook lab down{paths.command_options}")
    if paths.directory.exists():
        shutil.rmtree(paths.directory)


def _user_ids(root: Path) -> dict[str, tuple[int, int]]:
    lines = (root / "etc/passwd").read_text(encoding="utf-8").splitlines()
    fields = [line.split(":") for line in lines]
    return {entry[0]: (int(entry[2]), int(entry[3])) for entry in fields}
