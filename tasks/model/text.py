"""Text from a host that is written back byte for byte, and the same text for people.

Files of others may hold bytes that are no UTF-8 (a comment in Latin-1). Where such a text is written back, each of them
is a lone surrogate (PEP 383). JSON, terminals, SQLite and HTML can't take one, so everywhere else it is U+FFFD.
"""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def from_bytes(raw: bytes) -> str:
    """The text, from which `to_bytes` makes the same bytes again."""
    return raw.decode(errors="surrogateescape")


def to_bytes(text: str) -> bytes:
    """The bytes that `from_bytes` read."""
    return text.encode(errors="surrogateescape")


def readable(text: str) -> str:
    """The text with U+FFFD for every byte that is no UTF-8: fit to be shown, stored and sent."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
