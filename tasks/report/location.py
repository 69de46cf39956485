"""The answer to `locate` as text and as plain values."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tasks.model.location import Location, Sighting, Whereabouts
from tasks.render.mask import masked, plain
from tasks.report.terminal import shown


def render_location(found: Whereabouts, *, verbose: bool) -> RenderableType:
    """One line a place, then which tables say so."""
    parts: list[RenderableType] = [_place(found, each) for each in found.locations]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("leaf", "table"):
        table.add_column(heading, no_wrap=True, header_style="dim")
    table.add_column("says", overflow="fold", header_style="dim")
    for each in found.sightings:
        table.add_row(shown(each.leaf), shown(each.table), shown(each.says))
    if found.sightings:
        parts.append(Padding(table, (0, 0, 1, 0)))
    parts += [shown(f"not read: {text}", "magenta") for text in (found.unread if verbose else found.unread[:3])]
    return Group(*parts)


def _place(found: Whereabouts, place: Location) -> RenderableType:
    head = Text(str(found.query), "bold")
    ports = " and ".join(f"{leaf} {port}" if port else leaf for leaf, port in place.ports.items())
    head.append(plain(f"  on {place.server or 'an unknown host'}"), "default")
    head.append(plain(f", {ports or 'at no leaf that answered'}"))
    details = [f"MAC {place.mac}", f"VNI {place.vni}"]
    details += [f"VTEP {', '.join(place.vteps)}"] if place.vteps else []
    details += [f"sequence {place.sequence}"] if place.sequence is not None else []
    details += [f"for {place.since}"] if place.since is not None else []
    others = [each for each in place.addresses if each != str(found.query)]
    details += [f"addresses {', '.join(others)}"] if others else []
    return Group(head, shown("  " + ", ".join(details), "dim"), Text())


def location_document(found: Whereabouts) -> dict[str, Any]:
    """Plain values."""
    return {
        "query": str(found.query),
        "locations": [_location(each) for each in found.locations],
        "sightings": [_sighting(each) for each in found.sightings],
        "unread": [masked(text) for text in found.unread],
    }


def _location(place: Location) -> dict[str, Any]:
    return {
        "vni": place.vni,
        "mac": str(place.mac),
        "addresses": list(place.addresses),
        "server": place.server,
        "leaves": [{"leaf": leaf, "port": port} for leaf, port in place.ports.items()],
        "vteps": list(place.vteps),
        "sequence": place.sequence,
        "since": place.since,
    }


def _sighting(each: Sighting) -> dict[str, Any]:
    return {
        "leaf": each.leaf,
        "table": each.table,
        "says": masked(each.says),
        "local": each.here,
        "command": each.source.command,
    }
