"""The gate to what FRR prints as JSON: one object, or the reason why there is none.

vtysh ends with 0 whatever happens, so the text alone tells an answer from an error.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any

from tasks.observe.json_text import documents, mapping, optional_whole, optional_word
from tasks.observe.readings import Garbled, shortened

_ERROR_LINE = re.compile(r"^(?:% .*|.* is not running)$", re.MULTILINE)
_UNSET = frozenset({"0.0.0.0", "::"})  # noqa: S104 - how FRR prints an address that is not set
_NO_SEGMENT = "00:00:00:00:00:00:00:00:00:00"


def frr_object(text: str) -> dict[str, Any]:
    """Take the one object that was printed; `{}` when it is empty. A message in place of an object is Garbled."""
    refuse_message(text)
    found = [mapping(document, "the answer") for document in documents(text)]
    filled = [document for document in found if document]  # FRR up to 7.2 prints an empty one last
    if len(filled) > 1:
        raise Garbled(f"{len(filled)} objects where one was expected")
    answer = filled[0] if filled else {}
    message = optional_word(answer, "warning", "error")
    if message is not None:
        raise Garbled(shortened(message))
    return answer


def refuse_message(text: str) -> None:
    """Let nothing pass that FRR says in place of an answer."""
    error = _ERROR_LINE.search(text)
    if error is not None:
        raise Garbled(shortened(error.group()))


def is_address(text: str) -> bool:
    """Tell whether the text is an IPv4 or IPv6 address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def vtep_and_segment(row: dict[str, Any]) -> tuple[str | None, str | None]:
    """Where a remote entry is: behind a VTEP or, multihomed, behind an Ethernet segment.

    FRR 7.5 to 8.4 print the segment where the VTEP would stand, or a VTEP of zeros beside it.
    """
    vtep = optional_word(row, "remoteVtep")
    segment = optional_word(row, "remoteEs", "esi", "es")
    if vtep is not None and not is_address(vtep):
        vtep, segment = None, segment or vtep
    return known_address(vtep), None if segment == _NO_SEGMENT else segment


def known_address(text: str | None) -> str | None:
    """None for an address of zeros, which is how FRR prints one that is not set."""
    return None if text in _UNSET else text


def segment_of(path: dict[str, Any]) -> str | None:
    """The Ethernet segment that a BGP path names; a segment of zeros is none (RFC 7432 5)."""
    segment = optional_word(path, "esi", "es", "remoteEs")
    return None if segment == _NO_SEGMENT else segment


def counted_rows(table: dict[str, Any], count: str, rows: int) -> None:
    """Let an empty table count as empty only when its own counter says so."""
    if optional_whole(table, count) and not rows:
        raise Garbled(f"no row where {count} says {table[count]}")
