"""Text from outside: written back byte for byte, shown to people, and never anything that drives what shows it.

Files of others may hold bytes that are no UTF-8 (a comment in Latin-1). Where such a text is written back, each of them
is a lone surrogate (PEP 383). JSON, terminals, SQLite and HTML can't take one, so everywhere else it is U+FFFD.

`visible` is the one gate to whatever people see: what a terminal, a browser or an editor would obey or hide is spelled
out as Python spells it, so that it can be seen and does nothing.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_SURROGATE = re.compile("[\ud800-\udfff]")
_ODD = re.compile(r"[^\x20-\x7e\n\t]+")
_HIDDEN = frozenset({0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0})
"""Letters and marks without a shape: grapheme joiner, Hangul fillers, Khmer vowels, the empty Braille pattern."""
_SELECTORS = (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
_SENTENCE = 200
_MARKS = 2
"""Marks upon one letter: Vietnamese has two; more climb over the lines above."""


def from_bytes(raw: bytes) -> str:
    """The text, from which `to_bytes` makes the same bytes again."""
    return raw.decode(errors="surrogateescape")


def to_bytes(text: str) -> bytes:
    """The bytes that `from_bytes` read."""
    return text.encode(errors="surrogateescape")


def readable(text: str) -> str:
    """The text with U+FFFD for every byte that is no UTF-8: fit to be stored and sent."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)


def visible(text: str) -> str:
    r"""The text with every sign that is obeyed or hidden spelled out (`\x1b`, `\u202e`); line ends and tabs stay.

    Those are controls (C0, C1), directions and isolates, joiners and other signs without width, tags, line and
    paragraph separators, surrogates, what is not assigned, and marks that pile up on one letter.
    """
    return _ODD.sub(_spelled, text.replace("\r\n", "\n"))


def _spelled(found: re.Match[str]) -> str:
    text = found[0]
    signs = {sign: _sign(sign) for sign in set(text)}
    if not any(is_mark for is_mark, _ in signs.values()):
        return text.translate({ord(sign): shown for sign, (_, shown) in signs.items()})
    parts: list[str] = []
    marks = 0
    for sign in text:
        is_mark, shown = signs[sign]
        marks = marks + 1 if is_mark else 0
        parts.append(shown if marks <= _MARKS else _escape(sign))
    return "".join(parts)


@lru_cache(maxsize=4096)
def _sign(sign: str) -> tuple[bool, str]:
    """Whether it is a mark upon another, and how it is shown."""
    is_mark = unicodedata.category(sign) in {"Mn", "Me"}
    return is_mark, sign if sign.isprintable() and not _is_hidden(sign) else _escape(sign)


def _is_hidden(sign: str) -> bool:
    return ord(sign) in _HIDDEN or any(ord(sign) in each for each in _SELECTORS)


def _escape(sign: str) -> str:
    return sign.encode("ascii", "backslashreplace").decode() if ord(sign) > 0x7F else f"\\x{ord(sign):02x}"  # noqa: PLR2004 - ASCII


def shortened(text: str) -> str:
    """Cut the text so that it fits into a sentence of a report."""
    return text if len(text) <= _SENTENCE else f"{text[: _SENTENCE - 1]}…"


def clipped(text: str, most: int) -> str:
    """The text, cut to so many characters; what is left out is counted."""
    if len(text) <= most:
        return text
    return f"{text[:most]}… ({len(text) - most:,} more characters)"
