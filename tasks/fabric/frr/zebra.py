"""What zebra holds of EVPN, as vtysh prints it in JSON from FRR 4.0 on and as Cumulus Linux ships it.

Keys are tested for, never versions. FRR prints nothing at all, or `{}`, for an unknown VNI, for EVPN turned off and
(until 10.x nothing, later `{}`) for a VNI without a single row: that is not an empty table but no answer. `show evpn
vni N json` (`parse_vni`) tells the first two apart from the last.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any

from tasks.fabric.frr.answer import counted_rows, frr_object, is_address, known_address, vtep_and_segment
from tasks.fabric.frr.show import Show
from tasks.model.leaf import EvpnMac, EvpnNeighbor, VniFacts
from tasks.model.mac import MacAddress
from tasks.observe.json_text import flag, mapping, optional_whole, optional_word, whole, word
from tasks.observe.readings import Garbled, converted

_UNKNOWN_ENTRY = re.compile(r"^% Requested (?:MAC|neighbor) does not exist\b", re.MULTILINE)


def parse_evpn_macs(text: str) -> tuple[EvpnMac, ...]:
    """`show evpn mac vni N json`."""
    table = _table(text, "numMacs")
    rows = mapping(table.get("macs", {}), "'macs'")
    counted_rows(table, "numMacs", len(rows))
    return tuple(_evpn_mac(mac, mapping(row, f"MAC {mac}")) for mac, row in rows.items())


def parse_evpn_neighbors(text: str) -> tuple[EvpnNeighbor, ...]:
    """`show evpn arp-cache vni N json`; the addresses are keys beside `numArpNd`."""
    table = _table(text, "numArpNd")
    rows = {key: value for key, value in table.items() if is_address(key)}
    counted_rows(table, "numArpNd", len(rows))
    return tuple(_evpn_neighbor(key, mapping(row, f"neighbor {key}")) for key, row in rows.items())


def parse_evpn_mac_entry(text: str) -> EvpnMac | None:
    """`show evpn mac vni N mac M json` (7.0 and newer). None when the leaf does not know the MAC."""
    entry = _entry(text)
    if entry is None:
        return None
    rows = [(key, value) for key, value in entry.items() if isinstance(value, dict)]
    if len(entry) != 1 or not rows:
        raise Garbled("not the entry of one MAC")
    mac, row = rows[0]
    return _evpn_mac(mac, row)


def parse_evpn_neighbor_entry(text: str) -> EvpnNeighbor | None:
    """`show evpn arp-cache vni N ip A json`. None when the leaf does not know the address."""
    entry = _entry(text)
    return None if entry is None else _evpn_neighbor(word(entry, "ip"), entry)


def parse_vni(text: str) -> VniFacts:
    """`show evpn vni N json`, of an L2 or an L3 VNI."""
    facts = frr_object(text)
    if "vni" not in facts:
        raise Garbled("the leaf does not know this VNI, or EVPN is off")
    vxlan = optional_word(facts, "vxlanInterface", "vxlanIntf", "vxlanIf")
    return VniFacts(
        vni=whole(facts, "vni"),
        local_vtep=known_address(optional_word(facts, "vtepIp", "localVtepIp")),
        vxlan=None if vxlan == "unknown" else vxlan,
    )


MACS = Show("macs {vni}", "show evpn mac vni {vni} json", parse_evpn_macs)
NEIGHBORS = Show("arp {vni}", "show evpn arp-cache vni {vni} json", parse_evpn_neighbors)
VNI = Show("vni {vni}", "show evpn vni {vni} json", parse_vni)
MAC_ENTRY: Show[EvpnMac | EvpnNeighbor | None] = Show(
    "entry {vni}", "show evpn mac vni {vni} mac {query} json", parse_evpn_mac_entry
)
NEIGHBOR_ENTRY: Show[EvpnMac | EvpnNeighbor | None] = Show(
    "entry {vni}", "show evpn arp-cache vni {vni} ip {query} json", parse_evpn_neighbor_entry
)


def _table(text: str, count: str) -> dict[str, Any]:
    if not text.strip():
        raise Garbled("nothing was printed: EVPN is off, or the VNI has no row")
    table = frr_object(text)
    if not table:
        raise Garbled("no table: the leaf does not know this VNI, EVPN is off, or (newer FRR) the VNI has no row")
    if count not in table:
        raise Garbled(f"not the table that was asked for: {count!r} is missing")
    whole(table, count)
    return table


def _entry(text: str) -> dict[str, Any] | None:
    """Take a single entry: FRR prints `{}`, nothing, or (6.0, also when asked for JSON) a message of an unknown one."""
    if not text.strip() or _UNKNOWN_ENTRY.search(text):
        return None
    return frr_object(text) or None


def _evpn_mac(mac: str, row: dict[str, Any]) -> EvpnMac:
    vtep, segment = vtep_and_segment(row)
    return EvpnMac(
        mac=converted(MacAddress, mac),
        kind=word(row, "type"),
        interface=optional_word(row, "intf"),
        vtep=vtep,
        local_sequence=optional_whole(row, "localSequence"),
        remote_sequence=optional_whole(row, "remoteSequence"),
        duplicate=flag(row, "isDuplicate"),
        segment=segment,
        moves=optional_whole(row, "detectionCount"),
        uptime=optional_word(row, "uptime"),
    )


def _evpn_neighbor(address: str, row: dict[str, Any]) -> EvpnNeighbor:
    mac = optional_word(row, "mac")
    vtep, segment = vtep_and_segment(row)
    return EvpnNeighbor(
        address=str(converted(ip_address, address)),
        kind=word(row, "type"),
        state=optional_word(row, "state"),
        mac=None if mac is None else converted(MacAddress, mac),
        vtep=vtep,
        local_sequence=optional_whole(row, "localSequence"),
        remote_sequence=optional_whole(row, "remoteSequence"),
        duplicate=flag(row, "isDuplicate"),
        segment=segment,
        moves=optional_whole(row, "detectionCount"),
        uptime=optional_word(row, "uptime"),
    )
