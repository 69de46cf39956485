"""What neighmgrd does about a claim, from what the kernel holds."""

from __future__ import annotations

import socket
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest

from lab.neighmgrd.arp import Claim
from lab.neighmgrd.decide import Action, Scope, decide
from lab.neighmgrd.rtnetlink import (
    NTF_EXT_LEARNED,
    NUD_FAILED,
    NUD_INCOMPLETE,
    NUD_NOARP,
    NUD_PERMANENT,
    NUD_REACHABLE,
    NUD_STALE,
    Neighbor,
)

SVI, SWP1, VNI = 4, 2, 5
H1, H2 = bytes.fromhex("0800277dafb4"), bytes.fromhex("0800277007ae")
VIP = IPv4Address("100.65.0.10")
CLAIM = Claim(VIP, H1)
SCOPE = Scope(
    frozenset({IPv4Network("100.65.0.0/24")}), frozenset({IPv4Address("100.65.0.1"), IPv4Address("100.65.0.2")})
)
LOCAL = Neighbor(family=socket.AF_BRIDGE, ifindex=SWP1, state=NUD_REACHABLE, flags=0, mac=H1, master=SVI)
REMOTE = replace(LOCAL, ifindex=VNI, flags=NTF_EXT_LEARNED)
KNOWN = Neighbor(family=socket.AF_INET, ifindex=SVI, state=NUD_REACHABLE, flags=0, address=VIP, mac=H1)
EVPN = replace(KNOWN, mac=H2, state=NUD_NOARP, flags=NTF_EXT_LEARNED)


def outcome(fdb: Neighbor | None, neighbor: Neighbor | None, claim: Claim = CLAIM, scope: Scope = SCOPE) -> Action:
    return decide(claim, scope, fdb, neighbor, frozenset({VNI}))


@pytest.mark.parametrize(
    "neighbor",
    [
        None,
        EVPN,
        replace(EVPN, mac=H1),
        replace(KNOWN, mac=H2),
        replace(KNOWN, mac=b""),
        replace(KNOWN, state=NUD_STALE),
        replace(KNOWN, state=NUD_FAILED, mac=b""),
        replace(KNOWN, state=NUD_INCOMPLETE, mac=b""),
        replace(KNOWN, state=NUD_NOARP),
    ],
    ids=["missing", "remote", "remote, same MAC", "moved", "no MAC", "stale", "failed", "incomplete", "noarp"],
)
def test_a_local_host_is_believed(neighbor: Neighbor | None) -> None:
    assert outcome(LOCAL, neighbor) is Action.REFRESH


def test_what_is_right_is_left() -> None:
    assert outcome(LOCAL, KNOWN) is Action.LEAVE


@pytest.mark.parametrize("neighbor", [None, EVPN, KNOWN])
@pytest.mark.parametrize(
    "fdb",
    [None, REMOTE, replace(LOCAL, ifindex=VNI), replace(LOCAL, flags=NTF_EXT_LEARNED)],
    ids=["no row", "remote", "on the VXLAN port", "extern_learn on a local port"],
)
def test_a_host_that_is_not_local_yet_is_looked_at_again(fdb: Neighbor | None, neighbor: Neighbor | None) -> None:
    assert outcome(fdb, neighbor) is Action.RETRY


@pytest.mark.parametrize("address", ["100.65.0.1", "100.65.0.2", "100.65.1.10", "192.0.2.1", "0.0.0.0"])
@pytest.mark.parametrize("fdb", [None, LOCAL, REMOTE])
def test_an_address_that_no_host_here_may_have(address: str, fdb: Neighbor | None) -> None:
    assert outcome(fdb, None, Claim(IPv4Address(address), H1)) is Action.LEAVE


def test_an_svi_without_an_address_answers_for_nothing() -> None:
    assert outcome(LOCAL, None, scope=Scope(frozenset(), frozenset())) is Action.LEAVE


def test_the_leafs_own_mac_is_no_host() -> None:
    assert outcome(replace(LOCAL, state=NUD_PERMANENT), None) is Action.LEAVE
