"""What is written into nodes and namespaces: FRR, firewalls, files, commands."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from lab.keys import KeyPair
from lab.network import cable_plan, node_plan
from lab.nodefiles import NEIGHMGRD, NodeFile, key_files, node_files
from lab.place import LabPaths
from lab.rendering import flow, render
from lab.topology import load_topology

PATHS = LabPaths(name="t1", state=Path("/state"))
TOPOLOGY = load_topology()


def files(node: str) -> dict[str, NodeFile]:
    return {file.path: file for file in node_files(TOPOLOGY.node(node), TOPOLOGY, "vipbook")}


def test_frr_of_a_leaf() -> None:
    assert (
        files("L1")["/etc/frr/frr.conf"].text
        == """\
frr defaults datacenter
hostname L1
log syslog informational
service integrated-vtysh-config
!
router bgp 65011
 bgp router-id 10.255.0.11
 no bgp default ipv4-unicast
 bgp bestpath as-path multipath-relax
 neighbor FABRIC peer-group
 neighbor FABRIC remote-as external
 neighbor FABRIC timers connect 2
 neighbor swp51 interface peer-group FABRIC
 !
 address-family ipv4 unicast
  redistribute connected
  neighbor FABRIC activate
 exit-address-family
 !
 address-family ipv6 unicast
  redistribute connected
  neighbor FABRIC activate
 exit-address-family
 !
 address-family l2vpn evpn
  neighbor FABRIC activate
  advertise-all-vni
  advertise-svi-ip
  dup-addr-detection max-moves 20 time 180
 exit-address-family
exit
"""
    )


def test_frr_of_a_spine_has_no_vni_and_a_session_a_leaf() -> None:
    text = files("S1")["/etc/frr/frr.conf"].text
    assert "advertise-all-vni" not in text
    assert text.count("interface peer-group FABRIC") == 3


@pytest.mark.parametrize("node", ["H1", "H2", "I1", "C1"])
def test_hosts_have_no_router(node: str) -> None:
    assert not [path for path in files(node) if "frr" in path or "neighmgrd" in path]


@pytest.mark.parametrize(
    ("node", "enabled"),
    [
        ("H1", {"netfilter-persistent.service", "iptables.service", "ip6tables.service"}),
        ("H2", {"nftables.service"}),
        ("L1", {"frr.service", "neighmgrd.service"}),
        ("S1", {"frr.service"}),
        ("I1", set()),
        ("L3", {"frr.service", "neighmgrd.service"}),
        ("C1", set()),
    ],
)
def test_each_node_enables_what_its_kind_has(node: str, enabled: set[str]) -> None:
    assert {file.path.rpartition("/")[2] for file in files(node).values() if file.link} == enabled


@pytest.mark.parametrize(
    ("path", "protocol", "reject"),
    [
        ("/etc/iptables/rules.v4", "-p icmp ", "icmp-host-prohibited"),
        ("/etc/iptables/rules.v6", "-p ipv6-icmp ", "icmp6-adm-prohibited"),
    ],
)
def test_iptables_accepts_little_and_rejects_the_rest_last(path: str, protocol: str, reject: str) -> None:
    rules = [line for line in files("H1")[path].text.splitlines() if line.startswith("-A")]
    assert protocol in rules[2]
    assert rules[-1] == f"-A INPUT -j REJECT --reject-with {reject}"
    assert not [line for line in rules if "112" in line or "vrrp" in line]


def test_nftables_rejects_last() -> None:
    text = files("H2")["/etc/nftables.conf"].text
    chain = text[text.index("chain input") : text.index("chain forward")]
    rules = [line.strip() for line in chain.splitlines() if line.startswith("\t\t")]
    assert rules[0] == "type filter hook input priority filter; policy drop;"
    assert rules[-1] == "reject with icmpx admin-prohibited"
    assert "vrrp" not in chain


def test_neighmgrd_is_there_whole() -> None:
    sources = {path.rpartition("/")[2] for path in files("L1") if path.startswith("/usr/local/lib/neighmgrd/")}
    assert sources == {path.name for path in NEIGHMGRD.glob("*.py")}
    assert {"__main__.py", "arp.py", "ndp.py"} < sources
    assert "neighmgrd vlan100\n" in files("L1")["/etc/systemd/system/neighmgrd.service"].text


def test_neighmgrd_needs_nothing_that_a_leaf_has_not() -> None:
    """A leaf has no lab package: only the standard library and its own modules."""
    for path, file in files("L1").items():
        if path.startswith("/usr/local/lib/neighmgrd/"):
            assert "from lab" not in file.text, path


def test_keys_open_the_one_account() -> None:
    written = {file.path: file for file in key_files(TOPOLOGY.node("L1"), KeyPair(private="p", public="q"), "login")}
    assert written["/home/cumulus/.ssh/authorized_keys"].owner == "cumulus"
    assert written["/etc/ssh/ssh_host_ed25519_key"].mode == 0o600
    assert len(written) == 3


def test_machine_ids_differ() -> None:
    labs = [
        {file.path: file.text for file in node_files(TOPOLOGY.node(node), TOPOLOGY, prefix)}["/etc/machine-id"]
        for node in ("H1", "H2")
        for prefix in ("vipbook", "vipbook-t1")
    ]
    assert len(set(labs)) == 4
    assert {len(text) for text in labs} == {33}


def test_cables_have_both_ends_in_namespaces_from_the_start() -> None:
    cables = cable_plan(TOPOLOGY, PATHS)
    assert len(cables) == 9
    assert cables[0] == (
        "link add name enp0s8 netns vipbook-t1-H1 address 08:00:27:7d:af:b4 mtu 1500 "
        "type veth peer name swp1 netns vipbook-t1-L1 address 44:38:39:00:11:01 mtu 1500"
    )
    assert all(line.count(" netns vipbook-t1-") == 2 for line in cables)


def test_a_leaf_has_its_own_address_the_gateway_and_a_vtep() -> None:
    plan = node_plan(TOPOLOGY.node("L1"), PATHS)
    assert "addr add 100.65.0.2/24 dev vlan100" in plan.ip
    assert "addr add fd00:100:65::2/64 dev vlan100 nodad" in plan.ip
    assert "addr add 100.65.0.1/24 dev vlan100-v0 metric 1024" in plan.ip
    assert "addr add fd00:100:65::1/64 dev vlan100-v0 nodad metric 1024" in plan.ip
    assert "link add vni100 type vxlan id 100 local 10.255.0.11 dstport 4789 nolearning" in plan.ip
    assert plan.ip.index("link set swp1 master vlan100") < plan.ip.index("link set swp1 up")
    assert "link set dev vni100 learning off neigh_suppress on" in plan.bridge
    assert "fdb add 00:00:5e:00:01:64 dev vlan100 self local" in plan.bridge
    assert dict(plan.after) == {"net.ipv4.conf.vlan100.arp_accept": "2"}


def test_routers_route_and_hosts_do_not() -> None:
    sysctls = {node.name: dict(node_plan(node, PATHS).before) for node in TOPOLOGY.nodes}
    routers = {name for name, settings in sysctls.items() if settings["net.ipv4.ip_forward"] == "1"}
    assert routers == {"L1", "L2", "L3", "S1"}
    assert routers == {name for name, settings in sysctls.items() if "net.ipv6.conf.all.forwarding" in settings}


@pytest.mark.parametrize(
    ("node", "interface", "last", "gateway"),
    [
        ("H1", "enp0s8", "11", "fd00:100:65::1"),
        ("C1", "eth1", "21", "fd00:100:65::1"),
        ("I1", "eth1", "10", "fd00:203:113::1"),
    ],
)
def test_a_host_has_an_address_and_a_gateway_of_each_family(node: str, interface: str, last: str, gateway: str) -> None:
    lines = node_plan(TOPOLOGY.node(node), PATHS).ip
    addresses = [line.split()[2] for line in lines if line.startswith("addr add")]
    network = gateway.removesuffix("1")
    assert addresses[1] == f"{network}{last}/64"
    assert addresses[0].endswith(f".{last}/24")
    assert f"addr add {addresses[1]} dev {interface} nodad" in lines
    assert lines[-1] == f"route add default via {gateway}"


def test_a_host_is_found_by_its_first_address() -> None:
    hosts = files("I1")["/etc/hosts"].text
    assert "100.65.0.21\tC1\n" in hosts
    assert "10.255.0.13\tL3\n" in hosts


def test_an_undefined_variable_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render("frr.conf.j2")


@pytest.mark.parametrize(
    ("value", "text"),
    [(11, "11"), ("a", "a"), ("", "''"), ("a: b", "'a: b'"), (["a"], "[a]"), ({"a": {"b": 1}}, "{a: {b: 1}}")],
)
def test_flow(value: object, text: str) -> None:
    assert flow(value) == text
