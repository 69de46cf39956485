"""A question in FRR's own words. All leaves run FRR: a leaf system passes the words on, or translates them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tasks.model.answer import Command
from tasks.observe.question import Question

T = TypeVar("T")
Values = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Show(Generic[T]):
    """One `show …`, as `words`; in `key`, its name in a leaf's script, and in `words` braces hold the place of values.

    `parse` makes the value of what FRR prints; what is asked with it as `also` are its further arguments.
    """

    key: str
    words: str
    parse: Callable[..., T]
    also: tuple[Show[str], ...] = ()

    def passed_on(self, command: Callable[[str, str], Command], values: Values) -> Question[T]:
        """The question to a program that gives FRR's own answer; `command` makes one of a key and FRR's words."""
        shows: tuple[Show[Any], ...] = (self, *self.also)
        asked, *also = (command(each.key.format_map(values), each.words.format_map(values)) for each in shows)
        return Question(asked, self.parse, also=tuple(also))
