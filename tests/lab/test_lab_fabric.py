"""The lab's fabric: what leaves learn of an address that moves, with neighmgrd and without. Needs root."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from lab import api
from lab.boot import enter_argv, find_leader
from lab.place import LabPaths, state_directory

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

NAME = "fabric"
VIP = "100.65.0.10"
H1_MAC, H2_MAC = "08:00:27:7d:af:b4", "08:00:27:70:07:ae"
PATHS = LabPaths(name=NAME, state=state_directory())


@pytest.fixture(scope="module")
def lab() -> Iterator[str]:
    api.down(NAME, lambda _: None)
    api.up(NAME, lambda _: None)
    yield NAME
    api.down(NAME, lambda _: None)


@pytest.fixture
def vip(lab: str) -> Iterator[str]:
    """Claimed by H1, and learned; taken off again, neighmgrd running."""
    del lab
    claim("H1")
    wait_for(H1_MAC)
    yield VIP
    for leaf in ("L1", "L2"):
        run(leaf, "systemctl", "start", "neighmgrd")
    for server in ("H1", "H2"):
        subprocess.run(
            argv(server, "ip", "addr", "del", f"{VIP}/24", "dev", "enp0s8"), capture_output=True, check=False
        )


def argv(node: str, *command: str) -> list[str]:
    leader = find_leader(PATHS, node)
    assert leader is not None
    return enter_argv(leader, command)


def run(node: str, *command: str) -> str:
    return subprocess.run(argv(node, *command), capture_output=True, text=True, check=True).stdout


def claim(server: str) -> None:
    """As a VRRP master does: the address, then gratuitous ARP."""
    run(server, "ip", "addr", "replace", f"{VIP}/24", "dev", "enp0s8")
    run(server, "arping", "-q", "-c", "1", "-U", "-I", "enp0s8", VIP)


def release(server: str) -> None:
    run(server, "ip", "addr", "del", f"{VIP}/24", "dev", "enp0s8")


def neighbor(leaf: str, interface: str = "vlan100") -> str:
    rows = json.loads(run(leaf, "ip", "-j", "-4", "neigh", "show", "to", VIP, "dev", interface))
    return str(rows[0].get("lladdr", "")) if rows else ""


def evpn(leaf: str) -> tuple[str, str]:
    """(MAC, local or remote) of zebra's arp-cache."""
    document = json.loads(run(leaf, "vtysh", "-c", f"show evpn arp-cache vni 100 ip {VIP} json") or "{}")
    return document.get("mac", ""), document.get("type", "")


def learned(mac: str, home: str) -> bool:
    """Every leaf names this MAC, in the kernel and in zebra, and it is local to its own leaf alone."""
    wanted = {leaf: (mac, "local" if leaf == home else "remote") for leaf in ("L1", "L2")}
    return all(neighbor(leaf) == mac and evpn(leaf) == wanted[leaf] for leaf in wanted)


def eventually(check: Callable[[], bool], timeout: float = 10.0) -> bool:
    deadline = time.monotonic() + timeout
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def wait_for(mac: str) -> None:
    home = {H1_MAC: "L1", H2_MAC: "L2"}[mac]
    assert eventually(lambda: learned(mac, home)), {leaf: (neighbor(leaf), evpn(leaf)) for leaf in ("L1", "L2")}


def test_outside_reaches_both_servers_once_each(lab: str) -> None:
    del lab
    for address in ("100.65.0.11", "100.65.0.12"):
        run("I1", "ping", "-c", "1", "-w", "5", address)
        answers = run("I1", "ping", "-c", "5", "-i", "0.05", address)
        assert "5 received" in answers
        # Two leaves have the gateway's MAC; a frame for it must not be routed by both.
        assert "DUP" not in answers


def test_gratuitous_arp_alone_is_learned(vip: str) -> None:
    row = json.loads(run("L1", "ip", "-j", "-4", "neigh", "show", "to", vip, "dev", "vlan100"))[0]
    assert row["state"] == ["REACHABLE"]
    assert "extern_learn" not in row
    assert "extern_learn" in run("L2", "ip", "-4", "neigh", "show", "to", vip, "dev", "vlan100")


def test_an_address_that_moves_is_followed_there_and_back(vip: str) -> None:
    del vip
    for old, new, mac in (("H1", "H2", H2_MAC), ("H2", "H1", H1_MAC)):
        release(old)
        claim(new)
        wait_for(mac)


def test_the_vrr_interface_is_kept_in_step(vip: str) -> None:
    run("H1", "arping", "-q", "-c", "1", "-w", "2", "-I", "enp0s8", "-s", vip, "100.65.0.1")
    assert eventually(lambda: neighbor("L1", "vlan100-v0") == H1_MAC)
    release("H1")
    claim("H2")
    wait_for(H2_MAC)
    assert eventually(lambda: neighbor("L1", "vlan100-v0") == H2_MAC)


def test_without_neighmgrd_an_address_that_moves_is_lost(vip: str) -> None:
    for leaf in ("L1", "L2"):
        run(leaf, "systemctl", "stop", "neighmgrd")
    release("H1")
    claim("H2")
    assert not eventually(lambda: learned(H2_MAC, "L2"), timeout=3)
    # L2 holds the entry that EVPN installed, which ARP may not overwrite.
    assert neighbor("L2") == H1_MAC
    for leaf in ("L1", "L2"):
        run(leaf, "systemctl", "start", "neighmgrd")
    claim("H2")
    wait_for(H2_MAC)
    assert vip == VIP


@pytest.mark.parametrize("address", ["100.65.0.1", "100.65.0.2", "192.0.2.1"])
def test_no_host_takes_over_the_gateway_or_an_address_of_another_network(lab: str, address: str) -> None:
    del lab
    before = run("L1", "ip", "-4", "neigh", "show", "to", address)
    run("H1", "ip", "addr", "add", f"{address}/32", "dev", "enp0s8")
    try:
        run("H1", "arping", "-q", "-c", "1", "-U", "-I", "enp0s8", address)
        assert not eventually(lambda: run("L1", "ip", "-4", "neigh", "show", "to", address) != before, timeout=0.5)
    finally:
        run("H1", "ip", "addr", "del", f"{address}/32", "dev", "enp0s8")


def test_neighmgrd_outlives_what_it_is_sent(vip: str) -> None:
    """A cut frame, another protocol's ARP, a claim with a group MAC: none may end it."""
    pid = run("L1", "systemctl", "show", "--property=MainPID", "neighmgrd")
    garbage = """
import socket
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
raw.bind(("enp0s8", 0x0806))
head = bytes.fromhex("ffffffffffff" "0800277dafb4" "0806")
for body in ("", "0001", "0001080006040001" + "ff" * 20, "00ff" * 14, "0001080006040009" + "01" * 20):
    raw.send(head + bytes.fromhex(body))
"""
    subprocess.run(argv("H1", "python3", "-"), input=garbage, text=True, check=True)
    release("H1")
    claim("H2")
    wait_for(H2_MAC)
    assert run("L1", "systemctl", "show", "--property=MainPID", "neighmgrd") == pid
    assert vip == VIP
