"""Checks that say the same: a host that could not be asked leaves all of its checks unknown, for one reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tasks.model.judged import CheckReport
from tasks.model.verdict import Status

_FEW = 3
"""So many rows are shown as they are."""
_NAMED = 8
"""So many targets are named; of more there is the number."""


def gathered(checks: Iterable[CheckReport]) -> list[CheckReport]:
    """The checks in their order; unknown ones of one message, where they are many, are one that counts them."""
    same: dict[tuple[str, str], list[CheckReport]] = {}
    for each in checks:
        own = "" if each.status is Status.UNKNOWN else f"{each.check} {each.target}"
        same.setdefault((each.message, own), []).append(each)
    return [row for group in same.values() for row in ([_one(group)] if _foldable(group) else group)]


def _foldable(group: list[CheckReport]) -> bool:
    return len(group) > _FEW and group[0].status is Status.UNKNOWN


def _one(group: list[CheckReport]) -> CheckReport:
    targets = list(dict.fromkeys(each.target for each in group))
    more = len(targets) - _NAMED
    named = ", ".join(targets[:_NAMED]) + (f" and {more} more" if more > 0 else "")
    return replace(group[0], check=f"{len(group)} checks", target=named)
