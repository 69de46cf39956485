"""locate on the real fabric: any address, any MAC, and what nobody knows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.conftest import Fabric

pytestmark = pytest.mark.lab


def location(fabric: Fabric, query: str) -> dict[str, Any]:
    ran = fabric.vipbook("locate", query, "--json")
    assert ran.code == 0, ran.out + ran.err
    (place,) = ran.report["location"]["locations"]
    found: dict[str, Any] = place
    return found


@pytest.mark.parametrize(
    ("query", "server", "leaf", "vtep"),
    [
        ("100.65.0.10", "H1", "L1", "10.255.0.11"),
        ("100.65.0.12", "H2", "L2", "10.255.0.12"),
        ("100.65.0.21", "C1", "L3", "10.255.0.13"),
        ("08:00:27:70:07:ae", "H2", "L2", "10.255.0.12"),
        ("0800.2770.07AE", "H2", "L2", "10.255.0.12"),
    ],
)
def test_any_address_and_any_mac(healthy: Fabric, query: str, server: str, leaf: str, vtep: str) -> None:
    healthy.shell("C1", "ping", "-c", "2", "100.65.0.12")
    place = location(healthy, query)
    assert (place["server"], place["leaves"], place["vteps"]) == (server, [{"leaf": leaf, "port": "swp1"}], [vtep])
    assert place["vni"] == 100
    assert place["since"]


def test_every_table_says_so(healthy: Fabric) -> None:
    ran = healthy.vipbook("locate", "100.65.0.10", "--json")
    tables = {(each["leaf"], each["table"]) for each in ran.report["location"]["sightings"]}
    for leaf in ("L1", "L2", "L3"):
        for table in ("kernel neighbor vlan100", "kernel FDB", "zebra ARP/ND", "zebra MAC", "BGP type-2"):
            assert (leaf, table) in tables
    text = healthy.vipbook("locate", "100.65.0.10")
    assert "100.65.0.10  on H1, L1 swp1" in text.out


def test_tables_that_contradict(healthy: Fabric) -> None:
    row = ("08:00:27:7d:af:b4", "dev", "vni100")
    healthy.shell("L2", "bridge", "fdb", "replace", *row, "dst", "10.255.0.13", "self")
    try:
        ran = healthy.vipbook("locate", "100.65.0.10", "--json")
        assert ran.code == 1
        assert "tables name VTEP 10.255.0.13" in ran.report["reason"]
    finally:
        healthy.shell("L2", "bridge", "fdb", "del", *row, "self")
        healthy.shell("L2", "bridge", "fdb", "add", *row, "dst", "10.255.0.11", "self", "extern_learn", "dynamic")


def test_what_nobody_knows_and_what_is_no_address(healthy: Fabric) -> None:
    nowhere = healthy.vipbook("locate", "100.65.0.99")
    assert nowhere.code == 3
    assert "no table of any leaf has 100.65.0.99" in nowhere.out
    wrong = healthy.vipbook("locate", "100.65.0")
    assert wrong.code == 2
    assert "neither an IP address nor a MAC address" in wrong.err
    assert wrong.out == ""
