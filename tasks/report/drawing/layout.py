"""Where everything of a fabric stands in its drawing; boxes that have nothing to tell are small and in a block."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tasks.model.fabric_map import FabricMap, MappedLeaf

STEP_X, STEP_Y = 1.9, 1.55
CHIP_X, CHIP_Y = 0.95, 0.4
_SPINE, _LEAF, _HOST = 2, 1, 0
_MANY = 8
"""Up to so many leaves each has a box of its own."""
_ROWS = 4

Point = tuple[float, float]
Block = tuple[float, float, float, float]
"""Middle and size."""
Host = tuple[str, str, tuple[str, ...]]
"""Name, what stands below it, the leaves that it hangs on."""


@dataclass(frozen=True, slots=True)
class Node:
    """A box: what is written in it, and where its middle is. `small`: one of the block."""

    name: str
    below: str
    x: float
    y: float
    small: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """The boxes by name, the lines between them, and the block of small ones."""

    nodes: Mapping[str, Node]
    links: Sequence[tuple[Point, Point]]
    block: Block | None

    @property
    def right(self) -> float:
        """Where the last box has its middle."""
        ends = [node.x for node in self.nodes.values()]
        return max([*ends, self.block[0] + self.block[2] / 2 - STEP_X / 2] if self.block else ends)


def lay_out(fabric: FabricMap, told: Collection[str]) -> Layout:
    """Spines above leaves above hosts. `told`: who has something to tell, and so a box of its own."""
    hosts: list[Host] = [(each.name, each.address, each.leaves) for each in fabric.servers]
    hosts += [(each.name, "client" if each.on_link else "probe", each.leaves) for each in fabric.probes]
    quiet = _quiet(fabric, hosts, told)
    large = [leaf for leaf in fabric.leaves if leaf not in quiet]
    columns = _columns(large, hosts)
    nodes = {
        leaf.name: Node(leaf.name, leaf.vtep or "VTEP not told", columns[leaf.name] * STEP_X, _LEAF * STEP_Y)
        for leaf in large
    }
    nodes |= {each.name: each for each in _below(hosts, columns)}
    right = max((node.x for node in nodes.values()), default=-STEP_X) + STEP_X
    nodes |= {each.name: each for each in _chips(quiet, right)}
    block = _around([node for node in nodes.values() if node.small])
    end = block[0] + block[2] / 2 - STEP_X / 2 if block else right - STEP_X
    loose = [host for host in hosts if host[0] not in nodes]
    spines = list(dict.fromkeys(spine for leaf in fabric.leaves for spine in leaf.spines))
    nodes = {each.name: each for each in _above(spines, loose, end / 2)} | nodes
    return Layout(nodes, list(_links(fabric, nodes, block)), block)


def _quiet(fabric: FabricMap, hosts: Sequence[Host], told: Collection[str]) -> list[MappedLeaf]:
    """Of many leaves those on which nothing hangs and nothing is wrong."""
    if len(fabric.leaves) <= _MANY:
        return []
    busy = {leaf for host in hosts for leaf in host[2]} | set(told)
    return [leaf for leaf in fabric.leaves if leaf.name not in busy]


def _columns(leaves: Sequence[MappedLeaf], hosts: Sequence[Host]) -> dict[str, float]:
    """As wide as what hangs below; a host on a pair of leaves takes half a place of each."""
    found: dict[str, float] = {}
    at = 0.0
    for leaf in leaves:
        width = max(1.0, sum(1 / len(host[2]) for host in hosts if leaf.name in host[2]))
        found[leaf.name] = at + (width - 1) / 2
        at += width
    return found


def _below(hosts: Sequence[Host], columns: Mapping[str, float]) -> Iterator[Node]:
    """Hosts under the middle of their leaves, side by side, none upon another."""
    wanted = []
    for host in hosts:
        places = [columns[leaf] for leaf in host[2] if leaf in columns]
        if places:
            beside = [other for other in hosts if other[2] == host[2]]
            offset = beside.index(host) - (len(beside) - 1) / 2
            wanted.append((sum(places) / len(places) + offset, host))
    free = float("-inf")
    for at, (name, text, _) in sorted(wanted, key=lambda each: each[0]):
        free = max(at, free)
        yield Node(name, text, free * STEP_X, _HOST * STEP_Y)
        free += 1


def _chips(quiet: Sequence[MappedLeaf], left: float) -> Iterator[Node]:
    """Column by column, so that names that follow each other stand below each other."""
    top = _LEAF * STEP_Y + (min(_ROWS, len(quiet)) - 1) / 2 * CHIP_Y
    for number, leaf in enumerate(quiet):
        column, row = divmod(number, _ROWS)
        yield Node(leaf.name, "", left + column * CHIP_X, top - row * CHIP_Y, small=True)


def _around(chips: Sequence[Node]) -> Block | None:
    if not chips:
        return None
    across, along = [node.x for node in chips], [node.y for node in chips]
    width, height = max(across) - min(across) + CHIP_X, max(along) - min(along) + CHIP_Y
    return (max(across) + min(across)) / 2, (max(along) + min(along)) / 2, width, height


def _above(spines: Sequence[str], loose: Sequence[Host], middle: float) -> Iterator[Node]:
    """Spines in the middle; beside them who hangs on no leaf that is known."""
    first = middle - (len(spines) - 1) / 2 * STEP_X
    for number, spine in enumerate(spines):
        yield Node(spine, "spine", first + number * STEP_X, _SPINE * STEP_Y)
    for number, (name, text, _) in enumerate(loose):
        yield Node(name, text, first + (len(spines) + number + 0.35) * STEP_X, _SPINE * STEP_Y)


def _links(fabric: FabricMap, nodes: Mapping[str, Node], block: Block | None) -> Iterator[tuple[Point, Point]]:
    """Once each; whatever hangs on the block hangs on its upper edge."""
    pairs = [(leaf.name, spine) for leaf in fabric.leaves for spine in leaf.spines]
    pairs += [(server.name, leaf) for server in fabric.servers for leaf in server.leaves]
    pairs += [(probe.name, leaf) for probe in fabric.probes for leaf in probe.leaves]
    found: dict[tuple[Point, Point], None] = {}
    for one, other in pairs:
        if one in nodes and other in nodes:
            ends = [(nodes[name].x, nodes[name].y) for name in (one, other)]
            if nodes[one].small and block is not None:
                ends[0] = (block[0], block[1] + block[3] / 2)
            found[ends[0], ends[1]] = None
    yield from found
