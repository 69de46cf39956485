"""What the commands of all files have in common on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tasks.report.formats import FORMATS

FORMAT_NAMES = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"

Clusters = Annotated[list[str] | None, typer.Argument(help="Cluster names; none means all.", show_default=False)]
Inventory = Annotated[Path, typer.Option("--inventory", metavar="DIR", help="Nornir inventory with clusters.yaml.")]
AsJson = Annotated[bool, typer.Option("--json", help="The report as one JSON document on stdout, and nothing else.")]
Reports = Annotated[
    list[str] | None,
    typer.Option(
        "--report",
        metavar="FORMAT:PATH",
        help=f"Write the report to a file: {FORMAT_NAMES}; repeatable.",
        autocompletion=lambda incomplete: [f"{each}:" for each in FORMATS if each.startswith(incomplete)],
    ),
]
Notify = Annotated[
    list[str] | None,
    typer.Option(
        "--notify",
        metavar="KIND:PLACE",
        help="Report to webhook:URL, webhook-env:NAME or command:PATH when the verdict changed; repeatable.",
    ),
]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Show skipped checks, and Nornir's log on stderr.")]
ConfirmTimeout = Annotated[
    int,
    typer.Option(
        "--confirm-timeout",
        min=30,
        max=3600,
        metavar="SECONDS",
        help="When a server goes back by itself unless its change was confirmed over a new connection.",
    ),
]
TakeOver = Annotated[
    bool,
    typer.Option(
        "--take-over",
        help="Replace a keepalived.conf that vipbook did not write, too; plan lists what would be lost.",
    ),
]
AllowGap = Annotated[
    bool,
    typer.Option(
        "--allow-gap",
        help="VIPs may be without a master for some seconds, where no order of changes keeps one all the time.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Change without asking.")]
INVENTORY = Path("inventory")
