"""FRR's BGP routes of type 2: recorded answers of 8.4.4, and the shapes and errors of other versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tasks.fabric.frr.bgp import parse_macip_paths
from tasks.model.leaf import MacIpPath
from tasks.model.mac import MacAddress
from tasks.observe.readings import Garbled

SAMPLES = Path(__file__).parents[2] / "data" / "observe" / "frr"
MAC2 = MacAddress("48:b0:2d:00:00:02")
PREFIX = "[2]:[0]:[48]:[48:b0:2d:00:00:02]:[32]:[10.1.10.100]"


def sample(name: str) -> str:
    return (SAMPLES / name).read_text()


def macip(**changed: Any) -> MacIpPath:  # noqa: ANN401
    fields: dict[str, Any] = {
        "address": "10.1.10.100",
        "mac": MAC2,
        "vtep": "10.0.0.12",
        "best": True,
        "valid": True,
        "sequence": 1,
        "rd": None,
    }
    return MacIpPath(**(fields | changed))


def path(**changed: Any) -> dict[str, Any]:  # noqa: ANN401
    """Make a path as FRR 8.4 prints it; None takes a key away."""
    fields: dict[str, Any] = {
        "valid": True,
        "bestpath": True,
        "routeType": 2,
        "mac": "48:b0:2d:00:00:02",
        "ip": "10.1.10.100",
        "extendedCommunity": {"string": "RT:65102:10 ET:8 MM:1 Rmac:44:38:39:22:01:02"},
        "nexthops": [{"ip": "10.0.0.12", "afi": "ipv4", "used": True}],
    }
    return {key: value for key, value in (fields | changed).items() if value is not None}


def test_recorded_paths_read_alike_from_both_forms() -> None:
    of_vni = parse_macip_paths(sample("macip_of_vni.json"))
    by_rd = parse_macip_paths(sample("macip_by_rd.json"))
    assert [found.address for found in of_vni] == ["10.1.10.101", "10.1.10.100", "10.1.10.102", "10.1.10.103"]
    assert of_vni[1] == macip()
    assert by_rd[1] == macip(rd="10.0.0.12:3")
    assert [found.sequence for found in of_vni] == [0, 1, 1, 0] == [found.sequence for found in by_rd]


@pytest.mark.parametrize(
    ("prefix", "entry", "expected"),
    [
        (PREFIX, path(mac=None, ip=None), macip()),
        (PREFIX, path(routeType=None), macip()),
        (PREFIX.replace("48:b0:2d:00:00:02", "00:00:00:00:00:00"), path(), macip()),  # FRR 8.5 and later
        (
            "[2]:[00:00:00:00:00:00:00:00:00:00]:[0]:[48]:[48:b0:2d:00:00:02]:[32]:[10.1.10.100]",
            path(mac=None, ip=None),
            macip(),
        ),
        (PREFIX, path(bestpath={"overall": True, "selectionReason": "x"}), macip()),
        (PREFIX, path(bestpath={"bestpathFromAs": 65000}), macip(best=False)),
        (PREFIX, path(bestpath=None, valid=None), macip(best=False, valid=False)),
        (PREFIX, path(extendedCommunity=None), macip(sequence=0)),
        (PREFIX, path(extendedCommunity={"string": "MM:7, sticky MAC ET:8"}), macip(sequence=7)),
        (PREFIX, path(extendedCommunity={"string": "MM:0, sticky MAC"}), macip(sequence=0)),
        (PREFIX, path(nexthops=[{"ip": "10.0.0.9"}, {"ip": "10.0.0.12", "used": True}]), macip()),
        (PREFIX, path(nexthops=[{"ip": "10.0.0.12", "hostname": "S"}, {"ip": "10.0.0.9"}]), macip()),
        (PREFIX, path(esi="03:44:38:39:ff:ff:01:00:00:01"), macip(segment="03:44:38:39:ff:ff:01:00:00:01")),
        (PREFIX, path(esi="00:00:00:00:00:00:00:00:00:00"), macip()),
        (PREFIX, path(nexthops=[{"ip": "2001:db8::12", "used": True}]), macip(vtep="2001:db8::12")),
        (PREFIX, path(aspath={"string": "65000"}, VNI="10/4001", accessible=True), macip()),
    ],
)
def test_paths_of_other_versions(prefix: str, entry: dict[str, Any], expected: MacIpPath) -> None:
    for paths in ([[entry]], [entry]):
        text = json.dumps({prefix: {"prefix": prefix, "paths": paths}, "numPrefix": 1, "numPaths": 1})
        assert parse_macip_paths(text) == (expected,)


def test_every_path_of_a_route_counts() -> None:
    entries = [[path()], [path(bestpath=None, nexthops=[{"ip": "10.0.0.11"}])]]
    text = json.dumps({"10.0.0.12:3": {"rd": "10.0.0.12:3", PREFIX: {"paths": entries}}, "numPrefix": 1})
    assert parse_macip_paths(text) == (macip(rd="10.0.0.12:3"), macip(rd="10.0.0.12:3", best=False, vtep="10.0.0.11"))


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "{\n}\n",
        '{"numPrefix":0,"numPaths":0}',
        '{"10.0.0.12:3":{"rd":"10.0.0.12:3"}}',
        json.dumps({"[2]:[0]:[48]:[48:b0:2d:00:00:02]": {"paths": [[path(ip=None)]]}, "numPrefix": 1}),
        json.dumps({"[3]:[0]:[32]:[10.0.0.11]": {"paths": [[path(routeType=3, mac=None, ip="10.0.0.11")]]}}),
        json.dumps({"[5]:[0]:[24]:[10.1.10.0]": {"paths": [[path(routeType=None, mac=None, ip="10.1.10.0")]]}}),
    ],
)
def test_no_route_with_an_address(text: str) -> None:
    assert parse_macip_paths(text) == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("bgpd is not running\n", "bgpd is not running"),
        ("VNI not found\n", "not JSON"),
        ("No EVPN prefixes exist\n", "not JSON"),
        (sample("macip.txt"), "not JSON"),
        (sample("macip_by_rd.json")[:2000], "not JSON"),
        (sample("mac_all.json"), "neither a route nor an RD: '10'"),
        ('{"numPrefix":7}', "no route where 7 are announced"),
        ('{"10.0.0.12:3":[]}', "RD 10.0.0.12:3 is not an object"),
        (json.dumps({PREFIX: []}), "is not an object"),
        (json.dumps({PREFIX: {}}), "'paths' of .* is not an array"),
        (json.dumps({PREFIX: {"paths": {"0": path()}}}), "'paths' of .* is not an array"),
        (json.dumps({PREFIX: {"paths": [["x"]]}}), "a path of .* is not an object"),
        (json.dumps({PREFIX: {"paths": [[path(nexthops=[])]]}}), "no next hop"),
        (json.dumps({PREFIX: {"paths": [[path(nexthops=None)]]}}), "'nexthops' of"),
        (json.dumps({PREFIX: {"paths": [[path(nexthops=[{"hostname": "L1"}])]]}}), "'ip' is missing"),
        (json.dumps({PREFIX: {"paths": [[path(mac="48:b0")]]}}), "not a MAC address"),
        (json.dumps({PREFIX: {"paths": [[path(ip="10.1.10")]]}}), "10.1.10"),
        (json.dumps({PREFIX: {"paths": [[path(esi={"type": 3})]]}}), "'esi' is not text"),
        (json.dumps({PREFIX: {"paths": [[path(valid="yes")]]}}), "'valid' is not a boolean"),
        (json.dumps({PREFIX: {"paths": [[path(bestpath=[True])]]}}), "'bestpath' is not a boolean"),
        (json.dumps({PREFIX: {"paths": [[path(routeType="two")]]}}), "'routeType' is not a number"),
        (
            json.dumps({PREFIX.replace("48:b0:2d:00:00:02", "00:00:00:00:00:00"): {"paths": [[path(mac=None)]]}}),
            "no MAC",
        ),
        (json.dumps({"[2]:[0]:[48]": {"paths": [[path(mac=None)]]}}), "no MAC"),
    ],
)
def test_garbled_paths(text: str, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_macip_paths(text)
