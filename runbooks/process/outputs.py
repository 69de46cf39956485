"""What a run leaves behind: each output for itself, and none of them replaces the exit code of the verdict.

A full disk, a reader that went away, a form that can't be made: that output is lost, which is said on stderr. One that
was asked for (standard output, a file) raises 0 to 3, because evidence is missing then; 1, 2, 4, 5 and 130 say more
than that and stay. The history and a notification are never the reason for another code.
"""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from runbooks.process.exits import Exit
from tasks.model.errors import VipbookError


@dataclass(slots=True)
class Outputs:
    """The outputs of one run. `ends`: the code of its verdict, once there is one; `lost`: one that was asked for is."""

    say: Callable[[str], None]
    ends: int | None = None
    lost: bool = False

    def attempt(self, name: str, deliver: Callable[[], object], *, asked: bool = True) -> None:
        """Deliver one of them; whatever keeps it from that is said and does not reach the others.

        Also a request to end: the run is over, and what it did to servers must not be lost with its report.
        """
        try:
            deliver()
        except KeyboardInterrupt:
            self.lose(f"{name}: interrupted", asked=asked)
        except VipbookError as error:
            self.lose(str(error), asked=asked)
        except OSError as error:
            self.lose(f"{name}: {error.strerror or error}", asked=asked)
        except Exception as error:
            # Any fault of one form leaves the others; -v shows where it is.
            logging.getLogger(__name__).info("%s", name, exc_info=True)
            self.lose(f"{name}: {type(error).__name__}: {error}", asked=asked)

    def lose(self, text: str, *, asked: bool = True) -> None:
        """Say that an output is lost."""
        self.say(f"{'error' if asked else 'warning'}: {text}")
        self.lost |= asked

    def print(self, text: Callable[[], str]) -> None:
        """Write to standard output, now: what is written at the end of the process can't be said to be lost."""
        self.attempt("standard output", lambda: write_out(text()))

    def code(self, ends: int) -> int:
        """The code that the run ends with."""
        return Exit.UNDETERMINED if self.lost and ends == Exit.HOLDS else ends


class Closed(io.TextIOBase):
    """Standard output of a process that was started without one (`>&-`): a report that goes there is lost."""

    def write(self, _text: str) -> int:
        """Never possible."""
        raise OSError(errno.EBADF, "it is closed")


def write_out(text: str) -> None:
    """All of it to standard output; OSError when not, and then nothing more is tried.

    With PYTHONUNBUFFERED Python writes once, and what a pipe did not take would be lost without a word.
    """
    try:
        out = sys.stdout
        if not isinstance(out, io.TextIOWrapper):
            out.write(text)
            return
        out.flush()
        rest = memoryview(text.encode(out.encoding, out.errors or "replace"))
        while rest:
            taken = out.buffer.write(rest)
            if taken is None:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            rest = rest[taken:]
        out.buffer.flush()
    except (OSError, KeyboardInterrupt):
        no_more_output()
        raise


def no_more_output() -> None:
    """What is still buffered goes nowhere: Python writes it at its end, and would fail again and end with 120."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
