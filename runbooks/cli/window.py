"""`vipbook window`: snapshot before a change, compare after it, go or no-go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runbooks.cli.options import INVENTORY, Clusters, Inventory, faced

if TYPE_CHECKING:
    from runbooks.cli.face import Face

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The window's name.")]
Wait = Annotated[
    float | None, typer.Option("--wait", min=0, metavar="SECONDS", help="Let the fabric settle for at most so long.")
]


@app.command("open")
@faced()
def open_(
    face: Face,
    name: Name,
    clusters: Clusters = None,
    expect: Annotated[
        list[str] | None,
        typer.Option(
            "--expect",
            metavar="CHANGE",
            help="'CLUSTER moves to SERVER', 'HOST down', 'keepalived on SERVER changes' (or firewall, sysctl), "
            "'ADDRESS changes'; repeatable. Everything else is collateral.",
        ),
    ] = None,
    accept_failing: Annotated[
        bool, typer.Option("--accept-failing", help="Open although a cluster is not healthy; the result says so.")
    ] = False,
    inventory: Inventory = INVENTORY,
) -> None:
    """Keep everything that verify observes, and what is expected to change."""
    from runbooks.window import runbook  # noqa: PLC0415

    with face.session(inventory, clusters) as session, face.working("asking every host"):
        result = runbook.open_window(session, name, expect or (), accept_failing=accept_failing)
    face.finish(result)


@app.command("list")
@faced(reports=False)
def list_(face: Face) -> None:
    """The windows that are kept, and how they ended."""
    from runbooks.window import runbook  # noqa: PLC0415
    from tasks.model.window import KeptWindow  # noqa: PLC0415
    from tasks.report.document import plain_values  # noqa: PLC0415
    from tasks.report.screen.window import render_list  # noqa: PLC0415

    found = runbook.listed()
    face.show(render_list(found), plain_values(tuple[KeptWindow, ...], found))


@app.command()
@faced()
def check(
    face: Face,
    name: Name,
    wait: Wait = None,
    inventory: Inventory = INVENTORY,
) -> None:
    """Compare now with then, as often as you like."""
    from runbooks.window import runbook  # noqa: PLC0415

    order = runbook.Order(name=name, action="check", wait_s=wait)
    with face.session(inventory, runbook.clusters_of(name)) as session, face.working("asking every host"):
        result = runbook.check_window(session, order, progress=face.progress, outputs=face.outputs)
    face.finish(result)


@app.command()
@faced()
def close(
    face: Face,
    name: Name,
    wait: Wait = None,
    bundle: Annotated[
        Path | None,
        typer.Option(
            "--bundle", metavar="PATH", help="Evidence: a .tar.gz or a directory. Default: beside the window."
        ),
    ] = None,
    inventory: Inventory = INVENTORY,
) -> None:
    """Compare for the last time, write verdict and evidence, and close the window."""
    from runbooks.window import runbook  # noqa: PLC0415

    order = runbook.Order(name=name, action="close", wait_s=wait, bundle=bundle)
    with face.session(inventory, runbook.clusters_of(name)) as session, face.working("asking every host"):
        result = runbook.check_window(session, order, progress=face.progress, outputs=face.outputs)
    face.finish(result)
