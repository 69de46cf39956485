"""What would be changed on a server, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from tasks.model.answer import Command
from tasks.model.server import PackageManager


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change: what it is for people, the commands that make it, and the shell lines that take it back.

    `keeps` are the files that its way back puts back, and that are kept before anything changes as far as they are
    there. `undo` lines run on the server itself as
    root; the steps in reverse order, the lines of one step as they stand.
    """

    topic: str
    summary: str
    diff: str = ""
    commands: tuple[Command, ...] = ()
    keeps: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPlan:
    """All steps for one server, in order. `refusal`: why none of them may be taken."""

    host: str
    packages: tuple[Step, ...] = ()
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    refusal: str | None = None
    manager: PackageManager | None = None
    """What installs packages there."""
    losses: tuple[str, ...] = ()
    """What its keepalived.conf declares, and would not any more."""

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """Package steps first: they run in a round trip of their own."""
        return self.packages + self.steps

    @property
    def changed(self) -> bool:
        """Is there anything to do?"""
        return bool(self.all_steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What the operator allows for one run."""

    take_over: bool = False
    """A keepalived.conf that vipbook did not write is replaced."""
    gap: bool = False
    """VIPs may be without a master for some seconds."""


NOTHING = Allowed()


Stands = Literal["as declared", "as before", "unknown"]
"""What stands on a server now."""


class Outcome(StrEnum):
    """What became of a server in `plan` or `apply`."""

    UNCHANGED = "unchanged"
    PLANNED = "planned"
    APPLIED = "applied"
    ROLLED_BACK = "rolled-back"
    NOT_ROLLED_BACK = "not-rolled-back"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NOT_REACHED = "not-reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOutcome:
    """One server's plan and what became of it. `reason` says why it did not end as planned."""

    host: str
    outcome: Outcome
    plan: ServerPlan
    reason: str = ""

    @property
    def stands(self) -> Stands:
        """What stands on the server now."""
        if self.outcome in {Outcome.UNCHANGED, Outcome.APPLIED}:
            return "as declared"
        return "unknown" if self.outcome in {Outcome.NOT_ROLLED_BACK, Outcome.UNKNOWN} else "as before"
