"""The answer to `locate` for a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from tasks.model.location import Location, WhereaboutsReport
from tasks.model.mask import plain
from tasks.report.screen.terminal import shown, table


def render_location(found: WhereaboutsReport, *, verbose: bool) -> RenderableType:
    """One line a place, then which tables say so."""
    parts: list[RenderableType] = [_place(found, each) for each in found.locations]
    tables = table("leaf", "table", folded=("says",))
    for each in found.sightings:
        tables.add_row(shown(each.leaf), shown(each.table), shown(each.says))
    if found.sightings:
        parts.append(Padding(tables, (0, 0, 1, 0)))
    parts += [shown(f"not read: {text}", "magenta") for text in (found.unread if verbose else found.unread[:3])]
    return Group(*parts)


def _place(found: WhereaboutsReport, place: Location) -> RenderableType:
    head = Text(found.query, "bold")
    ports = " and ".join(f"{each.leaf} {each.port}" if each.port else each.leaf for each in place.leaves)
    head.append(plain(f"  on {place.server or 'an unknown host'}"), "default")
    head.append(plain(f", {ports or 'at no leaf that answered'}"))
    details = [f"MAC {place.mac}", f"VNI {place.vni}"]
    details += [f"VTEP {', '.join(place.vteps)}"] if place.vteps else []
    details += [f"sequence {place.sequence}"] if place.sequence is not None else []
    details += [f"for {place.since}"] if place.since is not None else []
    others = [each for each in place.addresses if each != found.query]
    details += [f"addresses {', '.join(others)}"] if others else []
    return Group(head, shown("  " + ", ".join(details), "dim"), Text())
