"""The file that the history is kept in: made, recognised, and refused with a reason."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tasks.model.errors import IntentError

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


@contextmanager
def open_database(path: Path, *, create: bool) -> Generator[sqlite3.Connection]:
    """The history in that file; IntentError when it is none, or a newer vipbook's, and then it is left as it is."""
    try:
        if not create and not path.exists():
            raise IntentError(f"{path}: no run is kept there yet")
        if create and not path.exists():
            # SQLite would make it for everybody to read.
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        connection = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise IntentError(f"{path}: can't be opened: {error}") from None
    # Bytes that are no text would otherwise end the reading of all rows.
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    try:
        _prepare(connection, path)
        yield connection
    except sqlite3.Error as error:
        raise IntentError(f"{path}: {_trouble(error)}") from None
    finally:
        connection.close()


def _trouble(error: sqlite3.Error) -> str:
    """What is wrong, and whether moving the file away helps: not where another program or the disk is the reason."""
    kind = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if kind in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return f"another program has kept it locked for {_PATIENCE_S:.0f} s; try again"
    if kind in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}:
        return f"can't be used: {error}"
    return f"not a history that can be used: {error}; move it away"


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
