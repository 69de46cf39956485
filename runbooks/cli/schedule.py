"""`vipbook schedule`: a timer of systemd that runs verify."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runbooks.cli.options import INVENTORY, Clusters, Inventory, Reports, faced

if TYPE_CHECKING:
    from runbooks.cli.face import Face

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Option("--name", metavar="NAME", help="One of several: its units are vipbook-verify-NAME.")]
Every = Annotated[str, typer.Option("--every", metavar="TIME", help="30s to 7d, as 30s, 5m, 1h.")]
Wait = Annotated[float | None, typer.Option("--wait", min=0, metavar="SECONDS", help="As for verify.")]
Notify = Annotated[list[str] | None, typer.Option("--notify", metavar="KIND:PLACE", help="As for verify; repeatable.")]
User = Annotated[str | None, typer.Option("--user", metavar="USER", help="Default: root.")]
EnvironmentFile = Annotated[
    Path | None, typer.Option("--environment-file", metavar="PATH", help="Where {env: NAME} of the intent comes from.")
]
Print = Annotated[bool, typer.Option("--print", help="Show the units and touch nothing.")]


@app.command()
@faced(reports=False)
def install(
    face: Face,
    clusters: Clusters = None,
    every: Every = "5m",
    wait: Wait = None,
    notify: Notify = None,
    user: User = None,
    environment_file: EnvironmentFile = None,
    name: Name = "",
    print_: Print = False,
    inventory: Inventory = INVENTORY,
    report: Reports = None,
) -> None:
    """Write and enable the units."""
    from runbooks import schedule as runbook  # noqa: PLC0415
    from tasks.render.schedule import render_units  # noqa: PLC0415

    schedule = runbook.planned(
        every=every,
        name=name,
        clusters=clusters or (),
        inventory=inventory,
        wait_s=wait,
        reports=report or (),
        notify=notify or (),
        user=user,
        environment_file=environment_file,
    )
    if print_:
        units = render_units(schedule)
        face.text("".join(f"# {runbook.UNITS / file}\n{text}\n" for file, text in units.items()))
    else:
        done = runbook.install(schedule)
        face.show(f"{schedule.unit}.timer: {done}", {"unit": schedule.unit, "outcome": done})


@app.command()
@faced(reports=False)
def status(face: Face, name: Name = "") -> None:
    """The timer and its last run; exit 1 when it does not run or the last run did not hold."""
    from dataclasses import asdict  # noqa: PLC0415

    from runbooks import schedule as runbook  # noqa: PLC0415

    found = runbook.status(name)
    timer = "not installed" if not found.installed else "active" if found.active else "not active"
    last = found.meaning if found.last_exit is None else f"{found.meaning} (exit status {found.last_exit})"
    when = f", {found.last_trigger}" if found.last_trigger else ""
    face.show(f"{found.unit}.timer: {timer}; last run: {last}{when}", asdict(found))
    raise typer.Exit(0 if found.active and found.last_exit in {0, None} else 1)


@app.command()
@faced(reports=False)
def remove(face: Face, name: Name = "") -> None:
    """Stop the timer and take the units away."""
    from runbooks import schedule as runbook  # noqa: PLC0415

    done = runbook.remove(name)
    face.show(done, {"outcome": done})
