"""`report` and `schema`: what needs a report that is there already, and no inventory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runbooks.cli.options import FORMAT_NAMES, faced
from tasks.model.errors import IntentError

if TYPE_CHECKING:
    from runbooks.cli.face import Face
from tasks.report.formats import FORMATS


def add_report_commands(app: typer.Typer) -> None:
    """Add these commands to the others."""
    app.command(name="report")(report)
    app.command(name="schema")(schema)


@faced(machine=False, reports=False)
def report(
    face: Face,
    form: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT",
            help=f"{FORMAT_NAMES}.",
            autocompletion=lambda incomplete: [each for each in FORMATS if each.startswith(incomplete)],
        ),
    ],
    source: Annotated[Path, typer.Argument(metavar="FROM.json", help="A report that --json or --report json: made.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PATH", help="Default: standard output.")
    ] = None,
) -> None:
    """Make any form of the report from a stored one. Contacts no host."""
    from runbooks.process.report_files import formed, parse_target, stored_report  # noqa: PLC0415
    from tasks.report.document import read_report  # noqa: PLC0415 - pydantic

    if form not in FORMATS:
        raise IntentError(f"no format {form!r}; accepted: {', '.join(FORMATS)}")
    text = stored_report(source)
    found = read_report(text, str(source))
    if output is None:
        face.outputs.print(lambda: formed(form, text, found))
    else:
        parse_target(f"{form}:{output}")
        face.file(f"{form}:{output}", lambda _: formed(form, text, found))


@faced(machine=False, reports=False)
def schema(face: Face) -> None:
    """Print the JSON Schema of the report."""
    from tasks.report.document import json_schema  # noqa: PLC0415 - pydantic
    from tasks.report.formats import json_text  # noqa: PLC0415

    face.text(json_text(json_schema()))
