"""A single MAC, a single neighbor, and BGP's sessions: recorded answers of FRR 8.4.4, and those of other versions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tasks.fabric.frr.bgp import parse_sessions
from tasks.fabric.frr.zebra import parse_evpn_mac_entry, parse_evpn_neighbor_entry
from tasks.model.leaf import EvpnMac, EvpnNeighbor, EvpnSession
from tasks.model.mac import MacAddress
from tasks.observe.readings import Garbled

SAMPLES = Path(__file__).parents[2] / "data" / "observe" / "frr"
MAC2, VMAC = MacAddress("48:b0:2d:00:00:02"), MacAddress("00:00:5e:00:01:33")
REMOTE = EvpnMac(
    mac=MAC2,
    kind="remote",
    interface=None,
    vtep="10.0.0.12",
    local_sequence=0,
    remote_sequence=1,
    duplicate=False,
    moves=0,
    uptime="00:00:40",
)
FROZEN = EvpnNeighbor(
    address="10.1.10.100",
    kind="local",
    state="inactive",
    mac=VMAC,
    vtep=None,
    local_sequence=5,
    remote_sequence=4,
    duplicate=True,
    moves=0,
    uptime="00:02:58",
)
SUMMARY: dict[str, Any] = json.loads((SAMPLES / "summary.json").read_text())
SPINE = EvpnSession(peer="swp51", state="Established", prefixes_received=4)


def sample(name: str) -> str:
    return (SAMPLES / name).read_text()


def mac_entry(**changed: Any) -> str:  # noqa: ANN401
    row = json.loads(sample("mac_entry.json"))[str(MAC2)]
    return json.dumps({str(MAC2): {key: value for key, value in (row | changed).items() if value is not None}})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (sample("mac_entry.json"), REMOTE),
        (mac_entry(neighbors="none"), REMOTE),  # FRR says so in words when there is none
        (mac_entry(uptime=None, syncNeighCount=None), replace(REMOTE, uptime=None)),
        (mac_entry(remoteVtep=None, esi="03:44", peerActive=True), replace(REMOTE, vtep=None, segment="03:44")),
        (mac_entry(type="auto", stickyMac=True, vlan="10"), replace(REMOTE, kind="auto")),
    ],
)
def test_mac_entry(text: str, expected: EvpnMac) -> None:
    assert parse_evpn_mac_entry(text) == expected


def test_a_flagged_mac() -> None:
    found = parse_evpn_mac_entry(sample("mac_entry_frozen.json"))
    assert found is not None
    assert (found.mac, found.interface, found.moves, found.duplicate) == (VMAC, "swp1", 5, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (sample("arp-cache_entry_frozen.json"), FROZEN),
        (
            '{"ip":"10.1.10.100","mac":"48:b0:2d:00:00:02","type":"remote","remoteVtep":"2001:db8::2","vlan":10}',
            EvpnNeighbor(
                address="10.1.10.100",
                kind="remote",
                state=None,
                mac=MAC2,
                vtep="2001:db8::2",
                local_sequence=None,
                remote_sequence=None,
                duplicate=False,
            ),
        ),
    ],
)
def test_neighbor_entry(text: str, expected: EvpnNeighbor) -> None:
    assert parse_evpn_neighbor_entry(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "\n", "{}", "{\n}\n", sample("mac_entry_unknown.json"), sample("arp-cache_entry_unknown.txt")],
)
def test_an_entry_that_the_leaf_does_not_know(text: str) -> None:
    assert parse_evpn_mac_entry(text) is None
    assert parse_evpn_neighbor_entry(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("% VNI 99 does not exist\n", "VNI 99"),
        (sample("mac.json"), "not the entry of one MAC"),
        ('{"numMacs":0}', "not the entry of one MAC"),
        ('{"48:b0:2d:00:00:02":{},"48:b0:2d:00:00:03":{}}', "not the entry of one MAC"),
        ('{"10.1.10.100":{"type":"local"}}', "not a MAC address"),
        ('{"48:b0:2d:00:00:02":{}}', "'type' is missing"),
        (mac_entry(uptime=40), "'uptime' is not text"),
        (mac_entry(detectionCount="some"), "'detectionCount' is not a number"),
        (mac_entry(esi=[]), "'esi' is not text"),
        (mac_entry()[:-9], "not JSON"),
    ],
)
def test_garbled_mac_entry(text: str, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_evpn_mac_entry(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("zebra is not running\n", "zebra is not running"),
        (sample("arp-cache.json"), "'ip' is missing"),
        ('{"ip":"10.1.10","type":"local"}', "10.1.10"),
        ('{"ip":["10.1.10.100"],"type":"local"}', "'ip' is not text"),
        ('{"ip":"10.1.10.100"}', "'type' is missing"),
        ('{"ip":"10.1.10.100","type":"local","mac":"48"}', "not a MAC address"),
        ('{"ip":"10.1.10.100","type":"local"', "not JSON"),
    ],
)
def test_garbled_neighbor_entry(text: str, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_evpn_neighbor_entry(text)


def summary(**changed: Any) -> str:  # noqa: ANN401
    """The recorded answer with its one peer changed; None takes a key away."""
    peer = {key: value for key, value in (SUMMARY["peers"]["swp51"] | changed).items() if value is not None}
    return json.dumps(SUMMARY | {"peers": {"swp51": peer}})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (sample("summary.json"), (SPINE,)),
        (summary(pfxRcd=None, prefixReceivedCount=7), (replace(SPINE, prefixes_received=7),)),  # FRR 4 to 7
        (summary(pfxRcd=0, prefixReceivedCount=7), (replace(SPINE, prefixes_received=0),)),
        (summary(pfxRcd=None), (replace(SPINE, prefixes_received=None),)),
        (summary(state="Idle (Admin)"), (replace(SPINE, state="Idle (Admin)"),)),
        (summary(state="Something new", idType=4), (replace(SPINE, state="Something new"),)),
        (json.dumps({"l2VpnEvpn": SUMMARY}), (SPINE,)),
        (json.dumps({"default": {"vrfId": 0, "l2VpnEvpn": SUMMARY}}), (SPINE,)),
        (sample("summary.json") + "\n{ }\n", (SPINE,)),
        (json.dumps({"peers": {}, "totalPeers": 0}), ()),
        ("{}\n", ()),
        ("% No BGP neighbors found in VRF default\n", ()),
        ("No L2VPN EVPN neighbor is configured\n", ()),
    ],
)
def test_sessions(text: str, expected: tuple[EvpnSession, ...]) -> None:
    assert parse_sessions(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("bgpd is not running\n", "bgpd is not running"),
        ("% BGP instance not found\n", "BGP instance not found"),
        ('{"vrfId": 0}', "0 tables of peers"),
        ('{"warning":"Default BGP instance not found"}', "Default BGP instance not found"),
        (json.dumps({"l2VpnEvpn": SUMMARY, "ipv4Unicast": SUMMARY}), "2 tables of peers"),
        (json.dumps(SUMMARY | {"peers": {}}), "no row where totalPeers says 1"),
        (json.dumps(SUMMARY | {"peers": ["swp51"]}), "'peers' is not an object"),
        (json.dumps({"peers": {"swp51": "Established"}}), "peer swp51 is not an object"),
        (summary(state=None), "'state' is missing"),
        (summary(state=6), "'state' is not text"),
        (summary(pfxRcd="NoNeg"), "'pfxRcd' is not a number"),
        (summary(pfxRcd=None, prefixReceivedCount=[]), "'prefixReceivedCount' is not a number"),
        (sample("summary.json")[:300], "not JSON"),
    ],
)
def test_garbled_sessions(text: str, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_sessions(text)
