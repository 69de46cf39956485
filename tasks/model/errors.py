"""The one tree of exceptions.

    VipbookError                what, where and the mend, in one sentence
    ├── IntentError             the call or the intent is wrong; nothing was contacted (exit 2)
    ├── HostError               carries host and command
    │   ├── NoAnswerError       the host could not be asked
    │   │   └── LoginRefusedError   it refused the login
    │   └── StepError           a step of a change failed on the host; it was taken back (exit 4)
    ├── NotRestoredError        what was tripped or changed could not be put back (exit 5)
    └── RefusedError            the runbook will not begin: what it found forbids it

An expectation that is not met is a verdict, never an exception.
"""

from __future__ import annotations


class VipbookError(Exception):
    """Root of the tree; its text is fit for the operator."""


class IntentError(VipbookError):
    """The call or the intent is wrong: each problem names file, path and mend."""

    def __init__(self, *problems: str) -> None:
        """One sentence a problem."""
        super().__init__("\n".join(problems))
        self.problems = problems


class HostError(VipbookError):
    """Something on one host; the others go on."""

    def __init__(self, host: str, command: str, reason: str) -> None:
        """Which host, which command ("" when it is none in particular), and why."""
        super().__init__(f"{host}: {reason}" + (f" (command: {command})" if command else ""))
        self.host = host
        self.command = command
        self.reason = reason


class NoAnswerError(HostError):
    """The host could not be asked: no route, wrong key, refused login, time-out."""


class LoginRefusedError(NoAnswerError):
    """The host refused the login."""


class StepError(HostError):
    """A step of a change failed on the host."""


class NotRestoredError(VipbookError):
    """What was tripped or changed could not be put back; the text says what stands where."""


class RefusedError(VipbookError):
    """The runbook will not begin: what it found forbids it."""
