"""The catalogue of checks as a table and as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from tasks.judge.catalogue import Entry


def render_catalogue(entries: Sequence[Entry]) -> Table:
    """A row a check."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0))
    table.add_column("check", no_wrap=True, style="bold", header_style="dim")
    for heading in ("on", "reads", "passes when", "fails when"):
        table.add_column(heading, overflow="fold", header_style="dim")
    for entry in entries:
        table.add_row(entry.check, entry.target, entry.reads, entry.passes, entry.fails)
    return table


def catalogue_document(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """A mapping a check."""
    return [asdict(entry) for entry in entries]
