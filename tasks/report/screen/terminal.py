"""Where rich prints: the last gate. Whatever a renderable holds, no text of it is markup or drives the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import IO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text, TextType

from tasks.model.mask import plain
from tasks.model.text import visible


def shown(text: object, style: str = "") -> Text:
    """A text for a table's cell or a line; a str there would be read as rich's markup."""
    return Text(plain(str(text)), style)


def table(*fixed: str, folded: Sequence[str] = (), title: TextType | None = None) -> Table:
    """An empty table without lines: columns that are never broken, and after them those that may be."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in fixed:
        made.add_column(heading, no_wrap=True, header_style="dim")
    for heading in folded:
        made.add_column(heading, overflow="fold", header_style="dim")
    return made


class Terminal(Console):
    """A console that spells out what a terminal would obey, and takes brackets and colons for what they are."""

    def __init__(self, *, file: IO[str] | None = None, stderr: bool = False, width: int | None = None) -> None:
        """`width`: None is as wide as the terminal."""
        # `[/x]` in a log line is no markup, and `:ab:` in a MAC address no emoji.
        super().__init__(file=file, stderr=stderr, width=width, highlight=False, emoji=False, markup=False)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As rich does, each piece of text through the gate; rich's own colours are no part of it."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else visible(text), style, control)
