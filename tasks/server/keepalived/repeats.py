"""keepalived's ~SEQ and ~LST: one text that stands for many lines, with a name defined anew for each."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SEQUENCE = re.compile(r"~SEQ(x?)[ \t]*\([ \t]*(\w+)[ \t]*,([^)]*)\)[ \t]*(.*)\Z", re.DOTALL)
_LIST = re.compile(r"~LST[ \t]*\([ \t]*(\{[^}]*\}|[^,{ \t][^,{]*),(.*)\Z", re.DOTALL)
_SET = re.compile(r"(?:[ \t]*\{([^}]*)\}[ \t]*|([^,{})]*))([,)])")


def repeated_values(line: str) -> tuple[Iterator[dict[str, str]] | None, str]:
    """For ~SEQ and ~LST: what is defined each time, and the text that is repeated."""
    if found := _SEQUENCE.match(line):
        try:
            numbers = [int(each, 0) for each in found[3].split(",")]
        except ValueError:
            return None, ""
        span = _span(numbers)
        form = "{:x}" if found[1] else "{}"
        return (None if span is None else ({found[2]: form.format(each)} for each in span)), found[4]
    if found := _LIST.match(line):
        names = [each.strip() for each in found[1].strip("{} \t").split(",")]
        sets: list[dict[str, str]] = []
        at = found.start(2)
        while given := _SET.match(line, at):
            words = [each.strip() for each in (given[1] if given[1] is not None else given[2]).split(",")]
            sets.append(dict(zip(names, [*words, *[""] * len(names)], strict=False)))
            at = given.end()
            if given[3] == ")":
                return iter(sets), line[at:].strip()
    return None, ""


def _span(numbers: list[int]) -> range | None:
    """keepalived's ~SEQ: (end), (start, end) or (start, step, end)."""
    match numbers:
        case [end]:
            start, step = (-1 if end < 0 else 1), (-1 if end < 1 else 1)
        case [start, end]:
            step = 1 if start <= end else -1
        case [start, step, end] if step and (end - start) * step >= 0:
            pass
        case _:
            return None
    return range(start, end + (1 if step > 0 else -1), step)
