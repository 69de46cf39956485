"""`report` and `schema`: what needs a report that is there already, and no inventory."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from runbooks.options import Verbose


def add_report_commands(app: typer.Typer) -> None:
    """Put these commands beside the others."""
    app.command(name="report")(report)
    app.command(name="schema")(schema)


def report(
    form: Annotated[str, typer.Argument(metavar="FORMAT", help="json, junit, markdown, csv, prom or html.")],
    source: Annotated[Path, typer.Argument(metavar="FROM.json", help="A report that --json or --report json: made.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PATH", help="Default: standard output.")
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Make any form of the report from a stored one. Contacts nobody."""
    from runbooks.face import Face, guard  # noqa: PLC0415

    with guard(Face(verbose=verbose)):
        from runbooks.report_files import stored_report, write_report  # noqa: PLC0415

        text = stored_report(form, source)
        if output is None:
            sys.stdout.write(text)
        else:
            write_report(f"{form}:{output}", text)


def schema(verbose: Verbose = False) -> None:
    """Print the JSON Schema of the report."""
    from runbooks.face import Face, guard  # noqa: PLC0415

    with guard(Face(verbose=verbose)):
        from tasks.report.formats import json_text  # noqa: PLC0415
        from tasks.report.schema import json_schema  # noqa: PLC0415 - pydantic

        sys.stdout.write(json_text(json_schema()))
