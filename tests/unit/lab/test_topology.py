"""The gate: what a topology may say, and that each contradiction is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from ipaddress import IPv4Address, ip_address, ip_interface
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from lab.errors import LabUsageError
from lab.model import Firewall, Kind
from lab.topology import TOPOLOGY_FILE, load_topology, parse_topology

Document = dict[str, Any]
Change = Callable[[Document], object]


def document() -> Document:
    return dict(YAML(typ="safe").load(TOPOLOGY_FILE.read_text()))


def parse(changed: Document) -> object:
    return parse_topology(json.dumps(changed), "topology.yaml")


def put(path: str, value: object) -> Change:
    """Set (or, for `...`, delete) what stands at a dotted path."""

    def change(document: Document) -> None:
        *parents, last = path.split(".")
        place: Any = document
        for part in parents:
            place = place[int(part)] if isinstance(place, list) else place[part]
        key = int(last) if isinstance(place, list) else last
        if value is ...:
            del place[key]
        else:
            place[key] = value

    return change


def test_the_lab_as_it_is() -> None:
    topology = load_topology()
    assert [node.name for node in topology.nodes] == ["H1", "H2", "L1", "L2", "S1", "I1", "L3", "C1", "H3", "H4"]
    assert topology.users == ("automation", "cumulus")
    h1, l1, s1 = topology.node("H1"), topology.node("L1"), topology.node("S1")
    assert (h1.kind, h1.firewall, h1.is_router) == (Kind.SERVER, Firewall.IPTABLES, False)
    assert h1.interfaces[0].mac == "08:00:27:7d:af:b4"
    assert topology.node("H2").interfaces[0].mac == "08:00:27:70:07:ae"
    assert (l1.fabric_ports, s1.fabric_ports) == (("swp51",), ("swp1", "swp2", "swp3"))
    vlan = l1.svis[0].vlan
    assert (vlan.name, vlan.vrr, vlan.vxlan) == ("vlan100", "vlan100-v0", "vni100")
    assert vlan.gateways == (ip_interface("100.65.0.1/24"), ip_interface("fd00:100:65::1/64"))
    assert topology.vteps(vlan) == {IPv4Address(f"10.255.0.{leaf}") for leaf in (11, 12, 13)}


def test_a_client_is_a_host_in_the_servers_vlan() -> None:
    topology = load_topology()
    client, leaf = topology.node("C1"), topology.node("L3")
    assert (client.kind, client.user, client.firewall, client.is_router) == (Kind.CLIENT, "cumulus", None, False)
    assert client.gateways == (ip_address("100.65.0.1"), ip_address("fd00:100:65::1"))
    assert [address.network for address in client.interfaces[0].addresses] == [
        gateway.network for gateway in leaf.svis[0].vlan.gateways
    ]


def test_one_family_is_enough() -> None:
    changed = document()
    changed["vlans"]["vlan100"]["gateways"].pop()
    for node in changed["nodes"].values():
        for entry in (*node["interfaces"].values(), *node.get("svis", {}).values()):
            entry["addresses"] = entry.get("addresses", [])[:1]
        if "gateways" in node:
            node["gateways"].pop()
    topology = parse_topology(json.dumps(changed), "topology.yaml")
    assert topology.node("L1").svis[0].addresses == (ip_interface("100.65.0.2/24"),)


def test_links_between_routers_carry_large_frames() -> None:
    assert {link.mtu for link in load_topology().links if link.a[0].startswith("L")} == {9216}
    assert {link.mtu for link in load_topology().links if link.a[0].startswith("H")} == {1500}


def test_a_server_a_leaf_and_a_cluster_more_are_data_alone() -> None:
    changed = document()
    nodes = changed["nodes"]
    nodes["L1"]["interfaces"]["swp3"] = {"vlan": "vlan100"}
    nodes["S1"]["interfaces"]["swp4"] = {}
    nodes["H5"] = {
        "kind": "server",
        "firewall": "nftables",
        "gateways": ["100.65.0.1"],
        "interfaces": {"enp0s8": {"addresses": ["100.65.0.15/24"], "mac": "08:00:27:00:00:03"}},
    }
    nodes["L4"] = {
        "kind": "leaf",
        "asn": 65014,
        "loopback": "10.255.0.14",
        "svis": {"vlan100": {"addresses": ["100.65.0.5/24", "fd00:100:65::5/64"], "mac": "44:38:39:00:00:14"}},
        "interfaces": {"swp51": {}},
    }
    changed["links"] += [["H5:enp0s8", "L1:swp3"], ["L4:swp51", "S1:swp4"]]
    changed["clusters"]["app"] = {"vrid": 12}
    topology = parse_topology(json.dumps(changed), "topology.yaml")
    assert topology.node("S1").fabric_ports == ("swp1", "swp2", "swp3", "swp4")
    assert len(topology.vteps(topology.node("L4").svis[0].vlan)) == 4
    assert list(topology.clusters) == ["web", "db", "app"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        # Unknown and missing keys, wrong types.
        (put("nodes.H1.firewal", "iptables"), "nodes.H1.server.firewal: Extra inputs are not permitted"),
        (put("surprise", 1), "surprise: Extra inputs are not permitted"),
        (put("nodes.H1.firewall", ...), "nodes.H1.server.firewall: Field required"),
        (put("nodes.L1.asn", ...), "nodes.L1.leaf.asn: Field required"),
        (put("nodes.H1.asn", 65001), "nodes.H1.server.asn: Extra inputs are not permitted"),
        (put("nodes.S1.svis", {}), "nodes.S1.spine.svis: Extra inputs are not permitted"),
        (put("nodes.H1.kind", "host"), "nodes.H1: Input tag 'host'"),
        (put("nodes.H1.kind", ...), "nodes.H1: Unable to extract tag"),
        (put("nodes.H1.firewall", "pf"), "Input should be 'iptables', 'nftables', 'firewalld' or 'ufw'"),
        (put("nodes.H1.distribution", "suse"), "Input should be 'debian' or 'el'"),
        (put("nodes.L1.asn", 0), "nodes.L1.leaf.asn"),
        (put("nodes.L1.loopback", "10.255.0"), "nodes.L1.leaf.loopback"),
        (put("nodes.H1.interfaces.enp0s8.addresses.0", "100.65.0.11/33"), "interfaces.enp0s8.addresses.0"),
        (put("nodes.H1.interfaces.enp0s8.addresses.1", "fd00::/129"), "interfaces.enp0s8.addresses.1"),
        (
            put("nodes.H1.interfaces.enp0s8.addresses.1", "100.65.0.13/24"),
            "nodes.H1.server.interfaces.enp0s8.addresses: Value error, 2 addresses of IPv4, and there may be one",
        ),
        (put("nodes.L1.svis.vlan100.addresses.0", "fd00:100:65::9/64"), "vlan100.addresses: Value error, 2 addresses"),
        (put("vlans.vlan100.gateways.0", "fd00:100:65::9/64"), "vlans.vlan100.gateways: Value error, 2 addresses"),
        (put("nodes.I1.gateways.1", "203.0.113.2"), "nodes.I1.outside.gateways: Value error, 2 addresses of IPv4"),
        (put("vlans.vlan100.gateways", []), "vlans.vlan100.gateways: Value should have at least 1 item"),
        (put("nodes.L1.svis.vlan100.addresses", []), "vlan100.addresses: Value should have at least 1 item"),
        (put("nodes.C1.gateways", []), "nodes.C1.client.gateways: List should have at least 1 item"),
        (put("nodes.C1.gateways", ...), "nodes.C1.client.gateways: Field required"),
        (put("nodes.C1.firewall", "iptables"), "nodes.C1.client.firewall: Extra inputs are not permitted"),
        (put("nodes.S1.gateways", ["203.0.113.10"]), "nodes.S1.spine.gateways: Extra inputs are not permitted"),
        (put("nodes.H1.interfaces.enp0s8.mac", "01:00:27:7d:af:b4"), "interfaces.enp0s8.mac"),
        (put("nodes.H1.interfaces.enp0s8.mac", "08-00-27-7d-af-b4"), "interfaces.enp0s8.mac"),
        (put("nodes.H-1", {"kind": "outside"}), "nodes.H-1"),
        (put("nodes.H1.interfaces", {"averyverylongname": {}}), "nodes.H1.server.interfaces.averyverylongname"),
        (put("vlans.vlan100.vni", 16777216), "vlans.vlan100.vni"),
        (put("vlans.vlan100.vrr_mac", "zz"), "vlans.vlan100.vrr_mac"),
        (put("packages", []), "packages"),
        (put("packages.0", "frr; rm -rf /"), "packages.0"),
        (put("suite", "../sid"), "suite"),
        (put("users.leaf", "Root User"), "users.leaf"),
        (put("mtu.fabric", 100), "mtu.fabric"),
        (put("links.0", ["H1:enp0s8"]), "links.0"),
        (put("links.0", ["H1", "L1"]), "links.0.0"),
        # Contradictions.
        (put("users.leaf", ...), "users.leaf: missing, and there is a node of this kind"),
        (
            put("links.0", ["H9:enp0s8", "L1:swp1"]),
            "no node H9 (nodes: H1, H2, L1, L2, S1, I1, L3, C1, H3, H4)",
        ),
        (put("links.0", ["H1:enp0s8", "L1:swp9"]), "links.0: L1 has no interface swp9"),
        (put("links.0", ["H1:enp0s8", "L2:swp1"]), "links: L2:swp1 is used 2 times"),
        (put("links.0", ...), "nodes.H1.interfaces.enp0s8: no link ends there"),
        (put("nodes.L1.interfaces.swp1.vlan", "vlan200"), "L1 has no SVI of vlan200"),
        (put("nodes.S1.interfaces.swp1.vlan", "vlan100"), "nodes.S1.interfaces.swp1.vlan: only a leaf has access"),
        (put("nodes.L1.interfaces.swp1.addresses", ["192.0.2.1/24"]), "an access port has no address"),
        (put("nodes.L1.svis.vlan200", {"addresses": ["10.0.0.1/8"], "mac": "44:38:39:00:00:99"}), "no such VLAN"),
        (
            put("nodes.L1.svis.vlan100.addresses.0", "100.66.0.2/24"),
            "100.66.0.2/24 is not in 100.65.0.0/24 or fd00",
        ),
        (put("nodes.L1.svis.vlan100.addresses.1", "fd00:1::2/64"), "fd00:1::2/64 is not in 100.65.0.0/24 or fd00:100"),
        (put("nodes.L1.svis.vlan100.addresses.0", "100.65.0.1/24"), "100.65.0.1 is the anycast gateway"),
        (put("nodes.L1.svis.vlan100.addresses.1", "fd00:100:65::1/64"), "fd00:100:65::1 is the anycast gateway"),
        (put("nodes.L1.svis.vlan100.addresses.1", ...), "vlan100.addresses: none in fd00:100:65::/64"),
        (put("nodes.C1.gateways.0", "192.0.2.1"), "nodes.C1.gateways: 192.0.2.1 is on no interface's network"),
        (put("nodes.H1.gateways.1", "fd00:1::1"), "nodes.H1.gateways: fd00:1::1 is on no interface's network"),
        (put("nodes.C1.interfaces.eth1.addresses.1", ...), "nodes.C1.gateways: fd00:100:65::1 is on no interface's"),
        (put("nodes.L3.interfaces.swp1.vlan", ...), "nodes.C1.interfaces.eth1: L3:swp1 is no access port of a VLAN"),
        (put("nodes.L1.interfaces.swp1.vlan", ...), "nodes.H1.interfaces.enp0s8: L1:swp1 is no access port of a VLAN"),
        (put("users.client", ...), "users.client: missing, and there is a node of this kind"),
        (put("nodes.H1.gateways.0", "192.0.2.1"), "nodes.H1.gateways: 192.0.2.1 is on no interface's network"),
        (put("nodes.I1.gateways.0", "192.0.2.1"), "nodes.I1.gateways: 192.0.2.1 is on no interface's network"),
        (put("nodes.L2.asn", 65011), "nodes: AS number 65011 is there 2 times"),
        (put("nodes.L2.loopback", "10.255.0.11"), "nodes: loopback 10.255.0.11 is there 2 times"),
        (put("nodes.H2.interfaces.enp0s8.addresses.0", "100.65.0.11/24"), "address 100.65.0.11 is there 2 times"),
        (put("nodes.C1.interfaces.eth1.addresses.1", "fd00:100:65::11/64"), "address fd00:100:65::11 is there 2 times"),
        (put("nodes.H2.interfaces.enp0s8.addresses.0", "100.65.0.2/24"), "nodes: address 100.65.0.2 is there 2 times"),
        (put("nodes.H2.interfaces.enp0s8.mac", "08:00:27:7d:af:b4"), "nodes: MAC 08:00:27:7d:af:b4 is there 2 times"),
        (put("vlans.vlan200", {"vni": 100, "gateways": ["10.0.0.1/8"], "vrr_mac": "00:00:5e:00:01:01"}), "VNI 100 is"),
        (put("vlans.vni100", {"vni": 7, "gateways": ["10.0.0.1/8"], "vrr_mac": "00:00:5e:00:01:01"}), "vlans.vni100"),
    ],
)
def test_what_does_not_fit_is_named(change: Change, problem: str) -> None:
    changed = document()
    change(changed)
    with pytest.raises(LabUsageError) as caught:
        parse(changed)
    assert str(caught.value).startswith("topology.yaml:")
    assert problem in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a: 1\nnodes: [b", ":2: not valid YAML: a list that is never closed"),
        (b"mtu: 1\nmtu: 2\n", ":2: mtu: stands twice"),
        (b"mtu: {access: 0600}\n", "mtu.access: 0600 is 600 here"),
        (b"", "Input should be"),
        (b"- a\n", "Input should be"),
        (b"\xff\xfe\x00", "cannot"),
    ],
)
def test_a_file_that_is_no_topology(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "topology.yaml"
    path.write_bytes(content)
    with pytest.raises(LabUsageError, match=problem):
        load_topology(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LabUsageError, match="cannot be read"):
        load_topology(tmp_path / "none.yaml")
