"""The trend of each cluster as an SVG file: the rate of healthy runs above the outages, on one time axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tasks.report.drawing.axes import Scale, Tick, ticks, time_ticks, width_of
from tasks.report.templating import drawn, picture
from tasks.report.trend import BUCKETS, Trend

_WIDTH, _LEFT, _RIGHT = 720.0, 62.0, 688.0
_HIGH = 130.0
"""Of one panel."""
_HEAD, _TICKS, _ROW = 30.0, 26.0, 18.0
"""Room for a title, for the labels of an axis, and for a row of the legend."""
_LETTERS = 10.0
_SIGN = 46.0
"""Of an entry of the legend, but for its name."""
_KINDS, _COLOURS = ("circle", "square", "up", "diamond"), 5
_LEAST_SPAN = 3600.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Series:
    """A line through points; its place in the legend, if it has a name."""

    points: Sequence[Point]
    kind: str
    colour: str
    name: str = ""
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """One pair of axes, in pixels of the picture."""

    what: str
    top: float
    across: Sequence[Tick]
    up: Sequence[Tick]
    series: Sequence[Series]
    title: str = ""
    title_y: float = 0.0
    left: float = _LEFT
    right: float = _RIGHT

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + _HIGH


def plot_trends(trends: Sequence[Trend]) -> str:
    """The picture as a file of its own, in light and dark."""
    panels: list[Plot] = []
    top = 0.0
    for trend in trends:
        across = Scale(*_span(trend), _LEFT, _RIGHT)
        panels.append(_rate(trend, across, top))
        names = _legend(trend, panels[-1].bottom + _TICKS + _ROW / 2)
        under = names[-1].y + _ROW / 2 if names else panels[-1].bottom + _TICKS
        panels.append(_outages(trend, across, names, under))
        top = panels[-1].bottom + _TICKS
    text = picture("trend.svg.j2", width=_WIDTH, height=round(top, 1), panels=panels, description=_described(trends))
    return f"{text}\n"


def _described(trends: Sequence[Trend]) -> str:
    """The same in words, for those who can't see it."""
    parts = []
    for trend in trends:
        parts.append(f"{trend.cluster}: healthy in {trend.rate:.1%} of {len(trend.runs)} runs.")
        for probe, phase, found in trend.by_phase():
            seconds = [each.seconds for each in found]
            parts.append(f"{phase} from {probe}: {min(seconds):.3f} to {max(seconds):.3f} s in {len(found)} drills.")
    return " ".join(parts)


def _span(trend: Trend) -> tuple[float, float]:
    """All that was measured, with some room on both sides."""
    times = [at.timestamp() for at, _ in trend.runs] + [each.at.timestamp() for each in trend.outages]
    room = max((max(times) - min(times)) * 0.03, (_LEAST_SPAN - (max(times) - min(times))) / 2)
    return min(times) - room, max(times) + room


def _times(across: Scale) -> list[Tick]:
    return [(across.at(value), label) for value, label in time_ticks(across.low, across.high, 7)]


def _rate(trend: Trend, across: Scale, top: float) -> Plot:
    first, last = trend.runs[0][0].timestamp(), trend.runs[-1][0].timestamp()
    step = (last - first) / BUCKETS
    up = Scale(-5, 105, top + _HEAD + _HIGH, top + _HEAD)
    points = [
        (across.at(first + (number + 0.5) * step), up.at(part * 100))
        for number, part in enumerate(trend.buckets())
        if part is not None
    ]
    return Plot(
        what="healthy, %",
        top=top + _HEAD,
        across=_times(across),
        up=[(up.at(value), label) for value, label in ticks(0, 100, 5)],
        series=[Series(points, _KINDS[0], "c0")],
        title=drawn(trend.cluster),
        title_y=top + _HEAD - 10,
    )


def _legend(trend: Trend, top: float) -> list[Series]:
    """Each phase of each probe host, in rows; without points."""
    found: list[Series] = []
    x, y = _LEFT, top
    for number, (probe, phase, _) in enumerate(trend.by_phase()):
        name = drawn(f"{phase} from {probe}")
        wide = width_of(name, _LETTERS) + _SIGN
        if found and x + wide > _RIGHT:
            x, y = _LEFT, y + _ROW
        found.append(Series((), _KINDS[number % len(_KINDS)], f"c{number % _COLOURS}", name, round(x, 1), y))
        x += wide
    return found


def _outages(trend: Trend, across: Scale, names: Sequence[Series], top: float) -> Plot:
    longest = max([each.seconds for each in trend.outages], default=0.0) or 1.0
    up = Scale(-longest * 0.05, longest * 1.08, top + _HIGH, top)
    return Plot(
        what="outage, s",
        top=top,
        across=_times(across),
        up=[(up.at(value), label) for value, label in ticks(0, longest * 1.08, 5)],
        series=list(_filled(trend, across, up, names)),
    )


def _filled(trend: Trend, across: Scale, up: Scale, names: Sequence[Series]) -> Iterator[Series]:
    for empty, (_, _, found) in zip(names, trend.by_phase(), strict=True):
        yield replace(empty, points=[(across.at(each.at.timestamp()), up.at(each.seconds)) for each in found])
