"""What a person or a pipeline sees: one report on stdout, progress on stderr, and the promised exit code."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from runbooks.history.keeping import KEPT, keep, limits, switched_on, with_past
from runbooks.process.exits import Exit, exit_for
from runbooks.process.interrupts import polite
from runbooks.process.outputs import Outputs
from runbooks.process.report_files import parse_target, write_report
from tasks.model.errors import IntentError, NotRestoredError, RefusedError, StepError, VipbookError
from tasks.model.mask import plain, said
from tasks.report.formats import format_of, json_text, rendered

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from runbooks.session import Session
    from tasks.model.report import Report

_PIPE_WIDTH = 180


def _console(*, stderr: bool) -> Console:
    """As wide as the terminal; a file or a pipe gets lines that nothing wraps."""
    from tasks.report.screen.terminal import Terminal  # noqa: PLC0415 - nothing is printed before the hosts are asked

    class Steady(Terminal):
        """rich ends the process when a reader has gone, in the middle of whatever the run is doing on a server."""

        def on_broken_pipe(self) -> None:
            self.quiet = True

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else _PIPE_WIDTH
    return Steady(stderr=stderr, width=width)


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

    @cached_property
    def outputs(self) -> Outputs:
        """What became of the outputs of this run."""
        return Outputs(self.note)

    def note(self, text: str) -> None:
        """A line on stderr that stays."""
        self._say(plain(text))

    def warn(self, text: str) -> None:
        """What was passed over, and what the operator should know of it."""
        self.note(f"warning: {text}")

    def progress(self, text: str) -> None:
        """What is going on now; the screen shows it as it comes."""
        self._say(f"… {plain(said(text))}", "dim")

    def _say(self, text: str, style: str | None = None) -> None:
        """A lost terminal or a full disk ends nothing: these lines are written between the steps of a change."""
        with contextlib.suppress(OSError, ValueError):
            self.err.print(text, style=style, soft_wrap=True)

    @contextmanager
    def working(self, text: str) -> Generator[None]:
        """A spinner on a terminal while something takes more than a moment."""
        if not sys.stderr.isatty():
            yield
            return
        from tasks.report.screen.terminal import shown  # noqa: PLC0415 - as above

        spinner = self.err.status(shown(text))
        with contextlib.suppress(OSError):
            spinner.start()
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                spinner.stop()

    @contextmanager
    def session(self, inventory: Path, clusters: Sequence[str] | None) -> Generator[Session]:
        """The session, and its end, whatever happens in between."""
        from runbooks.progress import Progress  # noqa: PLC0415 - as below
        from runbooks.session import open_session  # noqa: PLC0415 - Nornir and pydantic

        session = open_session(inventory, clusters or [])
        session.nornir.processors.append(Progress(self.progress))
        try:
            yield session
        finally:
            # What was found and done is reported also when a host does not let go.
            self.outputs.attempt("closing the SSH sessions", session.close, asked=False)

    def asker(self, *, yes: bool) -> Callable[[Report], bool]:
        """Asks on the terminal before anything changes; without a terminal only --yes can say yes.

        IntentError at once when neither is there: a call that can't change anything contacts no host.
        """
        if not yes and not sys.stdin.isatty():
            raise IntentError("this changes servers and there is no terminal to ask on; give --yes")

        def ask(planned: Report) -> bool:
            if yes:
                return True
            try:
                sys.stderr.write(self._report_text(planned, self.err) + "Go on? [y/N]: ")
                sys.stderr.flush()
                return sys.stdin.readline().strip().lower() in {"y", "yes"}
            except (OSError, ValueError) as error:
                raise RefusedError(f"the question can't be asked: {error}; nothing was changed") from None

        return ask

    def finish(self, report: Report, code: Exit | None = None) -> NoReturn:
        """Print, write the files, keep, notify, each whatever becomes of the others; leave with the exit code."""
        ends = self.outputs.ends = exit_for(report.status) if code is None else code
        shape = cache(lambda: _document(report))
        self.outputs.print(lambda: json_text(shape()) if self.as_json else self._report_text(report, self.out))
        for each in self.reports or ():
            self.file(each, lambda name: self._formatted(name, shape()))
        if report.command in KEPT and switched_on():
            self._keep(shape, ends)
        raise typer.Exit(ends)

    def file(self, target: str, content: Callable[[str], str]) -> None:
        """Write one --report; `content` makes it from the name of the form."""
        self.outputs.attempt(f"--report {target}", lambda: write_report(target, content(parse_target(target)[0])))

    def _formatted(self, name: str, shape: dict[str, Any]) -> str:
        return rendered(name, with_past(shape, self.warn) if format_of(name).needs_past else shape)

    def check(self) -> None:
        """What can be seen to be wrong before anything is contacted; IntentError."""
        for each in self.reports or ():
            parse_target(each)
        limits()
        if not switched_on() and self.notify:
            raise IntentError("--notify needs the history, which VIPBOOK_HISTORY=off switches off")
        if self.notify:
            from runbooks.history.notify import parse_notify  # noqa: PLC0415 - few runs notify

            for each in self.notify:
                parse_notify(each)

    def _keep(self, shape: Callable[[], dict[str, Any]], ends: Exit) -> None:
        """The run goes into the history, and each target is notified. Neither changes how the run ends."""
        self.outputs.attempt("the history", lambda: keep(shape(), ends), asked=False)
        for each in self.notify or ():
            self.outputs.attempt("--notify", lambda each=each: self._notify(each, shape()), asked=False)  # type: ignore[misc]

    def _notify(self, target: str, shape: dict[str, Any]) -> None:
        from runbooks.history.notify import notify  # noqa: PLC0415 - few runs notify

        for each in notify([target], shape):
            self.warn(each)

    def text(self, text: str) -> None:
        """Something on standard output as it is."""
        self.outputs.print(lambda: text)

    def show(self, renderable: RenderableType, shape: object) -> None:
        """Something that is no report of a run: on the screen, or its plain values with --json."""
        self.outputs.print(lambda: json_text(shape) if self.as_json else _text(renderable, self.out))

    def _report_text(self, report: Report, console: Console) -> str:
        from tasks.report.screen.console import render_report  # noqa: PLC0415

        return _text(render_report(report, verbose=self.verbose), console)

    def catalogue(self, table: RenderableType, shape: object) -> None:
        """A list that is kept as JSON, unlike the report of a run."""
        for each in self.reports or ():
            if parse_target(each)[0] != "json":
                raise IntentError(f"--report {each}: the catalogue is no report of a run; accepted format: json")
        self.show(table, shape)
        for each in self.reports or ():
            self.file(each, lambda _: json_text(shape))


def _document(report: Report) -> dict[str, Any]:
    from tasks.report.document import document  # noqa: PLC0415 - as for rich

    return document(report)


def _text(renderable: RenderableType, console: Console) -> str:
    """For a terminal as rich has it; for a file or pipe without the blanks that fill its lines."""
    with console.capture() as captured:
        console.print(renderable, crop=False)
    text = captured.get()
    return text if console.is_terminal else "".join(f"{line.rstrip()}\n" for line in text.splitlines())


@contextmanager
def guard(face: Face) -> Generator[Face]:
    """Every expected end as one clear text on stderr and its exit code; a traceback is a bug."""
    _logging(verbose=face.verbose)
    outputs = face.outputs
    try:
        face.check()
        with polite():
            yield face
    except typer.Exit as end:
        raise typer.Exit(outputs.code(end.exit_code)) from None
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
        raise typer.Exit(Exit.INTERRUPTED if outputs.ends is None else outputs.code(outputs.ends)) from None
    except OSError as error:
        face.note(f"error: {error}")
        raise typer.Exit(Exit.UNDETERMINED) from None
    if outputs.lost:
        raise typer.Exit(Exit.UNDETERMINED)


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
