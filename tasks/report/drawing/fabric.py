"""The fabric drawn: spines above leaves above servers, and where the VIP is and was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tasks.model.judged import ClusterReport, VipReport
from tasks.report.drawing.axes import width_of
from tasks.report.drawing.layout import CHIP_X, CHIP_Y, STEP_X, STEP_Y, Block, Layout, Node, lay_out
from tasks.report.templating import drawn, picture

_WIDE, _HIGH = 1.5, 0.72
_PIXELS = 68.4
"""Of the picture, for one of the layout."""
_BELOW, _NEXT = 0.55, 0.3
"""From a box to the first line below it, and from that to the next."""
_LETTERS = 14
"""So many fit into a box at full size."""


@dataclass(frozen=True, slots=True)
class _Text:
    """A line with its middle; `pill`: the width of the sign that it stands on, if it does."""

    text: str
    x: float
    y: float
    size: float
    colour: str
    bold: bool = False
    pill: float = 0.0


@dataclass(frozen=True, slots=True)
class _Rim:
    """The rim of a box."""

    colour: str
    wide: float
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class _Frame:
    """From the layout, whose y goes up, to the picture."""

    left: float
    high: float

    def place(self, x: float, y: float) -> tuple[float, float]:
        """A point of the layout."""
        return round((x - self.left) * _PIXELS, 1), round((self.high - y) * _PIXELS, 1)

    def block(self, block: Block) -> dict[str, float]:
        """A rectangle, from its upper left corner."""
        x, y, width, height = block
        left, top = self.place(x - width / 2, y + height / 2)
        size = {"width": round(width * _PIXELS, 1), "height": round(height * _PIXELS, 1)}
        return {"x": left, "y": top, "middle": self.place(x, y)[0], **size}


def fabric_svg(cluster: ClusterReport, earlier: str | None, prefix: str) -> Markup | None:
    """The fabric of one cluster; `earlier`: who bore the VIP before. None where nobody told the fabric."""
    if cluster.fabric is None or not cluster.vips:
        return None
    marks = _marks(cluster.vips)
    layout = lay_out(cluster.fabric, marks)
    texts = _texts(cluster.vips, earlier, layout)
    left = min(node.x for node in layout.nodes.values()) - STEP_X / 2
    right = layout.right + STEP_X / 2
    width = max(6.0, right - left)
    low = -_HIGH / 2 - 0.25 - _NEXT * max((len(each) for each in texts.values()), default=1)
    lost = "; ".join(_lost(vip) for vip in cluster.vips if vip.owner not in layout.nodes)
    frame = _Frame((left + right - width) / 2, 2 * STEP_Y + _HIGH / 2 + 0.15)
    owners = {vip.owner for vip in cluster.vips}
    rims = {name: _rim(marks.get(name, ""), owner=name in owners, was=name == earlier) for name in layout.nodes}
    return picture(
        "fabric.svg.j2",
        prefix=prefix,
        title=f"Fabric of cluster {cluster.name}",
        description=_described(cluster, earlier, marks),
        width=round(width * _PIXELS, 1),
        height=round((frame.high - low + (0.3 if lost else 0)) * _PIXELS, 1),
        links=[(*frame.place(*one), *frame.place(*other)) for one, other in layout.links],
        block=_block(frame, layout),
        lost=lost,
        boxes=[
            _box(frame, node, marks.get(name, ""), rims[name], texts.get(name, ()))
            for name, node in layout.nodes.items()
        ],
    )


def _described(cluster: ClusterReport, earlier: str | None, marks: Mapping[str, str]) -> str:
    assert cluster.fabric is not None
    parts = [f"{each.name} on {' and '.join(each.leaves) or 'no known leaf'}." for each in cluster.fabric.servers]
    parts += [f"{vip.address} is {_where(vip)}: {vip.state}." for vip in cluster.vips]
    parts += [f"It was on {earlier}."] if earlier else []
    parts += [f"{name}: {mark}." for name, mark in marks.items()]
    return " ".join(parts)


def _lost(vip: VipReport) -> str:
    """What is said of a VIP that stands below no box."""
    return drawn(f"✕ VIP {vip.address} {_where(vip)}: {vip.state}")


def _where(vip: VipReport) -> str:
    return f"on {vip.masters} servers at once" if vip.owner is None and vip.masters else f"on {vip.owner or 'nobody'}"


def _marks(vips: Sequence[VipReport]) -> dict[str, str]:
    """`fails` or `unknown` for each target that has such a check."""
    found: dict[str, str] = {}
    for vip in vips:
        for check in vip.checks:
            if check.status == "fail":
                found[check.target] = "fails"
            elif check.status == "unknown":
                found.setdefault(check.target, "unknown")
    return found


def _texts(vips: Sequence[VipReport], earlier: str | None, layout: Layout) -> dict[str, list[tuple[str, bool]]]:
    """What stands below each box: VIPs that are there, and that one was."""
    found: dict[str, list[tuple[str, bool]]] = {}
    for vip in vips:
        if vip.owner in layout.nodes and vip.owner is not None:
            found.setdefault(vip.owner, []).append((f"VIP {drawn(vip.address)}", True))
    if earlier in layout.nodes and earlier is not None:
        found.setdefault(earlier, []).append(("was here", False))
    return found


def _block(frame: _Frame, layout: Layout) -> dict[str, object] | None:
    if layout.block is None:
        return None
    count = sum(node.small for node in layout.nodes.values())
    text = f"{count} more leaves: nothing hangs on them, nothing is wrong"
    return {**frame.block(layout.block), "text": text}


def _rim(mark: str, *, owner: bool, was: bool) -> _Rim:
    colour = "fail" if mark == "fails" else "unknown" if mark else "accent" if owner or was else "line"
    return _Rim(colour, 2.4 if owner or mark else 1.4, dashed=was and not owner)


def _box(frame: _Frame, node: Node, mark: str, rim: _Rim, below: Sequence[tuple[str, bool]]) -> dict[str, object]:
    wide, high = (CHIP_X - 0.12, CHIP_Y - 0.1) if node.small else (_WIDE, _HIGH)
    texts = (
        [_chip(frame, node)] if node.small else [*_inside(frame, node, mark, rim), *_lines_below(frame, node, below)]
    )
    rimmed = {"rim": rim.colour, "wide": 0.8 if node.small else rim.wide, "dashed": rim.dashed}
    return {**frame.block((node.x, node.y, wide, high)), **rimmed, "texts": texts}


def _chip(frame: _Frame, node: Node) -> _Text:
    return _Text(drawn(node.name), *frame.place(node.x, node.y), _fitting(9, node.name, 8), "ink")


def _inside(frame: _Frame, node: Node, mark: str, rim: _Rim) -> Iterator[_Text]:
    name = drawn(node.name) + {"fails": " ✕ fails", "unknown": " ? unknown"}.get(mark, "")
    at, size = frame.place(node.x, node.y + 0.12), _fitting(11, name, _LETTERS)
    yield _Text(name, *at, size, rim.colour if mark else "ink", bold=True)
    below = drawn(node.below)
    yield _Text(below, *frame.place(node.x, node.y - 0.17), _fitting(8.5, below, 1.4 * _LETTERS), "muted")


def _lines_below(frame: _Frame, node: Node, lines: Sequence[tuple[str, bool]]) -> Iterator[_Text]:
    for number, (text, now) in enumerate(lines):
        at, size = frame.place(node.x, node.y - _BELOW - _NEXT * number), _fitting(9, text, 1.6 * _LETTERS)
        yield _Text(text, *at, size, "surface" if now else "muted", pill=width_of(text, size) + 4 if now else 0)


def _fitting(size: float, text: str, letters: float) -> float:
    """Smaller letters for what is longer than its box."""
    return round(size * min(1.0, letters / max(1, len(text))), 2)
