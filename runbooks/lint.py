"""lint: the intent alone, offline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from runbooks.session import read_intent
from tasks.change.faults import FAULTS, fault_of
from tasks.intent.outages import ENDINGS, expected_outages
from tasks.model.report import Report
from tasks.model.verdict import Status
from tasks.report.build import Reporter


def lint(inventory: Path, names: Sequence[str], *, warn: Callable[[str], None], timers: bool = False) -> Report:
    """A report without hosts; IntentError with every problem of the intent. `timers`: what each fault may cost."""
    reporter = Reporter("lint")
    intent = read_intent(inventory, need_secrets=False)
    clusters = intent.select(tuple(names))
    for warning in intent.warnings:
        warn(f"warning: {warning}")
    endings = tuple(dict.fromkeys([*ENDINGS, *(fault_of(name).ending for name in FAULTS)])) if timers else ()
    return reporter.report(
        verdict=Status.WARN if intent.warnings else Status.PASS,
        timers=(each for cluster in clusters for each in expected_outages(cluster, endings)) if timers else (),
        reason=f"{inventory}: {', '.join(dict.fromkeys(cluster.name for cluster in clusters))}: nothing to mend",
    )
