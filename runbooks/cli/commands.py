"""The command line: parse, call one runbook, print, exit code. Heavy imports wait until a command needs them."""

from __future__ import annotations

import atexit
import contextlib
import gc
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO, cast

import typer

from runbooks.cli.catalogue import add_catalogue_commands
from runbooks.cli.history import app as history_app
from runbooks.cli.lab import app as lab_app
from runbooks.cli.options import (
    INVENTORY,
    AllowGap,
    Clusters,
    ConfirmTimeout,
    Inventory,
    Notify,
    TakeOver,
    Yes,
    faced,
)
from runbooks.cli.report import add_report_commands
from runbooks.cli.schedule import app as schedule_app
from runbooks.cli.window import app as window_app
from runbooks.process.exits import Exit
from runbooks.process.outputs import Closed, no_more_output
from tasks.change.faults import FAULTS

if TYPE_CHECKING:
    from runbooks.cli.face import Face

_STDERR = 2
app = typer.Typer(
    help="The runbook for virtual IPs: configure keepalived and the firewall, prove that the fabric learned the VIP, "
    "drive a failover and measure it.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
app.add_typer(lab_app, name="lab", help="A real EVPN fabric in network namespaces, for people without one.")


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - few calls want it

        typer.echo(version("vipbook"))
        raise typer.Exit


@app.callback()
def main_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """What every command shares."""


@app.command()
@faced()
def lint(
    face: Face,
    clusters: Clusters = None,
    timers: Annotated[bool, typer.Option("--timers", help="Show what outage each kind of fault may cause.")] = False,
    inventory: Inventory = INVENTORY,
) -> None:
    """Check the intent alone, offline."""
    from runbooks import lint as runbook  # noqa: PLC0415

    face.finish(runbook.lint(inventory, clusters or [], warn=face.note, timers=timers))


@app.command()
@faced()
def plan(
    face: Face,
    clusters: Clusters = None,
    check: Annotated[bool, typer.Option("--check", help="Exit 1 when there is a difference.")] = False,
    take_over: TakeOver = False,
    allow_gap: AllowGap = False,
    inventory: Inventory = INVENTORY,
) -> None:
    """Show the difference between desired and running, server by server. Changes nothing."""
    from runbooks.apply import runbook as configure  # noqa: PLC0415
    from tasks.model.plan import Allowed  # noqa: PLC0415

    with face.session(inventory, clusters) as session:
        result = configure.plan(session, allowed=Allowed(take_over=take_over, gap=allow_gap))
    face.finish(result, configure.plan_exit(result, check=check))


@app.command()
@faced()
def apply(
    face: Face,
    clusters: Clusters = None,
    yes: Yes = False,
    take_over: TakeOver = False,
    allow_gap: AllowGap = False,
    confirm_timeout: ConfirmTimeout = 120,
    inventory: Inventory = INVENTORY,
) -> None:
    """Make it so, one server at a time, in an order that never has two masters, each verified before the next."""
    from runbooks.apply import runbook as configure  # noqa: PLC0415
    from tasks.model.plan import Allowed  # noqa: PLC0415

    with face.session(inventory, clusters) as session:
        result = configure.apply(
            session,
            confirm=face.asker(yes=yes),
            progress=face.progress,
            confirm_s=confirm_timeout,
            allowed=Allowed(take_over=take_over, gap=allow_gap),
        )
    face.finish(result, configure.apply_exit(result))


@app.command()
@faced()
def rollback(
    face: Face,
    cluster: Annotated[str, typer.Argument(help="Cluster name.")],
    yes: Yes = False,
    confirm_timeout: ConfirmTimeout = 120,
    inventory: Inventory = INVENTORY,
) -> None:
    """Put back what the last apply replaced on the servers of a cluster; again for the one before."""
    from runbooks.apply import rollback as runbook  # noqa: PLC0415
    from runbooks.apply.runbook import apply_exit  # noqa: PLC0415

    with face.session(inventory, [cluster]) as session:
        result = runbook.rollback(
            session,
            confirm=face.asker(yes=yes),
            progress=face.progress,
            confirm_s=confirm_timeout,
        )
    face.finish(result, apply_exit(result))


@app.command()
@faced(own=("notify",))
def verify(
    face: Face,
    clusters: Clusters = None,
    wait: Annotated[
        float | None, typer.Option("--wait", min=0, metavar="SECONDS", help="Poll until it passes or the time is up.")
    ] = None,
    notify: Notify = None,  # noqa: ARG001 - the face sends it
    inventory: Inventory = INVENTORY,
) -> None:
    """Observe servers and leaves, judge, report. Changes nothing."""
    from runbooks import verify as runbook  # noqa: PLC0415

    with face.session(inventory, clusters) as session, face.working("asking every host"):
        result = runbook.verify(session, wait_s=wait, progress=face.progress)
    face.finish(result)


@app.command()
@faced()
def drill(
    face: Face,
    cluster: Annotated[str, typer.Argument(help="Cluster name.")],
    fault: Annotated[str, typer.Option("--fault", help=f"What to inject: {', '.join(FAULTS)}.")] = "link-down",
    target: Annotated[str | None, typer.Option("--target", metavar="HOST", help="Default: the master.")] = None,
    probe: Annotated[
        list[str] | None, typer.Option("--probe", metavar="HOST", help="Measure from here; repeatable. Default: all.")
    ] = None,
    pace: Annotated[
        bool, typer.Option("--pace/--no-pace", help="Wait for the duplicate budget of the leaves, or refuse.")
    ] = True,
    yes: Yes = False,
    inventory: Inventory = INVENTORY,
) -> None:
    """Drive a failover and a failback, measure both, and undo everything."""
    from runbooks.drill import runbook  # noqa: PLC0415

    with face.session(inventory, [cluster]) as session:
        order = runbook.order(session, fault, target, probe or (), pace=pace)
        result = runbook.drill(session, order, confirm=face.asker(yes=yes), progress=face.progress)
    face.finish(result, runbook.drill_exit(result))


@app.command()
@faced()
def locate(
    face: Face,
    address: Annotated[str, typer.Argument(help="An IP address or a MAC address.")],
    clusters: Annotated[
        list[str] | None, typer.Option("--cluster", metavar="NAME", help="Ask this cluster's hosts alone; repeatable.")
    ] = None,
    inventory: Inventory = INVENTORY,
) -> None:
    """Where is this address or MAC now: server, leaf, port, VTEP, and which tables say so. Changes nothing."""
    from runbooks import locate as runbook  # noqa: PLC0415

    query = runbook.parse_query(address)
    with face.session(inventory, clusters) as session, face.working("asking every leaf"):
        result = runbook.whereabouts(session, query)
    face.finish(result)


app.add_typer(window_app, name="window", help="A change window: snapshot before, compare after, go or no-go.")
app.add_typer(schedule_app, name="schedule", help="A timer of systemd that runs verify.")
app.add_typer(history_app, name="history", help="Earlier runs: list, show, diff, trend.")
add_report_commands(app)
add_catalogue_commands(app)


def main() -> None:
    """Entry point of the `vipbook` command."""
    # Imports make many objects that all live: looking through them for garbage took a fifth of the time to start, and
    # a last look at the end a tenth of a second.
    gc.set_threshold(1_000_000, 50, 50)
    atexit.register(gc.freeze)
    # A process may be started without them (`>&-`). What is opened later must not become standard output.
    while (spare := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(spare)
    sys.stdin = sys.stdin or Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - for the whole process
    sys.stdout = sys.stdout or cast("TextIO", Closed())
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for the whole process
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a sign shows another one; that is no reason to end.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.exit(_run())


def _run() -> int | str | None:
    """The exit code. What the commands print is written by then; help and usage are not."""
    try:
        app()
    except SystemExit as end:
        code = end.code
    except OSError as error:
        return _unprinted(error)
    try:
        sys.stdout.flush()
    except OSError as error:
        return code or _unprinted(error)
    return code


def _unprinted(error: OSError) -> int:
    no_more_output()
    with contextlib.suppress(OSError):
        sys.stderr.write(f"error: standard output: {error.strerror}\n")
    return Exit.UNDETERMINED
