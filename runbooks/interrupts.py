"""Interrupts: every polite request to end is one, and none reaches the way back."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

_REQUESTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def raise_interrupt(_number: int, _frame: FrameType | None) -> None:
    """Signal handler: end as Ctrl-C does."""
    raise KeyboardInterrupt


@contextmanager
def polite() -> Generator[None]:
    """SIGTERM (a scheduler) and SIGHUP (a lost terminal) undo first, as Ctrl-C does."""
    old = {number: signal.signal(number, raise_interrupt) for number in _REQUESTS}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


@contextmanager
def shielded(say: Callable[[str], None]) -> Generator[None]:
    """While the way back is taken, a request to end is answered with words only."""

    def answer(_number: int, _frame: FrameType | None) -> None:
        say("undoing; this takes a moment and must not be cut short")

    old = {number: signal.signal(number, answer) for number in _REQUESTS}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
