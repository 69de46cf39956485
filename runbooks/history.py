"""history: what earlier runs said, what changed between two of them, and how it goes over time."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from runbooks.keeping import history_path
from tasks.model.errors import IntentError
from tasks.report.trend import PICTURES, Measured, Trend
from tasks.store.history import History, Run, Wanted, open_history

_NUMBER = re.compile(r"(?:last|-?[0-9]{1,9})\Z")


@contextmanager
def kept() -> Generator[History]:
    """The history; IntentError when there is none yet."""
    with open_history(history_path(), create=False) as history:
        yield history


def listed(wanted: Wanted, limit: int) -> tuple[Run, ...]:
    """The newest runs that are wanted."""
    with kept() as history:
        return history.runs(wanted, limit)


def stored(word: str) -> tuple[Run, bytes]:
    """The run that an operator names, with its document: a number, `last`, or -1, -2 … from the newest."""
    with kept() as history:
        run = _named(history, word)
        return run, history.document(run.id)


def _named(history: History, word: str) -> Run:
    if not _NUMBER.match(word):
        raise IntentError(f"{word!r} names no run; accepted: a number, 'last', or -1, -2 … from the newest")
    if word == "last" or word.startswith("-"):
        back = 1 if word == "last" else int(word[1:])
        runs = history.runs(Wanted(), back)
        if 0 < back == len(runs):
            return runs[-1]
    else:
        found = history.run(int(word))
        if found is not None:
            return found
    newest = history.runs(Wanted(), 1)
    raise IntentError(f"no run {word} is kept; the newest is {newest[0].id}" if newest else "no run is kept yet")


def trends(clusters: Sequence[str]) -> tuple[Trend, ...]:
    """The trend of each cluster that a run has judged; IntentError for one that none has."""
    with kept() as history:
        health = history.health()
        known = tuple(dict.fromkeys(name for name, _, _ in health))
        for name in clusters:
            if name not in known:
                raise IntentError(f"no run has judged {name!r}; kept: {', '.join(known) or 'none'}")
        return tuple(
            Trend(
                cluster=name,
                runs=tuple((at, healthy) for each, at, healthy in health if each == name),
                outages=tuple(
                    Measured(
                        at=each.at,
                        probe=each.probe,
                        phase=each.phase,
                        seconds=each.seconds,
                        allowed_s=each.allowed_s,
                        within=each.within,
                    )
                    for each in sorted(history.outages(name), key=lambda each: each.run)
                ),
            )
            for name in (clusters or known)
        )


def picture_of(path: Path) -> str:
    """The form of a picture by its suffix; IntentError for another, before anything is read."""
    form = path.suffix.removeprefix(".")
    if form not in PICTURES:
        raise IntentError(f"--plot {path}: accepted: a path that ends in .svg or .png")
    if not path.parent.is_dir():
        raise IntentError(f"--plot {path}: there is no directory {path.parent}; make it first")
    return form
