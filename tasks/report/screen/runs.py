"""The list of runs for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from tasks.model.history import Run
from tasks.model.verdict import Status
from tasks.report.screen.console import STYLES
from tasks.report.screen.terminal import shown, table


def render_runs(runs: Sequence[Run]) -> RenderableType:
    """A row a run, the newest first."""
    if not runs:
        return Text("no such run is kept")
    made = table("run", "started (UTC)", "command", "verdict", "exit", "took")
    made.columns[0].justify = "right"
    made.add_column("clusters", header_style="dim")
    for run in runs:
        made.add_row(
            str(run.id),
            f"{run.started_at:%Y-%m-%d %H:%M:%S}{' (in the future)' * run.ahead}",
            shown(run.command),
            Text(run.verdict, STYLES[Status(run.verdict)]),
            str(run.exit_code),
            f"{run.duration_s:.1f} s",
            shown(", ".join(run.clusters)),
        )
    return made
