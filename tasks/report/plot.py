"""The timeline of a drill: when each probe host was answered, and what servers and leaves did meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from matplotlib.figure import Figure

from tasks.report.parts import measured_words
from tasks.report.shapes_of_runs import DrillShape, MeasuredShape, OutageShape
from tasks.report.svg import settings, to_svg
from tasks.report.timeline import Panel, draw_panel

_WIDTH_IN = 11.0
_LANE_IN = 0.36
_AROUND_IN = 1.0
"""Title, names of faults and axis of a panel."""


def timeline_svg(drill: DrillShape, prefix: str) -> str:
    """The whole drill on one time axis, and each outage enlarged below it."""
    lanes = _lanes(drill)
    zooms = _zooms(drill)
    close = _lanes_in(drill, lanes, [panel.span for panel in zooms])
    heights = [_AROUND_IN + _LANE_IN * len(each) for each in (lanes, close)[: 2 if zooms else 1]]
    with settings():
        figure = Figure(figsize=(_WIDTH_IN, sum(heights)), layout="constrained")
        figure.get_layout_engine().set(hspace=0.06)  # type: ignore[union-attr, call-arg]
        figure.patch.set_alpha(0)
        grid = figure.add_gridspec(len(heights), max(1, len(zooms)), height_ratios=heights)
        draw_panel(figure.add_subplot(grid[0, :]), drill, Panel("the whole drill", _whole(drill), lanes))
        for column, panel in enumerate(zooms):
            draw_panel(figure.add_subplot(grid[1, column]), drill, replace(panel, lanes=close))
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


def _shortest(drill: DrillShape) -> Mapping[str, tuple[MeasuredShape, OutageShape]]:
    """The shortest outage of each phase: what the fabric took, and no client's ageing."""
    found: dict[str, tuple[MeasuredShape, OutageShape]] = {}
    for probe in drill.probes:
        for each in probe.outages:
            known = found.get(each.phase)
            if each.began_s is not None and each.measured and (known is None or each.seconds < known[1].seconds):
                found[each.phase] = (probe, each)
    return found


def _zooms(drill: DrillShape) -> list[Panel]:
    """The time around the shortest outage of each phase, and the leaves' answer to it if it came soon."""
    panels = []
    for phase, (probe, each) in _shortest(drill).items():
        assert each.began_s is not None
        end = each.began_s + each.seconds
        soon = [at.offset_s for at in drill.timeline if at.source == "judge" and end < at.offset_s < end + each.seconds]
        margin = max(0.05, each.seconds * 0.2)
        span = (each.began_s - margin, max([end, *soon]) + margin)
        panels.append(Panel(f"{phase} from {probe.source}, enlarged", span, ()))
    return panels


def _lanes_in(drill: DrillShape, lanes: Sequence[str], spans: Sequence[tuple[float, float]]) -> list[str]:
    """The lanes in which anything happens in one of these times: the others would be empty room."""
    busy = {each.source for each in drill.probes}
    busy |= {each.host for each in drill.timeline if any(low <= each.offset_s <= high for low, high in spans)}
    return [lane for lane in lanes if lane in busy]
