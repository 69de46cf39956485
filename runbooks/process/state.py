"""Where vipbook keeps what outlives a run: change windows, and the history of runs."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from tasks.model.errors import IntentError
from tasks.store.files import own_directory

_ROOTS = Path("/var/lib/vipbook")


def state_directory() -> Path:
    """The first of: VIPBOOK_STATE, systemd's STATE_DIRECTORY, root's /var/lib/vipbook, the user's XDG state."""
    if os.environ.get("VIPBOOK_STATE"):
        return Path(os.environ["VIPBOOK_STATE"])
    # systemd names several, with colons between, when a unit has several.
    value = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if value:
        return Path(value)
    if os.geteuid() == 0:
        return _ROOTS
    home = os.environ.get("XDG_STATE_HOME") or str(Path("~/.local/state").expanduser())
    return Path(home) / "vipbook"


def made(directory: Path) -> Path:
    """The directory, made when it is not there, for its owner alone; IntentError when it can't be, or is not safe."""
    try:
        own_directory(directory, make=True)
    except OSError as error:
        fix = "VIPBOOK_STATE names another place"
        raise IntentError(f"{directory}: can't keep state there: {error.strerror}; {fix}") from None
    return directory


def found(directory: Path) -> Path:
    """The directory, whether it is there or not; IntentError where others could have put there what is read."""
    with suppress(OSError):
        own_directory(directory, make=False)
    return directory
