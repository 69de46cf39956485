"""NVUE's JSON: keyed by what it lists, with the words of its tables for keys. Written by hand after those tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tasks.fabric.nvue.answers import (
    parse_nvue_detection,
    parse_nvue_macs,
    parse_nvue_move_count,
    parse_nvue_neighbors,
    parse_nvue_paths,
    parse_nvue_sessions,
    parse_nvue_vni,
)
from tasks.model.leaf import DuplicateDetection, EvpnMac, EvpnNeighbor, EvpnSession, MoveCount, VniFacts
from tasks.model.mac import MacAddress
from tasks.observe.readings import Garbled

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = Path(__file__).parents[2] / "data" / "observe" / "frr"
MAC1, MAC2 = MacAddress("48:b0:2d:00:00:01"), MacAddress("48:b0:2d:00:00:02")
ES = "03:44:38:39:be:ef:aa:00:00:03"


def evpn_mac(**changed: Any) -> EvpnMac:  # noqa: ANN401
    fields: dict[str, Any] = {
        "mac": MAC2,
        "kind": "remote",
        "interface": None,
        "vtep": "10.0.0.12",
        "local_sequence": 0,
        "remote_sequence": 1,
        "duplicate": False,
    }
    return EvpnMac(**(fields | changed))


REMOTE = {"type": "remote", "remote-vtep": "10.0.0.12", "local-mobility-seq": 0, "remote-mobility-seq": 1}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (REMOTE, evpn_mac()),
        (REMOTE | {"remote-vtep": {"10.0.0.12": {}}}, evpn_mac()),
        (REMOTE | {"remote-vtep": "2001:db8::12"}, evpn_mac(vtep="2001:db8::12")),
        (REMOTE | {"remote-vtep": "0.0.0.0", "esi": ES}, evpn_mac(vtep=None, segment=ES)),
        (REMOTE | {"local-mobility-seq": "3", "unknown-key": [1]}, evpn_mac(local_sequence=3)),
        (REMOTE | {"duplicate": "on", "detection-count": 5}, evpn_mac(duplicate=True, moves=5)),
        (REMOTE | {"duplicate": "enabled"}, evpn_mac(duplicate=True)),
        (REMOTE | {"duplicate": "disabled"}, evpn_mac()),
        (REMOTE | {"duplicate": True}, evpn_mac(duplicate=True)),
        (
            {"type": "local", "interface": {"bond1": {}}},
            evpn_mac(kind="local", interface="bond1", vtep=None, local_sequence=None, remote_sequence=None),
        ),
        (REMOTE | {"type": "new-kind", "remote-vtep": {}}, evpn_mac(kind="new-kind", vtep=None)),
    ],
)
def test_macs(row: dict[str, Any], expected: EvpnMac) -> None:
    assert parse_nvue_macs(json.dumps({str(MAC2): row})) == (expected,)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"numMacs": 1, "macs": {}}, "MAC numMacs is not an object"),
        ({"operational": {str(MAC2): REMOTE}}, "not a MAC address"),
        ({str(MAC2): {}}, "'type' is missing"),
        ({str(MAC2): "remote"}, "is not an object"),
        ({str(MAC2): REMOTE | {"remote-vtep": {"10.0.0.12": {}, "10.0.0.13": {}}}}, "2 in 'remote-vtep'"),
        ({str(MAC2): REMOTE | {"remote-vtep": "leaf02"}}, "'remote-vtep' is no address"),
        ({str(MAC2): REMOTE | {"remote-vtep": ["10.0.0.12"]}}, "'remote-vtep' is not text"),
        ({str(MAC2): REMOTE | {"interface": 5}}, "'interface' is not text"),
        ({str(MAC2): REMOTE | {"duplicate": "perhaps"}}, "'duplicate' is not a boolean"),
        ({str(MAC2): REMOTE | {"local-mobility-seq": "n/a"}}, "'local-mobility-seq' is not a number"),
        ({str(MAC2): REMOTE | {"esi": {}}}, "'esi' is not text"),
    ],
)
def test_garbled_macs(table: dict[str, Any], reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_nvue_macs(json.dumps(table))


def test_neighbors() -> None:
    table = {
        "10.1.10.100": REMOTE | {"state": "active", "mac": str(MAC2), "duplicate": "off", "detection-count": 0},
        "2001:DB8::1": {"type": "local", "mac": str(MAC1)},
    }
    assert parse_nvue_neighbors(json.dumps(table)) == (
        EvpnNeighbor(
            address="10.1.10.100",
            kind="remote",
            state="active",
            mac=MAC2,
            vtep="10.0.0.12",
            local_sequence=0,
            remote_sequence=1,
            duplicate=False,
            moves=0,
        ),
        EvpnNeighbor(
            address="2001:db8::1",
            kind="local",
            state=None,
            mac=MAC1,
            vtep=None,
            local_sequence=None,
            remote_sequence=None,
            duplicate=False,
        ),
    )


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"host": {"10.1.10.100": REMOTE}}, "host"),
        ({"10.1.10.100": {"mac": str(MAC2)}}, "'type' is missing"),
        ({"10.1.10.100": REMOTE | {"mac": "48"}}, "not a MAC address"),
        ({"10.1.10.100": REMOTE | {"state": 1}}, "'state' is not text"),
        ({"10.1.10.100": []}, "host 10.1.10.100 is not an object"),
    ],
)
def test_garbled_neighbors(table: dict[str, Any], reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_nvue_neighbors(json.dumps(table))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (
            {"local-vtep": "10.0.0.11", "vxlan-interface": "vxlan48", "remote-vtep": {}, "vlan": 10},
            VniFacts(vni=10, local_vtep="10.0.0.11", vxlan="vxlan48"),
        ),
        ({"vni": "10", "local-vtep": "0.0.0.0"}, VniFacts(vni=10, local_vtep=None, vxlan=None)),
    ],
)
def test_vni(facts: dict[str, Any], expected: VniFacts) -> None:
    assert parse_nvue_vni(json.dumps(facts), 10) == expected


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"route-advertise": {}}, "neither 'local-vtep' nor 'vxlan-interface'"),
        ({"vni": 20, "local-vtep": "10.0.0.11"}, "the VNI is 20 where 10 was asked for"),
        ({"local-vtep": 5}, "'local-vtep' is not text"),
    ],
)
def test_garbled_vni(facts: dict[str, Any], reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_nvue_vni(json.dumps(facts), 10)


DAD = {"enable": "on", "mac-move-threshold": 5, "move-window": 180, "duplicate-action": "warning-only"}


@pytest.mark.parametrize(
    ("changed", "enabled", "freeze"),
    [
        ({}, True, "no"),
        ({"enable": "disabled"}, False, "no"),
        ({"duplicate-action": {"warning-only": {}}}, True, "no"),
        ({"duplicate-action": {"freeze": {"duration": 1000}}}, True, 1000),
        ({"duplicate-action": {"freeze": {"duration": "permanent"}}}, True, "permanent"),
        ({"duplicate-action": {"freeze": {}}}, True, None),
        ({"duplicate-action": "freeze"}, True, None),
        ({"duplicate-action": None}, True, None),
    ],
)
def test_detection(changed: dict[str, Any], enabled: bool, freeze: Any) -> None:  # noqa: ANN401, FBT001
    expected = DuplicateDetection(enabled=enabled, max_moves=5, window_s=180, freeze=freeze)
    assert parse_nvue_detection(json.dumps(DAD | changed)) == expected


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"mac-move-threshold": None}, "'mac-move-threshold' is missing"),
        ({"move-window": "long"}, "'move-window' is not a number"),
        ({"enable": "perhaps"}, "'enable' is not a boolean"),
        ({"duplicate-action": "explode"}, "'duplicate-action' is 'explode'"),
        ({"duplicate-action": {"freeze": {}, "warning-only": {}}}, "2 in 'duplicate-action'"),
        ({"duplicate-action": {"freeze": {"duration": "long"}}}, "'duration' is not a number"),
    ],
)
def test_garbled_detection(changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_nvue_detection(json.dumps(DAD | changed))


def test_move_count() -> None:
    found = parse_nvue_move_count(json.dumps({"detection-count": "3", "duplicate": "on", "type": "local"}))
    assert found == MoveCount(moves=3, duplicate=True, began_at=None, now=None)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"duplicate": "off", "type": "local"}, "'detection-count' is missing"),
        ({"detection-count": 1, "duplicate": 7}, "'duplicate' is not a boolean"),
        ({"10.1.10.100": {"detection-count": 1}}, "'detection-count' is missing"),
    ],
)
def test_garbled_move_count(entry: dict[str, Any], reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_nvue_move_count(json.dumps(entry))


def test_routes_are_read_as_far_as_they_have_the_shape_of_frrs() -> None:
    assert len(parse_nvue_paths((SAMPLES / "macip_by_rd.json").read_text())) == 4


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"numPrefix": 0}, "no route that is understood"),
        ({"rd": {"10.10.10.1:2": {"route-type": {"macip": {"route": {}}}}}}, "neither a route nor an RD"),
        ({"10.10.10.1:2": {"route-type": {"2": {}}}}, "no route that is understood"),
    ],
)
def test_garbled_paths(table: dict[str, Any], reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_nvue_paths(json.dumps(table))


def peer(**changed: Any) -> dict[str, Any]:  # noqa: ANN401
    families = {"ipv4-unicast": {"rx-prefix": 9}, "l2vpn-evpn": {"rx-prefix": 57, "tx-prefix": 81}}
    return {"state": "established", "remote-as": 65199, "address-family": families} | changed


def test_sessions() -> None:
    table = {
        "swp51": peer(),
        "swp52": peer(state="idle", **{"address-family": {"l2vpn-evpn": {}}}),
        "10.0.0.9": peer(**{"address-family": {"ipv4-unicast": {}}}),
    }
    assert parse_nvue_sessions(json.dumps(table)) == (
        EvpnSession(peer="swp51", state="Established", prefixes_received=57),
        EvpnSession(peer="swp52", state="Idle", prefixes_received=None),
    )


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"swp51": {"state": "established"}}, "'address-family' of swp51 is not an object"),
        ({"swp51": peer(state=None)}, "'state' is missing"),
        ({"swp51": "established"}, "neighbor swp51 is not an object"),
        ({"swp51": peer(**{"address-family": {"l2vpn-evpn": 5}})}, "'l2vpn-evpn' of swp51 is not an object"),
        ({"swp51": peer(**{"address-family": {"l2vpn-evpn": {"rx-prefix": []}}})}, "'rx-prefix' is not a number"),
    ],
)
def test_garbled_sessions(table: dict[str, Any], reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_nvue_sessions(json.dumps(table))


@pytest.mark.parametrize(
    "parse",
    [
        parse_nvue_macs,
        parse_nvue_neighbors,
        lambda text: parse_nvue_vni(text, 10),
        parse_nvue_detection,
        parse_nvue_move_count,
        parse_nvue_sessions,
    ],
)
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "nothing was printed"),
        ("{}\n", "an empty object"),
        ("{}{}", "2 documents"),
        ("[]", "the answer is not an object"),
        ("null", "the answer is not an object"),
        ("Error: GET /nvue_v1/evpn/vni/99 responded with 404 NOT FOUND\n", "not JSON"),
        ("MAC address  Type\n-----------  ----\n", "not JSON"),
        ('{"48:b0:2d:00:00:02": {"type"', "not JSON"),
    ],
)
def test_errors_in_place_of_an_answer(parse: Callable[[str], object], text: str, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse(text)
