"""The timeline of a drill: when each probe host was answered, and what servers and leaves did meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from tasks.report.escape import printable
from tasks.report.parts import measured_words
from tasks.report.shapes_of_runs import DrillShape, EventShape, MeasuredShape, OutageShape
from tasks.report.svg import ACCENT, BAD, BAND, GOOD, INK, LINE, MUTED, UNKNOWN, WARN, settings, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH_IN = 11.0
_LANE_IN = 0.34
_BAR = 0.5
_ROLES = {"MASTER": ("▲", ACCENT), "BACKUP": ("▼", MUTED), "FAULT": ("✕", BAD)}


def timeline_svg(drill: DrillShape, prefix: str) -> str:
    """The whole drill on one time axis, and each outage enlarged below it."""
    lanes = _lanes(drill)
    zooms = _phases(drill)
    height = 1.1 + _LANE_IN * len(lanes)
    with settings():
        figure = Figure(figsize=(_WIDTH_IN, height * (2 if zooms else 1) + 0.3), layout="constrained")
        figure.patch.set_alpha(0)
        grid = figure.add_gridspec(2 if zooms else 1, max(1, len(zooms)))
        # Names of states would stand upon each other where a second is a few points wide.
        _draw(figure.add_subplot(grid[0, :]), drill, lanes, Panel("the whole drill", _whole(drill), names=not zooms))
        for column, (phase, span) in enumerate(zooms):
            panel = Panel(f"{phase}, enlarged", span, names=True)
            _draw(figure.add_subplot(grid[1, column]), drill, lanes, panel)
    return to_svg(figure, prefix, "Timeline of the drill", _described(drill))


def _described(drill: DrillShape) -> str:
    """The same in words, for those who can't see it."""
    parts = [f"{drill.fault} on {drill.target}."]
    for probe in drill.probes:
        for each in probe.outages:
            low, high = each.bound_s
            parts.append(
                f"{each.phase} from {probe.source}: {measured_words(each)}, allowed {low:.3f} to {high:.3f} s."
            )
    return " ".join(parts)


def _lanes(drill: DrillShape) -> list[str]:
    """From top to bottom: probe hosts, then every other host that something is known of."""
    probes = [each.source for each in drill.probes]
    hosts = dict.fromkeys(each.host for each in drill.timeline if each.source in {"keepalived", "fault", "judge"})
    return [*probes, *(host for host in hosts if host not in probes and host != "vipbook")]


def _whole(drill: DrillShape) -> tuple[float, float]:
    times = [each.offset_s for each in drill.timeline]
    times += [at for probe in drill.probes for span in probe.answered_s for at in span]
    return min([*times, 0.0]) - 0.3, max([*times, 1.0]) + 0.3


def _phases(drill: DrillShape) -> list[tuple[str, tuple[float, float]]]:
    """Each phase with an outage, and the time around the shortest one: what the fabric took, and no client's ageing."""
    found: dict[str, OutageShape] = {}
    for probe in drill.probes:
        for each in probe.outages:
            known = found.get(each.phase)
            if each.began_s is not None and each.measured and (known is None or each.seconds < known.seconds):
                found[each.phase] = each
    spans = []
    for phase, each in found.items():
        assert each.began_s is not None
        margin = max(0.15, each.seconds * 0.2)
        spans.append((phase, (each.began_s - margin, each.began_s + each.seconds + margin)))
    return spans


@dataclass(frozen=True, slots=True)
class Panel:
    """One axis: its title, the time that it shows, and whether there is room for the names of states."""

    title: str
    span: tuple[float, float]
    names: bool


def _draw(axes: Axes, drill: DrillShape, lanes: Sequence[str], panel: Panel) -> None:
    place = {name: len(lanes) - 1 - row for row, name in enumerate(lanes)}
    _style(axes, lanes, panel)
    for probe in drill.probes:
        for outage in probe.outages:
            _bound(axes, outage, place[probe.source])
        _answers(axes, probe, place[probe.source])
    for event in drill.timeline:
        if event.host in place and panel.span[0] <= event.offset_s <= panel.span[1]:
            _event(axes, event, place[event.host], names=panel.names)


def _style(axes: Axes, lanes: Sequence[str], panel: Panel) -> None:
    axes.set_xlim(*panel.span)
    axes.set_ylim(-0.7, len(lanes) - 0.3)
    axes.set_yticks(range(len(lanes)), list(reversed([printable(name) for name in lanes])))
    axes.set_title(panel.title, loc="left", color=MUTED, fontsize=10)
    axes.set_xlabel("seconds since the fault", color=MUTED, fontsize=9)
    axes.set_facecolor("none")
    axes.tick_params(colors=INK, labelsize=9, length=0)
    axes.grid(visible=True, axis="x", color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)


def _bound(axes: Axes, outage: OutageShape, row: int) -> None:
    """What the timers explain, shaded from where the outage began; a line where it may end at the earliest."""
    if outage.began_s is None:
        return
    low, high = outage.bound_s
    axes.broken_barh([(outage.began_s, high)], (row - 0.42, 0.84), facecolors=BAND, linewidth=0)
    if low > 0:
        axes.plot([outage.began_s + low] * 2, [row - 0.42, row + 0.42], color=MUTED, linewidth=0.8, linestyle=":")


def _answers(axes: Axes, probe: MeasuredShape, row: int) -> None:
    spans = [(begin, end - begin) for begin, end in probe.answered_s]
    axes.broken_barh(spans, (row - _BAR / 2, _BAR), facecolors=GOOD, linewidth=0)
    for outage in probe.outages:
        if outage.began_s is None or not outage.measured:
            continue
        colour = INK if outage.within_bound else BAD
        axes.text(
            outage.began_s + outage.seconds / 2,
            row,
            f"{outage.seconds:.2f} s",
            ha="center",
            va="center",
            color=colour,
            fontsize=8,
            clip_on=True,
        )


def _event(axes: Axes, event: EventShape, row: int, *, names: bool) -> None:
    if event.source == "fault":
        axes.axvline(event.offset_s, color=WARN, linewidth=1.2, linestyle="--")
        axes.text(
            event.offset_s, row + 0.3, f" {printable(event.event)}", color=WARN, fontsize=8, va="bottom", clip_on=True
        )
    elif event.source == "keepalived":
        for word, (sign, colour) in _ROLES.items():
            if f"{word} STATE" in event.event:
                axes.text(event.offset_s, row, sign, color=colour, ha="center", va="center", fontsize=10, clip_on=True)
                if names:
                    axes.text(
                        event.offset_s, row - 0.2, f"  {word}", color=colour, fontsize=7, va="center", clip_on=True
                    )
    elif event.source == "judge":
        axes.plot([event.offset_s], [row], marker="D", color=UNKNOWN, markersize=4, linestyle="none")
