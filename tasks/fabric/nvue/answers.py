"""What NVUE (Cumulus Linux 5) prints with `-o json`, for leaves where vtysh may not be used.

The keys are the words of its detailed view. NVIDIA documents the tables, but prints the JSON of few of them: whatever
does not have the shape that is described is Garbled, an empty object included, which NVUE gives both for a table
without rows and for one it cannot read.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any, Literal

from tasks.fabric.frr.answer import is_address, known_address
from tasks.fabric.frr.bgp import parse_macip_paths
from tasks.model.leaf import DuplicateDetection, EvpnMac, EvpnNeighbor, EvpnSession, MacIpPath, MoveCount, VniFacts
from tasks.model.mac import MacAddress
from tasks.observe.json_text import documents, flag, mapping, optional_whole, optional_word, whole, word
from tasks.observe.readings import Garbled, converted

_ON = frozenset({"on", "enabled"})
_OFF = frozenset({"off", "disabled"})


def parse_nvue_macs(text: str) -> tuple[EvpnMac, ...]:
    """`nv show evpn vni N mac -o json`: an object keyed by MAC."""
    return tuple(_mac(mac, mapping(row, f"MAC {mac}")) for mac, row in _table(text).items())


def parse_nvue_neighbors(text: str) -> tuple[EvpnNeighbor, ...]:
    """`nv show evpn vni N host -o json`: an object keyed by address."""
    return tuple(_neighbor(key, mapping(row, f"host {key}")) for key, row in _table(text).items())


def parse_nvue_vni(text: str, vni: int) -> VniFacts:
    """`nv show evpn vni N -o json`, which need not repeat the number."""
    facts = _table(text)
    if "local-vtep" not in facts and "vxlan-interface" not in facts:
        raise Garbled("not what NVUE tells of a VNI: neither 'local-vtep' nor 'vxlan-interface'")
    told = optional_whole(facts, "vni")
    if told not in (None, vni):
        raise Garbled(f"the VNI is {told} where {vni} was asked for")
    return VniFacts(
        vni=vni,
        local_vtep=known_address(_one_of(facts, "local-vtep")),
        vxlan=_one_of(facts, "vxlan-interface"),
    )


def parse_nvue_detection(text: str) -> DuplicateDetection:
    """`nv show evpn dad -o json`. The action is a word, or an object with the action as its only key."""
    facts = _table(text)
    action = _one_of(facts, "duplicate-action")
    if action not in {None, "warning-only", "freeze"}:
        raise Garbled(f"'duplicate-action' is {action!r}")
    return DuplicateDetection(
        enabled=_switch(facts, "enable"),
        max_moves=whole(facts, "mac-move-threshold"),
        window_s=whole(facts, "move-window"),
        freeze=_frozen_for(facts["duplicate-action"]) if action == "freeze" else None if action is None else "no",
    )


def parse_nvue_move_count(text: str) -> MoveCount:
    """`nv show evpn vni N host A -o json` or `… mac M …`. NVUE does not tell when the counting began."""
    entry = _table(text)
    return MoveCount(
        moves=whole(entry, "detection-count"), duplicate=_switch(entry, "duplicate"), began_at=None, now=None
    )


def parse_nvue_paths(text: str) -> tuple[MacIpPath, ...]:
    """`nv show vrf default router bgp address-family l2vpn-evpn route -o json`, whose shape is documented nowhere.

    It is read as far as it has the shape of FRR's own JSON; no route in it is no answer.
    """
    found = parse_macip_paths(text)
    if not found:
        raise Garbled("no route that is understood in NVUE's answer")
    return found


def parse_nvue_sessions(text: str) -> tuple[EvpnSession, ...]:
    """`nv show vrf default router bgp neighbor -o json`: every neighbor that has the EVPN address family."""
    found: list[EvpnSession] = []
    for name, row in _table(text).items():
        peer = mapping(row, f"neighbor {name}")
        families = mapping(peer.get("address-family"), f"'address-family' of {name}")
        if "l2vpn-evpn" not in families:
            continue
        counters = mapping(families["l2vpn-evpn"], f"'l2vpn-evpn' of {name}")
        state = word(peer, "state").capitalize()  # FRR's spelling, which the model has
        found.append(EvpnSession(peer=name, state=state, prefixes_received=optional_whole(counters, "rx-prefix")))
    return tuple(found)


def _table(text: str) -> dict[str, Any]:
    found = documents(text)
    if len(found) != 1:
        raise Garbled(f"{len(found)} documents where one was expected")
    table = mapping(found[0], "the answer")
    if not table:
        raise Garbled("an empty object: NVUE has no row, or could not read any")
    return table


def _mac(mac: str, row: dict[str, Any]) -> EvpnMac:
    return EvpnMac(
        mac=converted(MacAddress, mac),
        kind=word(row, "type"),
        interface=_one_of(row, "interface"),
        vtep=_vtep(row),
        local_sequence=optional_whole(row, "local-mobility-seq"),
        remote_sequence=optional_whole(row, "remote-mobility-seq"),
        duplicate=_switch(row, "duplicate"),
        segment=optional_word(row, "esi"),
        moves=optional_whole(row, "detection-count"),
    )


def _neighbor(address: str, row: dict[str, Any]) -> EvpnNeighbor:
    mac = optional_word(row, "mac")
    return EvpnNeighbor(
        address=str(converted(ip_address, address)),
        kind=word(row, "type"),
        state=optional_word(row, "state"),
        mac=None if mac is None else converted(MacAddress, mac),
        vtep=_vtep(row),
        local_sequence=optional_whole(row, "local-mobility-seq"),
        remote_sequence=optional_whole(row, "remote-mobility-seq"),
        duplicate=_switch(row, "duplicate"),
        segment=optional_word(row, "esi"),
        moves=optional_whole(row, "detection-count"),
    )


def _vtep(row: dict[str, Any]) -> str | None:
    vtep = _one_of(row, "remote-vtep")
    if vtep is not None and not is_address(vtep):
        raise Garbled(f"'remote-vtep' is no address: {vtep!r}")
    return known_address(vtep)


def _one_of(row: dict[str, Any], key: str) -> str | None:
    """Take a word, or the only key of an object: NVUE keys a list of one by its name."""
    value = row.get(key)
    if not isinstance(value, dict):
        return optional_word(row, key)
    if len(value) > 1:
        raise Garbled(f"{len(value)} in {key!r} where one was expected")
    return next(iter(value), None)


def _switch(row: dict[str, Any], key: str) -> bool:
    """Take on/off, as later releases word it enabled/disabled, or a boolean; absent is False."""
    value = row.get(key)
    if isinstance(value, str) and value in _ON | _OFF:
        return value in _ON
    return flag(row, key)


def _frozen_for(action: object) -> Literal["permanent"] | int | None:
    """For how long a freeze lasts; None where NVUE names the action alone."""
    freeze = action.get("freeze") if isinstance(action, dict) else None
    if not isinstance(freeze, dict):
        return None
    return "permanent" if freeze.get("duration") == "permanent" else optional_whole(freeze, "duration")
