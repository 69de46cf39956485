"""The gate between what a host said and what may be judged: every parser is called through `reading`.

"Could not look" (Unread) and "looked and found nothing" (Read of an empty value) are told apart here, once for all.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable
from typing import TypeVar

from tasks.model.answer import Answer
from tasks.model.bounds import ANSWER_MOST, MIB, TIME_MOST
from tasks.model.reading import Read, Reading, Unread
from tasks.model.text import shortened
from tasks.observe.shell import NOT_ASKED

__all__ = ["NEVER_ASKED", "Garbled", "converted", "first_reading", "reading", "sample", "seconds", "shortened"]

T = TypeVar("T")

_NOT_FOUND = 127
"""Exit status of a shell that did not find the program (POSIX 2.8.2)."""
NEVER_ASKED = "was not asked, or the command did not finish"
_SECONDS = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?\Z")
_QUOTED_MOST = 1000
_SAMPLE = reprlib.Repr()
_SAMPLE.maxstring = _SAMPLE.maxlong = _SAMPLE.maxother = 200
_REFUSALS = (
    (
        re.compile(r"sudo: (?:a password is required|a terminal is required|no tty present|sorry, you must have)"),
        "sudo asks for a password: this login needs NOPASSWD for the command (README, Privileges)",
    ),
    (
        re.compile(r"\S+ is not in the sudoers\b|Sorry, user \S+ (?:is not allowed to|may not)\b"),
        "sudo does not allow this login to run the command (README, Privileges)",
    ),
    (re.compile(r"sudo: .*command not found"), "the program is not installed (command not found)"),
)


class Garbled(ValueError):  # noqa: N818 - it names the text, as Unread does; every parser raises it and nothing else
    """The text is not what the program prints when it answers; the message says why."""


def succeeded(answer: Answer) -> bool:
    """For most programs nothing but status 0 is an answer."""
    return answer.status == 0


def reading(
    answer: Answer | None,
    parse: Callable[[str], T],
    *,
    accept: Callable[[Answer], bool] = succeeded,
) -> Reading[T]:
    """Give what `parse` makes of the answer's stdout, or why nothing can be made of it. Never raises.

    `accept` says which exit statuses are answers: ping, for one, ends with 1 when nobody replied.
    """
    if answer is None:
        return Unread(reason=NEVER_ASKED, source=None)
    reason = _refusal(answer)
    if reason is None and not accept(answer):
        reason = f"exit status {answer.status}: {_last_line(answer) or 'nothing was printed'}"
    if reason is None and len(answer.stdout) > ANSWER_MOST:
        reason = f"the answer is longer than {ANSWER_MOST // MIB} MiB, and is not read"
    if reason is not None:
        return Unread(reason=reason, source=answer)
    try:
        return Read(value=parse(answer.stdout), source=answer)
    except Garbled as error:
        return Unread(reason=f"unreadable: {_brief(error)}", source=answer)
    except Exception as error:  # noqa: BLE001 - one host's odd output must not end the run for all the others
        return Unread(reason=f"unreadable: {type(error).__name__}: {_brief(error)}", source=answer)


def first_reading(*tried: Reading[T]) -> Reading[T]:
    """Give the first that was read; when none was, why not in the words of each that was asked.

    The raw text is that of the first then.
    """
    for found in tried:
        if isinstance(found, Read):
            return found
    failed = [found for found in tried if isinstance(found, Unread)]
    asked = [found for found in failed if found.source is not None and not unasked(found)]
    if not asked:
        return next((found for found in failed if found.source is None), Unread(reason=NEVER_ASKED, source=None))
    if len(asked) == 1:
        return asked[0]
    said = [f"{found.source.command}: {found.reason}" for found in asked if found.source is not None]
    return Unread(reason="; ".join(said), source=asked[0].source)


def unasked(found: Reading[T]) -> bool:
    """Had the host no reason to ask, or no program to ask?"""
    return isinstance(found, Unread) and found.source is not None and found.source.status == NOT_ASKED


def _brief(error: Exception) -> str:
    """A parser may quote all that it was given."""
    return shortened(str(error)[:_QUOTED_MOST])


def _refusal(answer: Answer) -> str | None:
    """Tell why the program never ran, whatever the exit status: in a pipeline the status is not sudo's."""
    for line in answer.stderr[:ANSWER_MOST].splitlines():
        for pattern, reason in _REFUSALS:
            if pattern.match(line):
                return reason
    if answer.status == _NOT_FOUND:
        return f"the program is not installed (command not found): {_last_line(answer)}"
    return None


def _last_line(answer: Answer) -> str:
    for text in (answer.stderr, answer.stdout):
        lines = [line.strip() for line in text[-_QUOTED_MOST:].splitlines() if line.strip()]
        if lines:
            return shortened(lines[-1])
    return ""


def sample(value: object) -> str:
    """How a value looks, short whatever it is: the whole of it could be as long as the answer, or nested too deep."""
    return shortened(_SAMPLE.repr(value))


def seconds(word: str) -> float:
    """Seconds since the epoch; Garbled for what a clock does not say, such as nan."""
    if not _SECONDS.match(word) or float(word) > TIME_MOST:
        raise Garbled(f"not a time: {shortened(word)!r}")
    return float(word)


def converted(kind: Callable[[str], T], text: str) -> T:
    """`kind(text)` for an address or MAC type, with its ValueError as Garbled."""
    try:
        return kind(text)
    except ValueError as error:
        raise Garbled(_brief(error)) from error
