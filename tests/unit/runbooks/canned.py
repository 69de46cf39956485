"""The vipbook command, whose hosts have answered already: each exit code of a run in a process of its own.

The first argument is the code; what follows is the command line.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import runbooks.apply.runbook
import runbooks.verify
from runbooks import cli
from runbooks.cli.face import Face
from tasks.model.plan import Outcome, ServerOutcome, ServerPlan
from tasks.model.report import Report
from tasks.model.verdict import Status
from tests.unit.report.test_document import report
from tests.unit.report.test_schema import SILENT, STALE

MANY = tuple(f"H{number}" for number in range(40_000))
"""Hosts whose names are more than a pipe holds."""


def _changed(outcome: Outcome, **changed: Any) -> Report:  # noqa: ANN401
    servers = (ServerOutcome(host="H1", outcome=outcome, plan=ServerPlan(host="H1")),)
    return report(command="apply", servers=servers, **{"verdict": Status.FAIL, **changed})


REPORTS = {
    "0": lambda: report(asked=MANY, answered=MANY),
    "1": lambda: report(vips=(STALE,)),
    "3": lambda: report(vips=(SILENT,), answered=()),
    "4": lambda: _changed(Outcome.ROLLED_BACK),
    "5": lambda: _changed(Outcome.NOT_ROLLED_BACK),
    "130": lambda: _changed(Outcome.APPLIED, interrupted=True, verdict=Status.UNKNOWN),
}


def _main(code: str, words: list[str]) -> None:
    @contextmanager
    def session(*_: object) -> Iterator[None]:
        yield None

    def canned(*_: object, **__: object) -> Report:
        return REPORTS[code]()

    Face.session = session  # type: ignore[assignment, method-assign]
    runbooks.verify.verify = canned
    runbooks.apply.runbook.apply = canned
    for name in os.environ.get("MISSING", "").split():
        sys.modules[name] = None  # type: ignore[assignment]
    sys.argv = ["vipbook", *words]
    cli.main()


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2:])
