"""The catalogues, of checks and of commands on hosts, as tables and as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from tasks.judge.checks import AnyCheck
from tasks.model.asked import Asked


def render_catalogue(checks: Sequence[AnyCheck]) -> Table:
    """One row per check."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0))
    table.add_column("check", no_wrap=True, style="bold", header_style="dim")
    for heading in ("on", "reads", "passes when", "fails when"):
        table.add_column(heading, overflow="fold", header_style="dim")
    for each in checks:
        table.add_row(each.name, each.on, each.reads, each.passes, each.fails)
    return table


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
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("hosts", "as", "command", "helper", "when"):
        table.add_column(heading, overflow="fold", header_style="dim", style="bold" if heading == "command" else "")
    for each in rows:
        command = each.command.removeprefix("sudo ")
        table.add_row(" ".join(each.hosts), "root" if each.root else "user", command, each.helper or "", each.when)
    return table


def commands_document(rows: Sequence[Asked]) -> list[dict[str, Any]]:
    """One mapping per command."""
    return [
        {
            "command": each.command.removeprefix("sudo "),
            "privilege": "root" if each.root else "user",
            "hosts": list(each.hosts),
            "helper": each.helper,
            "when": each.when,
        }
        for each in rows
    ]
