"""A change window for a terminal, and the list of all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from tasks.model.mask import plain
from tasks.model.window import KeptWindow, WindowResult, WindowVerdict
from tasks.report.screen.terminal import shown, table

_STYLES = {WindowVerdict.GO: "bold green", WindowVerdict.NO_GO: "bold red", WindowVerdict.UNDETERMINED: "bold magenta"}


def render_list(windows: Sequence[KeptWindow]) -> RenderableType:
    """A row a window."""
    made = table("window", "opened (UTC)", "clusters", folded=("state",))
    for each in windows:
        when = f"{each.opened_at:%Y-%m-%d %H:%M:%S}" if each.opened_at is not None else "-"
        made.add_row(*map(shown, (each.name, when, ", ".join(each.clusters), each.state)))
    return made if windows else Text("no window is kept here")


def render_window(window: WindowResult, *, verbose: bool = False) -> RenderableType:
    """What was expected, what nothing explains, and in one line how much was explained."""
    opened = f"opened {window.opened_at:%Y-%m-%d %H:%M:%S} UTC"
    head = Text.assemble(("window ", "bold"), (plain(window.name), "bold"), f"  {opened}")
    if window.accepted_failing:
        head.append("  on a cluster that was not healthy", "yellow")
    if window.verdict is None:
        lines = [Text(f"  expects: {plain(each)}") for each in window.expected]
        return Group(head, *(lines or [Text("  expects no change", "dim")]), Text())
    return Group(head, Padding(Group(*_parts(window, window.verdict, verbose=verbose)), (0, 0, 1, 0)))


def _parts(window: WindowResult, verdict: WindowVerdict, *, verbose: bool) -> Iterator[RenderableType]:
    for met in window.expectations:
        word, style = ("happened", "green") if met.happened else ("did not happen", "bold red")
        yield Text.assemble("  ", (word, style), f"  {plain(met.text)}: {plain(met.message)}")
    told = [each for each in window.changes if verbose or each.explained_by is None]
    if told:
        made = table(folded=("explained by", "change"))
        for each in told:
            why = shown(each.explained_by or "nothing", "" if each.explained_by else "bold red")
            made.add_row(why, shown(each.message))
        yield Padding(made, (1, 0, 0, 0))
    explained = sum(each.explained_by is not None for each in window.changes)
    yield Text(f"  {len(window.changes)} entries are not what they were, {explained} of them explained", "dim")
    for text in window.open_questions:
        yield Text(f"  not known: {plain(text)}", "magenta")
    for key in window.failed_before:
        yield shown(f"  failed before and still fails: {key}", "yellow")
    yield Text.assemble((verdict.upper(), _STYLES[verdict]), plain(f"  {window.action} of {window.name}"))
    if window.bundle is not None:
        yield Text(f"evidence: {plain(window.bundle)}")
