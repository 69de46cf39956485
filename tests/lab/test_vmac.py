"""A VIP with a MAC of its own, and a VIP of IPv6, on real keepalived: on and off again by reload alone."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.lab.conftest import Fabric, Ran, eventually

pytestmark = pytest.mark.lab
CONFIG = "/etc/keepalived/keepalived.conf"
VIP, VIP6 = "100.65.0.10/24", "fd00:100:65::10/64"
VMAC = "00:00:5e:00:01:0b"
MACS = {"H1": "08:00:27:7d:af:b4", "H2": "08:00:27:70:07:ae"}
SYSCTL_FILE = "/etc/sysctl.d/90-vipbook.conf"
ANNOUNCE = "/proc/sys/net/ipv4/conf/enp0s8/arp_announce"
WITH_VMAC = ("vrid: 11", "vrid: 11\n    use_vmac: true")
WITH_IPV6 = (f"[{VIP}]", f"[{VIP}, {VIP6}]")


def interfaces(fabric: Fabric, server: str) -> dict[str, dict[str, Any]]:
    """The server's interfaces by name: `address` is the MAC, `addr_info` the addresses."""
    rows: list[dict[str, Any]] = json.loads(fabric.shell(server, "ip", "-j", "addr", "show"))
    return {row["ifname"]: row for row in rows}


def bearers(fabric: Fabric, address: str) -> list[tuple[str, str]]:
    """Server and interface of everybody who bears the address with its prefix."""
    return [
        (server, name)
        for server in ("H1", "H2")
        for name, row in interfaces(fabric, server).items()
        if address in {f"{each['local']}/{each['prefixlen']}" for each in row["addr_info"]}
    ]


def neighbor(fabric: Fabric, leaf: str) -> str:
    """MAC that the leaf has for the IPv4 VIP."""
    rows = json.loads(fabric.shell(leaf, "ip", "-j", "neigh", "show", "to", VIP.partition("/")[0], "dev", "vlan100"))
    return str(rows[0].get("lladdr", "")) if rows else ""


def announcing(fabric: Fabric) -> dict[str, tuple[str, bool]]:
    """arp_announce of each server's interface, and whether our file stands there."""
    return {
        server: (
            fabric.shell(server, "cat", ANNOUNCE).strip(),
            SYSCTL_FILE in fabric.shell(server, "ls", SYSCTL_FILE, check=False),
        )
        for server in ("H1", "H2")
    }


def macs_held(fabric: Fabric, host: str, seconds: int) -> set[str]:
    """Every MAC that a host had for the IPv4 VIP meanwhile, looked at twenty times a second."""
    device = "eth1" if host == "C1" else "vlan100"
    look = f"ip -4 neigh show to {VIP.partition('/')[0]} dev {device}"
    loop = f"n=0; while [ $n -lt {20 * seconds} ]; do {look}; sleep 0.05; n=$((n + 1)); done"
    lines = fabric.shell(host, "sh", "-c", loop).splitlines()
    return {line.split("lladdr ")[1].split()[0] for line in lines if "lladdr " in line}


def pids(fabric: Fabric) -> list[str]:
    return [fabric.shell(server, "systemctl", "show", "-P", "MainPID", "keepalived") for server in ("H1", "H2")]


def outcomes(ran: Ran) -> dict[str, str]:
    return {each["host"]: each["outcome"] for each in ran.report["servers"]}


def passing(ran: Ran, *checks: str) -> bool:
    """Do these checks of the servers hold for every VIP?"""
    return all(ran.checks()[f"{check}/{server}"]["status"] == "pass" for check in checks for server in ("H1", "H2"))


@pytest.fixture
def plain(healthy: Fabric) -> Iterator[Fabric]:
    """The healthy lab, and at the end again what it was: no macvlan, no table of keepalived's."""
    yield healthy
    ran = healthy.vipbook("apply", "--yes", "--json")
    # A reload leaves keepalived's tables where they are, a stop takes them along; the backup first.
    for server in ("H2", "H1"):
        healthy.shell(server, "systemctl", "restart", "keepalived")
        problem = healthy.proof.problem(["web"], wait_s=60)
        assert not problem, problem
    assert ran.code == 0, ran.problems()


def test_a_virtual_mac_on_and_off_again_by_reload(plain: Fabric, tmp_path: Path) -> None:
    virtual = plain.variant(tmp_path, WITH_VMAC)
    before = pids(plain)
    ran = virtual.vipbook("apply", "--yes", "--json")
    assert outcomes(ran) == {"H1": "applied", "H2": "applied"}
    eventually(lambda: bearers(plain, VIP), lambda found: found == [("H1", "vrrp11")], 15)
    for server in ("H1", "H2"):
        found = interfaces(plain, server)
        assert (found["vrrp11"]["address"], found["enp0s8"]["address"]) == (VMAC, MACS[server])
    for leaf in ("L1", "L2"):
        eventually(lambda leaf=leaf: neighbor(plain, leaf), lambda mac: mac == VMAC, 15)  # type: ignore[misc]
    assert f"{VMAC} dev swp1 master" in plain.shell("L1", "bridge", "fdb", "show", "br", "vlan100")

    shown = virtual.vipbook("verify", "--json")
    assert passing(shown, "config", "service", "running-config", "firewall", "vip-address"), shown.problems()
    assert shown.checks()["adverts/H2"]["status"] == "pass"
    assert virtual.vipbook("plan", "--check").code == 0
    assert outcomes(virtual.vipbook("apply", "--yes", "--json")) == {"H1": "unchanged", "H2": "unchanged"}

    assert plain.vipbook("apply", "--yes").code == 0
    ran = plain.vipbook("verify", "--wait", "60", "--json")
    assert ran.report["verdict"] == "pass", ran.problems()
    assert bearers(plain, VIP) == [("H1", "enp0s8")]
    assert "vrrp11" not in interfaces(plain, "H1").keys() | interfaces(plain, "H2").keys()
    assert neighbor(plain, "L1") == neighbor(plain, "L2") == MACS["H1"]
    assert pids(plain) == before


def test_traffic_that_needs_arp_leaves_the_vip_bound_to_its_virtual_mac(plain: Fabric, tmp_path: Path) -> None:
    """Whom the master asks for with the VIP's packets waiting must not learn another MAC from that."""
    virtual = plain.variant(tmp_path, WITH_VMAC)
    assert announcing(plain) == {"H1": ("0", False), "H2": ("0", False)}
    assert outcomes(virtual.vipbook("apply", "--yes", "--json")) == {"H1": "applied", "H2": "applied"}
    assert announcing(plain) == {"H1": ("2", True), "H2": ("2", True)}
    assert plain.shell("H1", "stat", "-c", "%U:%G %a", SYSCTL_FILE).strip() == "root:root 644"
    assert virtual.vipbook("plan", "--check").code == 0
    hosts = ("L1", "L2", "L3", "C1")
    for host in hosts:
        eventually(lambda host=host: macs_held(plain, host, 1), lambda macs: macs == {VMAC}, 75)  # type: ignore[misc]
    with ThreadPoolExecutor() as pool:
        held = {host: pool.submit(macs_held, plain, host, 8) for host in hosts}
        pings = [
            pool.submit(plain.shell, host, "ping", "-q", "-n", "-i", "0.2", "-c", "30", VIP.partition("/")[0])
            for host in ("C1", "I1")
        ]
        for _ in range(4):
            plain.shell("H1", "ip", "neigh", "flush", "dev", "enp0s8")
            time.sleep(1.5)
        assert {host: found.result() for host, found in held.items()} == {host: {VMAC} for host in hosts}
        assert all(" 0% packet loss" in ping.result() for ping in pings)
    assert plain.vipbook("apply", "--yes").code == 0
    assert announcing(plain) == {"H1": ("0", False), "H2": ("0", False)}


def test_what_was_changed_beneath_a_virtual_mac_is_seen_and_mended(plain: Fabric, tmp_path: Path) -> None:
    virtual = plain.variant(tmp_path, WITH_VMAC)
    assert outcomes(virtual.vipbook("apply", "--yes", "--json")) == {"H1": "applied", "H2": "applied"}
    plain.shell("H1", "sh", "-c", f"echo 0 > {ANNOUNCE}")
    shown = virtual.vipbook("verify", "--json").checks()
    assert (shown["sysctl/H1"]["status"], shown["sysctl/H2"]["status"]) == ("fail", "pass")
    # What udev does for each interface as it appears (99-systemd.rules).
    plain.shell("H1", "/lib/systemd/systemd-sysctl", "--prefix=/net/ipv4/conf/enp0s8")
    assert virtual.vipbook("verify", "--json").checks()["sysctl/H1"]["status"] == "pass"
    plain.shell("H1", "rm", SYSCTL_FILE)
    plain.shell("H2", "sh", "-c", f"echo 1 > {ANNOUNCE}")
    shown = virtual.vipbook("verify", "--json").checks()
    assert (shown["sysctl/H1"]["status"], shown["sysctl/H2"]["status"]) == ("fail", "fail")
    assert outcomes(virtual.vipbook("apply", "--yes", "--json")) == {"H1": "applied", "H2": "applied"}
    assert announcing(plain) == {"H1": ("2", True), "H2": ("2", True)}
    # Without the file nobody knows any more that it was 0: 2 is what stood there when it was written anew.
    assert plain.vipbook("apply", "--yes").code == 0
    assert announcing(plain) == {"H1": ("2", False), "H2": ("0", False)}
    plain.shell("H1", "sh", "-c", f"echo 0 > {ANNOUNCE}")


@pytest.mark.parametrize(
    ("changes", "device"),
    [((WITH_IPV6,), "enp0s8"), ((WITH_VMAC, WITH_IPV6), "vrrp11")],
    ids=["physical MAC", "virtual MAC"],
)
def test_an_ipv6_vip_stands_on_the_master_alone_and_moves_with_it(
    plain: Fabric, tmp_path: Path, changes: tuple[tuple[str, str], ...], device: str
) -> None:
    both = plain.variant(tmp_path, *changes)
    assert outcomes(both.vipbook("apply", "--yes", "--json")) == {"H1": "applied", "H2": "applied"}
    for address in (VIP, VIP6):
        eventually(lambda address=address: bearers(plain, address), lambda found: found == [("H1", device)], 15)  # type: ignore[misc]
    assert outcomes(both.vipbook("apply", "--yes", "--json")) == {"H1": "unchanged", "H2": "unchanged"}
    plain.shell("H1", "systemctl", "stop", "keepalived")
    try:
        for address in (VIP, VIP6):
            eventually(lambda address=address: bearers(plain, address), lambda found: found == [("H2", device)], 15)  # type: ignore[misc]
    finally:
        plain.shell("H1", "systemctl", "start", "keepalived")
    for address in (VIP, VIP6):
        eventually(lambda address=address: bearers(plain, address), lambda found: found == [("H1", device)], 15)  # type: ignore[misc]
    assert plain.vipbook("apply", "--yes").code == 0
    assert (bearers(plain, VIP), bearers(plain, VIP6)) == ([("H1", "enp0s8")], [])


def test_an_interrupt_takes_the_macvlan_away_again(plain: Fabric, tmp_path: Path) -> None:
    before = plain.shell("H2", "cat", CONFIG)
    running = plain.variant(tmp_path, WITH_VMAC, WITH_IPV6).start("apply", "--yes")
    assert running.stderr is not None
    for line in running.stderr:
        if "reading back" in line:
            running.send_signal(signal.SIGINT)
            break
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130, out + err
    assert plain.shell("H2", "cat", CONFIG) == before
    eventually(lambda: interfaces(plain, "H2").keys(), lambda names: "vrrp11" not in names, 10)
    assert announcing(plain) == {"H1": ("0", False), "H2": ("0", False)}
    ran = plain.vipbook("verify", "--wait", "60", "--json")
    assert ran.report["verdict"] == "pass", ran.problems()


def test_an_interface_that_is_not_there_is_refused_although_keepalived_would_wait_for_it(
    plain: Fabric, tmp_path: Path
) -> None:
    before = plain.shell("H2", "cat", CONFIG)
    wrong = plain.variant(tmp_path, WITH_VMAC, WITH_IPV6, ("H2: {interface: enp0s8", "H2: {interface: enp0s9"))
    ran = wrong.vipbook("apply", "--yes", "--json")
    assert ran.code == 4, ran.out + ran.err
    assert outcomes(ran) == {"H2": "rolled-back", "H1": "not-reached"}
    assert "enp0s9" in ran.report["servers"][0]["reason"]
    assert plain.shell("H2", "cat", CONFIG) == before
