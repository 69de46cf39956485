"""The lab's fabric: who reaches whom, and what leaves learn of an address that moves. Needs root."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.lab.conftest import Fabric
from tests.lab.nodes import argv_in, run_in

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

# No address of a cluster: whatever the servers of this lab run, they leave it alone.
VIP, VIP6 = "100.65.0.77", "fd00:100:65::77"
GATEWAYS = {VIP: "100.65.0.1", VIP6: "fd00:100:65::1"}
H1_ADDRESSES = ("100.65.0.11", "fd00:100:65::11")
OWN_ADDRESSES6 = (
    ("H1", "enp0s8", "fd00:100:65::11"),
    ("H2", "enp0s8", "fd00:100:65::12"),
    ("C1", "eth1", "fd00:100:65::21"),
)
H1_MAC, H2_MAC, C1_MAC = "08:00:27:7d:af:b4", "08:00:27:70:07:ae", "44:38:39:00:03:01"
HOMES = {H1_MAC: "L1", H2_MAC: "L2", C1_MAC: "L3"}
LEAVES = ("L1", "L2", "L3")
# An unsolicited Neighbor Advertisement to all nodes: what keepalived sends, and no program of the base system.
ADVERTISE = """
import socket, struct, sys
address, everyone = (socket.inet_pton(socket.AF_INET6, text) for text in (sys.argv[1], "ff02::1"))
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
raw.bind(("enp0s8", 0x86DD))
mac = raw.getsockname()[4]
def message(checksum):
    return struct.pack("!BBHI16sBB6s", 136, 0, checksum, 0x20000000, address, 2, 1, mac)
total = sum(struct.unpack("!36H", address + everyone + struct.pack("!II", 32, 58) + message(0)))
total = (total & 0xFFFF) + (total >> 16)
body = message(~((total & 0xFFFF) + (total >> 16)) & 0xFFFF)
head = struct.pack("!IHBB", 6 << 28, len(body), 58, 255) + address + everyone
raw.send(bytes.fromhex("333300000001") + mac + bytes.fromhex("86dd") + head + body)
"""


@pytest.fixture(scope="module")
def lab(fabric: Fabric) -> Iterator[None]:
    """As it was built: an interface that another test took down has lost its IPv6 address and route."""
    for node, device, address in OWN_ADDRESSES6:
        run(node, "ip", "link", "set", "dev", device, "up")
        run(node, "ip", "-6", "addr", "replace", f"{address}/64", "dev", device, "nodad")
        run(node, "ip", "-6", "route", "replace", "default", "via", GATEWAYS[VIP6], "dev", device)
    yield
    fabric.proof.touched()


@pytest.fixture(params=[VIP, VIP6])
def vip(lab: None, request: pytest.FixtureRequest) -> Iterator[str]:
    """An address of each family: claimed by H1, and learned; taken off again, neighmgrd running."""
    address = str(request.param)
    claim("H1", address)
    wait_for(H1_MAC, address)
    yield address
    for leaf in LEAVES:
        run(leaf, "systemctl", "start", "neighmgrd")
    for server in ("H1", "H2"):
        run_in(server, "ip", "addr", "del", on_link(address), "dev", "enp0s8")


def run(node: str, *command: str) -> str:
    done = run_in(node, *command)
    done.check_returncode()
    return done.stdout


def run_python(node: str, program: str, *arguments: str) -> None:
    run_in(node, "python3", "-", *arguments, stdin=program).check_returncode()


def on_link(address: str) -> str:
    return f"{address}/{64 if ':' in address else 24}"


def claim(server: str, address: str) -> None:
    """As a VRRP master does: the address, then gratuitous ARP or an unsolicited Neighbor Advertisement."""
    if ":" in address:
        run(server, "ip", "addr", "replace", on_link(address), "dev", "enp0s8", "nodad")
        run_python(server, ADVERTISE, address)
    else:
        run(server, "ip", "addr", "replace", on_link(address), "dev", "enp0s8")
        run(server, "arping", "-q", "-c", "1", "-U", "-I", "enp0s8", address)


def release(server: str, address: str) -> None:
    run(server, "ip", "addr", "del", on_link(address), "dev", "enp0s8")


def neighbors(node: str, address: str, interface: str = "vlan100") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(run(node, "ip", "-j", "neigh", "show", "to", address, "dev", interface))
    return rows


def neighbor(node: str, address: str, interface: str = "vlan100") -> str:
    rows = neighbors(node, address, interface)
    return str(rows[0].get("lladdr", "")) if rows else ""


def evpn(leaf: str, address: str) -> tuple[str, str]:
    """(MAC, local or remote) of zebra's arp-cache."""
    document = json.loads(run(leaf, "vtysh", "-c", f"show evpn arp-cache vni 100 ip {address} json") or "{}")
    return document.get("mac", ""), document.get("type", "")


def learned(mac: str, address: str) -> bool:
    """Every leaf names this MAC, in the kernel and in zebra, and it is local to its own leaf alone."""
    wanted = {leaf: (mac, "local" if leaf == HOMES[mac] else "remote") for leaf in LEAVES}
    return all(neighbor(leaf, address) == mac and evpn(leaf, address) == wanted[leaf] for leaf in wanted)


def eventually(check: Callable[[], bool], timeout: float = 10.0) -> bool:
    deadline = time.monotonic() + timeout
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def wait_for(mac: str, address: str) -> None:
    found = eventually(lambda: learned(mac, address))
    assert found, {leaf: (neighbor(leaf, address), evpn(leaf, address)) for leaf in LEAVES}


def lldp_neighbors(leaf: str) -> dict[str, tuple[str, str]]:
    """(system name, port) by interface. In this format everything is a list, however many there are."""
    (document,) = json.loads(run(leaf, "lldpctl", "-f", "json0"))["lldp"]
    return {
        entry["name"]: (entry["chassis"][0]["name"][0]["value"], entry["port"][0]["id"][0]["value"])
        for entry in document.get("interface", [])
    }


def test_every_service_came_up(lab: None) -> None:
    for node in (*LEAVES, "S1", "I1", "C1", "H1", "H2", "H3", "H4"):
        state = run_in(node, "systemctl", "is-system-running", "--wait")
        assert state.stdout.strip() == "running", run_in(node, "systemctl", "--failed").stdout
        assert run_in(node, "systemctl", "is-enabled", "lldpd").stdout.strip() == "enabled"
        assert run_in(node, "systemctl", "is-active", "lldpd").stdout.strip() == "active"
    wanted = {
        "H1": "netfilter-persistent",
        "H2": "nftables",
        "H3": "firewalld",
        "H4": "ufw",
        "L1": "neighmgrd",
        "S1": "frr",
        "L3": "neighmgrd",
    }
    for node, service in wanted.items():
        assert run_in(node, "systemctl", "is-enabled", service).stdout.strip() == "enabled"
        assert run_in(node, "systemctl", "is-active", service).stdout.strip() == "active"
    unwanted = {
        "H1": ("nftables", "frr"),
        "H2": ("netfilter-persistent", "frr"),
        "C1": ("netfilter-persistent", "nftables", "frr"),
    }
    for node, services in unwanted.items():
        for service in services:
            assert run_in(node, "systemctl", "is-enabled", service).stdout.strip() == "disabled"


@pytest.mark.parametrize(
    ("source", "target"),
    [
        *(("I1", f"{network}{host}") for network in ("100.65.0.", "fd00:100:65::") for host in (11, 12, 21)),
        *(("C1", f"{network}{host}") for network in ("100.65.0.", "fd00:100:65::") for host in (1, 11, 12)),
        ("C1", "203.0.113.10"),
        ("C1", "fd00:203:113::10"),
        ("H1", "fd00:100:65::12"),
    ],
)
def test_everyone_is_reached_once(lab: None, source: str, target: str) -> None:
    run(source, "ping", "-c", "1", "-w", "5", target)
    answers = run(source, "ping", "-c", "5", "-i", "0.05", target)
    assert "5 received" in answers
    # Every leaf has the gateway's MAC; a frame for it must not be routed by more than one.
    assert "DUP" not in answers


@pytest.mark.parametrize("address", H1_ADDRESSES)
def test_the_clients_leaf_answers_in_a_remote_servers_place(lab: None, address: str) -> None:
    """ARP and ND suppression: the client gets H1's own MAC, and H1 is not asked."""
    run("C1", "ping", "-c", "1", "-w", "5", address)
    wait_for(H1_MAC, address)
    run("C1", "ip", "neigh", "flush", "dev", "eth1")
    with subprocess.Popen(
        argv_in("H1", "timeout", "2", "tcpdump", "-nnel", "-i", "enp0s8", "ether", "src", C1_MAC),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as watching:
        assert watching.stderr is not None
        while "listening on" not in (line := watching.stderr.readline()):
            assert line, "tcpdump ended"
        run("C1", "ping", "-c", "2", "-i", "0.05", "-W", "2", address)
        assert neighbor("C1", address, "eth1") == H1_MAC
        seen, _ = watching.communicate()
    assert "echo request" in seen
    assert "who-has" not in seen
    assert "neighbor solicitation" not in seen


@pytest.mark.parametrize("address", H1_ADDRESSES)
def test_the_clients_leaf_has_the_servers_mac_from_evpn(lab: None, address: str) -> None:
    run("C1", "ping", "-c", "1", "-w", "5", address)
    wait_for(H1_MAC, address)
    (row,) = neighbors("L3", address)
    assert (row["lladdr"], row["state"], row["protocol"]) == (H1_MAC, ["NOARP"], "zebra")
    assert "extern_learn" in row
    mac = json.loads(run("L3", "vtysh", "-c", f"show evpn mac vni 100 mac {H1_MAC} json"))[H1_MAC]
    assert (mac["type"], mac["remoteVtep"]) == ("remote", "10.255.0.11")


@pytest.mark.parametrize(("address", "gateway"), [("100.65.0.21", GATEWAYS[VIP]), ("fd00:100:65::21", GATEWAYS[VIP6])])
def test_every_leaf_knows_the_client(lab: None, address: str, gateway: str) -> None:
    run("C1", "ping", "-c", "1", "-w", "5", gateway)
    wait_for(C1_MAC, address)


@pytest.mark.parametrize(
    ("leaf", "hosts", "port", "spine_port"),
    [("L1", ("H1", "H3"), "enp0s8", "swp1"), ("L2", ("H2", "H4"), "enp0s8", "swp2"), ("L3", ("C1",), "eth1", "swp3")],
)
def test_lldp_names_the_neighbors(lab: None, leaf: str, hosts: tuple[str, ...], port: str, spine_port: str) -> None:
    wanted = {f"swp{number}": (host, port) for number, host in enumerate(hosts, 1)} | {"swp51": ("S1", spine_port)}
    assert eventually(lambda: lldp_neighbors(leaf) == wanted), lldp_neighbors(leaf)
    # As a person there asks; lldpd's socket is not everyone's.
    said = json.loads(run(leaf, "su", "cumulus", "-c", "sudo -n lldpctl -f json"))
    assert {*hosts, "S1"} == {
        name
        for entry in said["lldp"]["interface"]
        for neighbor_there in entry.values()
        for name in neighbor_there["chassis"]
    }
    assert run(leaf, "journalctl", "-q", "-p", "warning", "-u", "lldpd") == ""


def test_a_gratuitous_claim_alone_is_learned(vip: str) -> None:
    (row,) = neighbors("L1", vip)
    assert row["state"] == ["REACHABLE"]
    assert "extern_learn" not in row
    for leaf in ("L2", "L3"):
        assert "extern_learn" in neighbors(leaf, vip)[0]


def test_an_address_that_moves_is_followed_there_and_back(vip: str) -> None:
    for old, new, mac in (("H1", "H2", H2_MAC), ("H2", "H1", H1_MAC)):
        release(old, vip)
        claim(new, vip)
        wait_for(mac, vip)


def test_an_address_that_moves_is_reached_by_the_client_of_another_leaf(vip: str) -> None:
    run("C1", "ping", "-c", "1", "-w", "5", vip)
    release("H1", vip)
    claim("H2", vip)
    wait_for(H2_MAC, vip)
    # Where suppression is on the claim itself is not flooded to: the client has to ask again.
    run("C1", "ip", "neigh", "flush", "dev", "eth1")
    assert "3 received" in run("C1", "ping", "-c", "3", "-i", "0.05", "-W", "2", vip)
    assert neighbor("C1", vip, "eth1") == H2_MAC


def test_the_vrr_interface_is_kept_in_step(vip: str) -> None:
    # It hears only who asks for the gateway.
    run("H1", "ip", "neigh", "flush", "dev", "enp0s8")
    run("H1", "ping", "-c", "1", "-W", "2", "-I", vip, GATEWAYS[vip])
    assert eventually(lambda: neighbor("L1", vip, "vlan100-v0") == H1_MAC)
    release("H1", vip)
    claim("H2", vip)
    wait_for(H2_MAC, vip)
    assert eventually(lambda: neighbor("L1", vip, "vlan100-v0") == H2_MAC)


def test_without_neighmgrd_an_address_that_moves_is_lost(vip: str) -> None:
    for leaf in LEAVES:
        run(leaf, "systemctl", "stop", "neighmgrd")
    release("H1", vip)
    claim("H2", vip)
    assert not eventually(lambda: learned(H2_MAC, vip), timeout=3)
    # L2 holds the entry that EVPN installed, which neither ARP nor ND may overwrite.
    assert neighbor("L2", vip) == H1_MAC
    for leaf in LEAVES:
        run(leaf, "systemctl", "start", "neighmgrd")
    claim("H2", vip)
    wait_for(H2_MAC, vip)


@pytest.mark.parametrize(
    "address", ["100.65.0.1", "100.65.0.2", "192.0.2.1", "fd00:100:65::1", "fd00:100:65::2", "2001:db8::1"]
)
def test_no_host_takes_over_the_gateway_or_an_address_of_another_network(lab: None, address: str) -> None:
    before = run("L1", "ip", "neigh", "show", "to", address)
    host_route = f"{address}/{128 if ':' in address else 32}"
    run("H1", "ip", "addr", "add", host_route, "dev", "enp0s8")
    try:
        if ":" in address:
            run_python("H1", ADVERTISE, address)
        else:
            run("H1", "arping", "-q", "-c", "1", "-U", "-I", "enp0s8", address)
        assert not eventually(lambda: run("L1", "ip", "neigh", "show", "to", address) != before, timeout=0.5)
    finally:
        run("H1", "ip", "addr", "del", host_route, "dev", "enp0s8")


def test_neighmgrd_outlives_what_it_is_sent(vip: str) -> None:
    """Cut frames, another protocol's ARP, ND that a router has forwarded, claims with a group MAC: none may end it."""
    pid = run("L1", "systemctl", "show", "--property=MainPID", "neighmgrd")
    garbage = """
import socket
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
raw.bind(("enp0s8", 0x0806))
head = bytes.fromhex("ffffffffffff" "0800277dafb4")
addresses = "fd000100006500000000000000000010" "ff020000000000000000000000000001"
advertisement = addresses + "8800000020000000" "fd000100006500000000000000000010" "0201"
for body in ("", "0001", "0001080006040001" + "ff" * 20, "00ff" * 14, "0001080006040009" + "01" * 20):
    raw.send(head + bytes.fromhex("0806" + body))
for body in (
    "",
    "60",
    "6000000000003aff" + addresses,
    "60000000ffff3aff" + advertisement,
    "6000000000203afe" + advertisement + "0800277dafb4",
    "6000000000203aff" + advertisement + "ff" * 6,
    "6000000000203aff" + advertisement[:-4] + "0200" + "00" * 6,
):
    raw.send(head + bytes.fromhex("86dd" + body))
"""
    run_python("H1", garbage)
    release("H1", vip)
    claim("H2", vip)
    wait_for(H2_MAC, vip)
    assert run("L1", "systemctl", "show", "--property=MainPID", "neighmgrd") == pid
