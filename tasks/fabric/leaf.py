"""What a leaf is asked in one round trip, and what its answers mean.

All is asked per VNI and per type: whole tables are large, and printing bgpd's has exhausted the memory of real
switches. The control plane is asked by vtysh or, where that is refused, by another system in the same script.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from tasks.fabric.frr.bgp import PATHS, SESSIONS
from tasks.fabric.frr.detection import DETECTION, MOVES_OF_ADDRESS, MOVES_OF_MAC
from tasks.fabric.frr.show import Show
from tasks.fabric.frr.zebra import MACS, NEIGHBORS, VNI
from tasks.fabric.kernel import BRIDGE_FDB, CLOCK, fdb, neighbors
from tasks.fabric.lldp import LLDP
from tasks.fabric.system import LeafQuestion, asked, systems
from tasks.model.address import IpAddress
from tasks.model.answer import Answers, Command, Reply
from tasks.model.cluster import Cluster, Fabric
from tasks.model.leaf import EvpnMac, EvpnNeighbor, LeafFacts, MoveCount
from tasks.model.reading import Read, Reading, Unread
from tasks.model.table import Table, rows_with
from tasks.observe.helpers import fed_function
from tasks.observe.question import Question
from tasks.observe.readings import NEVER_ASKED, unasked
from tasks.observe.shell import shell, which

T = TypeVar("T")
_OF_A_VNI: tuple[Show[Any], ...] = (MACS, NEIGHBORS, PATHS, VNI)


def leaf_commands(clusters: Sequence[Cluster]) -> tuple[Command, ...]:
    """Everything that is asked of a leaf that carries the VLANs of these clusters, each question once."""
    questions: list[Question[Any] | LeafQuestion[Any]] = []
    for cluster in clusters:
        vni, vips = cluster.fabric.vni, [vip.ip for vip in cluster.vips]
        questions += [neighbors(vip) for vip in vips]
        questions += [fdb(cluster.fabric), *(asked(show, vni=vni) for show in _OF_A_VNI)]
        questions += [_moves(cluster, vip) for vip in vips]
    # The clock is read right behind the moves that are told by it.
    questions += [CLOCK, asked(DETECTION), asked(SESSIONS), LLDP]
    commands = {command.key: command for each in questions for command in each.commands}
    return (_tools(tuple(commands.values())), *commands.values())


def _tools(commands: Sequence[Command]) -> Command:
    """The functions that the other questions call; as an answer of its own, which programs the leaf has."""
    programs = (*(each.program for each in systems()), "lldpctl")
    helpers = (*(each.helper for each in systems() if each.helper), BRIDGE_FDB)
    functions = (*map(fed_function, helpers), *map(shell, ("iproute", "bridge", "vtysh")))
    prepared = (each.prepare(commands) for each in systems())
    fragment = "".join((*functions, *prepared, which(*programs)))
    return Command(key="tools", argv=("command", "-v", *programs), fragment=fragment)


def _moves(cluster: Cluster, vip: IpAddress) -> LeafQuestion[MoveCount]:
    """What duplicate detection holds against the VIP; with a virtual MAC it is that MAC that moves and is counted."""
    show = MOVES_OF_ADDRESS if cluster.vmac is None else MOVES_OF_MAC
    return asked(show, vni=cluster.fabric.vni, vip=vip, mac=cluster.vmac)


@dataclass(frozen=True, slots=True)
class LeafReader:
    """One leaf's answers of one round trip. Each is parsed once, whatever the number of VIPs that look into it."""

    host: str
    reply: Reply
    _of_vni: dict[int, LeafFacts] = field(default_factory=dict)

    def facts(self, cluster: Cluster, vip: IpAddress) -> LeafFacts:
        """The answers about one VIP of one cluster; every reading is Unread when the host gave none."""
        tables = self.tables(cluster.fabric)
        moves = _moves(cluster, vip).read(self.reply)
        if isinstance(moves, Read):
            moves = replace(moves, value=self._counted(moves.value, cluster, vip, tables))
        return replace(tables, neighbors=neighbors(vip).read(self.reply), moves=moves)

    def tables(self, fabric: Fabric) -> LeafFacts:
        """All that does not depend on the VIP; what does is Unread."""
        if fabric.vni not in self._of_vni:
            self._of_vni[fabric.vni] = self._read(fabric)
        return self._of_vni[fabric.vni]

    def _read(self, fabric: Fabric) -> LeafFacts:
        reply, vni = self.reply, fabric.vni
        of_a_vip = Unread(reason=NEVER_ASKED if isinstance(reply, Answers) else reply.reason, source=None)
        lldp = LLDP.read(reply)
        return LeafFacts(
            host=self.host,
            neighbors=of_a_vip,
            fdb=_indexed(fdb(fabric).read(reply)),
            evpn_macs=_indexed(asked(MACS, vni=vni).read(reply)),
            evpn_neighbors=_indexed(asked(NEIGHBORS, vni=vni).read(reply)),
            paths=_indexed(asked(PATHS, vni=vni).read(reply)),
            vni=asked(VNI, vni=vni).read(reply),
            detection=asked(DETECTION).read(reply),
            moves=of_a_vip,
            sessions=asked(SESSIONS).read(reply),
            lldp=None if unasked(lldp) else lldp,
        )

    def _counted(self, moves: MoveCount, cluster: Cluster, vip: IpAddress, tables: LeafFacts) -> MoveCount:
        """With the leaf's own clock. Of a flagged entry FRR's text has no count: it is that of the table.

        Without the table it is as many moves as flag an entry: the least that a flagged one has had.
        """
        clock = CLOCK.read(self.reply)
        counted = moves.moves
        if moves.duplicate and not counted:
            counted = _in_the_table(cluster, vip, tables)
            if not counted and isinstance(tables.detection, Read):
                counted = tables.detection.value.max_moves
        return replace(moves, moves=counted, now=clock.value if isinstance(clock, Read) else None)


def _indexed(rows: Reading[tuple[T, ...]]) -> Reading[tuple[T, ...]]:
    return replace(rows, value=Table(rows.value)) if isinstance(rows, Read) else rows


def _in_the_table(cluster: Cluster, vip: IpAddress, tables: LeafFacts) -> int:
    """What the table says was counted against what moves: the virtual MAC, or the address; 0 when it says nothing."""
    rows: tuple[EvpnMac | EvpnNeighbor, ...] = ()
    if cluster.vmac is not None and isinstance(tables.evpn_macs, Read):
        rows = rows_with(tables.evpn_macs.value, "mac", cluster.vmac)
    elif cluster.vmac is None and isinstance(tables.evpn_neighbors, Read):
        rows = rows_with(tables.evpn_neighbors.value, "address", str(vip))
    return max((row.moves or 0 for row in rows), default=0)
