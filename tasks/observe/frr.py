"""What FRR's vtysh prints as JSON, from 4.0 on and as Cumulus Linux ships it: keys are tested for, never versions.

vtysh ends with 0 whatever happens, so the text alone tells an answer from an error. FRR prints nothing at all, or
`{}`, for an unknown VNI, for EVPN turned off and (until 10.x nothing, later `{}`) for a VNI without a single row:
that is not an empty table but no answer. `show evpn vni N json` (`parse_vni`) tells the first two apart from the last.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from tasks.model.mac import MacAddress
from tasks.model.observation import EvpnMac, EvpnNeighbor, MacIpPath, VniFacts
from tasks.observe.json_text import documents, flag, mapping, optional_whole, optional_word, sequence, whole, word
from tasks.observe.readings import Garbled, converted, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

_ERROR_LINE = re.compile(r"^(?:% .*|.* is not running)$", re.MULTILINE)
_RD = re.compile(r"(?:[0-9.]+|[0-9]+):[0-9]+\Z")
_PREFIX_PART = re.compile(r"\[([^\]]*)\]")
_MOBILITY = re.compile(r"\bMM:([0-9]{1,10})\b")
_TYPE_2 = 2
_NO_ADDRESS = "0.0.0.0"  # noqa: S104 - how FRR prints an address that is not set
_NO_MAC = MacAddress("00:00:00:00:00:00")


def parse_evpn_macs(text: str) -> tuple[EvpnMac, ...]:
    """`show evpn mac vni N json`."""
    table = _table(text, "numMacs")
    rows = mapping(table.get("macs", {}), "'macs'")
    _expect_rows(table, "numMacs", len(rows))
    return tuple(_evpn_mac(mac, mapping(row, f"MAC {mac}")) for mac, row in rows.items())


def parse_evpn_neighbors(text: str) -> tuple[EvpnNeighbor, ...]:
    """`show evpn arp-cache vni N json`; the addresses are keys beside `numArpNd`."""
    table = _table(text, "numArpNd")
    rows = {key: value for key, value in table.items() if _is_address(key)}
    _expect_rows(table, "numArpNd", len(rows))
    return tuple(_evpn_neighbor(key, mapping(row, f"neighbor {key}")) for key, row in rows.items())


def parse_macip_paths(text: str) -> tuple[MacIpPath, ...]:
    """`show bgp l2vpn evpn route [vni N] type macip json`: every path of every route that has an address.

    `{}` is an empty table here. The extended communities are printed from FRR 7.2 on; before, every sequence reads 0.
    """
    table = _object(text)
    routes = list(_routes(table))
    if not routes and optional_whole(table, "numPrefix"):
        raise Garbled(f"no route where {table['numPrefix']} are announced")
    return tuple(found for rd, prefix, path in routes if (found := _macip_path(rd, prefix, path)) is not None)


def parse_vni(text: str) -> VniFacts:
    """`show evpn vni N json`, of an L2 or an L3 VNI."""
    facts = _object(text)
    if "vni" not in facts:
        raise Garbled("the leaf does not know this VNI, or EVPN is off")
    vtep = optional_word(facts, "vtepIp", "localVtepIp")
    vxlan = optional_word(facts, "vxlanInterface", "vxlanIntf", "vxlanIf")
    return VniFacts(
        vni=whole(facts, "vni"),
        local_vtep=None if vtep == _NO_ADDRESS else vtep,
        vxlan=None if vxlan == "unknown" else vxlan,
    )


def _object(text: str) -> dict[str, Any]:
    """Take the one object that was printed; `{}` when it is empty. A message in place of an object is Garbled."""
    error = _ERROR_LINE.search(text)
    if error is not None:
        raise Garbled(shortened(error.group()))
    found = [mapping(document, "the answer") for document in documents(text)]
    filled = [document for document in found if document]  # FRR up to 7.2 prints an empty one last
    if len(filled) > 1:
        raise Garbled(f"{len(filled)} objects where one was expected")
    answer = filled[0] if filled else {}
    message = optional_word(answer, "warning", "error")
    if message is not None:
        raise Garbled(shortened(message))
    return answer


def _table(text: str, count: str) -> dict[str, Any]:
    if not text.strip():
        raise Garbled("nothing was printed: EVPN is off, or the VNI has no row")
    table = _object(text)
    if not table:
        raise Garbled("no table: the leaf does not know this VNI, EVPN is off, or (newer FRR) the VNI has no row")
    if count not in table:
        raise Garbled(f"not the table that was asked for: {count!r} is missing")
    return table


def _expect_rows(table: dict[str, Any], count: str, rows: int) -> None:
    """Let an empty table count as empty only when its own counter says so."""
    if whole(table, count) and not rows:
        raise Garbled(f"no row where {count} says {table[count]}")


def _evpn_mac(mac: str, row: dict[str, Any]) -> EvpnMac:
    return EvpnMac(
        mac=converted(MacAddress, mac),
        kind=word(row, "type"),
        interface=optional_word(row, "intf"),
        vtep=optional_word(row, "remoteVtep", "remoteEs"),
        local_sequence=optional_whole(row, "localSequence"),
        remote_sequence=optional_whole(row, "remoteSequence"),
        duplicate=flag(row, "isDuplicate"),
    )


def _evpn_neighbor(address: str, row: dict[str, Any]) -> EvpnNeighbor:
    mac = optional_word(row, "mac")
    return EvpnNeighbor(
        address=str(ip_address(address)),
        kind=word(row, "type"),
        state=optional_word(row, "state"),
        mac=None if mac is None else converted(MacAddress, mac),
        vtep=optional_word(row, "remoteVtep", "remoteEs"),
        local_sequence=optional_whole(row, "localSequence"),
        remote_sequence=optional_whole(row, "remoteSequence"),
        duplicate=flag(row, "isDuplicate"),
    )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _routes(table: dict[str, Any]) -> Iterator[tuple[str | None, str, dict[str, Any]]]:
    """RD, prefix and each path, from the form with RDs on top and from the form of one VNI without any."""
    for key, value in table.items():
        if key.startswith("["):
            yield from _paths(None, key, mapping(value, f"route {key}"))
        elif _RD.match(key):
            for prefix, route in mapping(value, f"RD {key}").items():
                if prefix.startswith("["):
                    yield from _paths(key, prefix, mapping(route, f"route {prefix}"))
        elif isinstance(value, dict):
            raise Garbled(f"neither a route nor an RD: {shortened(key)!r}")


def _paths(rd: str | None, prefix: str, route: dict[str, Any]) -> Iterator[tuple[str | None, str, dict[str, Any]]]:
    """`paths` is a list of lists with one path each; a flat list is taken too."""
    for entry in sequence(route.get("paths"), f"'paths' of {prefix}"):
        for path in entry if isinstance(entry, list) else [entry]:
            yield rd, prefix, mapping(path, f"a path of {prefix}")


def _macip_path(rd: str | None, prefix: str, path: dict[str, Any]) -> MacIpPath | None:
    """None for routes of another type, and for MAC-only routes."""
    mac, address = _mac_and_address(prefix)
    address = optional_word(path, "ip") or address
    if optional_whole(path, "routeType") not in (None, _TYPE_2) or not prefix.startswith("[2]") or address is None:
        return None
    return MacIpPath(
        address=str(converted(ip_address, address)),
        mac=_route_mac(optional_word(path, "mac") or mac, prefix),
        vtep=_next_hop(path, prefix),
        best=_is_best(path),
        valid=flag(path, "valid"),
        sequence=_sequence(path),
        rd=rd,
    )


def _mac_and_address(prefix: str) -> tuple[str | None, str | None]:
    """Find the parts that look like a MAC and, after it, an address: their places differ between versions."""
    mac: str | None = None
    for part in _PREFIX_PART.findall(prefix):
        if mac is not None and _is_address(part):
            return mac, part
        if mac is None and re.fullmatch(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}", part):
            mac = part
    return mac, None


def _route_mac(text: str | None, prefix: str) -> MacAddress:
    """From FRR 8.5 on the prefix of a VNI's IP table holds zeros: only the path tells the MAC."""
    mac = None if text is None else converted(MacAddress, text)
    if mac is None or mac == _NO_MAC:
        raise Garbled(f"no MAC in the route {shortened(prefix)}")
    return mac


def _next_hop(path: dict[str, Any], prefix: str) -> str:
    hops = [mapping(hop, "a next hop") for hop in sequence(path.get("nexthops"), f"'nexthops' of {prefix}")]
    if not hops:
        raise Garbled(f"no next hop in the route {shortened(prefix)}")
    return word(next((hop for hop in hops if flag(hop, "used")), hops[0]), "ip")


def _is_best(path: dict[str, Any]) -> bool:
    """Read `bestpath`: true or, in the detailed form, an object with `overall`; absent when it is not the best."""
    best = path.get("bestpath")
    return flag(best, "overall") if isinstance(best, dict) else flag(path, "bestpath")


def _sequence(path: dict[str, Any]) -> int:
    """MAC mobility (RFC 7432 7.7), which FRR prints as text only; a route that never moved has none."""
    communities = path.get("extendedCommunity")
    text = optional_word(communities, "string") if isinstance(communities, dict) else communities
    found = _MOBILITY.search(text) if isinstance(text, str) else None
    return int(found.group(1)) if found else 0
