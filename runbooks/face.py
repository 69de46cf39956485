"""What a person or a pipeline sees: one report on stdout, progress on stderr, and the promised exit code."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from runbooks.exits import Exit, exit_for
from runbooks.interrupts import polite
from runbooks.keeping import KEPT, keep, limits, switched_on, with_past
from runbooks.report_files import parse_target, write_report
from tasks.model.errors import IntentError, NotRestoredError, RefusedError, StepError, VipbookError
from tasks.render.mask import plain, said
from tasks.report.formats import json_text, rendered

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from runbooks.session import Session
    from tasks.model.report import Report

_PIPE_WIDTH = 180


def _console(*, stderr: bool) -> Console:
    """As wide as the terminal; a file or a pipe gets lines that nothing wraps."""
    from tasks.report.terminal import Terminal  # noqa: PLC0415 - nothing is printed before the hosts are asked

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else _PIPE_WIDTH
    return Terminal(stderr=stderr, width=width)


@dataclass(frozen=True, kw_only=True)
class Face:
    """How this run talks. Nothing but the report goes to stdout."""

    as_json: bool = False
    reports: Sequence[str] | None = None
    verbose: bool = False
    notify: Sequence[str] | None = None

    @cached_property
    def out(self) -> Console:
        """Where the report goes."""
        return _console(stderr=False)

    @cached_property
    def err(self) -> Console:
        """Where everything else goes."""
        return _console(stderr=True)

    def note(self, text: str) -> None:
        """A line on stderr that stays."""
        self.err.print(plain(text), soft_wrap=True)

    def progress(self, text: str) -> None:
        """What is going on now; the screen shows it as it comes."""
        self.err.print(f"… {plain(said(text))}", style="dim", soft_wrap=True)

    @contextmanager
    def working(self, text: str) -> Generator[None]:
        """A spinner on a terminal while something takes more than a moment."""
        if not sys.stderr.isatty():
            yield
            return
        from tasks.report.terminal import shown  # noqa: PLC0415 - as above

        with self.err.status(shown(text)):
            yield

    @contextmanager
    def session(self, inventory: Path, clusters: Sequence[str] | None) -> Generator[Session]:
        """The session, and its end, whatever happens in between."""
        from runbooks.session import open_session  # noqa: PLC0415 - Nornir and pydantic

        session = open_session(inventory, clusters or [])
        try:
            yield session
        finally:
            session.close()

    def asker(self, *, yes: bool) -> Callable[[Report], bool]:
        """Asks on the terminal before anything changes; without a terminal only --yes can say yes.

        IntentError at once when neither is there: a call that can't change anything contacts nobody.
        """
        if not yes and not sys.stdin.isatty():
            raise IntentError("this changes servers and there is no terminal to ask on; give --yes")

        def ask(planned: Report) -> bool:
            if yes:
                return True
            self._print(planned, self.err)
            return typer.confirm("Go on?", default=False, err=True)

        return ask

    def finish(self, report: Report, code: Exit | None = None) -> None:
        """Print, write the files, and leave with the exit code."""
        from tasks.report.document import document  # noqa: PLC0415 - as for rich

        ends = exit_for(report.status) if code is None else code
        shape = document(report)
        if self.as_json:
            sys.stdout.write(json_text(shape))
        else:
            self._print(report, self.out)
        for each in self.reports or ():
            form = parse_target(each)[0]
            write_report(each, rendered(form, with_past(shape) if form == "prom" else shape))
        self._keep(report.command, shape, ends)
        raise typer.Exit(ends)

    def check(self) -> None:
        """What can be told wrong before anything is contacted; IntentError."""
        for each in self.reports or ():
            parse_target(each)
        limits()
        if not switched_on() and self.notify:
            raise IntentError("--notify needs the history, which VIPBOOK_HISTORY=off switches off")
        if self.notify:
            from runbooks.notify import parse_notify  # noqa: PLC0415 - few runs tell anybody

            for each in self.notify:
                parse_notify(each)

    def _keep(self, command: str, shape: dict[str, Any], ends: Exit) -> None:
        """The run goes into the history, and who is to be told is told. Neither ever changes how the run ends."""
        if command not in KEPT or not switched_on():
            return
        sys.stdout.flush()
        problem = keep(shape, ends)
        if problem is not None:
            self.note(f"warning: this run is not kept: {problem}")
        if self.notify:
            from runbooks.notify import notify  # noqa: PLC0415 - few runs tell anybody

            for each in notify(self.notify, shape):
                self.note(f"warning: {each}")

    def show(self, renderable: RenderableType, shape: object) -> None:
        """Something that is no report of a run: on the screen, or its plain values with --json."""
        if self.as_json:
            sys.stdout.write(json_text(shape))
        else:
            self._show(renderable, self.out)

    def _print(self, report: Report, console: Console) -> None:
        from tasks.report.console import render_report  # noqa: PLC0415

        self._show(render_report(report, verbose=self.verbose), console)

    @staticmethod
    def _show(renderable: RenderableType, console: Console) -> None:
        """On a terminal as rich has it; in a file or pipe without the blanks that fill its lines."""
        if console.is_terminal:
            console.print(renderable, crop=False)
            return
        with console.capture() as captured:
            console.print(renderable, crop=False)
        console.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))

    def catalogue(self) -> None:
        """All checks of the catalogue."""
        from tasks.judge.catalogue import CATALOGUE  # noqa: PLC0415
        from tasks.report.catalogue import catalogue_document, render_catalogue  # noqa: PLC0415

        text = json_text(catalogue_document(CATALOGUE))
        if self.as_json:
            sys.stdout.write(text)
        else:
            self._show(render_catalogue(CATALOGUE), self.out)
        for each in self.reports or ():
            if parse_target(each)[0] != "json":
                raise IntentError(f"--report {each}: the catalogue is no report of a run; accepted format: json")
            write_report(each, text)


@contextmanager
def guard(face: Face) -> Generator[Face]:
    """Every expected end as one clear text on stderr and its exit code; a traceback is a bug."""
    _logging(verbose=face.verbose)
    try:
        face.check()
        with polite():
            yield face
        sys.stdout.flush()
    except IntentError as error:
        face.note(f"error: {error}")
        raise typer.Exit(Exit.WRONG_CALL) from None
    except RefusedError as error:
        face.note(f"refused: {error}")
        raise typer.Exit(Exit.FAILS) from None
    except NotRestoredError as error:
        face.note(f"error: {error}")
        raise typer.Exit(Exit.NOT_ROLLED_BACK) from None
    except StepError as error:
        face.note(f"error: {error}")
        raise typer.Exit(Exit.ROLLED_BACK) from None
    except VipbookError as error:
        face.note(f"error: {error}")
        raise typer.Exit(Exit.UNDETERMINED) from None
    except KeyboardInterrupt:
        face.note("interrupted")
        raise typer.Exit(Exit.INTERRUPTED) from None
    except BrokenPipeError:
        # The reader has gone: leave quietly, and keep Python from complaining when it flushes at its end.
        _no_more_output()
        raise typer.Exit(Exit.FAILS) from None
    except OSError as error:
        face.note(f"error: {error}")
        _no_more_output()
        raise typer.Exit(Exit.UNDETERMINED) from None


def _no_more_output() -> None:
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Plain(logging.Formatter):
    """Libraries log what hosts sent, in messages and in tracebacks."""

    def format(self, record: logging.LogRecord) -> str:
        """Fit for a terminal."""
        return plain(super().format(record))


def _logging(*, verbose: bool) -> None:
    """Nornir's and paramiko's logs are for -v; without it they must not reach the screen."""
    handler: logging.Handler = logging.StreamHandler(sys.stderr) if verbose else logging.NullHandler()
    handler.setFormatter(_Plain("%(asctime)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in ("paramiko", "netmiko"):
        logging.getLogger(name).setLevel(logging.WARNING)
