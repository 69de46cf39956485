"""A change window: what was expected of it, what changed, and whether that is all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from tasks.model.answer import Answer
from tasks.model.snapshot import Entry, Snapshot
from tasks.model.written import UNLESS_NONE, Moment, Text


class WindowVerdict(StrEnum):
    """GO: what was expected happened, and nothing else. UNDETERMINED: somebody did not tell, and nothing is wrong."""

    GO = "go"
    NO_GO = "no-go"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One declared change. `about` is a cluster, a host, a topic or an address; `host` is where, or where to."""

    text: str
    kind: Literal["moves", "down", "topic", "address"]
    about: str
    host: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """An expectation, and whether it happened."""

    text: str
    happened: bool
    message: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry that is not what it was. `why` names what explains it; None: nothing does, it is collateral."""

    kind: Literal["appeared", "vanished", "changed"]
    before: Entry | None
    after: Entry | None
    why: str | None

    @property
    def entry(self) -> Entry:
        """Where it stands, or stood."""
        found = self.after if self.after is not None else self.before
        assert found is not None
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryChange:
    """One entry of one table that is not what it was; `explained_by` null: nothing does, it is collateral."""

    id: str
    host: str
    table: str
    key: str
    kind: Literal["appeared", "vanished", "changed"]
    before: Mapping[str, Text] | None
    after: Mapping[str, Text] | None
    explained_by: str | None
    command: str
    message: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Now against then. `problems` make it NO-GO, `open_questions` UNDETERMINED.

    `failed_before` are the ids of checks that fail now and failed then.
    """

    expectations: tuple[Met, ...]
    changes: tuple[EntryChange, ...]
    problems: tuple[str, ...]
    open_questions: tuple[str, ...]
    failed_before: tuple[str, ...]

    @property
    def verdict(self) -> WindowVerdict:
        """What is wrong outranks what is not known."""
        if self.problems:
            return WindowVerdict.NO_GO
        return WindowVerdict.UNDETERMINED if self.open_questions else WindowVerdict.GO


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowFile:
    """A window as it is kept: what was expected, and everything that was observed when it was opened.

    `report` and `closing` are the JSON documents of both runs; `answers` the raw evidence by host and key, masked.
    """

    name: str
    clusters: tuple[str, ...]
    expectations: tuple[str, ...]
    accept_failing: bool
    opened_at: datetime
    snapshot: Snapshot
    report: Mapping[str, Any]
    answers: Mapping[str, Mapping[str, Answer]]
    versions: Mapping[str, str]
    closed_at: datetime | None = None
    closing: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptWindow:
    """One window of the list. `state`: `open`, `go`, `no-go`, `undetermined`, or why it can't be read."""

    name: str
    state: str
    opened_at: Moment | None = None
    clusters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowResult:
    """What a report says of a window. `verdict` and what follows it are there once it was checked."""

    name: str
    action: Literal["open", "check", "close"]
    opened_at: Moment
    expected: tuple[str, ...]
    accepted_failing: bool
    verdict: Annotated[WindowVerdict | None, UNLESS_NONE] = None
    expectations: tuple[Met, ...] = ()
    problems: tuple[Text, ...] = ()
    open_questions: tuple[Text, ...] = ()
    failed_before: tuple[str, ...] = ()
    changes: tuple[EntryChange, ...] = ()
    bundle: Annotated[str | None, UNLESS_NONE] = None
