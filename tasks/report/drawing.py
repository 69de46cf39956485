"""The fabric drawn: spines above leaves above servers, and where the VIP is and was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from tasks.report.layout import CHIP_X, CHIP_Y, STEP_X, STEP_Y, Block, Layout, Node, lay_out
from tasks.report.shapes import ClusterShape, VipShape
from tasks.report.svg import ACCENT, BAD, INK, LINE, MUTED, RAISED, SURFACE, UNKNOWN, drawn, settings, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDE, _HIGH = 1.5, 0.72
_INCH = 0.95
_BELOW, _NEXT = 0.55, 0.3
"""From a box to the first line below it, and from that to the next."""
_LETTERS = 14
"""So many fit into a box at full size."""


def fabric_svg(cluster: ClusterShape, earlier: str | None, prefix: str) -> str | None:
    """The fabric of one cluster; `earlier`: who bore the VIP before. None where nobody told the fabric."""
    if cluster.fabric is None or not cluster.vips:
        return None
    marks = _marks(cluster.vips)
    layout = lay_out(cluster.fabric, marks)
    texts = _texts(cluster.vips, earlier, layout)
    left = min(node.x for node in layout.nodes.values()) - STEP_X / 2
    width = max(6.0, layout.right + STEP_X / 2 - left)
    low = -_HIGH / 2 - 0.25 - _NEXT * max((len(each) for each in texts.values()), default=1)
    lost = [_lost(vip) for vip in cluster.vips if vip.owner not in layout.nodes]
    low -= 0.3 if lost else 0
    high = 2 * STEP_Y + _HIGH / 2 + 0.15
    with settings():
        figure = Figure(figsize=(width * _INCH, (high - low) * _INCH))
        figure.patch.set_alpha(0)
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_axis_off()
        middle = (left + layout.right + STEP_X / 2) / 2
        axes.set_xlim(middle - width / 2, middle + width / 2)
        axes.set_ylim(low, high)
        _lines(axes, layout)
        if lost:
            axes.text(middle, low + 0.15, "; ".join(lost), color=BAD, ha="center", va="center", fontsize=10)
        owners = _owners(cluster.vips)
        for name, node in layout.nodes.items():
            if node.small:
                _chip(axes, node)
            else:
                _box(axes, node, marks.get(name, ""), owner=name in owners, was=name == earlier)
            for number, (text, now) in enumerate(texts.get(name, ())):
                _line_below(axes, node, text, number, now=now)
    return to_svg(figure, prefix, f"Fabric of cluster {cluster.name}", _described(cluster, earlier, marks))


def _described(cluster: ClusterShape, earlier: str | None, marks: Mapping[str, str]) -> str:
    assert cluster.fabric is not None
    parts = [f"{each.name} on {' and '.join(each.leaves) or 'no known leaf'}." for each in cluster.fabric.servers]
    parts += [f"{vip.address} is {_where(vip)}: {vip.state}." for vip in cluster.vips]
    parts += [f"It was on {earlier}."] if earlier else []
    parts += [f"{name}: {mark}." for name, mark in marks.items()]
    return " ".join(parts)


def _lost(vip: VipShape) -> str:
    """What is said of a VIP that stands below no box."""
    return drawn(f"✕ VIP {vip.address} {_where(vip)}: {vip.state}")


def _where(vip: VipShape) -> str:
    return f"on {vip.masters} servers at once" if vip.owner is None and vip.masters else f"on {vip.owner or 'nobody'}"


def _owners(vips: Sequence[VipShape]) -> set[str]:
    return {vip.owner for vip in vips if vip.owner is not None}


def _marks(vips: Sequence[VipShape]) -> dict[str, str]:
    """`fails` or `unknown` for each target that has such a check."""
    found: dict[str, str] = {}
    for vip in vips:
        for check in vip.checks:
            if check.status == "fail":
                found[check.target] = "fails"
            elif check.status == "unknown":
                found.setdefault(check.target, "unknown")
    return found


def _texts(vips: Sequence[VipShape], earlier: str | None, layout: Layout) -> dict[str, list[tuple[str, bool]]]:
    """What stands below each box: VIPs that are there, and that one was."""
    found: dict[str, list[tuple[str, bool]]] = {}
    for vip in vips:
        if vip.owner in layout.nodes and vip.owner is not None:
            found.setdefault(vip.owner, []).append((f"VIP {drawn(vip.address)}", True))
    if earlier in layout.nodes and earlier is not None:
        found.setdefault(earlier, []).append(("was here", False))
    return found


def _lines(axes: Axes, layout: Layout) -> None:
    for one, other in layout.links:
        axes.plot([one[0], other[0]], [one[1], other[1]], color=LINE, linewidth=1.6, zorder=1)
    if layout.block is not None:
        _block(axes, layout.block, sum(node.small for node in layout.nodes.values()))


def _block(axes: Axes, block: Block, count: int) -> None:
    x, y, _, height = block
    _rounded(axes, block, facecolor=SURFACE, edgecolor=LINE, linewidth=1.4)
    text = f"{count} more leaves: nothing hangs on them, nothing is wrong"
    axes.text(x, y - height / 2 - 0.2, text, color=MUTED, ha="center", va="center", fontsize=9)


def _chip(axes: Axes, node: Node) -> None:
    _rounded(axes, (node.x, node.y, CHIP_X - 0.12, CHIP_Y - 0.1), facecolor=RAISED, edgecolor=LINE, linewidth=0.8)
    axes.text(
        node.x,
        node.y,
        drawn(node.name),
        color=INK,
        ha="center",
        va="center",
        fontsize=_fitting(9, node.name, 8),
        zorder=3,
    )


def _box(axes: Axes, node: Node, mark: str, *, owner: bool, was: bool) -> None:
    colour = BAD if mark == "fails" else UNKNOWN if mark else ACCENT if owner or was else LINE
    wide = 2.4 if owner or mark else 1.4
    style = "--" if was and not owner else "-"
    rim: dict[str, Any] = {"facecolor": RAISED, "edgecolor": colour, "linewidth": wide, "linestyle": style}
    _rounded(axes, (node.x, node.y, _WIDE, _HIGH), **rim)
    sign = {"fails": " ✕ fails", "unknown": " ? unknown"}.get(mark, "")
    name = drawn(node.name) + sign
    middle: dict[str, Any] = {"ha": "center", "va": "center", "zorder": 3}
    size = _fitting(11, name, _LETTERS)
    axes.text(node.x, node.y + 0.12, name, color=colour if mark else INK, fontsize=size, fontweight="bold", **middle)
    below = drawn(node.below)
    axes.text(node.x, node.y - 0.17, below, color=MUTED, fontsize=_fitting(8.5, below, 1.4 * _LETTERS), **middle)


def _line_below(axes: Axes, node: Node, text: str, number: int, *, now: bool) -> None:
    filled = {"boxstyle": "round,pad=0.35", "facecolor": ACCENT, "edgecolor": "none"} if now else None
    axes.text(
        node.x,
        node.y - _BELOW - _NEXT * number,
        text,
        color=SURFACE if now else MUTED,
        ha="center",
        va="center",
        fontsize=_fitting(9, text, 1.6 * _LETTERS),
        zorder=4,
        bbox=filled,
    )


def _rounded(axes: Axes, place: Block, **style: Any) -> None:  # noqa: ANN401
    x, y, width, height = place
    corner = (x - width / 2, y - height / 2)
    axes.add_patch(FancyBboxPatch(corner, width, height, boxstyle="round,pad=0,rounding_size=0.08", zorder=2, **style))


def _fitting(size: float, text: str, letters: float) -> float:
    """Smaller letters for what is longer than its box."""
    return size * min(1.0, letters / max(1, len(text)))
