"""The catalogues, of checks and of commands on hosts, as tables and as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from tasks.judge.checks import AnyCheck
from tasks.model.asked import Asked
from tasks.report.screen.terminal import table


def render_catalogue(checks: Sequence[AnyCheck]) -> Table:
    """One row per check."""
    made = table("check", folded=("on", "reads", "passes when", "fails when"))
    made.padding = (0, 2, 1, 0)
    made.columns[0].style = "bold"
    for each in checks:
        made.add_row(each.name, each.on, each.reads, each.passes, each.fails)
    return made


def catalogue_document(checks: Sequence[AnyCheck]) -> list[dict[str, Any]]:
    """One mapping per check."""
    return [
        {
            "check": each.name,
            "target": str(each.on),
            "reads": each.reads,
            "passes": each.passes,
            "fails": each.fails,
            "decides": each.decides,
        }
        for each in checks
    ]


def render_commands(rows: Sequence[Asked]) -> Table:
    """One row per command."""
    made = table(folded=("hosts", "as", "command", "helper", "when"))
    made.columns[2].style = "bold"
    for each in rows:
        made.add_row(" ".join(each.hosts), each.privilege, each.command, each.helper or "", each.when)
    return made
