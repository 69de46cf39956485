"""One panel of a drill's timeline: a lane a host, answers as bars, what happened as signs with a word beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tasks.model.drilled import Drill, Event, Measured, Outage
from tasks.report.drawing.axes import Scale, Tick, ticks
from tasks.report.templating import drawn

LANE = 26.0
"""Pixels from one lane to the next."""
_HEAD = 1.1
"""From the upper edge to the first lane, in lanes: room for the names of faults."""
_BAND = 0.42
_BAR = (-0.06, 0.4)
"""From the middle of the lane down to the bar, and its height. Above it are words, which no bar can cover."""
_WORDS = -0.24
_NARROW = 0.0025
"""The part of a panel under which a gap would be thinner than a line."""
_ROOM = 0.085
"""The part of a panel that a state's name takes at most."""
_TICK = 52.0
"""Pixels that a tick and its label take."""
_ROLES = {"MASTER": ("up", "accent"), "BACKUP": ("down", "muted"), "FAULT": ("cross", "fail")}


@dataclass(frozen=True, slots=True)
class Panel:
    """One axis: its title, the time that it shows, and its lanes from top to bottom."""

    title: str
    span: tuple[float, float]
    lanes: Sequence[str]

    @property
    def width_s(self) -> float:
        """How much time it shows."""
        return self.span[1] - self.span[0]

    def shows(self, at: float) -> bool:
        """Whether this moment is in it."""
        return self.span[0] <= at <= self.span[1]


@dataclass(frozen=True, slots=True)
class Bar:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    colour: str


@dataclass(frozen=True, slots=True)
class Line:
    """From `y` down."""

    x: float
    y: float
    height: float
    colour: str
    wide: float
    dashes: str = ""


@dataclass(frozen=True, slots=True)
class Sign:
    """Around its middle."""

    kind: str
    x: float
    y: float
    colour: str
    size: float


@dataclass(frozen=True, slots=True)
class Word:
    """A text at its anchor."""

    text: str
    x: float
    y: float
    colour: str
    size: float = 8
    anchor: str = "start"
    bold: bool = False


@dataclass(slots=True, kw_only=True)
class Drawn:
    """What a panel is made of, in pixels of the picture; later lists are drawn over earlier ones."""

    title: str
    left: float
    right: float
    top: float
    bottom: float
    ticks: Sequence[Tick]
    lanes: Sequence[tuple[float, str]]
    bars: list[Bar] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    signs: list[Sign] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)


def height_of(lanes: int) -> float:
    """Pixels from the upper to the lower edge of a panel."""
    return round((lanes + 0.7) * LANE, 1)


def draw_panel(drill: Drill, panel: Panel, left: float, right: float, top: float) -> Drawn:
    """Everything that is known of this time."""
    scale = Scale(*panel.span, left, right)
    place = {name: round(top + (row + _HEAD) * LANE, 1) for row, name in enumerate(panel.lanes)}
    made = Drawn(
        title=drawn(panel.title),
        left=left,
        right=right,
        top=top,
        bottom=round(top + height_of(len(panel.lanes)), 1),
        ticks=[(scale.at(value), label) for value, label in ticks(*panel.span, max(2, int((right - left) / _TICK)))],
        lanes=[(y, drawn(name)) for name, y in place.items()],
    )
    for probe in drill.probes:
        _bounds(made, scale, probe, place[probe.host])
        _answers(made, scale, probe, place[probe.host], panel)
    barred = {each.host for each in drill.probes}
    events = [each for each in drill.timeline if panel.shows(each.offset_s)]
    for each in events:
        if each.source == "fault":
            _fault(made, scale, each, panel)
        elif each.source == "judge" and each.host in place:
            on_bar = (_BAR[0] + _BAR[1] / 2) * LANE if each.host in barred else 0
            made.signs.append(Sign("diamond", scale.at(each.offset_s), round(place[each.host] + on_bar, 1), "ink", 4))
    _transitions(made, scale, events, place, panel)
    return made


def _bar(scale: Scale, span: tuple[float, float], y: float, part: tuple[float, float], colour: str) -> Iterator[Bar]:
    """What of it the panel shows, if anything; `part`: of the lane, from its middle down, and how much."""
    begin, end = span
    if end > scale.low and begin < scale.high:
        x = scale.at(begin)
        width = max(0.3, round(scale.at(end) - x, 1))
        yield Bar(x, round(y + part[0] * LANE, 1), width, round(part[1] * LANE, 1), colour)


def _bounds(made: Drawn, scale: Scale, probe: Measured, y: float) -> None:
    """What the timers explain, shaded from where the outage began; a line where it may end at the earliest."""
    begun = sorted(each.began_s for each in probe.outages if each.began_s is not None)
    for outage in probe.outages:
        if outage.began_s is None:
            continue
        low, high = outage.bound_s
        # A client's own timers may allow more than there was: the next phase has its own bound.
        after = [at for at in begun if at > outage.began_s]
        end = min([outage.began_s + high, *after])
        made.bars += _bar(scale, (outage.began_s, end), y, (-_BAND, 2 * _BAND), "band")
        at = outage.began_s + low
        if low > 0 and scale.low <= at <= scale.high:
            made.lines.append(Line(scale.at(at), round(y - _BAND * LANE, 1), 2 * _BAND * LANE, "muted", 1, "1 1.6"))


def _answers(made: Drawn, scale: Scale, probe: Measured, y: float, panel: Panel) -> None:
    for span in probe.answered_s:
        made.bars += _bar(scale, span, y, _BAR, "pass")
    for outage in probe.outages:
        if outage.began_s is None or not outage.measured:
            continue
        middle = outage.began_s + outage.seconds / 2
        if not panel.shows(middle):
            continue
        if outage.seconds < panel.width_s * _NARROW:
            made.lines.append(Line(scale.at(middle), round(y + _BAR[0] * LANE, 1), _BAR[1] * LANE, "surface", 2))
        made.words.append(_measured(scale, outage, y, narrow=outage.seconds < panel.width_s * _ROOM))


def _measured(scale: Scale, outage: Outage, y: float, *, narrow: bool) -> Word:
    """In the middle of its gap, or beside its begin where it is longer than the gap: no fault's line crosses it."""
    assert outage.began_s is not None
    text, colour = (f"{outage.seconds:.3f} s", "ink") if outage.within_bound else (f"✕ {outage.seconds:.3f} s", "fail")
    x = scale.at(outage.began_s) + 2 if narrow else scale.at(outage.began_s + outage.seconds / 2)
    return Word(text, round(x, 1), round(y + _WORDS * LANE, 1), colour, 8, "start" if narrow else "middle", bold=True)


def _fault(made: Drawn, scale: Scale, event: Event, panel: Panel) -> None:
    """A line through all lanes; what happened stands above them, on the side where there is room."""
    x = scale.at(event.offset_s)
    made.lines.append(Line(x, made.top, round(made.bottom - made.top, 1), "warn", 1.2, "4.5 2"))
    late = event.offset_s > panel.span[0] + panel.width_s * 0.75
    beside = round(x + (-4 if late else 4), 1)
    made.words.append(Word(drawn(event.event), beside, made.top + 9, "warn", 8.5, "end" if late else "start"))


def _transitions(made: Drawn, scale: Scale, events: Sequence[Event], place: Mapping[str, float], panel: Panel) -> None:
    """keepalived's states; the name of one stands beside its sign unless the next one is too near."""
    for host, y in place.items():
        found = list(_states(each for each in events if each.host == host and each.source == "keepalived"))
        following = [*(at for at, _ in found[1:]), float("inf")]
        for (at, word), after in zip(found, following, strict=False):
            kind, colour = _ROLES[word]
            made.signs.append(Sign(kind, scale.at(at), y, colour, 3 if kind == "cross" else 3.8))
            if after - at > panel.width_s * _ROOM and at < panel.span[1] - panel.width_s * _ROOM:
                made.words.append(Word(word, round(scale.at(at) + 8, 1), y, colour))


def _states(events: Iterator[Event]) -> Iterator[tuple[float, str]]:
    for each in events:
        for word in _ROLES:
            if f"{word} STATE" in each.event:
                yield each.offset_s, word
