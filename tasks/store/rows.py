"""Rows of the history as types. A file outlives the program, the clock and the disk: each value is checked."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from tasks.model.history import KeptOutage, PastHealth, Run

AHEAD = timedelta(minutes=5)
"""A run that is further ahead of the clock than a correction of NTP's was made while the clock was wrong."""
_BEHIND = timedelta(days=1)
"""Runs of one moment may end in any order; one that began a day before its predecessor was made by a wrong clock."""
CONFIRMED_BY = 25
"""So many of the newest runs say what time it is: a clock that was wrong for fewer than half of them moves nothing."""
_YEARS = range(1970, 9999)
"""Clocks count from the first. Nearer to the ends of the calendar a zone or a span of time leads out of it."""
_MOST_BYTES = 256 * 2**20


class Timed(Protocol):
    """What belongs to a run."""

    @property
    def run(self) -> int: ...  # noqa: D102
    @property
    def at(self) -> datetime: ...  # noqa: D102


_T = TypeVar("_T", bound=Timed)


def moment(value: object) -> datetime:
    """A time of the history; ValueError for what is none."""
    if isinstance(value, str):
        at = datetime.fromisoformat(value)
        if at.tzinfo is not None and at.year in _YEARS:
            return at.astimezone(UTC)
    raise ValueError(f"{value!r} is not a time")


def run_of(row: Sequence[Any], now: datetime) -> Run:
    """A row of the table of runs; ValueError for one that vipbook did not write."""
    number, started, ended, command, verdict, clusters, duration, code = row
    names = json.loads(_typed(clusters, str))
    if not isinstance(names, list):
        raise ValueError(f"{clusters!r} is not a list of clusters")  # noqa: TRY004 - one kind of error a row
    at = moment(started)
    if verdict not in {"pass", "warn", "fail", "unknown"}:
        raise ValueError(f"{verdict!r} is not a verdict")
    return Run(
        id=number,
        started_at=at,
        ended_at=moment(ended),
        command=_typed(command, str),
        verdict=verdict,
        clusters=tuple(_typed(name, str) for name in names),
        duration_s=float(_typed(duration, float, int)),
        exit_code=_typed(code, int),
        ahead=at > now + AHEAD,
    )


def outage_of(row: Sequence[Any]) -> KeptOutage:
    """A row of the table of outages with the time of its run; ValueError as above."""
    number, at, cluster, probe, phase, seconds, allowed, within = row
    return KeptOutage(
        run=number,
        at=moment(at),
        cluster=_typed(cluster, str),
        probe=_typed(probe, str),
        phase=_typed(phase, str),
        seconds=float(_typed(seconds, float, int)),
        allowed_s=float(_typed(allowed, float, int)),
        within=bool(_typed(within, int)),
    )


def health_of(row: Sequence[Any]) -> PastHealth:
    """A row of the table of clusters with the time of its run; ValueError as above."""
    number, at, cluster, healthy = row
    return PastHealth(run=number, at=moment(at), cluster=_typed(cluster, str), healthy=bool(_typed(healthy, int)))


def _typed(value: Any, *types: type) -> Any:  # noqa: ANN401 - SQLite keeps any type in any column
    if not isinstance(value, types):
        raise ValueError(f"{value!r} is not {types[0].__name__}")  # noqa: TRY004 - one kind of error a row
    return value


def unpacked(packed: object) -> bytes:
    """The document of a run; ValueError for what is none."""
    if not isinstance(packed, bytes):
        raise ValueError(f"a document of type {type(packed).__name__}")  # noqa: TRY004 - one kind of error a row
    reader = zlib.decompressobj()
    try:
        text = reader.decompress(packed, _MOST_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not reader.eof:
        raise ValueError("cut short, or larger than any report")
    return text


def believed(found: Iterable[_T], now: datetime) -> tuple[tuple[_T, ...], tuple[int, ...]]:
    """Those, the oldest first, whose time can be right; and the numbers of the runs whose time can not.

    Numbers are given in the order in which runs end, so a time far before an earlier one's is as wrong as a future one.
    """
    good: list[_T] = []
    wrong: list[int] = []
    newest: datetime | None = None
    for each in found:
        if each.at > now + AHEAD or (newest is not None and each.at < newest - _BEHIND):
            wrong.append(each.run)
            continue
        newest = each.at if newest is None else max(newest, each.at)
        good.append(each)
    return tuple(good), tuple(dict.fromkeys(wrong))


def confirmed(now: datetime, newest: Iterable[object]) -> tuple[datetime, datetime] | None:
    """Between which times it is now: the clock's, and the median of the newest runs, which a wrong clock can't move.

    None where no run has a time. `newest`: the newest times that are kept, CONFIRMED_BY of them at most.
    """
    times = []
    for each in newest:
        try:
            times.append(moment(each))
        except ValueError:
            continue
    if not times:
        return None
    median = sorted(times)[(len(times) - 1) // 2]
    return min(now, median), max(now, median)
