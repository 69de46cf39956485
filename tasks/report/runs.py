"""The list of runs as a table and as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from tasks.model.verdict import Status
from tasks.model.written import stamp
from tasks.report.console import STYLES
from tasks.report.terminal import shown


class Listed(Protocol):
    """A run as the history has it."""

    @property
    def id(self) -> int: ...  # noqa: D102
    @property
    def started_at(self) -> datetime: ...  # noqa: D102
    @property
    def command(self) -> str: ...  # noqa: D102
    @property
    def verdict(self) -> str: ...  # noqa: D102
    @property
    def clusters(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def duration_s(self) -> float: ...  # noqa: D102
    @property
    def exit_code(self) -> int: ...  # noqa: D102
    @property
    def ahead(self) -> bool: ...  # noqa: D102


def render_runs(runs: Sequence[Listed]) -> RenderableType:
    """A row a run, the newest first."""
    if not runs:
        return Text("no such run is kept")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("run", justify="right", header_style="dim", no_wrap=True)
    for heading in ("started (UTC)", "command", "verdict", "exit", "took", "clusters"):
        table.add_column(heading, header_style="dim", no_wrap=heading != "clusters")
    for run in runs:
        table.add_row(
            str(run.id),
            f"{run.started_at:%Y-%m-%d %H:%M:%S}{' (in the future)' * run.ahead}",
            shown(run.command),
            Text(run.verdict, STYLES[Status(run.verdict)]),
            str(run.exit_code),
            f"{run.duration_s:.1f} s",
            shown(", ".join(run.clusters)),
        )
    return table


def runs_document(runs: Sequence[Listed]) -> list[dict[str, Any]]:
    """Plain values."""
    return [
        {
            "id": run.id,
            "started_at": stamp(run.started_at),
            "in_the_future": run.ahead,
            "command": run.command,
            "verdict": run.verdict,
            "exit_code": run.exit_code,
            "duration_s": run.duration_s,
            "clusters": list(run.clusters),
        }
        for run in runs
    ]
