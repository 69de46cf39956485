"""Axes of a picture: where a value is, and at which values there are ticks. No picture is drawn here."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime

_STEPS = (1, 2, 2.5, 5, 10)
_DAY = 86400
_CLOCK = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200)
"""Seconds from one tick to the next within a day."""
_LETTER = 0.6
"""Width of a letter as a part of its size: no font is known here, and most letters are narrower."""

Tick = tuple[float, str]
"""Value and label."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from `low` to `high` are from `begin` to `end` of the picture; `begin` may be the larger one."""

    low: float
    high: float
    begin: float
    end: float

    def at(self, value: float) -> float:
        """Where a value is; beyond an end it is at the end."""
        part = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.begin + part * (self.end - self.begin), 1)


def ticks(low: float, high: float, most: int) -> list[Tick]:
    """At most so many round values, with as many digits as tell them apart."""
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * each for each in _STEPS if power * each >= raw * (1 - 1e-9))
    digits = next(each for each in range(20) if math.isclose(round(step, each), step, rel_tol=1e-6))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [
        (number * step, f"{number * step:.{digits}f}".replace("-", "\N{MINUS SIGN}"))
        for number in range(first, last + 1)
    ]


def time_ticks(low: float, high: float, most: int) -> list[Tick]:
    """At most so many times (seconds since 1970, UTC) that a clock or a calendar has."""
    step = next((each for each in _CLOCK if (high - low) / each <= most), 0)
    if not step:
        days = (high - low) / _DAY / most
        power = 10 ** max(0, math.floor(math.log10(days)))
        step = _DAY * next(power * each for each in (1, 2, 5, 10) if power * each >= days)
    form = "%Y-%m-%d" if step >= _DAY else "%m-%d %H:%M" if step >= 60 else "%H:%M:%S"  # noqa: PLR2004 - a minute
    numbers = range(math.ceil(low / step), math.floor(high / step) + 1)
    return [(float(number * step), datetime.fromtimestamp(number * step, UTC).strftime(form)) for number in numbers]


def width_of(text: str, size: float) -> float:
    """About as wide is a text in letters of this size."""
    letters = sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)
    return round(letters * size * _LETTER, 1)
