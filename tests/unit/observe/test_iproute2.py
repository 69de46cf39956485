"""Recorded and hand-cut output of `ip` and `bridge`, both as JSON and as text."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from pathlib import Path
from typing import Any

import pytest

from tasks.model.leaf import FdbRow, Neighbor
from tasks.model.mac import MacAddress
from tasks.model.server import Interface
from tasks.observe.iproute2 import parse_fdb, parse_interfaces, parse_neighbors
from tasks.observe.readings import Garbled

SAMPLES = Path(__file__).parents[2] / "data" / "observe" / "iproute2"
NEIGH = (SAMPLES / "neigh.json").read_text()
NEIGH_TEXT = (SAMPLES / "neigh.txt").read_text()
FDB = (SAMPLES / "fdb.json").read_text()
FDB_TEXT = (SAMPLES / "fdb.txt").read_text()
ADDR = (SAMPLES / "addr.json").read_text()

VIP_ROW = Neighbor(
    address=IPv4Address("10.1.10.100"),
    interface="vlan10",
    mac=MacAddress("48:b0:2d:00:00:02"),
    states=frozenset({"NOARP"}),
    extern_learn=True,
    permanent=False,
)


def neighbor(**changed: Any) -> Neighbor:  # noqa: ANN401
    fields = {name: getattr(VIP_ROW, name) for name in VIP_ROW.__dataclass_fields__}
    return Neighbor(**(fields | changed))


def fdb_row(**changed: Any) -> FdbRow:  # noqa: ANN401
    fields: dict[str, Any] = {
        "mac": MacAddress("48:b0:2d:00:00:02"),
        "interface": "vni10",
        "bridge": None,
        "vlan": None,
        "vtep": IPv4Address("10.0.0.12"),
        "vni": None,
        "extern_learn": True,
        "permanent": False,
    }
    return FdbRow(**(fields | changed))


def test_recorded_neighbors_read_alike_from_json_and_text() -> None:
    found = parse_neighbors(NEIGH)
    assert len(found) == 10
    assert VIP_ROW in found
    assert parse_neighbors(NEIGH_TEXT) == found


@pytest.mark.parametrize("text", ["", "\n", "[]", "[]\n", "[{},{}]", "[ {},{} ]\n"])
def test_a_filter_that_hides_every_row_leaves_an_empty_table(text: str) -> None:
    assert parse_neighbors(text) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '[{"dst":"10.1.10.100","dev":"vlan10","state":["FAILED"]}]',
            neighbor(mac=None, states=frozenset({"FAILED"}), extern_learn=False),
        ),
        (
            '[{},{"dst":"10.1.10.100","dev":"vlan10","lladdr":"48:B0:2D:00:00:02","router":null,"state":["PERMANENT"]}]',
            neighbor(states=frozenset({"PERMANENT"}), extern_learn=False, permanent=True),
        ),
        ('[{"dst":"10.1.10.100","dev":"vlan10"}]', neighbor(mac=None, states=frozenset(), extern_learn=False)),
        (
            (
                '[{},{"dst":"10.1.10.100","dev":"vlan10","lladdr":"48:b0:2d:00:00:02","offload":null,"state":["REACHABLE"]}]'
            ),
            neighbor(states=frozenset({"REACHABLE"}), extern_learn=False),
        ),
        (
            '[{"dst":"2001:DB8::10","dev":"vlan10","lladdr":"48:b0:2d:00:00:02","router":null,"state":["STALE"]}]',
            neighbor(address=IPv6Address("2001:db8::10"), states=frozenset({"STALE"}), extern_learn=False),
        ),
        (
            "2001:db8::10 dev vlan10 lladdr 48:b0:2d:00:00:02 router extern_learn  NOARP proto zebra",
            neighbor(address=IPv6Address("2001:db8::10")),
        ),
        ("10.1.10.100 dev vlan10  FAILED", neighbor(mac=None, states=frozenset({"FAILED"}), extern_learn=False)),
        ("10.1.10.100 dev vlan10 INCOMPLETE", neighbor(mac=None, states=frozenset({"INCOMPLETE"}), extern_learn=False)),
        ("10.1.10.100 dev vlan10 lladdr 48:b0:2d:00:00:02 offload NOARP", VIP_ROW),
        ("10.1.10.100 dev vlan10 lladdr 48:b0:2d:00:00:02 extern_learn  NOARP proto zebra \n\n", VIP_ROW),
        (
            "10.1.10.100 dev vlan10 lladdr 48:b0:2d:00:00:02 offload REACHABLE",  # programmed into hardware
            neighbor(states=frozenset({"REACHABLE"}), extern_learn=False),
        ),
        (
            "10.1.10.100 dev vlan10 lladdr 48:b0:2d:00:00:02 ref 1 used 5/2/5 probes 4 router something PERMANENT",
            neighbor(states=frozenset({"PERMANENT"}), extern_learn=False, permanent=True),
        ),
    ],
)
def test_neighbors(text: str, expected: Neighbor) -> None:
    assert parse_neighbors(text) == (expected,)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{}", "the table is not an array"),
        ("null", "neighbor without a state"),
        ("[1]", "a row is not an object"),
        (NEIGH[:-40], "not JSON"),
        (NEIGH + "Terminated", "not JSON"),
        ('[{"dev":"vlan10"}]', "'dst' is missing"),
        ('[{"dst":"10.1.10.100"}]', "'dev' is missing"),
        ('[{"dst":"10.1.10","dev":"vlan10"}]', "10.1.10"),
        ('[{"dst":5,"dev":"vlan10"}]', "'dst' is not text"),
        ('[{"dst":"10.1.10.100","dev":"vlan10","lladdr":"48:b0"}]', "not a MAC address"),
        ('[{"dst":"10.1.10.100","dev":"vlan10","lladdr":["x"]}]', "'lladdr' is not text"),
        ('[{"dst":"10.1.10.100","dev":"vlan10","state":7}]', "'state' is not an array"),
        ('[{"dst":"10.1.10.100","dev":"vlan10","state":[7]}]', "'state' is not a list of words"),
        ("10.1.10.100 dev vlan10", "neighbor without a state"),
        ("10.1.10.100 dev", "row ends early"),
        ("10.1.10.100 dev vlan10 lladdr 48:b0:2d:00 STALE", "not a MAC address"),
        ("10.1.10.100 lladdr 48:b0:2d:00:00:02 STALE", "'dev' is missing"),
        ("Cannot find device vlan10", "neighbor without a state"),
        ('Option "-j" is unknown, try "ip -help".', "neighbor without a state"),
        ("RTNETLINK answers: OPERATION refused", "RTNETLINK"),
    ],
)
def test_garbled_neighbors(text: str, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_neighbors(text)


def test_recorded_fdb_reads_alike_from_json_and_text() -> None:
    found = parse_fdb(FDB)
    assert len(found) == FDB_TEXT.count("\n")
    assert fdb_row() in found
    assert fdb_row(bridge="bridge", vlan=10, vtep=None) in found
    local = fdb_row(
        mac=MacAddress("48:b0:2d:00:00:01"), interface="swp1", bridge="bridge", vlan=10, vtep=None, extern_learn=False
    )
    assert local in found
    assert parse_fdb(FDB_TEXT) == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            (
                '[{"mac":"48:b0:2d:00:00:02","ifname":"vxlan48","dst":"10.0.0.12","src_vni":10,"vni":30,'
                '"flags":["self","extern_learn"],"state":""}]'
            ),
            fdb_row(interface="vxlan48", vni=10),
        ),
        (
            "48:b0:2d:00:00:02 dev vxlan48 dst 10.0.0.12 src_vni 10 self extern_learn",
            fdb_row(interface="vxlan48", vni=10),
        ),
        ("48:b0:2d:00:00:02 dev vni10 dst 10.0.0.12 vni 10 self extern_learn", fdb_row(vni=10)),
        (
            "48:b0:2d:00:00:02 dev vni10 nhid 536870913 self extern_learn",
            fdb_row(vtep=None, nexthop_group=536870913),
        ),
        (
            '[{"mac":"48:b0:2d:00:00:02","ifname":"vxlan48","nhid":"7","src_vni":10,"flags":["self","extern_learn"]}]',
            fdb_row(interface="vxlan48", vtep=None, vni=10, nexthop_group=7),
        ),
        (
            "48:b0:2d:00:00:02 dev vni10 dst 2001:db8::12 self extern_learn",
            fdb_row(vtep=IPv6Address("2001:db8::12")),
        ),
        ("48:b0:2d:00:00:02 dev vni24 dst 10.0.0.12 self offload", fdb_row(interface="vni24")),
        (
            "48:b0:2d:00:00:02 dev bridge vlan 10 master bridge permanent",
            fdb_row(interface="bridge", bridge="bridge", vlan=10, vtep=None, extern_learn=False, permanent=True),
        ),
        (
            "48:b0:2d:00:00:02 dev bond1  vlan 10 master bridge static sticky",
            fdb_row(interface="bond1", bridge="bridge", vlan=10, vtep=None, extern_learn=False),
        ),
        ('[{"mac":"48:b0:2d:00:00:02","dev":"swp1"}]', fdb_row(interface="swp1", vtep=None, extern_learn=False)),
        (
            ('[{},{"mac":"48:b0:2d:00:00:02","ifname":"vni10","dst":"10.0.0.12","flags":["extern_learn"]}]'),
            fdb_row(),
        ),
    ],
)
def test_fdb(text: str, expected: FdbRow) -> None:
    assert parse_fdb(text) == (expected,)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty FDB.*needs sudo"),
        (" \n", "empty FDB.*needs sudo"),
        ("[]", "empty FDB.*needs sudo"),
        ("[{},{}]", "empty FDB.*needs sudo"),
        ("{}", "the table is not an array"),
        (FDB[:1000], "not JSON"),
        ('[{"ifname":"swp1"}]', "'mac' is missing"),
        ('[{"mac":"48:b0:2d:00:00:02"}]', "'dev' is missing"),
        ('[{"mac":"nonsense","ifname":"swp1"}]', "not a MAC address"),
        ('[{"mac":"48:b0:2d:00:00:02","ifname":"swp1","vlan":"ten"}]', "'vlan' is not a number"),
        ('[{"mac":"48:b0:2d:00:00:02","ifname":"swp1","vlan":[10]}]', "'vlan' is not a number"),
        ('[{"mac":"48:b0:2d:00:00:02","ifname":"swp1","dst":"10.0.0"}]', "10.0.0"),
        ('[{"mac":"48:b0:2d:00:00:02","ifname":"swp1","flags":"self","state":5}]', "'state' is not text"),
        ('[{"mac":"48:b0:2d:00:00:02","ifname":"swp1","flags":{"self":null}}]', "'flags' is not an array"),
        ('[{"mac":"48:b0:2d:00:00:02","ifname":"v","nhid":"group"}]', "'nhid' is not a number"),
        ("48:b0:2d:00:00:02 dev vni10 nhid none self", "'nhid' is not a number"),
        ("48:b0:2d:00:00:02 vlan 10 master bridge", "not a row of the FDB"),
        ("48:b0:2d:00:00:02 dev vni10 dst", "row ends early"),
        ("48:b0:2d: dev vni10", "not a MAC address"),
        ('Cannot find bridge device "br0"', "not a row of the FDB"),
        ("RTNETLINK answers: Operation not permitted", "not a row of the FDB"),
    ],
)
def test_garbled_fdb(text: str, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_fdb(text)


def test_recorded_interfaces() -> None:
    found = {interface.name: interface for interface in parse_interfaces(ADDR)}
    assert list(found) == ["lo", "far", "eth0", "eth1far", "eth1"]
    assert found["lo"].mac is None
    assert found["eth0"] == Interface(
        name="eth0",
        mac=MacAddress("48:b0:2d:00:00:01"),
        up=True,
        addresses=tuple(map(IPv4Interface, ("10.1.10.101/24", "10.9.9.9/32", "10.1.10.100/24"))),
    )
    assert not found["eth1"].up  # administratively up, but without a carrier
    assert not found["eth1far"].up


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"ifname": "x", "flags": []}, Interface(name="x", mac=None, up=False, addresses=())),
        ({"ifname": "x", "flags": ["LOWER_UP"]}, Interface(name="x", mac=None, up=False, addresses=())),
        (
            {"ifname": "tunl0", "flags": [], "link_type": "ipip", "address": "0.0.0.0"},
            Interface(name="tunl0", mac=None, up=False, addresses=()),
        ),
        (
            {
                "ifname": "x",
                "flags": ["UP", "LOWER_UP"],
                "addr_info": [
                    {},
                    {"family": "inet6", "local": "fe80::1", "prefixlen": 64, "scope": "link"},
                    {"family": "inet6", "local": "2001:db8::10", "prefixlen": 128, "nodad": True},
                    {"family": "mpls"},
                ],
            },
            Interface(name="x", mac=None, up=True, addresses=(IPv6Interface("2001:db8::10/128"),)),
        ),
    ],
)
def test_interfaces(row: dict[str, Any], expected: Interface) -> None:
    assert parse_interfaces(json.dumps([{}, row])) == (expected,)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "nothing was printed"),
        ("[]", "no interface at all"),
        ("[{},{}]", "no interface at all"),
        (ADDR[:500], "not JSON"),
        ('{"ifname":"lo"}', "the table is not an array"),
        ('[{"ifname":"lo"}]', "'flags' is missing"),
        ('[{"flags":[]}]', "'ifname' is missing"),
        ('[{"ifname":"x","flags":"UP LOWER_UP","addr_info":{}}]', "'addr_info' is not an array"),
        ('[{"ifname":"x","flags":[],"addr_info":["10.0.0.1"]}]', "an address is not an object"),
        ('[{"ifname":"x","flags":[],"addr_info":[{"family":"inet"}]}]', "'local' is missing"),
        ('[{"ifname":"x","flags":[],"addr_info":[{"family":"inet","local":"10.0.0.1"}]}]', "'prefixlen' is missing"),
        ('[{"ifname":"x","flags":[],"addr_info":[{"family":"inet","local":"10.0.0.1","prefixlen":99}]}]', "99"),
        ('[{"ifname":"x","flags":[],"addr_info":[{"family":"inet","local":"::1","prefixlen":9}]}]', "::1"),
        ('[{"ifname":"x","flags":[],"addr_info":[{"family":"inet6","local":"10.0.0.1","prefixlen":9}]}]', "10.0.0.1"),
        ('[{"ifname":"x","flags":[],"addr_info":[{"family":"inet6","local":"fe80::1"}]}]', "'prefixlen' is missing"),
        ('[{"ifname":"x","flags":[],"link_type":"ether","address":"0.0.0.0"}]', "not a MAC address"),
    ],
)
def test_garbled_interfaces(text: str, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_interfaces(text)
