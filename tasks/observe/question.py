"""A question and its answer, as one object: what a host is asked, and how what it prints is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from tasks.model.answer import Answer, Answers, Command, Reply
from tasks.model.reading import Reading, Unread
from tasks.observe.readings import reading, succeeded

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """`command` says what is asked, as whom, and what reports call it; `parse` makes the value of its output.

    Args:
        accept: which answers `parse` may see, by their exit status.
        also: asked with it. Their outputs, empty where they failed, are the further arguments of `parse`.
        last: where others ask the same in other words, they are asked before.

    """

    command: Command
    parse: Callable[..., T]
    accept: Callable[[Answer], bool] = succeeded
    also: tuple[Command, ...] = ()
    last: bool = False

    @property
    def commands(self) -> tuple[Command, ...]:
        """All that is asked, in order."""
        return (self.command, *self.also)

    def read(self, reply: Reply) -> Reading[T]:
        """The value, or why there is none. Never raises."""
        if not isinstance(reply, Answers):
            return Unread(reason=reply.reason, source=None)
        known = [reply.by_key.get(each.key) for each in self.also]
        more = [each.stdout if each is not None and succeeded(each) else "" for each in known]
        answer = reply.by_key.get(self.command.key)
        return reading(answer, lambda text: self.parse(text, *more), accept=self.accept)
