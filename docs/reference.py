"""Pages of the reference that are made from the code while the site is built (a hook of MkDocs)."""

from __future__ import annotations

import json

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from typer import Context
from typer.cli import get_docs_for_click
from typer.main import get_command

from runbooks.cli import app
from tasks.judge.checks import all_checks
from tasks.report.document import json_schema


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages to those that stand in the directory."""
    pages = {
        "reference/commands.md": _commands(),
        "reference/checks.md": _checks(),
        "reference/report.schema.json": json.dumps(json_schema(), indent=1),
    }
    for path, content in pages.items():
        files.append(File.generated(config, path, content=content))
    return files


def _commands() -> str:
    command = get_command(app)
    context = Context(command, info_name="vipbook")
    return get_docs_for_click(obj=command, ctx=context, name="vipbook", title="Commands")


def _checks() -> str:
    rows = [
        "# Checks",
        "",
        "`vipbook checks` prints this list. A check that could not read its evidence is `unknown`, never `pass`.",
        "",
        "| check | on | reads | passes when | fails when | decides the state |",
        "|---|---|---|---|---|---|",
    ]
    for each in all_checks():
        cells = (f"`{each.name}`", str(each.on), each.reads, each.passes, each.fails, "yes" * each.decides)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"
