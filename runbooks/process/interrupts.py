"""Interrupts: every polite request to end is one, and none reaches the way back."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # For an annotation alone: every command imports this file, and --help must stay quick.
    from tasks.model.plan import ServerOutcome

_REQUESTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def raise_interrupt(_number: int, _frame: FrameType | None) -> None:
    """Signal handler: end as Ctrl-C does."""
    raise KeyboardInterrupt


@contextmanager
def _answered_by(handler: Callable[[int, FrameType | None], None]) -> Generator[None]:
    """Every request to end goes to this handler, and afterwards to whom it went before."""
    old = {number: signal.signal(number, handler) for number in _REQUESTS}
    try:
        yield
    finally:
        for number, before in old.items():
            signal.signal(number, before)


@contextmanager
def polite() -> Generator[None]:
    """SIGTERM (a scheduler) and SIGHUP (a lost terminal) undo first, as Ctrl-C does."""
    with _answered_by(raise_interrupt):
        yield


@contextmanager
def deferred(say: Callable[[str], None]) -> Generator[None]:
    """A request to end waits until the round trip that is under way has ended, and is then KeyboardInterrupt.

    What a server is doing can't be called back: undoing beside it would be overtaken by it.
    """
    asked = False

    def remember(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        say("ending as soon as the step that is under way has ended")

    with _answered_by(remember):
        yield
    if asked:
        raise KeyboardInterrupt


@contextmanager
def shielded(say: Callable[[str], None]) -> Generator[None]:
    """While the way back is taken, a request to end is answered with words only."""

    def answer(_number: int, _frame: FrameType | None) -> None:
        say("undoing; this takes a moment and must not be cut short")

    with _answered_by(answer):
        yield


class InterruptedChange(KeyboardInterrupt):
    """A request to end, after what it takes to leave no server half-made; `outcome` is what became of this one."""

    def __init__(self, outcome: ServerOutcome) -> None:
        """What stands on the server."""
        super().__init__()
        self.outcome = outcome
