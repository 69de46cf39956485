"""lint: the intent alone, offline."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from runbooks.session import read_intent
from tasks.change.faults import FAULTS, fault_of
from tasks.intent.outages import ENDINGS, expected_outages
from tasks.model.report import Report
from tasks.model.verdict import Status


def lint(inventory: Path, names: Sequence[str], *, warn: Callable[[str], None], timers: bool = False) -> Report:
    """A report without hosts; IntentError with every problem of the intent. `timers`: what each fault may cost."""
    started_at, began = datetime.now(UTC), time.monotonic()
    intent = read_intent(inventory, need_secrets=False)
    clusters = intent.select(tuple(names))
    for warning in intent.warnings:
        warn(f"warning: {warning}")
    endings = tuple(dict.fromkeys([*ENDINGS, *(fault_of(name).ending for name in FAULTS)])) if timers else ()
    return Report(
        command="lint",
        started_at=started_at,
        duration_s=time.monotonic() - began,
        asked=(),
        answered=(),
        verdict=Status.WARN if intent.warnings else Status.PASS,
        outages=tuple(each for cluster in clusters for each in expected_outages(cluster, endings)) if timers else (),
        reason=f"{inventory}: {', '.join(dict.fromkeys(cluster.name for cluster in clusters))}: nothing to mend",
    )
