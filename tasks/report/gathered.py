"""Checks that say the same: a host that could not be asked leaves all of its checks unknown, for one reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_FEW = 3
"""So many rows are shown as they are."""
_NAMED = 8
"""So many targets are named; of more there is the number."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table of checks, for people."""

    status: str
    check: str
    target: str
    message: str


def gathered(rows: Iterable[Row]) -> list[Row]:
    """The rows in their order; unknown ones of one message, where they are many, are one that counts them."""
    same: dict[tuple[str, str], list[Row]] = {}
    for each in rows:
        key = (each.message, "") if each.status == "unknown" else (each.message, f"{each.check} {each.target}")
        same.setdefault(key, []).append(each)
    return [row for group in same.values() for row in ([_one(group)] if _foldable(group) else group)]


def _foldable(group: list[Row]) -> bool:
    return len(group) > _FEW and group[0].status == "unknown"


def _one(group: list[Row]) -> Row:
    targets = list(dict.fromkeys(each.target for each in group))
    more = len(targets) - _NAMED
    named = ", ".join(targets[:_NAMED]) + (f" and {more} more" if more > 0 else "")
    return Row(group[0].status, f"{len(group)} checks", named, group[0].message)
