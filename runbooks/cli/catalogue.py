"""`checks` and `commands`: what vipbook judges, and what it runs on hosts. Neither contacts a host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from runbooks.cli.face import Face

from runbooks.cli.options import INVENTORY, Clusters, Inventory, faced


def add_catalogue_commands(app: typer.Typer) -> None:
    """Add these commands to the others."""
    app.command(name="checks")(checks)
    app.command(name="commands")(commands)


@faced()
def checks(
    face: Face,
    inventory: Inventory = INVENTORY,  # noqa: ARG001 - every command takes it; the catalogue is the same for all
) -> None:
    """Print the catalogue: each check's id, what it reads, when it passes and when it fails."""
    from tasks.judge.checks import all_checks  # noqa: PLC0415
    from tasks.report.screen.catalogue import catalogue_document, render_catalogue  # noqa: PLC0415

    face.catalogue(render_catalogue(all_checks()), catalogue_document(all_checks()))


@faced()
def commands(
    face: Face,
    clusters: Clusters = None,
    inventory: Inventory = INVENTORY,
) -> None:
    """Print what every host is asked, and what of it as root. No host is contacted.

    What apply, rollback and drill run beyond that depends on what they find.
    """
    from runbooks.commands import asked  # noqa: PLC0415
    from tasks.model.asked import Asked  # noqa: PLC0415
    from tasks.report.document import plain_values  # noqa: PLC0415
    from tasks.report.screen.catalogue import render_commands  # noqa: PLC0415

    rows = asked(inventory, clusters or [])
    face.catalogue(render_commands(rows), plain_values(tuple[Asked, ...], rows))
