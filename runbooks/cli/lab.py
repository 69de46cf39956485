"""`vipbook lab`: a real fabric on this machine. The lab itself is imported only when a command runs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from runbooks.process.exits import Exit

if TYPE_CHECKING:
    from rich.status import Status

    from lab.status import LabStatus

app = typer.Typer(no_args_is_help=True)

Name = Annotated[
    str | None, typer.Option("--name", help="Another lab, beside the default one: 1 to 8 of a-z, 0-9, a letter first.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, and nothing else.")]


@app.command()
def up(name: Name = None) -> None:
    """Bring the lab up, or make sure that it is; ends when every node, BGP and EVPN are up."""
    with _steps() as steps:
        from lab import api  # noqa: PLC0415

        status = api.up(name, steps.begin)
        steps.end()
        _print_status(status)


@app.command()
def down(name: Name = None) -> None:
    """Take the lab off the machine: processes, mounts, namespaces, files. The cached root stays."""
    with _steps() as steps:
        from lab import api, place  # noqa: PLC0415

        api.down(name, steps.begin)
        steps.end()
        typer.echo(f"the lab {place.lab_prefix(name)} is down")


@app.command()
def status(name: Name = None, as_json: AsJson = False) -> None:
    """Say which nodes run, and whether sshd, BGP and EVPN are up; exit 1 when something is not."""
    with _steps():
        from lab import api  # noqa: PLC0415

        found = api.status(name)
        if as_json:
            sys.stdout.write(json.dumps(found.document(), indent=2) + "\n")
        else:
            _print_status(found)
        raise typer.Exit(Exit.HOLDS if found.ready else Exit.FAILS)


@app.command()
def reboot(
    node: Annotated[str, typer.Argument(help="A server or a client, such as H1 or C1.")], name: Name = None
) -> None:
    """Cut the power of a server or a client and boot it again; ends when the whole lab is up."""
    with _steps() as steps:
        from lab import api  # noqa: PLC0415

        found = api.reboot(name, node, steps.begin)
        steps.end()
        _print_status(found)


@app.command()
def shell(
    node: Annotated[str, typer.Argument(help="Node, such as H1 or L1.")],
    command: Annotated[list[str] | None, typer.Argument(metavar="[-- COMMAND...]", help="Default: bash.")] = None,
    name: Name = None,
) -> None:
    """Run a command as root inside a node, and return its exit status."""
    with _steps():
        from lab.shell import shell as run_in_node  # noqa: PLC0415

        raise typer.Exit(run_in_node(name, node, command or []))


class _Steps:
    """What is going on, on stderr: a spinner and the time of each step on a terminal, else a line a step."""

    def __init__(self) -> None:
        from tasks.report.screen.terminal import Terminal  # noqa: PLC0415

        self._console = Terminal(stderr=True)
        self._current = ""
        self._since = 0.0
        self._spinner: Status | None = None

    @contextmanager
    def shown(self) -> Generator[None]:
        """Take the spinner away, whatever happens."""
        try:
            yield
        finally:
            self._stop_spinner()

    def begin(self, text: str) -> None:
        """The next step; the one before is done."""
        self.end()
        self._current, self._since = text, time.monotonic()
        if self._console.is_terminal:
            from tasks.report.screen.terminal import shown  # noqa: PLC0415

            self._spinner = self._console.status(shown(text))
            self._spinner.start()
        else:
            self.say(f"… {text}")

    def end(self) -> None:
        """No step is going on any more."""
        self._stop_spinner()
        if self._current and self._console.is_terminal:
            self.say(f"✓ {self._current} ({time.monotonic() - self._since:.1f} s)")
        self._current = ""

    def say(self, text: str) -> None:
        """A line that stays."""
        self._console.print(text, soft_wrap=True)

    def _stop_spinner(self) -> None:
        if self._spinner is not None:
            self._spinner.stop()
            self._spinner = None


@contextmanager
def _steps() -> Generator[_Steps]:
    """Progress on stderr, and every expected end as one line there and its exit code."""
    from lab.errors import LabError  # noqa: PLC0415
    from runbooks.process.interrupts import polite  # noqa: PLC0415

    steps = _Steps()
    try:
        with polite(), steps.shown():
            yield steps
    except LabError as error:
        steps.say(f"error: {error}")
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        steps.say("interrupted; `vipbook lab up` begins anew from here, `vipbook lab down` takes away what is there")
        raise typer.Exit(Exit.INTERRUPTED) from None


def _print_status(found: LabStatus) -> None:
    from rich.table import Table  # noqa: PLC0415

    from tasks.report.screen.terminal import Terminal  # noqa: PLC0415

    table = Table("node", "kind", "runs", "ssh", "BGP", "remote VTEPs", box=None, pad_edge=False)
    for node in found.nodes:
        login = f"{node.user}@{node.address}:{node.port}" if node.sshd else "no"
        table.add_row(node.name, node.kind, "yes" if node.running else "no", login, str(node.bgp), str(node.vteps))
    console = Terminal()
    console.print(table)
    state = "up" if found.ready else f"not up: {'; '.join(found.missing())}"
    console.print(f"the lab {found.prefix} is {state}", soft_wrap=True)
