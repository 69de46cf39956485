"""history: what earlier runs said, what changed between two of them, and how it goes over time."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from runbooks.history.keeping import history_path
from runbooks.process.state import found, state_directory
from tasks.model.errors import IntentError
from tasks.model.history import Run
from tasks.report.trend import Trend
from tasks.store.files import writable
from tasks.store.history import History, Wanted, Warn, open_history

_NUMBER = re.compile(r"(?:last|-?[0-9]{1,9})\Z")


@contextmanager
def kept(warn: Warn) -> Generator[History]:
    """The history; IntentError when there is none yet."""
    found(state_directory())
    with open_history(history_path(), create=False, warn=warn) as history:
        yield history


def listed(wanted: Wanted, limit: int, warn: Warn) -> tuple[Run, ...]:
    """The newest runs that are wanted."""
    with kept(warn) as history:
        return history.runs(wanted, limit)


def stored(word: str, warn: Warn) -> tuple[int, bytes]:
    """The run that an operator names, with its document: a number, `last`, or -1, -2 … from the newest."""
    with kept(warn) as history:
        number = _named(history, word)
        return number, history.document(number)


def _named(history: History, word: str) -> int:
    if not _NUMBER.match(word):
        raise IntentError(f"{word!r} names no run; accepted: a number, 'last', or -1, -2 … from the newest")
    if word == "last" or word.startswith("-"):
        number = history.newest(1 if word == "last" else int(word[1:]))
    else:
        number = int(word) if history.holds(int(word)) else None
    if number is not None:
        return number
    newest = history.newest(1)
    raise IntentError(f"no run {word} is kept; the newest is {newest}" if newest else "no run is kept yet")


def trends(clusters: Sequence[str], warn: Warn) -> tuple[Trend, ...]:
    """The trend of each cluster that a run has judged; IntentError for one that none has."""
    with kept(warn) as history:
        health = history.health()
        known = tuple(dict.fromkeys(each.cluster for each in health))
        if not known:
            raise IntentError("no run whose time can be right has judged a cluster; see `vipbook history list`")
        for name in clusters:
            if name not in known:
                raise IntentError(f"no run has judged {name!r}; kept: {', '.join(known)}")
        return tuple(
            Trend(
                cluster=name,
                runs=tuple(sorted((each.at, each.healthy) for each in health if each.cluster == name)),
                outages=tuple(sorted(history.outages(name), key=lambda each: each.at)),
            )
            for name in (clusters or known)
        )


def check_picture(path: Path) -> None:
    """IntentError where no picture can be written, before anything is read."""
    if path.suffix != ".svg":
        raise IntentError(f"--plot {path}: accepted: a path that ends in .svg")
    writable(path, f"--plot {path}")
