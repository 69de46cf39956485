"""`vipbook history`: earlier runs. Contacts no host."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runbooks.cli.options import faced

if TYPE_CHECKING:
    from runbooks.cli.face import Face

app = typer.Typer(invoke_without_command=True)
Number = Annotated[str, typer.Argument(metavar="RUN", help="A number, 'last', or -1, -2 … from the newest.")]


@app.callback(invoke_without_command=True)
def default(context: typer.Context) -> None:
    """Earlier runs: list, show, diff, trend. Without a command: the list."""
    if context.invoked_subcommand is None:
        list_()


@app.command("list")
@faced(reports=False)
def list_(
    face: Face,
    cluster: Annotated[str | None, typer.Option("--cluster", metavar="NAME", help="Runs that judged it.")] = None,
    command: Annotated[str | None, typer.Option("--command", metavar="NAME", help="verify, drill, apply …")] = None,
    verdict: Annotated[str | None, typer.Option("--verdict", help="pass, warn, fail or unknown.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="So many, the newest first.")] = 20,
) -> None:
    """The newest runs."""
    from runbooks.history import runbook  # noqa: PLC0415
    from tasks.model.history import Run  # noqa: PLC0415
    from tasks.report.document import plain_values  # noqa: PLC0415
    from tasks.report.screen.runs import render_runs  # noqa: PLC0415
    from tasks.store.history import Wanted  # noqa: PLC0415

    wanted = Wanted(cluster=cluster, command=command, verdict=verdict)
    runs = runbook.listed(wanted, limit, face.warn)
    face.show(render_runs(runs), plain_values(tuple[Run, ...], runs))


@app.command(context_settings={"ignore_unknown_options": True})
@faced()
def show(face: Face, run: Number) -> None:
    """What a run said, as Markdown; --json: its document; --report: any form."""
    from runbooks.history import runbook  # noqa: PLC0415
    from runbooks.process.report_files import formed  # noqa: PLC0415
    from tasks.report.document import read_report  # noqa: PLC0415

    number, text = runbook.stored(run, face.warn)
    found = read_report(text, f"run {number}")
    face.outputs.print(lambda: formed("json" if face.as_json else "markdown", text, found))
    for each in face.reports or ():
        face.file(each, lambda form: formed(form, text, found))


@app.command(context_settings={"ignore_unknown_options": True})
@faced(reports=False)
def diff(face: Face, before: Number, after: Number) -> None:
    """What changed between two runs; exit 1 when something did."""
    from runbooks.history import runbook  # noqa: PLC0415
    from tasks.report.document import plain_values, read_report  # noqa: PLC0415
    from tasks.report.screen.difference import Difference, differences, render_differences  # noqa: PLC0415

    stored = (runbook.stored(each, face.warn) for each in (before, after))
    old, new = (read_report(text, f"run {number}") for number, text in stored)
    found = differences(old, new)
    face.show(render_differences(found), plain_values(tuple[Difference, ...], found))
    raise typer.Exit(1 if found else 0)


@app.command()
@faced(reports=False)
def trend(
    face: Face,
    clusters: Annotated[list[str] | None, typer.Argument(help="Cluster names; none means all.")] = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="PATH", help="A picture: .svg.")] = None,
) -> None:
    """Pass rate and outages of each cluster over time."""
    from runbooks.history import runbook  # noqa: PLC0415
    from tasks.report.drawing.trend import plot_trends  # noqa: PLC0415
    from tasks.report.trend import render_trends, trends_document  # noqa: PLC0415
    from tasks.store.files import write_whole  # noqa: PLC0415

    if plot is not None:
        runbook.check_picture(plot)
    found = runbook.trends(clusters or (), face.warn)
    face.show(render_trends(found), trends_document(found))
    if plot is not None and found:
        face.outputs.attempt(f"--plot {plot}", lambda: write_whole(plot, plot_trends(found).encode()))
