"""FRR's EVPN tables: recorded answers of 8.4.4, and the shapes and errors of other versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tasks.fabric.frr.zebra import parse_evpn_macs, parse_evpn_neighbors
from tasks.model.leaf import EvpnMac, EvpnNeighbor
from tasks.model.mac import MacAddress
from tasks.observe.readings import Garbled

SAMPLES = Path(__file__).parents[2] / "data" / "observe" / "frr"
MAC2 = MacAddress("48:b0:2d:00:00:02")
VMAC = MacAddress("00:00:5e:00:01:33")
ES = "03:44:38:39:ff:ff:01:00:00:01"
NO_ES = ":".join(["00"] * 10)


def sample(name: str) -> str:
    return (SAMPLES / name).read_text()


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


def evpn_neighbor(**changed: Any) -> EvpnNeighbor:  # noqa: ANN401
    fields: dict[str, Any] = {
        "address": "10.1.10.100",
        "kind": "remote",
        "state": "active",
        "mac": MAC2,
        "vtep": "10.0.0.12",
        "local_sequence": 0,
        "remote_sequence": 1,
        "duplicate": False,
    }
    return EvpnNeighbor(**(fields | changed))


def test_recorded_macs() -> None:
    found = parse_evpn_macs(sample("mac.json"))
    assert len(found) == 3
    assert evpn_mac(moves=0) in found
    own = MacAddress("48:b0:2d:00:00:01")
    local = evpn_mac(mac=own, kind="local", interface="swp1", vtep=None, remote_sequence=0, moves=0)
    assert local in found


def test_recorded_duplicate_mac() -> None:
    found = {row.mac: row for row in parse_evpn_macs(sample("mac_frozen.json"))}
    assert found[VMAC] == evpn_mac(
        mac=VMAC,
        kind="local",
        interface="swp1",
        vtep=None,
        local_sequence=5,
        remote_sequence=4,
        duplicate=True,
        moves=5,
    )
    assert sum(row.duplicate for row in found.values()) == 1


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (  # FRR 4.0 to 6.0
            {"type": "remote", "remoteVtep": "10.0.0.12"},
            evpn_mac(local_sequence=None, remote_sequence=None),
        ),
        (  # FRR 8.5 and later, behind an Ethernet segment
            {"type": "remote", "remoteEs": "03:44:38:39:ff:ff:01:00:00:01", "localSequence": 0, "remoteSequence": 1},
            evpn_mac(vtep=None, segment=ES),
        ),
        (  # FRR 7.5 to 8.4: the segment in place of the VTEP, or beside a VTEP of zeros
            {"type": "remote", "remoteVtep": ES, "localSequence": 0, "remoteSequence": 1},
            evpn_mac(vtep=None, segment=ES),
        ),
        (
            {"type": "remote", "remoteVtep": "0.0.0.0", "es": ES, "localSequence": 0, "remoteSequence": 1},
            evpn_mac(vtep=None, segment=ES),
        ),
        (
            {"type": "local", "intf": "bond1", "esi": ES, "detectionCount": "2", "peerActive": True},
            evpn_mac(
                kind="local",
                interface="bond1",
                vtep=None,
                segment=ES,
                moves=2,
                local_sequence=None,
                remote_sequence=None,
            ),
        ),
        (
            {"type": "remote", "remoteVtep": "::", "esi": NO_ES, "localSequence": 0, "remoteSequence": 1},
            evpn_mac(vtep=None),
        ),
        (
            {"type": "auto", "intf": "swp1"},
            evpn_mac(kind="auto", interface="swp1", vtep=None, local_sequence=None, remote_sequence=None),
        ),
        (
            {
                "type": "remote",
                "remoteVtep": "2001:db8::2",
                "localSequence": "0",
                "remoteSequence": "1",
                "isDuplicate": 1,
            },
            evpn_mac(vtep="2001:db8::2", duplicate=True),
        ),
        (
            {"type": "remote", "remoteVtep": "10.0.0.12", "localSequence": 0, "remoteSequence": 1, "newKey": [{}]},
            evpn_mac(),
        ),
    ],
)
def test_macs_of_other_versions(row: dict[str, Any], expected: EvpnMac) -> None:
    text = json.dumps({"numMacs": 1, "macs": {"48:b0:2d:00:00:02": row}})
    assert parse_evpn_macs(text) == (expected,)
    assert parse_evpn_macs(text + "\n{ }\n") == (expected,)


@pytest.mark.parametrize("text", ['{"numMacs":0}', '{"numMacs":0,"macs":{}}', '{"numMacs":"0"}'])
def test_an_empty_mac_table_says_so_itself(text: str) -> None:
    assert parse_evpn_macs(text) == ()


def test_recorded_neighbors() -> None:
    found = parse_evpn_neighbors(sample("arp-cache.json"))
    assert len(found) == 4
    assert evpn_neighbor(moves=0) in found


def test_recorded_frozen_neighbor() -> None:
    found = {row.address: row for row in parse_evpn_neighbors(sample("arp-cache_frozen.json"))}
    assert found["10.1.10.100"] == evpn_neighbor(
        kind="local",
        state="inactive",
        mac=VMAC,
        vtep=None,
        local_sequence=5,
        remote_sequence=4,
        duplicate=True,
        moves=0,
    )


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            {"type": "remote", "mac": "48:b0:2d:00:00:02", "remoteVtep": "10.0.0.12"},
            evpn_neighbor(state=None, local_sequence=None, remote_sequence=None),
        ),
        (
            {
                "type": "remote",
                "state": "active",
                "mac": "48:b0:2d:00:00:02",
                "remoteEs": ES,
                "localSequence": 0,
                "remoteSequence": 1,
            },
            evpn_neighbor(vtep=None, segment=ES),
        ),
        (
            {"type": "local", "state": "probing", "localSequence": None, "defaultGateway": True},
            evpn_neighbor(
                kind="local", state="probing", mac=None, vtep=None, local_sequence=None, remote_sequence=None
            ),
        ),
    ],
)
def test_neighbors_of_other_versions(row: dict[str, Any], expected: EvpnNeighbor) -> None:
    assert parse_evpn_neighbors(json.dumps({"numArpNd": 1, "10.1.10.100": row, "vni": 10, "x": {}})) == (expected,)


def test_ipv6_neighbors_are_kept_as_text() -> None:
    text = json.dumps({"numArpNd": 1, "FE80::1": {"type": "local"}})
    assert [row.address for row in parse_evpn_neighbors(text)] == ["fe80::1"]


def test_an_empty_neighbor_table_says_so_itself() -> None:
    assert parse_evpn_neighbors('{"numArpNd":0}') == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (sample("mac_all.json"), "'numMacs' is missing"),
        (sample("mac_all_duplicate.json"), "'numMacs' is missing"),
        (sample("arp-cache.json"), "'numMacs' is missing"),
        (sample("mac.json")[:300], "not JSON"),
        ('{"numMacs":3}', "no row where numMacs says 3"),
        ('{"numMacs":3,"macs":{}}', "no row where numMacs says 3"),
        ('{"numMacs":"many","macs":{}}', "'numMacs' is not a number"),
        ('{"numMacs":1,"macs":[]}', "'macs' is not an object"),
        ('{"numMacs":1,"macs":{"48:b0:2d:00:00:02":"remote"}}', "is not an object"),
        ('{"numMacs":1,"macs":{"48:b0":{"type":"local"}}}', "not a MAC address"),
        ('{"numMacs":1,"macs":{"48:b0:2d:00:00:02":{}}}', "'type' is missing"),
        ('{"numMacs":1,"macs":{"48:b0:2d:00:00:02":{"type":2}}}', "'type' is not text"),
        ('{"numMacs":1,"macs":{"48:b0:2d:00:00:02":{"type":"local","localSequence":"n/a"}}}', "'localSequence'"),
        ('{"numMacs":1,"macs":{"48:b0:2d:00:00:02":{"type":"local","isDuplicate":"perhaps"}}}', "'isDuplicate'"),
    ],
)
def test_garbled_macs(text: str, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_evpn_macs(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (sample("arp-cache_all.json"), "'numArpNd' is missing"),
        (sample("mac.json"), "'numArpNd' is missing"),
        (sample("arp-cache.json")[:-3], "not JSON"),
        ('{"numArpNd":4}', "no row where numArpNd says 4"),
        ('{"numArpNd":1,"10.1.10.100":"active"}', "neighbor 10.1.10.100 is not an object"),
        ('{"numArpNd":1,"10.1.10.100":{"state":"active"}}', "'type' is missing"),
        ('{"numArpNd":1,"10.1.10.100":{"type":"local","mac":"48"}}', "not a MAC address"),
        ('{"numArpNd":1,"10.1.10.100":{"type":"local","state":1}}', "'state' is not text"),
        ('{"numArpNd":1,"10.1.10.100":{"type":"remote","remoteVtep":{"ip":"10.0.0.12"}}}', "'remoteVtep' is not text"),
    ],
)
def test_garbled_neighbors(text: str, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_evpn_neighbors(text)
