"""A unified diff that takes time in proportion to the texts, whoever wrote them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

_PAIRS_MOST = 1_000_000
"""Lines of one side by lines of the other, up to which difflib is asked: it may look at each pair several times."""


def unified(before: Sequence[str], after: Sequence[str], names: tuple[str, str], context: int = 3) -> list[str]:
    """Lines as `diff -u` prints them; of what is too long for it, all between the equal ends counts as changed."""
    head = _equal(before, after)
    rest = min(len(before), len(after)) - head
    tail = min(rest, _equal(before[::-1], after[::-1]))
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    if len(old) * len(new) <= _PAIRS_MOST:
        return list(difflib.unified_diff(before, after, *names, lineterm="", n=context))
    first, last = max(0, head - context), min(tail, context)
    kept = before[first:head], before[len(before) - tail :][:last]
    more = len(kept[0]) + len(kept[1])
    place = f"-{first + 1},{len(old) + more} +{first + 1},{len(new) + more}"
    changed = [*(f"-{line}" for line in old), *(f"+{line}" for line in new)]
    around = [[f" {line}" for line in each] for each in kept]
    return [f"--- {names[0]}", f"+++ {names[1]}", f"@@ {place} @@", *around[0], *changed, *around[1]]


def _equal(one: Sequence[str], other: Sequence[str]) -> int:
    """How many lines are the same from the beginning on."""
    count = 0
    for mine, yours in zip(one, other, strict=False):
        if mine != yours:
            break
        count += 1
    return count
