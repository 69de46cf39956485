"""Text that hosts said, made harmless for the form that it is put into."""

from __future__ import annotations

import re
import unicodedata

from tasks.model.text import visible

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$-])")
_WORD = re.compile(r"[\w.+%/:@#!&$~?=,;-]+")
_REFERENCE = re.compile(r"[#!&$~%]\d|[A-Z]{2}-\d|www\.|://")
"""A ticket (#12, !12, GH-12), which is then linked from there, or a link."""
_COLONS = 2
_NUMBERED = re.compile(r"\A(\d{1,9})\.(?=\s|\Z)")
_ORDER = re.compile(r"\A/")
"""What forges take for an order at the beginning of a line: /close."""
_FORMULA = frozenset("=+-@\N{MINUS SIGN}")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"})


def markdown(text: str) -> str:
    """One line in which nothing is markup, and which notifies no user: for a table's cell or a sentence."""
    line = " ".join(visible(text).split())
    made, end = [], 0
    for found in _WORD.finditer(line):
        if _active(found[0]):
            made += [_plain(line[end : found.start()]), f"`{found[0]}`"]
            end = found.end()
    return _ORDER.sub(r"\\/", _NUMBERED.sub(r"\1\\.", "".join([*made, _plain(line[end:])])))


def _active(word: str) -> bool:
    """Would a forge make more of it than text, however it is escaped? It looks at what came out, but in a code span.

    `@all` notifies users, and `:ab:` in a MAC address is a picture.
    """
    return "@" in word or word.count(":") >= _COLONS or _REFERENCE.search(word) is not None


def _plain(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


def fenced(text: str, language: str = "") -> str:
    """A code block whose fence is longer than any run of backticks in it."""
    shown = visible(text).rstrip()
    ticks = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * max(3, ticks + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: they skip blanks, and read wide forms of signs as the signs."""
    lead = next((sign for sign in text if unicodedata.category(sign) not in _UNSEEN), "")
    clean = visible(text)
    formula = unicodedata.normalize("NFKC", lead)[:1] in _FORMULA or clean.startswith(("\t", "\r", "\n"))
    return f"'{clean}" if formula and lead else clean
