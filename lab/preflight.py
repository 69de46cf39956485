"""What the machine must have before a lab is touched: one clear line, and the command that mends it."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from lab.errors import LabUsageError

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# Program → Debian package.
PROGRAMS = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "socat": "socat",
    "ip": "iproute2",
    "bridge": "iproute2",
    "sysctl": "procps",
    "ssh-keygen": "openssh-client",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "setsid": "util-linux",
    "mount": "mount",
    "dpkg-deb": "dpkg",
}


# What a node's systemd and dbus take of the kernel's limit per user, and some to spare for logins.
INOTIFY_PER_NODE = 5
INOTIFY_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_ENOUGH = 1024


def check_machine() -> None:
    """LabUsageError unless this is Linux, we are root, and every program is there."""
    check_root()
    packages = missing_packages()
    if packages:
        message = f"the lab needs Debian packages that are not installed: {', '.join(packages)}"
        raise LabUsageError(message, f"apt-get install -y {' '.join(packages)}")


def check_root() -> None:
    """LabUsageError unless this is Linux and we are root."""
    if sys.platform != "linux":
        message = f"the lab needs Linux, and this is {sys.platform}"
        raise LabUsageError(message, "ssh <a Debian or Ubuntu machine> vipbook lab up")
    if os.geteuid() != 0:
        message = "the lab needs root, for namespaces and mounts"
        raise LabUsageError(message, f"sudo {shlex.join(sys.argv)}")


def check_inotify(nodes: int) -> None:
    """LabUsageError when root has too few inotify instances left: systemd in a node would die at its start."""
    limit = int(INOTIFY_LIMIT.read_text(encoding="ascii"))
    used = sum(_inotify_instances(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    if used + nodes * INOTIFY_PER_NODE > limit:
        message = (
            f"{nodes} nodes need {nodes * INOTIFY_PER_NODE} inotify instances, and {limit - used} of {limit} are left"
        )
        raise LabUsageError(message, f"sysctl -w fs.inotify.max_user_instances={max(INOTIFY_ENOUGH, 2 * limit)}")


def _inotify_instances(process: Path) -> int:
    try:
        if process.stat().st_uid != 0:
            return 0
        return sum(str(entry.readlink()) == "anon_inode:inotify" for entry in (process / "fd").iterdir())
    except OSError:
        return 0


def missing_packages() -> list[str]:
    """Debian packages whose programs are not on the PATH (with /usr/sbin added), each once, in a fixed order."""
    path = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program, path=path) is None]
    if not KEYRING.exists():
        missing.append("debian-archive-keyring")
    return list(dict.fromkeys(missing))


if __name__ == "__main__":
    sys.stdout.write(" ".join(missing_packages()) + "\n" * bool(missing_packages()))
