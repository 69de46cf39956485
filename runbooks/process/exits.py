"""Exit codes: a promise to schedulers and pipelines."""

from __future__ import annotations

from enum import IntEnum

from tasks.model.verdict import Status


class Exit(IntEnum):
    """What each code means stands in the README."""

    HOLDS = 0
    FAILS = 1
    WRONG_CALL = 2
    UNDETERMINED = 3
    ROLLED_BACK = 4
    NOT_ROLLED_BACK = 5
    INTERRUPTED = 130


def exit_for(status: Status) -> Exit:
    """The code for a verdict; a warning holds."""
    return {
        Status.PASS: Exit.HOLDS,
        Status.WARN: Exit.HOLDS,
        Status.FAIL: Exit.FAILS,
    }.get(status, Exit.UNDETERMINED)
