"""Everything observed at one moment, keyed so that two moments can be compared entry by entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a table, reduced to what it means.

    `key` tells which row it is, `fields` what it says; order, ages, timers, counters and sequence numbers are in
    neither. `addresses` to `systems` are what it is about, so that a change of it can be explained; `systems` are names
    of hosts as LLDP and intent have them.
    """

    key: str
    fields: Mapping[str, str]
    addresses: tuple[str, ...] = ()
    macs: tuple[str, ...] = ()
    vteps: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A row in its place; `command` is what it was read from."""

    host: str
    table: str
    row: Row
    command: str

    @property
    def id(self) -> tuple[str, str, str]:
        """Which one it is."""
        return (self.host, self.table, self.row.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A table that could not be read."""

    host: str
    table: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All entries of all hosts asked, and what could not be read. `owners`: who bore each VIP, None for nobody."""

    entries: tuple[Entry, ...]
    missing: tuple[Missing, ...]
    owners: Mapping[str, str | None]
    asked: tuple[str, ...]
    answered: tuple[str, ...]
