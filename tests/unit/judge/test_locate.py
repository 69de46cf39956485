"""Where an address or a MAC is: one place, several, none, and tables that contradict each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address

import pytest

from tasks.judge.locate import Look, locate
from tasks.model.leaf import LldpNeighbor
from tasks.model.location import LeafPort, Query, Whereabouts
from tasks.model.mac import MacAddress
from tasks.model.verdict import Status
from tests.unit.builders import (
    GONE,
    MACS,
    OTHER_MAC,
    VIP,
    VTEPS,
    cluster,
    evpn_mac,
    evpn_neighbor,
    fdb_row,
    interface,
    leaf_facts,
    path,
    read,
    silent_leaf,
    subject,
    with_leaf,
)

H1, H2 = MACS["H1"], MACS["H2"]
V1, V2 = VTEPS["L1"], VTEPS["L2"]
UPTIMES = {"L1": "00:02:55", "L2": None}


def found(query: Query, *, uptimes: Mapping[str, str | None] = UPTIMES, **leaves: object) -> Whereabouts:
    """The healthy fabric, some leaves saying other things: `L2={"fdb": …}`, or None for a silent one."""
    whole = subject()
    for leaf, values in leaves.items():
        whole = with_leaf(whole, leaf, **values) if isinstance(values, dict) else whole
    facts = {leaf: silent_leaf(leaf) if leaves.get(leaf, {}) is None else each for leaf, each in whole.leaves.items()}
    look = Look(fabric=whole.cluster.fabric, leaves=facts, uptimes=uptimes)
    servers = {name: each.interfaces for name, each in whole.servers.items()}
    return locate(query, [look], servers, [whole.cluster])


@pytest.mark.parametrize("query", [VIP.ip, H1])
def test_one_place_and_everything_about_it(query: Query) -> None:
    answer = found(query)
    (place,) = answer.locations
    assert answer.status is Status.PASS
    assert (place.server, place.leaves, place.vteps) == ("H1", (LeafPort(leaf="L1", port="swp1"),), (V1,))
    assert (place.mac, place.vni, place.since, place.sequence) == (H1, 100, "00:02:55", 0)
    assert str(VIP.ip) in place.addresses
    tables = {(each.leaf, each.table) for each in answer.sightings}
    expected = {"kernel neighbor vlan100", "kernel FDB", "zebra ARP/ND", "zebra MAC", "BGP type-2"}
    assert {(leaf, table) for leaf in ("L1", "L2") for table in expected} <= tables


@pytest.mark.parametrize(
    ("query", "leaves", "status", "piece"),
    [
        (ip_address("192.0.2.1"), {}, Status.UNKNOWN, "no table of any leaf has 192.0.2.1"),
        (OTHER_MAC, {}, Status.UNKNOWN, "no table of any leaf has 08:00:27:ff:ff:ff"),
        (VIP.ip, {"L1": None}, Status.UNKNOWN, "no leaf that answered has it on a port"),
        (VIP.ip, {"L2": None}, Status.UNKNOWN, "not all could: L2 kernel neighbor"),
        (VIP.ip, {"L1": {"neighbors": GONE}}, Status.UNKNOWN, "not all could: L1 kernel neighbor"),
        (VIP.ip, {"L2": {"evpn_neighbors": (evpn_neighbor(H2),)}}, Status.FAIL, "several MACs in VNI 100"),
        (VIP.ip, {"L2": {"paths": (path(H2, V2),)}}, Status.FAIL, f"{H2} and {H1}"),
        (H1, {"L2": {"fdb": (fdb_row(H1, "swp7"),)}}, Status.FAIL, "L1 and L2 both say that they learned"),
        (
            H1,
            {"L2": {"fdb": (fdb_row(H1, "vni100", vtep="10.255.0.99"),)}},
            Status.FAIL,
            "tables name VTEP 10.255.0.99",
        ),
        # on the port and, by somebody's hand, behind a VTEP too
        (
            H1,
            {"L1": {"fdb": (fdb_row(H1, "swp1"), fdb_row(H1, "vni100", vtep=V2, extern_learn=False))}},
            Status.FAIL,
            f"tables name VTEP {V2}",
        ),
        (H1, {"L2": {"evpn_macs": (evpn_mac(H1, vtep=V2),)}}, Status.FAIL, f"tables name VTEP {V2}"),
    ],
)
def test_what_can_not_be_told_and_what_contradicts(
    query: Query, leaves: dict[str, object], status: Status, piece: str
) -> None:
    answer = found(query, **leaves)
    assert (answer.status, piece in answer.message) == (status, True), answer.message


def test_what_evpn_left_on_the_vxlan_device_of_the_owners_leaf_is_no_place() -> None:
    """As a virtual MAC that came back leaves it; `verify` passes it with the same words."""
    answer = found(VIP.ip, L1={"fdb": (fdb_row(H1, "swp1"), fdb_row(H1, "vni100", vtep=V2))})
    (place,) = answer.locations
    assert (answer.status, place.vteps) == (Status.PASS, (V1,)), answer.message
    assert f"{H1} vni100 dst {V2}, left over and not used" in {each.says for each in answer.sightings}


def test_a_host_that_is_no_server_is_named_by_lldp() -> None:
    client = MacAddress("44:38:39:00:03:01")
    lldp = (LldpNeighbor(port="swp9", system="C1.example", remote_port="eth1"),)
    answer = found(client, L1={"fdb": (fdb_row(client, "swp9"),), "lldp": lldp})
    (place,) = answer.locations
    assert (place.server, place.leaves) == ("C1.example", (LeafPort(leaf="L1", port="swp9"),))
    unnamed = found(client, L1={"fdb": (fdb_row(client, "swp9"),)})
    assert unnamed.locations[0].server is None


def test_a_virtual_mac_belongs_to_the_server_that_bears_an_address_on_it() -> None:
    whole = cluster(use_vmac=True)
    vmac = whole.vmac
    assert vmac is not None
    healthy = subject()
    macvlan = {
        "H1": (replace(interface("H1", str(VIP)), name="vrrp11", mac=vmac),),
        "H2": (replace(interface("H2"), name="vrrp11", mac=vmac),),
    }
    facts = {
        "L1": leaf_facts("L1", fdb=(fdb_row(vmac, "swp1"),), evpn_macs=(evpn_mac(vmac, port="swp1"),)),
    }
    look = Look(fabric=healthy.cluster.fabric, leaves=facts, uptimes={})
    answer = locate(vmac, [look], {name: read(name, each) for name, each in macvlan.items()}, [whole])
    assert answer.locations[0].server == "H1"
