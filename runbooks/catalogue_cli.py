"""`checks` and `commands`: what vipbook judges, and what it runs on hosts. Neither contacts a host."""

from __future__ import annotations

import typer

from runbooks.options import INVENTORY, AsJson, Clusters, Inventory, Reports, Verbose


def add_catalogue_commands(app: typer.Typer) -> None:
    """Put these commands beside the others."""
    app.command(name="checks")(checks)
    app.command(name="commands")(commands)


def checks(
    inventory: Inventory = INVENTORY,  # noqa: ARG001 - every command takes it; the catalogue is the same for all
    as_json: AsJson = False,
    report: Reports = None,
    verbose: Verbose = False,
) -> None:
    """Print the catalogue: each check's id, what it reads, when it passes and when it fails."""
    from runbooks.face import Face, guard  # noqa: PLC0415

    with guard(Face(as_json=as_json, reports=report, verbose=verbose)) as face:
        from tasks.judge.checks import all_checks  # noqa: PLC0415
        from tasks.report.catalogue import catalogue_document, render_catalogue  # noqa: PLC0415

        face.catalogue(render_catalogue(all_checks()), catalogue_document(all_checks()))


def commands(
    clusters: Clusters = None,
    inventory: Inventory = INVENTORY,
    as_json: AsJson = False,
    report: Reports = None,
    verbose: Verbose = False,
) -> None:
    """Print what every host is asked, and what of it as root. No host is contacted.

    What apply, rollback and drill run beyond that depends on what they find.
    """
    from runbooks.face import Face, guard  # noqa: PLC0415

    with guard(Face(as_json=as_json, reports=report, verbose=verbose)) as face:
        from runbooks.commands import asked  # noqa: PLC0415
        from tasks.model.asked import Asked  # noqa: PLC0415
        from tasks.report.catalogue import render_commands  # noqa: PLC0415
        from tasks.report.document import plain_values  # noqa: PLC0415

        rows = asked(inventory, clusters or [])
        face.catalogue(render_commands(rows), plain_values(tuple[Asked, ...], rows))
