"""What bgpd tells of EVPN, as vtysh prints it in JSON from FRR 4.0 on: routes of type 2, and sessions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

from tasks.fabric.frr.answer import counted_rows, frr_object, is_address, segment_of
from tasks.fabric.frr.show import Show
from tasks.model.bounds import KEY_MOST
from tasks.model.leaf import EvpnSession, MacIpPath
from tasks.model.mac import MacAddress
from tasks.observe.json_text import flag, mapping, optional_whole, optional_word, sequence, word
from tasks.observe.readings import Garbled, converted, shortened

_RD = re.compile(r"(?:[0-9.]+|[0-9]+):[0-9]+\Z")
_PREFIX_PART = re.compile(r"\[([^\[\]]*)\]")
_MOBILITY = re.compile(r"\bMM:([0-9]{1,10})\b")
_NO_SESSION = ("BGP neighbor found", "BGP neighbors found", "neighbor is configured")
_TYPE_2 = 2
_NO_MAC = MacAddress("00:00:00:00:00:00")


def parse_macip_paths(text: str) -> tuple[MacIpPath, ...]:
    """`show bgp l2vpn evpn route [vni N] type macip json`: every path of every route that has an address.

    `{}` is an empty table here. The extended communities are printed from FRR 7.2 on; before, every sequence reads 0.
    """
    table = frr_object(text)
    routes = list(_routes(table))
    if not routes and optional_whole(table, "numPrefix"):
        raise Garbled(f"no route where {table['numPrefix']} are announced")
    return tuple(found for rd, prefix, path in routes if (found := _macip_path(rd, prefix, path)) is not None)


def parse_sessions(text: str) -> tuple[EvpnSession, ...]:
    """`show bgp l2vpn evpn summary json`, or the words in which FRR says that no neighbor has this address family.

    `peers` stands on top or, in some versions, below the name of the address family or of the VRF. Without a neighbor
    FRR 8.4 prints `{}` (seen), others a sentence.
    """
    if _says_no_session(text.strip()):
        return ()
    answer = frr_object(text)
    if not answer:
        return ()
    holders = [answer] if "peers" in answer else [table for table in _below(answer) if "peers" in table]
    if len(holders) != 1:
        raise Garbled(f"{len(holders)} tables of peers where one was expected")
    peers = mapping(holders[0]["peers"], "'peers'")
    counted_rows(holders[0], "totalPeers", len(peers))
    return tuple(_session(name, mapping(peer, f"peer {name}")) for name, peer in peers.items())


# The number 2 in the place of `macip` is understood from FRR 7.5 on.
PATHS = Show("paths {vni}", "show bgp l2vpn evpn route vni {vni} type macip json", parse_macip_paths)
SESSIONS = Show("sessions", "show bgp l2vpn evpn summary json", parse_sessions)


def _says_no_session(text: str) -> bool:
    one_line = "\n" not in text and text.removeprefix("% ").startswith("No ")
    return one_line and any(words in text for words in _NO_SESSION)


def _below(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The tables one and two levels down."""
    tables = [value for value in answer.values() if isinstance(value, dict)]
    return tables + [value for table in tables for value in table.values() if isinstance(value, dict)]


def _session(name: str, peer: dict[str, Any]) -> EvpnSession:
    received = optional_whole(peer, "pfxRcd")
    return EvpnSession(
        peer=name,
        state=word(peer, "state"),
        prefixes_received=optional_whole(peer, "prefixReceivedCount") if received is None else received,
    )


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
    if len(prefix) > KEY_MOST:
        raise Garbled(f"not a prefix of a route: {shortened(prefix)}")
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
        segment=segment_of(path),
    )


def _mac_and_address(prefix: str) -> tuple[str | None, str | None]:
    """Find the parts that look like a MAC and, after it, an address: their places differ between versions."""
    mac: str | None = None
    for part in _PREFIX_PART.findall(prefix):
        if mac is not None and is_address(part):
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
