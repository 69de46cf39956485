"""What an outage may last, fault by fault, before anything was injected."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.model.written import Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedOutage:
    """One fault on one master of an instance. `heir` takes over; None where nobody has to. Times in seconds."""

    cluster: str
    instance: str
    fault: str
    master: str
    heir: str | None
    bound_s: tuple[Seconds, Seconds]
    why: str
    """The formula, with its source."""
