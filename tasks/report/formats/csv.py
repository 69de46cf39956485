"""The report as CSV: one row a check."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from tasks.model.report import Report
from tasks.model.written import stamp
from tasks.report.escape import cell
from tasks.report.formats import Format
from tasks.report.parts import judged_vips

COLUMNS = (
    "started_at",
    "command",
    "stage",
    "cluster",
    "vip",
    "check",
    "target",
    "status",
    "message",
    "expected",
    "actual",
    "id",
)


def render(report: Report) -> str:
    """A header, and every check of the report and of a drill's stages."""
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows([cell(each) for each in row] for row in _rows(report))
    return written.getvalue()


def _rows(report: Report) -> Iterator[tuple[str, ...]]:
    run = (stamp(report.started_at), report.command)
    for judged in judged_vips(report):
        for check in judged.vip.checks:
            yield (
                *run,
                judged.stage,
                judged.cluster,
                judged.vip.address,
                check.check,
                check.target,
                check.status,
                check.message,
                check.expected,
                check.actual,
                check.id,
            )


FORMAT = Format(suffix="csv", render=render, bundled=False)
