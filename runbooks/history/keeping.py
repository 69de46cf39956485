"""Every run is kept: the history of runs beside the report, which it never spoils."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runbooks.process.state import found, made, state_directory
from tasks.model.errors import IntentError, VipbookError

if TYPE_CHECKING:
    from tasks.model.report import Past
    from tasks.store.history import History

KEPT = {"verify", "drill", "apply", "window"}
"""Commands that ask hosts and judge."""
_LIMITS = {"VIPBOOK_HISTORY_DAYS": 90, "VIPBOOK_HISTORY_RUNS": 10_000}
_MOST = 100_000
_SWITCH = "VIPBOOK_HISTORY"
_PRUNED_EACH = 50
"""Looking for what is too old costs more than keeping a few runs more."""


def limits() -> tuple[int, int]:
    """Days and runs to keep; IntentError for what is no number."""
    found = []
    for name, default in _LIMITS.items():
        text = os.environ.get(name, str(default))
        if not text.isdecimal() or not 1 <= int(text) <= _MOST:
            raise IntentError(f"{name}={text}: give a whole number from 1 to {_MOST}")
        found.append(int(text))
    days, runs = found
    return days, runs


def switched_on() -> bool:
    """Is the history written? IntentError for a word that says neither."""
    word = os.environ.get(_SWITCH, "on")
    if word not in {"on", "off"}:
        raise IntentError(f"{_SWITCH}={word}: accepted: on, off")
    return word == "on"


def history_path() -> Path:
    """Where the history is kept."""
    return state_directory() / "history.db"


def keep(shape: dict[str, Any], code: int) -> None:
    """Keep the run; VipbookError when it could not be kept, or when old ones could not be forgotten."""
    from tasks.store.history import open_history  # noqa: PLC0415 - sqlite3 is loaded when everything is printed

    now = datetime.now(UTC)
    days, runs = limits()
    kept = False
    try:
        made(state_directory())
        with open_history(history_path(), create=True) as history:
            number = history.add(shape, now, code)
            kept = True
            if number % _PRUNED_EACH == 0:
                history.prune(now, days, runs)
    except IntentError as error:
        what = "old runs are not forgotten" if kept else "this run is not kept"
        raise VipbookError(f"{what}: {error}") from None


def with_past(shape: dict[str, Any], warn: Callable[[str], None]) -> dict[str, Any]:
    """The document with what the history knew of these clusters; unchanged when it knows nothing or can't be read."""
    from tasks.model.report import Past  # noqa: PLC0415 - as above
    from tasks.report.document import plain_values  # noqa: PLC0415 - as above
    from tasks.store.history import open_history  # noqa: PLC0415 - as above

    try:
        if not history_path().exists():
            return shape
        found(state_directory())
        with open_history(history_path(), create=False, warn=warn) as history:
            return {**shape, "past": plain_values(Past, _past(history, shape))}
    except (IntentError, OSError) as error:
        warn(f"nothing is known of earlier runs: {error}")
    return shape


def _past(history: History, shape: dict[str, Any]) -> Past:
    from tasks.model.report import Past  # noqa: PLC0415 - as above
    from tasks.store.history import scope_of  # noqa: PLC0415 - as above

    outages = []
    for cluster in shape["clusters"]:
        known = history.outages(cluster["name"])
        outages += [each for each in known if each.run == known[0].run]
    return Past(last_success_at=history.last_success(scope_of(shape)), last_outages=tuple(outages))
