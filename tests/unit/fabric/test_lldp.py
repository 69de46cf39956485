"""lldpctl's JSON, whose shape depends on how much there is in it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks.fabric.lldp import parse_lldp
from tasks.model.leaf import LldpNeighbor
from tasks.observe.readings import Garbled


def switch(port: str = "swp1") -> dict[str, Any]:
    """A switch as a neighbor: its port has a name for an identity."""
    return {
        "via": "LLDP",
        "rid": "1",
        "age": "0 day, 00:01:02",
        "chassis": {"S1": {"id": {"type": "mac", "value": "44:38:39:00:00:01"}, "descr": "Debian", "capability": []}},
        "port": {"id": {"type": "ifname", "value": port}, "descr": "to L1", "ttl": "120"},
    }


def server(**port: Any) -> dict[str, Any]:  # noqa: ANN401
    """A server: its port has a MAC for an identity, and its name is the description."""
    identity = {"id": {"type": "mac", "value": "48:b0:2d:00:00:01"}, "descr": "eth1"}
    return {"chassis": {"H1": {"id": {"type": "mac", "value": "48:b0:2d:00:00:01"}}}, "port": identity | port}


def answer(interface: object) -> str:
    return json.dumps({"lldp": {"interface": interface}})


def verbose(*names: str) -> str:
    """The same as json0 prints it."""
    heard = [
        {
            "name": name,
            "via": "LLDP",
            "chassis": [{"id": [{"type": "mac", "value": "48:b0:2d:00:00:01"}], "name": [{"value": "H1"}]}],
            "port": [{"id": [{"type": "mac", "value": "48:b0:2d:00:00:01"}], "descr": [{"value": "eth1"}]}],
        }
        for name in names
    ]
    return json.dumps({"lldp": [{"interface": heard}]})


UPLINK = LldpNeighbor(port="swp51", system="S1", remote_port="swp1")
H1 = LldpNeighbor(port="swp1", system="H1", remote_port="eth1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (answer([{"swp51": switch()}, {"swp1": server()}]), (UPLINK, H1)),
        (answer({"swp51": switch()}), (UPLINK,)),
        (answer({"swp51": switch(), "swp1": server()}), (UPLINK, H1)),
        (
            answer([{"swp1": server()}, {"swp1": switch()}]),
            (H1, LldpNeighbor(port="swp1", system="S1", remote_port="swp1")),
        ),
        ('{"lldp": {}}', ()),
        ('{"lldp": [{}]}', ()),
        ('{"lldp": {"interface": []}}', ()),
        (verbose("swp1"), (H1,)),
        (verbose("swp1", "swp2"), (H1, LldpNeighbor(port="swp2", system="H1", remote_port="eth1"))),
        # Without a description only the identity is left.
        (
            answer({"swp1": server(descr=None)}),
            (LldpNeighbor(port="swp1", system="H1", remote_port="48:b0:2d:00:00:01"),),
        ),
        (answer({"swp1": {"chassis": {"H1": {}}}}), (LldpNeighbor(port="swp1", system="H1", remote_port=None),)),
        (
            answer(
                {"swp1": server() | {"chassis": {"id": {"type": "mac", "value": "48:b0:2d:00:00:01"}, "descr": "x"}}}
            ),
            (LldpNeighbor(port="swp1", system="48:b0:2d:00:00:01", remote_port="eth1"),),
        ),
        (
            answer({"swp1": server() | {"chassis": {"id": {"type": "mac", "value": "48:b0:2d:00:00:01"}}}}),
            (LldpNeighbor(port="swp1", system="48:b0:2d:00:00:01", remote_port="eth1"),),
        ),
    ],
)
def test_neighbors(text: str, expected: tuple[LldpNeighbor, ...]) -> None:
    assert parse_lldp(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "nothing was printed"),
        ("{}", "'lldp' is missing"),
        ("[]", "the answer is not an object"),
        (answer([]) * 2, "2 documents"),
        (answer({"swp1": server()})[:-9], "not JSON"),
        ("unable to connect to socket\n", "not JSON"),
        ('{"lldp": "none"}', "'lldp' is not an object"),
        (answer("swp1"), "an interface is not an object"),
        (answer(["swp1"]), "an interface is not an object"),
        (answer({"swp1": "H1"}), "port swp1 is not an object"),
        (answer({"swp1": {"port": {}}}), "0 of 'chassis'"),
        (answer([{"chassis": [{}], "port": []}]), "'name' is missing"),
        (answer({"swp1": {"chassis": {}}}), "neither a name nor an identity"),
        (answer({"swp1": {"chassis": {"H1": {}, "H2": {}}}}), "neither a name nor an identity"),
        (answer({"swp1": server() | {"chassis": [{}, {}]}}), "2 of 'chassis'"),
        (answer({"swp1": server(id={"type": "mac", "value": 5})}), "'value' is not text"),
        (answer({"swp1": server(id=[])}), "0 of 'id'"),
        (answer({"swp1": server(descr=[{"value": 5}])}), "'value' is not text"),
        (answer({"swp1": server(descr=5)}), "'descr' is not an object"),
    ],
)
def test_garbled(text: str, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_lldp(text)
