"""What labs side by side share of the kernel, raised for the time of a run."""

from __future__ import annotations

import os
from pathlib import Path

# More inotify instances than 128 a user, more neighbors than 1024.
_LIMITS = {
    Path("/proc/sys/fs/inotify/max_user_instances"): 2048,
    **{
        Path(f"/proc/sys/net/{family}/neigh/default/gc_thresh{number}"): 4096 * number
        for family in ("ipv4", "ipv6")
        for number in (3, 2, 1)
    },
}
_limits_before: dict[Path, str] = {}


def raise_all() -> None:
    """By the process that outlives all workers, once."""
    if os.geteuid() != 0 or "PYTEST_XDIST_WORKER" in os.environ or _limits_before:
        return
    for path, enough in _LIMITS.items():
        if int(path.read_text()) < enough:
            _limits_before[path] = path.read_text()
            path.write_text(str(enough))


def restore() -> None:
    """Restore what it was."""
    while _limits_before:
        path, before = _limits_before.popitem()
        path.write_text(before)
