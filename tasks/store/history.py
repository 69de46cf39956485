"""The history of runs: an SQLite file that several may write at once, and that a kill in the middle leaves whole."""

from __future__ import annotations

import json
import os
import sqlite3
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tasks.model.errors import IntentError
from tasks.report.stamps import stamp

_OURS = 0x76697062
"""SQLite's application id: `vipb`."""
_VERSION = 1
_PATIENCE_S = 10.0
_TABLES = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, started_at TEXT NOT NULL, ended_at TEXT NOT NULL, command TEXT NOT NULL,
    verdict TEXT NOT NULL, clusters TEXT NOT NULL, duration_s REAL NOT NULL, exit_code INTEGER NOT NULL,
    document BLOB NOT NULL);
CREATE INDEX runs_by_time ON runs (started_at);
CREATE TABLE clusters (
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE, cluster TEXT NOT NULL, healthy INTEGER NOT NULL);
CREATE INDEX clusters_by_run ON clusters (run, cluster);
CREATE TABLE outages (
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE, cluster TEXT NOT NULL, probe TEXT NOT NULL,
    phase TEXT NOT NULL, seconds REAL NOT NULL, allowed_s REAL NOT NULL, within INTEGER NOT NULL);
CREATE INDEX outages_by_run ON outages (run, cluster);
CREATE TABLE notices (
    target TEXT NOT NULL, scope TEXT NOT NULL, verdict TEXT NOT NULL, PRIMARY KEY (target, scope));
"""
_COLUMNS = "id, started_at, ended_at, command, verdict, clusters, duration_s, exit_code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run, without its document."""

    id: int
    started_at: datetime
    ended_at: datetime
    command: str
    verdict: str
    clusters: tuple[str, ...]
    duration_s: float
    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PastOutage:
    """An outage that a drill measured."""

    run: int
    at: datetime
    cluster: str
    probe: str
    phase: str
    seconds: float
    allowed_s: float
    within: bool


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
            cursor.executemany("INSERT INTO clusters VALUES (?, ?, ?)", ((number, *row) for row in _healths(shape)))
            cursor.executemany(
                "INSERT INTO outages VALUES (?, ?, ?, ?, ?, ?, ?)", ((number, *row) for row in _outages(shape))
            )
        return number

    def runs(self, wanted: Wanted, limit: int) -> tuple[Run, ...]:
        """The newest first."""
        where, values = _where(wanted)
        rows = self.connection.execute(
            f"SELECT {_COLUMNS} FROM runs {where} ORDER BY id DESC LIMIT ?",  # noqa: S608 - built of constants alone
            (*values, limit),
        )
        return tuple(map(_run, rows))

    def run(self, number: int) -> Run | None:
        """The run of that number."""
        row = self.connection.execute(f"SELECT {_COLUMNS} FROM runs WHERE id = ?", (number,)).fetchone()  # noqa: S608
        return _run(row) if row is not None else None

    def document(self, number: int) -> bytes:
        """The JSON document of a run that is there."""
        (packed,) = self.connection.execute("SELECT document FROM runs WHERE id = ?", (number,)).fetchone()
        return zlib.decompress(packed)

    def last_success(self, scope: str) -> datetime | None:
        """When the last run on these clusters ended with pass or warn."""
        row = self.connection.execute(
            "SELECT max(ended_at) FROM runs WHERE clusters = ? AND verdict IN ('pass', 'warn')", (scope,)
        ).fetchone()
        return _time(row[0]) if row[0] is not None else None

    def outages(self, cluster: str | None = None) -> tuple[PastOutage, ...]:
        """Every outage that was kept, the newest first."""
        rows = self.connection.execute(
            "SELECT run, started_at, cluster, probe, phase, seconds, allowed_s, within FROM outages"
            " JOIN runs ON runs.id = outages.run WHERE ?1 IS NULL OR cluster = ?1 ORDER BY run DESC, outages.rowid",
            (cluster,),
        )
        return tuple(
            PastOutage(
                run=run, at=_time(at), cluster=name, probe=probe, phase=phase, seconds=s, allowed_s=a, within=bool(w)
            )
            for run, at, name, probe, phase, s, a, w in rows
        )

    def health(self, cluster: str | None = None) -> tuple[tuple[str, datetime, bool], ...]:
        """Cluster, time, and whether all its VIPs were healthy, of every run that judged it, the oldest first."""
        rows = self.connection.execute(
            "SELECT cluster, started_at, healthy FROM clusters JOIN runs ON runs.id = clusters.run"
            " WHERE ?1 IS NULL OR cluster = ?1 ORDER BY run",
            (cluster,),
        )
        return tuple((name, _time(at), bool(healthy)) for name, at, healthy in rows)

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
        """Forget what is too old or too much; how many runs that were."""
        oldest = stamp(now - timedelta(days=days))
        with self._writing() as cursor:
            cursor.execute(
                "DELETE FROM runs WHERE started_at < ?"
                " OR id <= (SELECT id FROM runs ORDER BY id DESC LIMIT 1 OFFSET ?)",
                (oldest, count),
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
def open_history(path: Path, *, create: bool) -> Generator[History]:
    """The history in that file; IntentError when it is none, or a newer vipbook's, and then it is left as it is."""
    if not create and not path.exists():
        raise IntentError(f"{path}: no run is kept there yet")
    try:
        if not path.exists():
            # SQLite would make it for everybody to read.
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        connection = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise IntentError(f"{path}: can't be opened: {error}") from None
    try:
        _prepare(connection, path)
        yield History(connection, path)
    except sqlite3.Error as error:
        raise IntentError(f"{path}: not a history that can be used: {error}; move it away") from None
    finally:
        connection.close()


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    if _versions(connection) == (_OURS, _VERSION):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        _ours_to_use(*_versions(connection), tables, path)
        if not tables:
            for statement in _TABLES.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_OURS}")
            connection.execute(f"PRAGMA user_version = {_VERSION}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _ours_to_use(ours: int, version: int, tables: int, path: Path) -> None:
    """IntentError for a database that is somebody else's, or a newer vipbook's."""
    if ours != _OURS and (tables or version):
        raise IntentError(f"{path}: somebody else's database; move it away")
    if version > _VERSION:
        raise IntentError(f"{path}: a history of version {version}; this vipbook knows {_VERSION}; upgrade it")


def _versions(connection: sqlite3.Connection) -> tuple[int, int]:
    (ours,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return ours, version


def scope_of(shape: dict[str, Any]) -> str:
    """The clusters of a run as one text, whatever their order."""
    return json.dumps(sorted(cluster["name"] for cluster in shape["clusters"]))


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
    given = {text: value for text, value in conditions.items() if value is not None}
    return (f"WHERE {' AND '.join(given)}" if given else ""), tuple(given.values())


def _run(row: tuple[Any, ...]) -> Run:
    number, started, ended, command, verdict, clusters, duration, code = row
    return Run(
        id=number,
        started_at=_time(started),
        ended_at=_time(ended),
        command=command,
        verdict=verdict,
        clusters=tuple(json.loads(clusters)),
        duration_s=duration,
        exit_code=code,
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
