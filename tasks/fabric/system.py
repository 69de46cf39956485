"""The ways to ask a leaf's control plane: a folder each, and their order of preference."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from typing import Any, Generic, TypeVar, cast

from tasks.fabric.frr.show import Show, Values
from tasks.model.answer import Command, Reply
from tasks.model.reading import Reading
from tasks.model.registry import constant
from tasks.observe.question import Question
from tasks.observe.readings import first_reading

T = TypeVar("T")

ORDER = ("vtysh", "nvue", "nclu")
"""Their folders. The first is asked; where it is refused the others are, in its place, until one of them answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafSystem:
    """SYSTEM of a folder.

    Args:
        program: its command.
        ask: what FRR is asked, in the words of this system, and how its answer is read; None where it has no words.
        helper: the script of templates/helpers that its questions call, if they need root.
        prepare: shell that runs before all of these questions to a leaf.

    """

    program: str
    ask: Callable[[Show[Any], Values], Question[Any] | None]
    helper: str | None = None
    prepare: Callable[[Sequence[Command]], str] = lambda _: ""


def instead(key: str, *argv: str) -> Command:
    """A command that runs where vtysh was refused, no other has answered in its place, and its program is there."""
    return Command(key=key, argv=argv, fragment=f"vipbook_instead {shlex.join(argv)}")


@dataclass(frozen=True, slots=True)
class LeafQuestion(Generic[T]):
    """The same question in the words of each system that has any, in the order of preference."""

    questions: tuple[Question[T], ...]

    @property
    def commands(self) -> tuple[Command, ...]:
        """What the leaf runs, in order; what is asked with a question comes after the question in all words."""
        ordered = sorted(self.questions, key=lambda each: each.last)
        steps = zip_longest(*(each.commands for each in ordered))
        return tuple(command for step in steps for command in step if command is not None)

    def read(self, reply: Reply) -> Reading[T]:
        """What the first of them read."""
        return first_reading(*(each.read(reply) for each in self.questions))


@cache
def systems() -> tuple[LeafSystem, ...]:
    """All of them."""
    return tuple(cast("LeafSystem", constant("tasks.fabric", name, "SYSTEM")) for name in ORDER)


def asked(show: Show[T], **values: object) -> LeafQuestion[T]:
    """The question to any leaf, with these values in it."""
    return LeafQuestion(tuple(found for each in systems() if (found := each.ask(show, values)) is not None))
