"""A change window as text and as plain values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tasks.judge.comparison import describe
from tasks.model.snapshot import Entry
from tasks.model.window import Change, Comparison, WindowResult, WindowVerdict
from tasks.render.mask import masked, plain
from tasks.report.stamps import stamp
from tasks.report.terminal import shown

_STYLES = {WindowVerdict.GO: "bold green", WindowVerdict.NO_GO: "bold red", WindowVerdict.UNDETERMINED: "bold magenta"}


def window_document(result: WindowResult) -> dict[str, Any]:
    """Plain values."""
    shape: dict[str, Any] = {
        "name": result.name,
        "action": result.action,
        "opened_at": stamp(result.opened_at),
        "expected": list(result.expectations),
        "accepted_failing": result.accepted_failing,
    }
    if result.comparison is not None:
        shape |= _comparison(result.comparison)
    if result.bundle is not None:
        shape["bundle"] = result.bundle
    return shape


def _comparison(found: Comparison) -> dict[str, Any]:
    return {
        "verdict": str(found.verdict),
        "expectations": [
            {"text": each.expectation.text, "happened": each.happened, "message": masked(each.message)}
            for each in found.met
        ],
        "problems": [masked(text) for text in found.problems],
        "open_questions": [masked(text) for text in found.open_questions],
        "failed_before": list(found.accepted),
        "changes": [_change(each) for each in found.changes],
    }


def _change(each: Change) -> dict[str, Any]:
    entry = each.entry
    return {
        "id": f"{entry.host}/{entry.table}/{entry.row.key}",
        "host": entry.host,
        "table": entry.table,
        "key": entry.row.key,
        "kind": each.kind,
        "before": _fields(each.before),
        "after": _fields(each.after),
        "explained_by": each.why,
        "command": entry.command,
        "message": masked(describe(each)),
    }


def _fields(entry: Entry | None) -> dict[str, str] | None:
    return {name: masked(value) for name, value in entry.row.fields.items()} if entry is not None else None


Row = tuple[str, str, datetime | None, Sequence[str]]
"""Name, state, when it was opened, clusters."""


def list_document(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Plain values."""
    return [
        {"name": name, "state": state, "opened_at": stamp(at) if at is not None else None, "clusters": list(clusters)}
        for name, state, at, clusters in rows
    ]


def render_list(rows: Sequence[Row]) -> RenderableType:
    """A row a window."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("window", "opened (UTC)", "clusters"):
        table.add_column(heading, no_wrap=True, header_style="dim")
    table.add_column("state", overflow="fold", header_style="dim")
    for name, state, at, clusters in rows:
        when = f"{at:%Y-%m-%d %H:%M:%S}" if at is not None else "-"
        table.add_row(*map(shown, (name, when, ", ".join(clusters), state)))
    return table if rows else Text("no window is kept here")


def render_window(result: WindowResult, *, verbose: bool = False) -> RenderableType:
    """What was expected, what nothing explains, and in one line how much was explained."""
    opened = f"opened {result.opened_at:%Y-%m-%d %H:%M:%S} UTC"
    head = Text.assemble(("window ", "bold"), (plain(result.name), "bold"), f"  {opened}")
    if result.accepted_failing:
        head.append("  on a cluster that was not healthy", "yellow")
    found = result.comparison
    if found is None:
        lines = [Text(f"  expects: {plain(each)}") for each in result.expectations]
        return Group(head, *(lines or [Text("  expects no change", "dim")]), Text())
    return Group(head, Padding(Group(*_parts(result, found, verbose=verbose)), (0, 0, 1, 0)))


def _parts(result: WindowResult, found: Comparison, *, verbose: bool) -> Iterator[RenderableType]:
    for met in found.met:
        word, style = ("happened", "green") if met.happened else ("did not happen", "bold red")
        yield Text.assemble("  ", (word, style), f"  {plain(met.expectation.text)}: {plain(met.message)}")
    told = [each for each in found.changes if verbose or each.why is None]
    if told:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("explained by", overflow="fold", header_style="dim")
        table.add_column("change", overflow="fold", header_style="dim")
        for each in told:
            table.add_row(shown(each.why or "nothing", "" if each.why else "bold red"), shown(describe(each)))
        yield Padding(table, (1, 0, 0, 0))
    explained = sum(each.why is not None for each in found.changes)
    yield Text(f"  {len(found.changes)} entries are not what they were, {explained} of them explained", "dim")
    for text in found.open_questions:
        yield Text(f"  not known: {plain(text)}", "magenta")
    for key in found.accepted:
        yield shown(f"  failed before and still fails: {key}", "yellow")
    yield Text.assemble(
        (str(found.verdict).upper(), _STYLES[found.verdict]), plain(f"  {result.action} of {result.name}")
    )
    if result.bundle is not None:
        yield Text(f"evidence: {plain(result.bundle)}")
