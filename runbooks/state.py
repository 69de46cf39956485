"""Where vipbook keeps what outlives a run: change windows, and the history of runs."""

from __future__ import annotations

import os
from pathlib import Path

from tasks.model.errors import IntentError

_ROOTS = Path("/var/lib/vipbook")
_OWNER_ONLY = 0o700


def state_directory() -> Path:
    """The first of: VIPBOOK_STATE, systemd's STATE_DIRECTORY, root's /var/lib/vipbook, the user's XDG state."""
    for name in ("VIPBOOK_STATE", "STATE_DIRECTORY"):
        # systemd names several, with colons between, when a unit has several.
        value = os.environ.get(name, "").partition(":")[0]
        if value:
            return Path(value)
    if os.geteuid() == 0:
        return _ROOTS
    home = os.environ.get("XDG_STATE_HOME") or str(Path("~/.local/state").expanduser())
    return Path(home) / "vipbook"


def made(directory: Path) -> Path:
    """The directory, made when it is not there, for its owner alone; IntentError when it can't be."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=_OWNER_ONLY)
    except OSError as error:
        mend = "VIPBOOK_STATE names another place"
        raise IntentError(f"{directory}: can't keep state there: {error.strerror}; {mend}") from None
    return directory
