"""The timeline of a drill: when each probe host was answered, and what servers and leaves did meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from markupsafe import Markup

from tasks.model.drilled import Drill, Measured, Outage
from tasks.report.drawing.axes import width_of
from tasks.report.drawing.panel import Drawn, Panel, draw_panel
from tasks.report.parts import measured_words
from tasks.report.templating import drawn, picture

_WIDTH = 792.0
_ABOVE, _BENEATH = 20.0, 34.0
"""Title above a panel; ticks and what they are below it."""
_EDGE = 12.0
_LETTERS = 9.0
_WIDEST = 150.0
"""Of the names of lanes."""


def timeline_svg(drill: Drill, prefix: str) -> Markup:
    """The whole drill on one time axis, and each outage enlarged below it."""
    lanes = _lanes(drill)
    zooms = _zooms(drill)
    close = _lanes_in(drill, lanes, [panel.span for panel in zooms])
    panels = list(_row(drill, [Panel("the whole drill", _whole(drill), lanes)], _ABOVE))
    if zooms:
        panels += _row(drill, [replace(panel, lanes=close) for panel in zooms], panels[0].bottom + _BENEATH + _ABOVE)
    return picture(
        "timeline.svg.j2",
        prefix=prefix,
        title="Timeline of the drill",
        description=_described(drill),
        width=_WIDTH,
        height=panels[-1].bottom + _BENEATH,
        panels=panels,
    )


def _row(drill: Drill, panels: Sequence[Panel], top: float) -> Iterator[Drawn]:
    """Panels side by side, each with its names to the left of it."""
    names = min(_WIDEST, max((width_of(drawn(name), _LETTERS) for name in panels[0].lanes), default=0.0)) + _EDGE
    share = _WIDTH / len(panels)
    for number, panel in enumerate(panels):
        begin, end = round(number * share + names, 1), round((number + 1) * share - _EDGE, 1)
        yield draw_panel(drill, panel, begin, end, top)


def _described(drill: Drill) -> str:
    """The same in words, for those who can't see it."""
    parts = [f"{drill.fault} on {drill.target}."]
    for probe in drill.probes:
        for each in probe.outages:
            low, high = each.bound_s
            parts.append(f"{each.phase} from {probe.host}: {measured_words(each)}, allowed {low:.3f} to {high:.3f} s.")
    return " ".join(parts)


def _lanes(drill: Drill) -> list[str]:
    """From top to bottom: probe hosts, then every other host that something is known of."""
    probes = [each.host for each in drill.probes]
    hosts = dict.fromkeys(each.host for each in drill.timeline if each.source in {"keepalived", "fault", "judge"})
    return [*probes, *(host for host in hosts if host not in probes and host != "vipbook")]


def _whole(drill: Drill) -> tuple[float, float]:
    times = [each.offset_s for each in drill.timeline]
    times += [at for probe in drill.probes for span in probe.answered_s for at in span]
    return min([*times, 0.0]) - 0.3, max([*times, 1.0]) + 0.3


def _shortest(drill: Drill) -> Mapping[str, tuple[Measured, Outage]]:
    """The shortest outage of each phase: what the fabric took, and no client's ageing."""
    found: dict[str, tuple[Measured, Outage]] = {}
    for probe in drill.probes:
        for each in probe.outages:
            known = found.get(each.phase)
            if each.began_s is not None and each.measured and (known is None or each.seconds < known[1].seconds):
                found[each.phase] = (probe, each)
    return found


def _zooms(drill: Drill) -> list[Panel]:
    """The time around the shortest outage of each phase, and the leaves' answer to it if it came soon."""
    panels = []
    for phase, (probe, each) in _shortest(drill).items():
        assert each.began_s is not None
        end = each.began_s + each.seconds
        soon = [at.offset_s for at in drill.timeline if at.source == "judge" and end < at.offset_s < end + each.seconds]
        margin = max(0.05, each.seconds * 0.2)
        span = (each.began_s - margin, max([end, *soon]) + margin)
        panels.append(Panel(f"{phase} from {probe.host}, enlarged", span, ()))
    return panels


def _lanes_in(drill: Drill, lanes: Sequence[str], spans: Sequence[tuple[float, float]]) -> list[str]:
    """The lanes in which anything happens in one of these times: the others would be empty room."""
    busy = {each.host for each in drill.probes}
    busy |= {each.host for each in drill.timeline if any(low <= each.offset_s <= high for low, high in spans)}
    return [lane for lane in lanes if lane in busy]
