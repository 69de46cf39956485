"""Text that hosts said, made harmless for the form that it is put into."""

from __future__ import annotations

import re

from tasks.model.text import visible

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~&-])")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def printable(text: str) -> str:
    """What is obeyed or hidden is spelled out, also what XML 1.0 can't hold; line ends and tabs stay."""
    return visible(text)


def markdown(text: str) -> str:
    """One line in which nothing is markup: for a table's cell or a sentence."""
    return " ".join(_MARKDOWN.sub(r"\\\1", printable(text)).split())


def fenced(text: str, language: str = "") -> str:
    """A code block whose fence is longer than any run of backticks in it."""
    ticks = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, ticks + 1)
    return f"{fence}{language}\n{printable(text).rstrip()}\n{fence}"


def cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    clean = printable(text)
    return f"'{clean}" if clean.startswith(_FORMULA) else clean
