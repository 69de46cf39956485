"""What the answers of one leaf mean.

Each reading takes the first source that answered: vtysh, which works on Cumulus Linux 3 to 5 and on plain FRR alike,
or where it was refused NVUE or NCLU, whose `json` is FRR's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from tasks.model.answer import Answer, Answers, Reply
from tasks.model.cluster import Cluster
from tasks.model.leaf import DuplicateDetection, EvpnMac, EvpnNeighbor, LeafFacts, LldpNeighbor, MoveCount
from tasks.model.reading import Read, Reading, Unread
from tasks.model.table import Table, rows_with
from tasks.observe.frr import parse_evpn_macs, parse_evpn_neighbors, parse_vni
from tasks.observe.frr_bgp import parse_macip_paths, parse_sessions
from tasks.observe.frr_detection import parse_clock, parse_detection, parse_move_count
from tasks.observe.iproute2 import parse_fdb, parse_neighbors
from tasks.observe.leaf_questions import NCLU, NVUE
from tasks.observe.lldp import parse_lldp
from tasks.observe.nvue import (
    parse_nvue_detection,
    parse_nvue_macs,
    parse_nvue_move_count,
    parse_nvue_neighbors,
    parse_nvue_paths,
    parse_nvue_sessions,
    parse_nvue_vni,
)
from tasks.observe.readings import NEVER_ASKED, first_reading, reading
from tasks.observe.shell import NOT_ASKED

T = TypeVar("T")
ByKey = Mapping[str, Answer]


@dataclass(frozen=True, slots=True)
class LeafReader:
    """One leaf's answers of one round trip. Each is parsed once, whatever the number of VIPs that look into it."""

    host: str
    reply: Reply
    _of_vni: dict[int, LeafFacts] = field(default_factory=dict)

    def facts(self, cluster: Cluster, address: str) -> LeafFacts:
        """The answers about one VIP of one cluster; every reading is Unread when the host gave none."""
        vni = cluster.fabric.vni
        if vni not in self._of_vni:
            self._of_vni[vni] = self._tables(vni)
        tables = self._of_vni[vni]
        if not isinstance(self.reply, Answers):
            return tables
        answers = self.reply.by_key
        counted = _counted(cluster, address, tables.evpn_macs, tables.evpn_neighbors)
        return replace(
            tables,
            neighbors=reading(answers.get(f"neighbors {address}"), parse_neighbors),
            moves=_moves(answers, f"moves {address}", counted or _threshold(tables.detection)),
        )

    def _tables(self, vni: int) -> LeafFacts:
        """All that does not depend on the VIP."""
        if not isinstance(self.reply, Answers):
            return _silent(self.host, Unread(reason=self.reply.reason, source=None))
        answers = self.reply.by_key
        of_a_vip = Unread(reason=NEVER_ASKED, source=None)
        return LeafFacts(
            host=self.host,
            neighbors=of_a_vip,
            fdb=_indexed(reading(answers.get(f"fdb {vni}"), parse_fdb)),
            evpn_macs=_indexed(_first(answers, f"macs {vni}", parse_evpn_macs, parse_nvue_macs)),
            evpn_neighbors=_indexed(_first(answers, f"arp {vni}", parse_evpn_neighbors, parse_nvue_neighbors)),
            paths=_indexed(_first(answers, f"paths {vni}", parse_macip_paths, parse_nvue_paths)),
            vni=_first(answers, f"vni {vni}", parse_vni, partial(parse_nvue_vni, vni=vni)),
            detection=_detection(answers),
            moves=of_a_vip,
            sessions=_first(answers, "sessions", parse_sessions, parse_nvue_sessions),
            lldp=_lldp(answers.get("lldp")),
        )


def leaf_facts(host: str, reply: Reply, cluster: Cluster, address: str) -> LeafFacts:
    """The answers about one VIP alone."""
    return LeafReader(host, reply).facts(cluster, address)


def _indexed(rows: Reading[tuple[T, ...]]) -> Reading[tuple[T, ...]]:
    return replace(rows, value=Table(rows.value)) if isinstance(rows, Read) else rows


def _silent(host: str, unread: Unread) -> LeafFacts:
    return LeafFacts(
        host=host,
        neighbors=unread,
        fdb=unread,
        evpn_macs=unread,
        evpn_neighbors=unread,
        paths=unread,
        vni=unread,
        detection=unread,
        moves=unread,
        sessions=unread,
        lldp=unread,
    )


def _first(answers: ByKey, key: str, frr: Callable[[str], T], nvue: Callable[[str], T]) -> Reading[T]:
    return first_reading(
        (answers.get(key), frr),
        (answers.get(f"{key} {NVUE}"), nvue),
        (answers.get(f"{key} {NCLU}"), frr),
        unasked=NOT_ASKED,
    )


def _detection(answers: ByKey) -> Reading[DuplicateDetection]:
    """FRR's JSON, completed by what the same program said in words."""
    return first_reading(
        (answers.get("detection"), partial(parse_detection, words=_words(answers, "detection text"))),
        (answers.get(f"detection {NVUE}"), parse_nvue_detection),
        (answers.get(f"detection {NCLU}"), partial(parse_detection, words=_words(answers, f"detection text {NCLU}"))),
        unasked=NOT_ASKED,
    )


def _words(answers: ByKey, key: str) -> str:
    answer = answers.get(key)
    return answer.stdout if answer is not None and answer.status == 0 else ""


def _moves(answers: ByKey, key: str, counted: int) -> Reading[MoveCount]:
    """What is counted, with the leaf's own clock. Of a flagged entry FRR's text has no count: it is given here."""
    found = _first(answers, key, parse_move_count, parse_nvue_move_count)
    if isinstance(found, Unread):
        return found
    clock = reading(answers.get("clock text"), parse_clock)
    moves = found.value.moves
    if found.value.duplicate and not moves:
        moves = counted
    return replace(found, value=replace(found.value, moves=moves, now=clock.value if isinstance(clock, Read) else None))


def _counted(
    cluster: Cluster,
    address: str,
    macs: Reading[tuple[EvpnMac, ...]],
    neighbors: Reading[tuple[EvpnNeighbor, ...]],
) -> int:
    """What the table says was counted against what moves: the virtual MAC, or the address; 0 when it says nothing."""
    if cluster.vmac is not None:
        rows = rows_with(macs.value, "mac", cluster.vmac) if isinstance(macs, Read) else ()
        return max((row.moves or 0 for row in rows), default=0)
    known = rows_with(neighbors.value, "address", address) if isinstance(neighbors, Read) else ()
    return max((row.moves or 0 for row in known), default=0)


def _threshold(detection: Reading[DuplicateDetection]) -> int:
    """As many moves as flag an entry: the least that a flagged one has had."""
    return detection.value.max_moves if isinstance(detection, Read) else 0


def _lldp(answer: Answer | None) -> Reading[tuple[LldpNeighbor, ...]] | None:
    if answer is not None and answer.status == NOT_ASKED:
        return None
    return reading(answer, parse_lldp)
