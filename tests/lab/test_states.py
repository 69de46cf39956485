"""Each state of a VIP made for real, one broken thing at a time, and named rightly with its known cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.lab.conftest import ASN, Fabric, Ran, eventually

pytestmark = pytest.mark.lab

VIP = "100.65.0.10"
H1_MAC, H2_MAC, STRANGER = "08:00:27:7d:af:b4", "08:00:27:70:07:ae", "02:00:00:00:00:99"


def judged(fabric: Fabric, state: str, *red: str) -> Ran:
    """Verify until the VIP has that state and these checks fail; servers and fabric take a moment to get there."""
    ran = eventually(
        lambda: fabric.vipbook("verify", "--json"),
        lambda each: each.state() == state and set(red) <= failing(each),
        timeout=30,
        interval=0.5,
    )
    assert ran.code == 1, ran.problems()
    return ran


def failing(ran: Ran, status: str = "fail") -> set[str]:
    return {key for key, check in ran.checks().items() if check["status"] == status}


def follow(fabric: Fabric, ran: Ran, cause: str, host: str) -> None:
    """Do what the advice for a known cause says, step by step, as a person would."""
    (found,) = [each for each in ran.vip()["known_causes"] if (each["id"], each["host"]) == (cause, host)]
    fabric.follow(found["advice"])


@contextmanager
def broken(fabric: Fabric, undo: Callable[[], object]) -> Iterator[None]:
    """Whatever the test sees, mend it and wait until all is well again."""
    try:
        yield
    finally:
        undo()
    problem = fabric.proof.problem(["web"])
    assert not problem, problem


def evpn(fabric: Fabric, leaf: str, *lines: str) -> None:
    """Configure the EVPN address family of a leaf."""
    words = ("configure terminal", f"router bgp {ASN[leaf]}", "address-family l2vpn evpn", *lines)
    fabric.shell(leaf, "vtysh", *(part for line in words for part in ("-c", line)))


def test_the_vip_by_hand_on_the_backup_is_split_brain(healthy: Fabric) -> None:
    healthy.shell("H2", "ip", "addr", "add", f"{VIP}/24", "dev", "enp0s8")
    with broken(healthy, lambda: healthy.shell("H2", "ip", "addr", "del", f"{VIP}/24", "dev", "enp0s8")):
        ran = judged(healthy, "split-brain", "vip-address/H2")
        assert ran.checks()["neighbor/L1"]["status"] == "skip"


def test_a_firewall_that_drops_vrrp_makes_two_masters(healthy: Fabric) -> None:
    healthy.shell("H2", "nft", "insert", "rule", "inet", "filter", "input", "ip", "protocol", "vrrp", "drop")
    table = healthy.shell("H2", "nft", "-a", "list", "chain", "inet", "filter", "input")
    handle = next(line.rsplit(" ", 1)[1] for line in table.splitlines() if " drop #" in line)

    def undo() -> None:
        healthy.shell("H2", "nft", "delete", "rule", "inet", "filter", "input", "handle", handle)

    with broken(healthy, undo):
        ran = judged(healthy, "split-brain", "master/web", "firewall/H2")
        assert "adverts do not reach" in ran.checks()["master/web"]["message"]


def test_no_daemon_is_no_master(healthy: Fabric) -> None:
    def undo() -> None:
        for server in ("H1", "H2"):
            healthy.shell(server, "systemctl", "start", "keepalived")

    for server in ("H2", "H1"):
        healthy.shell(server, "systemctl", "stop", "keepalived")
    with broken(healthy, undo):
        judged(healthy, "no-master", "master/web", "service/H1", "service/H2")


def test_no_evpn_session_on_another_leaf_is_not_learned(healthy: Fabric) -> None:
    evpn(healthy, "L3", "no neighbor FABRIC activate")
    with broken(healthy, lambda: evpn(healthy, "L3", "neighbor FABRIC activate")):
        ran = judged(healthy, "not-learned", "evpn-session/L3", "neighbor/L3", "bgp-type2/L3")
        assert not {key for key in failing(ran) if key.endswith(("/L1", "/L2"))}
        assert ran.checks()["origin/web"]["status"] == "pass"


def test_no_evpn_session_on_a_servers_leaf_parts_the_servers(healthy: Fabric) -> None:
    """Adverts travel over VXLAN, to where EVPN says that other VTEPs are: without it both servers become master."""
    evpn(healthy, "L2", "no neighbor FABRIC activate")
    with broken(healthy, lambda: evpn(healthy, "L2", "neighbor FABRIC activate")):
        ran = judged(healthy, "split-brain", "evpn-session/L2", "master/web")
        assert ran.checks()["evpn-session/L1"]["status"] == "pass"


def filtered(fabric: Fabric, leaf: str, direction: str) -> Callable[[], None]:
    """Keep type-2 routes from leaving or entering a leaf; how to undo it."""
    lines = (
        "configure terminal",
        "route-map NOVIP deny 10",
        "match evpn route-type macip",
        "route-map NOVIP permit 20",
    )
    fabric.shell(leaf, "vtysh", *(part for line in lines for part in ("-c", line)))
    evpn(fabric, leaf, f"neighbor FABRIC route-map NOVIP {direction}")

    def undo() -> None:
        evpn(fabric, leaf, f"no neighbor FABRIC route-map NOVIP {direction}")
        fabric.shell(leaf, "vtysh", "-c", "clear bgp l2vpn evpn * soft")

    return undo


def test_a_route_map_on_its_own_leaf_is_not_advertised(healthy: Fabric) -> None:
    with broken(healthy, filtered(healthy, "L1", "out")):
        ran = judged(healthy, "not-advertised")
        assert "no other leaf ever gets it" in ran.checks()["origin/web"]["message"]
        assert ran.checks()["evpn-session/L1"]["status"] == "pass"
        assert ran.checks()["bgp-type2/L1"]["status"] == "pass"


def test_a_route_map_on_another_leaf_is_not_learned(healthy: Fabric) -> None:
    with broken(healthy, filtered(healthy, "L2", "in")):
        ran = judged(healthy, "not-learned", "neighbor/L2", "evpn-arp/L2", "bgp-type2/L2")
        assert ran.checks()["bgp-type2/L3"]["status"] == "pass"


def test_a_forged_fdb_row_is_a_wrong_location(healthy: Fabric) -> None:
    row = (H1_MAC, "dev", "vni100")
    healthy.shell("L2", "bridge", "fdb", "replace", *row, "dst", "10.255.0.13", "self")

    def undo() -> None:
        healthy.shell("L2", "bridge", "fdb", "del", *row, "self")
        healthy.shell("L2", "bridge", "fdb", "add", *row, "dst", "10.255.0.11", "self", "extern_learn", "dynamic")

    with broken(healthy, undo):
        ran = judged(healthy, "wrong-location", "fdb/L2", "agreement/L2")
        assert "kernel FDB says 10.255.0.13" in ran.checks()["agreement/L2"]["message"]
        follow(healthy, ran, "fdb-stuck", "L2")
        assert healthy.vipbook("verify", "--wait", "10").code == 0


def test_a_forged_neighbor_is_stale_and_names_the_mac(healthy: Fabric) -> None:
    def row(mac: str, *more: str) -> None:
        words = ("lladdr", mac, "dev", "vlan100", "nud", "noarp", "extern_learn", *more)
        healthy.shell("L3", "ip", "neigh", "replace", VIP, *words)

    row(STRANGER)
    with broken(healthy, lambda: row(H1_MAC, "proto", "zebra")):
        ran = judged(healthy, "stale-neighbor", "neighbor/L3", "agreement/L3")
        assert STRANGER in ran.checks()["neighbor/L3"]["message"]
        assert ran.checks()["neighbor/L2"]["status"] == "pass"
        follow(healthy, ran, "neighbor-not-replaced", "L3")
        assert healthy.vipbook("verify", "--wait", "10").code == 0


def test_tables_that_are_right_and_a_vip_that_does_not_answer_are_a_black_hole(healthy: Fabric) -> None:
    rule = ("INPUT", "-d", VIP, "-p", "icmp", "--icmp-type", "echo-request", "-j", "DROP")
    healthy.shell("H1", "iptables", "-I", *rule)
    with broken(healthy, lambda: healthy.shell("H1", "iptables", "-D", *rule)):
        ran = judged(healthy, "black-hole")
        assert {"reachable/I1", "reachable/C1"} == failing(ran)


GARBAGE = {
    "garbage": "head -c 3000 /dev/urandom",
    "an endless line": "exec tr -d '\\n' < /dev/zero | tr '\\0' x",
    "half a JSON": '/usr/bin/vtysh.real "$@" | head -c 40',
    "another JSON": "echo '[1, 2, {\"mac\": 7}]'",
    "nothing": ":",
    "a daemon's excuse": "echo 'bgpd is not running'",
}


@pytest.mark.parametrize("answer", GARBAGE)
def test_a_leaf_that_answers_nonsense_is_undetermined(healthy: Fabric, answer: str) -> None:
    """Exit 3 and UNKNOWN, in bounded time; no other leaf is hidden, and nothing of it is taken for an empty table."""
    script = f"#!/bin/sh\n{GARBAGE[answer]}\n"
    quoted = script.replace("'", "'\\''")
    healthy.shell("L2", "mv", "/usr/bin/vtysh", "/usr/bin/vtysh.real")
    healthy.shell("L2", "sh", "-c", f"printf %s '{quoted}' > /usr/bin/vtysh && chmod 755 /usr/bin/vtysh")
    with broken(healthy, lambda: healthy.shell("L2", "mv", "/usr/bin/vtysh.real", "/usr/bin/vtysh")):
        ran = healthy.vipbook("verify", "--json", timeout=90)
        assert ran.code == 3, ran.problems()
        assert (ran.report["verdict"], ran.state()) == ("unknown", "unknown")
        unknown = failing(ran, "unknown")
        assert {f"{name}/L2" for name in ("evpn-mac", "evpn-arp", "bgp-type2", "duplicate", "evpn-session")} <= unknown
        assert not failing(ran)
        assert ran.checks()["neighbor/L1"]["status"] == ran.checks()["bgp-type2/L3"]["status"] == "pass"
