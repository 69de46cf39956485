"""The history of runs: an SQLite file that several may write at once, and that a kill in the middle leaves whole."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from tasks.model.errors import IntentError
from tasks.model.history import KeptOutage, PastHealth, Run
from tasks.model.text import readable
from tasks.model.written import stamp
from tasks.store.database import open_database
from tasks.store.rows import (
    AHEAD,
    CONFIRMED_BY,
    Timed,
    believed,
    confirmed,
    health_of,
    moment,
    outage_of,
    run_of,
    unpacked,
)

Warn = Callable[[str], None]
_T = TypeVar("_T")
_Timed = TypeVar("_Timed", bound=Timed)

_NAMED = 5
"""So many runs are enough to show which ones are meant."""
_COLUMNS = "id, started_at, ended_at, command, verdict, clusters, duration_s, exit_code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which runs: None lets all through."""

    cluster: str | None = None
    command: str | None = None
    verdict: str | None = None


@dataclass(frozen=True, slots=True)
class History:
    """An open history."""

    connection: sqlite3.Connection
    path: Path
    now: datetime
    warn: Warn

    def add(self, shape: dict[str, Any], ended_at: datetime, exit_code: int) -> int:
        """Keep the document of a run; its number."""
        clusters = scope_of(shape)
        packed = zlib.compress(json.dumps(shape, separators=(",", ":")).encode(), 1)
        with self._writing() as cursor:
            cursor.execute(
                "INSERT INTO runs (started_at, ended_at, command, verdict, clusters, duration_s, exit_code, document)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    shape["started_at"],
                    stamp(ended_at),
                    shape["command"],
                    shape["verdict"],
                    clusters,
                    shape["duration_s"],
                    exit_code,
                    packed,
                ),
            )
            number = cursor.lastrowid or 0
            cursor.executemany("INSERT INTO clusters VALUES (?, ?, ?)", (_fit(number, *row) for row in _healths(shape)))
            cursor.executemany(
                "INSERT INTO outages VALUES (?, ?, ?, ?, ?, ?, ?)", (_fit(number, *row) for row in _outages(shape))
            )
        return number

    def runs(self, wanted: Wanted, limit: int) -> tuple[Run, ...]:
        """The newest first."""
        where, values = _where(wanted)
        rows = self.connection.execute(
            f"SELECT {_COLUMNS} FROM runs {where} ORDER BY id DESC LIMIT ?",  # noqa: S608 - built of constants alone
            (*values, limit),
        )
        return tuple(self._readable(rows, lambda row: run_of(row, self.now)))

    def newest(self, back: int) -> int | None:
        """The number of the newest run, of the one before it (2), and so on."""
        row = self.connection.execute("SELECT id FROM runs ORDER BY id DESC LIMIT 1 OFFSET ?", (back - 1,)).fetchone()
        return int(row[0]) if row is not None and back > 0 else None

    def holds(self, number: int) -> bool:
        """Is a run of that number kept?"""
        return self.connection.execute("SELECT 1 FROM runs WHERE id = ?", (number,)).fetchone() is not None

    def document(self, number: int) -> bytes:
        """The JSON document of a run; IntentError when it can't be read."""
        row = self.connection.execute("SELECT document FROM runs WHERE id = ?", (number,)).fetchone()
        if row is None:
            raise IntentError(f"{self.path}: run {number} is not kept any more")
        try:
            return unpacked(row[0])
        except ValueError as error:
            raise IntentError(f"{self.path}: run {number}: its document can't be read: {error}") from None

    def last_success(self, scope: str) -> datetime | None:
        """When the last run on these clusters ended with pass or warn; one that ended in the future does not count."""
        ends = "SELECT id, ended_at FROM runs WHERE clusters = ? AND verdict IN ('pass', 'warn') AND ended_at"
        latest = stamp(self.now + AHEAD)
        ahead = [number for number, _ in self.connection.execute(f"{ends} > ?", (scope, latest))]
        self._disbelieve(ahead)
        rows = self.connection.execute(f"{ends} <= ? ORDER BY ended_at DESC", (scope, latest))
        return next(self._readable(rows, lambda row: moment(row[1])), None)

    def outages(self, cluster: str | None = None) -> tuple[KeptOutage, ...]:
        """Every outage that was kept, the newest first."""
        rows = self.connection.execute(
            "SELECT run, started_at, cluster, probe, phase, seconds, allowed_s, within FROM outages"
            " JOIN runs ON runs.id = outages.run WHERE ?1 IS NULL OR cluster = ?1 ORDER BY run, outages.rowid DESC",
            (cluster,),
        )
        return tuple(reversed(self._believed(self._readable(rows, outage_of))))

    def health(self, cluster: str | None = None) -> tuple[PastHealth, ...]:
        """Whether all VIPs of a cluster were healthy, at every run that judged it, the oldest first."""
        rows = self.connection.execute(
            "SELECT run, started_at, cluster, healthy FROM clusters JOIN runs ON runs.id = clusters.run"
            " WHERE ?1 IS NULL OR cluster = ?1 ORDER BY run",
            (cluster,),
        )
        return self._believed(self._readable(rows, health_of))

    def _readable(self, rows: Iterable[Sequence[Any]], read: Callable[[Sequence[Any]], _T]) -> Iterator[_T]:
        """The rows, each of which begins with the number of its run, but those that can't be read: they are named."""
        for row in rows:
            try:
                yield read(row)
            except ValueError as error:
                self.warn(f"{self.path}: run {row[0]} can't be read and is left out: {error}")

    def _believed(self, found: Iterable[_Timed]) -> tuple[_Timed, ...]:
        good, wrong = believed(found, self.now)
        self._disbelieve(wrong)
        return good

    def _disbelieve(self, numbers: Sequence[int]) -> None:
        if numbers:
            named = ", ".join(map(str, numbers[:_NAMED])) + (", …" if len(numbers) > _NAMED else "")
            self.warn(f"{self.path}: the clock was wrong at run {named}, or is now ({stamp(self.now)}): left out")

    def noticed(self, target: str, scope: str) -> str | None:
        """The verdict that this target was told last."""
        row = self.connection.execute(
            "SELECT verdict FROM notices WHERE target = ? AND scope = ?", (target, scope)
        ).fetchone()
        return str(row[0]) if row is not None else None

    def notice(self, target: str, scope: str, verdict: str) -> None:
        """Remember that it was told."""
        with self._writing() as cursor:
            cursor.execute(
                "INSERT INTO notices VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET verdict = excluded.verdict",
                (target, scope, verdict),
            )

    def prune(self, now: datetime, days: int, count: int) -> int:
        """Forget what is too old or too much; how many runs that were.

        What the clock says now counts as far as the newest runs confirm it, and no run that came after one that is
        young enough is too old: numbers grow with time, whatever the clock says.
        """
        times = self.connection.execute("SELECT started_at FROM runs ORDER BY id DESC LIMIT ?", (CONFIRMED_BY,))
        span = confirmed(now, (at for (at,) in times))
        with self._writing() as cursor:
            first = None
            if span is not None:
                young = (stamp(span[0] - timedelta(days=days)), stamp(span[1]))
                (first,) = cursor.execute("SELECT min(id) FROM runs WHERE started_at BETWEEN ? AND ?", young).fetchone()
            cursor.execute(
                "DELETE FROM runs WHERE id < ? OR id <= (SELECT id FROM runs ORDER BY id DESC LIMIT 1 OFFSET ?)",
                (first or 0, count),
            )
            return cursor.rowcount

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Cursor]:
        """A transaction that has the file for itself from its beginning, so that two never wait for each other."""
        cursor = self.connection.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        try:
            yield cursor
        except BaseException:
            cursor.execute("ROLLBACK")
            raise
        cursor.execute("COMMIT")


@contextmanager
def open_history(path: Path, *, create: bool, warn: Warn = lambda _: None) -> Generator[History]:
    """The history in that file; IntentError when it is none, or a newer vipbook's, and then it is left as it is.

    `warn` gets a sentence for each run that can't be read, or whose time can't be right; the others are read.
    """
    with open_database(path, create=create) as connection:
        yield History(connection, path, datetime.now(UTC), warn)


def scope_of(shape: dict[str, Any]) -> str:
    """The clusters of a run as one text, whatever their order."""
    return json.dumps(sorted(cluster["name"] for cluster in shape["clusters"]))


def _fit(*row: object) -> tuple[object, ...]:
    """SQLite takes no lone surrogate."""
    return tuple(readable(each) if isinstance(each, str) else each for each in row)


def _healths(shape: dict[str, Any]) -> Iterator[tuple[str, int]]:
    for cluster in shape["clusters"]:
        yield cluster["name"], int(all(vip["state"] == "healthy" for vip in cluster["vips"]))


def _outages(shape: dict[str, Any]) -> Iterator[tuple[str, str, str, float, float, int]]:
    for cluster in shape["clusters"][:1]:
        for probe in shape.get("drill", {}).get("probes", ()):
            for each in probe["outages"]:
                if each["measured"]:
                    numbers = (each["seconds"], each["bound_s"][1], int(each["within_bound"]))
                    yield (cluster["name"], probe["from"], each["phase"], *numbers)


def _where(wanted: Wanted) -> tuple[str, Sequence[str]]:
    conditions = {
        "EXISTS (SELECT 1 FROM clusters WHERE clusters.run = runs.id AND cluster = ?)": wanted.cluster,
        "command = ?": wanted.command,
        "verdict = ?": wanted.verdict,
    }
    given = {text: readable(value) for text, value in conditions.items() if value is not None}
    return (f"WHERE {' AND '.join(given)}" if given else ""), tuple(given.values())
