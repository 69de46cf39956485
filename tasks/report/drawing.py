"""The fabric drawn: spines above leaves above servers, and where the VIP is and was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from tasks.report.escape import printable
from tasks.report.shapes import ClusterShape, FabricShape, VipShape
from tasks.report.svg import ACCENT, BAD, INK, LINE, MUTED, RAISED, SURFACE, UNKNOWN, settings, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDE, _HIGH = 1.5, 0.72
_STEP_X, _STEP_Y = 1.9, 1.55
_SPINE, _LEAF, _HOST = 2, 1, 0


@dataclass(frozen=True, slots=True)
class Node:
    """A box: what is written in it, and where its middle is."""

    name: str
    below: str
    x: float
    y: float


def fabric_svg(cluster: ClusterShape, earlier: str | None, prefix: str) -> str | None:
    """The fabric of one cluster; `earlier`: who bore the VIP before. None where nobody told the fabric."""
    if cluster.fabric is None or not cluster.vips:
        return None
    nodes = _nodes(cluster.fabric)
    right = max(node.x for node in nodes.values())
    with settings():
        figure = Figure(figsize=(max(6.0, (right + _STEP_X) * 0.95), 4.4))
        figure.patch.set_alpha(0)
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_axis_off()
        axes.set_xlim(-_STEP_X / 2, right + _STEP_X / 2)
        axes.set_ylim(-0.95, _SPINE * _STEP_Y + 0.6)
        for one, other in _links(cluster.fabric, nodes):
            axes.plot([one.x, other.x], [one.y, other.y], color=LINE, linewidth=1.6, zorder=1)
        marks = _marks(cluster.vips)
        for name, node in nodes.items():
            _box(axes, node, marks.get(name, ""), owner=name in _owners(cluster.vips), was=name == earlier)
        for number, vip in enumerate(cluster.vips):
            if vip.owner in nodes:
                _badge(axes, nodes[vip.owner], printable(vip.address), number)
        if earlier in nodes and earlier is not None:
            node = nodes[earlier]
            axes.text(node.x, node.y - 0.55, "was here", color=MUTED, ha="center", va="center", fontsize=9)
    return to_svg(figure, prefix, f"Fabric of cluster {cluster.name}", _described(cluster, earlier, marks))


def _described(cluster: ClusterShape, earlier: str | None, marks: Mapping[str, str]) -> str:
    assert cluster.fabric is not None
    parts = [f"{each.name} on {' and '.join(each.leaves) or 'no known leaf'}." for each in cluster.fabric.servers]
    parts += [f"{vip.address} is on {vip.owner or 'nobody'}: {vip.state}." for vip in cluster.vips]
    parts += [f"It was on {earlier}."] if earlier else []
    parts += [f"{name}: {mark}." for name, mark in marks.items()]
    return " ".join(parts)


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


def _nodes(fabric: FabricShape) -> dict[str, Node]:
    """Leaves side by side; what hangs on one below it, and what hangs on none beside the spines."""
    columns: dict[str, float] = {}
    found: dict[str, Node] = {}
    hosts = [(each.name, each.address, each.leaves) for each in fabric.servers]
    hosts += [(each.name, "client" if each.on_link else "probe", each.leaves) for each in fabric.probes]
    at = 0.0
    for leaf in fabric.leaves:
        below = [host for host in hosts if host[2] and host[2][0] == leaf.name]
        width = max(1, len(below))
        columns[leaf.name] = at + (width - 1) / 2
        for number, (name, text, _) in enumerate(below):
            found[name] = Node(name, text, (at + number) * _STEP_X, _HOST * _STEP_Y)
        found[leaf.name] = Node(leaf.name, leaf.vtep or "VTEP not told", columns[leaf.name] * _STEP_X, _LEAF * _STEP_Y)
        at += width
    spines = list(dict.fromkeys(spine for leaf in fabric.leaves for spine in leaf.spines))
    middle = (at - 1) / 2
    for number, spine in enumerate(spines):
        x = middle + number - (len(spines) - 1) / 2
        found.setdefault(spine, Node(spine, "spine", x * _STEP_X, _SPINE * _STEP_Y))
    for number, (name, text, _) in enumerate(host for host in hosts if host[0] not in found):
        found[name] = Node(name, text, (middle + len(spines) / 2 + 1 + number) * _STEP_X, _SPINE * _STEP_Y)
    return found


def _links(fabric: FabricShape, nodes: Mapping[str, Node]) -> list[tuple[Node, Node]]:
    pairs = [(leaf.name, spine) for leaf in fabric.leaves for spine in leaf.spines]
    pairs += [(each.name, leaf) for each in fabric.servers for leaf in each.leaves]
    pairs += [(each.name, leaf) for each in fabric.probes for leaf in each.leaves]
    return [(nodes[one], nodes[other]) for one, other in pairs if one in nodes and other in nodes]


def _box(axes: Axes, node: Node, mark: str, *, owner: bool, was: bool) -> None:
    colour = BAD if mark == "fails" else UNKNOWN if mark else ACCENT if owner or was else LINE
    axes.add_patch(
        FancyBboxPatch(
            (node.x - _WIDE / 2, node.y - _HIGH / 2),
            _WIDE,
            _HIGH,
            boxstyle="round,pad=0,rounding_size=0.1",
            facecolor=RAISED,
            edgecolor=colour,
            linewidth=2.4 if owner or mark else 1.4,
            linestyle="--" if was and not owner else "-",
            zorder=2,
        )
    )
    sign = {"fails": " ✕ fails", "unknown": " ? unknown"}.get(mark, "")
    axes.text(
        node.x,
        node.y + 0.12,
        printable(node.name) + sign,
        color=colour if mark else INK,
        ha="center",
        va="center",
        fontsize=11,
        fontweight="bold",
        zorder=3,
    )
    axes.text(
        node.x, node.y - 0.17, printable(node.below), color=MUTED, ha="center", va="center", fontsize=8.5, zorder=3
    )


def _badge(axes: Axes, node: Node, address: str, number: int) -> None:
    y = node.y - 0.55 - 0.3 * number
    axes.text(
        node.x,
        y,
        f"VIP {address}",
        color=SURFACE,
        ha="center",
        va="center",
        fontsize=9,
        zorder=4,
        bbox={"boxstyle": "round,pad=0.35", "facecolor": ACCENT, "edgecolor": "none"},
    )
