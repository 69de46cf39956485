"""Follow an undo to its end: at once over the connection that is there, or by the server's own timer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tasks.change.undo import CONFIRMED, RETRY_S, Undo
from tasks.model.answer import Answers, Command
from tasks.model.errors import HostError, NoAnswerError, StepError

_MARGIN_S = 30.0
"""What the undo itself may take, beyond the time when it begins."""
_POLL_S = 2.0
_POLL_TIMEOUT_S = 10.0
_ENDS = {"no other undo": "an earlier change is over", "confirm": "it is confirmed", "clean": "it is undone"}
"""By the keys of their commands, what has ended."""
Ask = Callable[[Sequence[Command], float], Answers]
"""Commands and the time that they may take; NoAnswerError where the server does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """The undo of one server."""

    host: str
    undo: Undo
    ask: Ask
    progress: Callable[[str], None]

    def run(self) -> bool:
        """Undo; where the connection is cut, wait until the server has by itself. True: the change is confirmed.

        NoAnswerError when the server does not come back in its time, StepError with what it could not restore.
        """
        after_s = self.undo.after_s
        deadline = time.monotonic() + after_s + _MARGIN_S
        try:
            return self._confirmed(self.undo.run_now(after_s / 2), after_s / 2 + _MARGIN_S)
        except NoAnswerError as error:
            self.progress(f"{self.host}: {error.reason}; it goes back by itself within {after_s} s: waiting")
        while True:
            try:
                return self._confirmed((self.undo.ended(),), _POLL_TIMEOUT_S)
            except HostError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(_POLL_S)

    def _confirmed(self, commands: Sequence[Command], timeout_s: float) -> bool:
        return is_confirmed(self.host, self.undo, self.ask(commands, timeout_s))


def note_left(host: str, answers: Answers, progress: Callable[[str], None]) -> None:
    """What the scripts of an undo could not tidy up: it may hold a password, and changes nothing that was decided."""
    for key, what in _ENDS.items():
        answer = answers.by_key.get(key)
        for line in answer.stderr.strip().splitlines() if answer is not None and answer.status == 0 else ():
            progress(f"note: {host}: {what}, but: {line}")


def is_confirmed(host: str, undo: Undo, answers: Answers) -> bool:
    """False: nothing is left to undo; True: the change is confirmed. StepError with what is not restored."""
    answer = answers.by_key.get("undone")
    if answer is None or answer.status not in {0, CONFIRMED}:
        said = " / ".join(answer.stderr.strip().splitlines()) if answer is not None else ""
        reason = f"not undone: {said or 'the server did not report how it ended'}"
        raise StepError(host, "", f"{reason}; it tries again every {RETRY_S} s: journalctl -u {undo.unit}")
    return answer.status == CONFIRMED
