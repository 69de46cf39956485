"""Verdicts: what is said of each check, each VIP and the whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tasks.model.address import IpAddress
from tasks.model.answer import Answer
from tasks.model.mac import MacAddress


class Status(StrEnum):
    """Status of a check. `skip` says that there was nothing to judge, and why; it never counts as a pass."""

    PASS = "pass"  # noqa: S105 - a status
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"
    SKIP = "skip"


_SEVERITY = {Status.SKIP: 0, Status.PASS: 1, Status.WARN: 2, Status.UNKNOWN: 3, Status.FAIL: 4}


def worst(statuses: Iterable[Status]) -> Status:
    """The most severe status; `unknown` when nothing passed or failed, for no evidence is never a pass."""
    found = max(statuses, key=_SEVERITY.__getitem__, default=Status.SKIP)
    return Status.UNKNOWN if found is Status.SKIP else found


class VipState(StrEnum):
    """One word for a VIP: the first cause that explains the evidence."""

    HEALTHY = "healthy"
    NO_MASTER = "no-master"
    SPLIT_BRAIN = "split-brain"
    STALE_NEIGHBOR = "stale-neighbor"
    NOT_LEARNED = "not-learned"
    WRONG_LOCATION = "wrong-location"
    NOT_ADVERTISED = "not-advertised"
    BLACK_HOLE = "black-hole"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check says of one target. `expected` and `actual` are texts for people."""

    check: str
    target: str
    status: Status
    message: str
    expected: str = ""
    actual: str = ""
    evidence: tuple[Answer, ...] = ()
    cause: VipState | None = None
    """What this finding, when it fails, makes of the VIP; None for what the VIP can live with."""
    overruled: str = ""
    """The reason for which the intent switched the check off, or made a warning of this failure."""


class NotJudged(Exception):  # noqa: N818 - the end of a check, not an error
    """Ends a check whose answer could not be read; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        """`finding`: what the check says instead."""
        super().__init__(finding.message)
        self.finding = finding


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCause:
    """A signature in the evidence that is known to have one cause. `advice`: steps for a person, in their order."""

    id: str
    host: str
    explanation: str
    reference: str
    advice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VipVerdict:
    """Everything said of one VIP of one cluster."""

    cluster: str
    address: IpAddress
    state: VipState
    owner: str | None
    mac: MacAddress | None
    findings: tuple[Finding, ...]
    causes: tuple[KnownCause, ...] = ()
    """What is known to cause what the findings show; empty when all is well."""
    masters: int | None = None
    """How many servers bear it; None when one of them could not be asked."""
    budgets: Mapping[str, int] = field(default_factory=dict)
    """Moves that each leaf still allows before it flags the VIP as a duplicate; none for a leaf that counts none."""

    @property
    def status(self) -> Status:
        """The worst of all findings."""
        return worst(finding.status for finding in self.findings)
