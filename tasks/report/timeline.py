"""One panel of a drill's timeline: a lane a host, answers as bars, what happened as signs with a word beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tasks.report.shapes_of_runs import DrillShape, EventShape, MeasuredShape, OutageShape
from tasks.report.svg import ACCENT, BAD, BAND, GOOD, INK, LINE, MUTED, SURFACE, WARN, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BAR = (-0.34, 0.4)
"""From the middle of the lane: the bar's foot and height. What is above it is for words, which no bar can cover."""
_WORDS = 0.24
_NARROW = 0.0025
"""The part of a panel under which a gap would be thinner than a line."""
_ROOM = 0.085
"""The part of a panel that a state's name takes at most."""
_ROLES = {"MASTER": ("^", ACCENT), "BACKUP": ("v", MUTED), "FAULT": ("X", BAD)}


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


def draw_panel(axes: Axes, drill: DrillShape, panel: Panel) -> None:
    """Everything that is known of this time."""
    place = {name: len(panel.lanes) - 1 - row for row, name in enumerate(panel.lanes)}
    _style(axes, panel)
    for probe in drill.probes:
        _bounds(axes, probe, place[probe.source])
        _answers(axes, probe, place[probe.source], panel)
    barred = {each.source for each in drill.probes}
    events = [each for each in drill.timeline if panel.shows(each.offset_s)]
    for each in events:
        if each.source == "fault":
            _fault(axes, each, panel)
        elif each.source == "judge" and each.host in place:
            on_bar = _BAR[0] + _BAR[1] / 2 if each.host in barred else 0
            axes.plot([each.offset_s], [place[each.host] + on_bar], **_sign("D", INK, 5.5))
    _transitions(axes, events, place, panel)


def _style(axes: Axes, panel: Panel) -> None:
    lanes = panel.lanes
    axes.set_xlim(*panel.span)
    axes.set_ylim(-0.6, len(lanes) + 0.1)
    axes.set_yticks(range(len(lanes)), list(reversed([drawn(name) for name in lanes])))
    axes.set_title(drawn(panel.title), loc="left", color=INK, fontsize=10, fontweight="bold")
    axes.set_xlabel("seconds since the fault", color=MUTED, fontsize=9)
    axes.set_facecolor("none")
    axes.tick_params(colors=INK, labelsize=9, length=0)
    axes.grid(visible=True, axis="x", color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)


def _bounds(axes: Axes, probe: MeasuredShape, row: int) -> None:
    """What the timers explain, shaded from where the outage began; a line where it may end at the earliest."""
    begun = sorted(each.began_s for each in probe.outages if each.began_s is not None)
    for outage in probe.outages:
        if outage.began_s is None:
            continue
        low, high = outage.bound_s
        # A client's own timers may allow more than there was: the next phase has its own bound.
        after = [at for at in begun if at > outage.began_s]
        end = min([outage.began_s + high, *after])
        axes.broken_barh([(outage.began_s, end - outage.began_s)], (row - 0.42, 0.84), facecolors=BAND, linewidth=0)
        if low > 0:
            axes.plot([outage.began_s + low] * 2, [row - 0.42, row + 0.42], color=MUTED, linewidth=1, linestyle=":")


def _answers(axes: Axes, probe: MeasuredShape, row: int, panel: Panel) -> None:
    foot, height = row + _BAR[0], _BAR[1]
    spans = [(begin, end - begin) for begin, end in probe.answered_s]
    axes.broken_barh(spans, (foot, height), facecolors=GOOD, linewidth=0)
    for outage in probe.outages:
        if outage.began_s is None or not outage.measured:
            continue
        middle = outage.began_s + outage.seconds / 2
        if outage.seconds < panel.width_s * _NARROW:
            axes.plot([middle] * 2, [foot, foot + height], color=SURFACE, linewidth=2, solid_capstyle="butt")
        if panel.shows(middle):
            _measured(axes, outage, row, narrow=outage.seconds < panel.width_s * _ROOM)


def _measured(axes: Axes, outage: OutageShape, row: int, *, narrow: bool) -> None:
    """In the middle of its gap, or beside its begin where it is longer than the gap: no fault's line crosses it."""
    assert outage.began_s is not None
    text, colour = (f"{outage.seconds:.3f} s", INK) if outage.within_bound else (f"✕ {outage.seconds:.3f} s", BAD)
    axes.annotate(
        text,
        (outage.began_s + (0 if narrow else outage.seconds / 2), row + _WORDS),
        (2 if narrow else 0, 0),
        textcoords="offset points",
        color=colour,
        fontsize=8,
        fontweight="bold",
        ha="left" if narrow else "center",
        va="center",
        annotation_clip=True,
    )


def _fault(axes: Axes, event: EventShape, panel: Panel) -> None:
    """A line through all lanes; what happened stands above them, on the side where there is room."""
    axes.axvline(event.offset_s, color=WARN, linewidth=1.2, linestyle="--")
    late = event.offset_s > panel.span[0] + panel.width_s * 0.75
    axes.annotate(
        drawn(event.event),
        (event.offset_s, len(panel.lanes) - 0.28),
        (-4 if late else 4, 0),
        textcoords="offset points",
        color=WARN,
        fontsize=8.5,
        ha="right" if late else "left",
        va="center",
        annotation_clip=True,
    )


def _transitions(axes: Axes, events: Sequence[EventShape], place: Mapping[str, int], panel: Panel) -> None:
    """keepalived's states; the name of one stands beside its sign unless the next one is too near."""
    for host, row in place.items():
        found = list(_states(each for each in events if each.host == host and each.source == "keepalived"))
        following = [*(at for at, _ in found[1:]), float("inf")]
        for (at, word), after in zip(found, following, strict=False):
            sign, colour = _ROLES[word]
            axes.plot([at], [row], **_sign(sign, colour, 8))
            if after - at > panel.width_s * _ROOM and at < panel.span[1] - panel.width_s * _ROOM:
                beside: dict[str, Any] = {"textcoords": "offset points", "va": "center", "annotation_clip": True}
                axes.annotate(word, (at, row), (8, 0), color=colour, fontsize=8, **beside)


def _states(events: Iterator[EventShape]) -> Iterator[tuple[float, str]]:
    for each in events:
        for word in _ROLES:
            if f"{word} STATE" in each.event:
                yield each.offset_s, word


def _sign(marker: str, colour: str, size: float) -> dict[str, Any]:
    """With a rim, so that it stands out from a bar and from a line."""
    return {
        "marker": marker,
        "color": colour,
        "markersize": size,
        "markeredgecolor": SURFACE,
        "markeredgewidth": 1,
        "linestyle": "none",
        "zorder": 4,
    }
