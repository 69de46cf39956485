"""A change window: what was expected of it, what changed, and whether that is all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from tasks.model.answer import Answer
from tasks.model.snapshot import Entry, Snapshot


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

    expectation: Expectation
    happened: bool
    message: str


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
class Comparison:
    """Now against then. `problems` make it NO-GO, `open_questions` UNDETERMINED.

    `accepted` are the ids of checks that fail now and failed then.
    """

    met: tuple[Met, ...]
    changes: tuple[Change, ...]
    problems: tuple[str, ...]
    open_questions: tuple[str, ...]
    accepted: tuple[str, ...]

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
class WindowResult:
    """What a report says of a window. `comparison` is None when it was only opened."""

    name: str
    action: Literal["open", "check", "close"]
    opened_at: datetime
    expectations: tuple[str, ...]
    accepted_failing: bool
    comparison: Comparison | None = None
    bundle: str | None = None
