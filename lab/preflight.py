"""What the machine must have before a lab is touched: one clear line, and the command that mends it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from lab.errors import LabUsageError
from lab.rootfs import KEYRING

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
    "mount": "mount",
    "dpkg-deb": "dpkg",
}


def check_machine() -> None:
    """LabUsageError unless this is Linux, we are root, and every program is there."""
    if sys.platform != "linux":
        message = f"the lab needs Linux, and this is {sys.platform}"
        raise LabUsageError(message, "run it in a Debian or Ubuntu machine")
    check_root()
    packages = missing_packages()
    if packages:
        message = f"the lab needs Debian packages that are not installed: {', '.join(packages)}"
        raise LabUsageError(message, f"apt-get install -y {' '.join(packages)}")


def check_root() -> None:
    """LabUsageError unless we are root."""
    if os.geteuid() != 0:
        message = "the lab needs root, for namespaces and mounts"
        raise LabUsageError(message, f"sudo {' '.join([Path(sys.argv[0]).name, *sys.argv[1:]])}")


def missing_packages() -> list[str]:
    """Debian packages whose programs are not on the PATH (with /usr/sbin added), each once, in a fixed order."""
    path = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program, path=path) is None]
    if not KEYRING.exists():
        missing.append("debian-archive-keyring")
    return list(dict.fromkeys(missing))
