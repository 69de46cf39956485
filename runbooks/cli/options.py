"""What the commands of all files have in common on the command line."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, get_type_hints

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


def faced(
    *, machine: bool = True, reports: bool = True, own: Sequence[str] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command as every command is: it gets the run's Face first, and each expected end is a text and an exit code.

    Added to its options are -v and, unless switched off, --json (`machine`) and --report (`reports`). `own`: options
    of its own that the Face has to know too.
    """
    common: dict[str, tuple[Any, object]] = {"as_json": (AsJson, False)} if machine else {}
    common |= {"reports": (Reports, None)} if reports else {}
    common |= {"verbose": (Verbose, False)}

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def run(**given: Any) -> None:  # noqa: ANN401 - whatever options it has
            from runbooks.cli.face import Face, guard  # noqa: PLC0415 - --help needs none of it

            known = {name: given.pop(name) for name in common if name in given}
            known |= {name: given[name] for name in own if name in given}
            with guard(Face(**known)) as face:
                command(face, **given)

        hints = get_type_hints(command, localns={"Face": object}, include_extras=True)
        _, *options = inspect.signature(command).parameters.values()
        options = [each.replace(annotation=hints[each.name]) for each in options]
        options += [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)
            for name, (hint, default) in common.items()
        ]
        run.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined] # typer reads it
        run.__annotations__ = {each.name: each.annotation for each in options}
        return run

    return decorated
