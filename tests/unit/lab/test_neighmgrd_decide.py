"""What neighmgrd does about a claim, from what the kernel holds."""

from __future__ import annotations

import socket
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import pytest

from lab.neighmgrd.claim import Address, Claim
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
VIP, VIP6 = IPv4Address("100.65.0.10"), IPv6Address("fd00:100:65::10")
CLAIM = Claim(VIP, H1)
# As a leaf has it: link-local addresses are its own, too, and their network is on every interface.
SCOPE = Scope(
    frozenset({IPv4Network("100.65.0.0/24"), IPv6Network("fd00:100:65::/64"), IPv6Network("fe80::/64")}),
    frozenset(ip_address(own) for own in ("100.65.0.1", "100.65.0.2", "fd00:100:65::1", "fd00:100:65::2", "fe80::11")),
)
LOCAL = Neighbor(family=socket.AF_BRIDGE, ifindex=SWP1, state=NUD_REACHABLE, flags=0, mac=H1, master=SVI)
REMOTE = replace(LOCAL, ifindex=VNI, flags=NTF_EXT_LEARNED)
KNOWN = Neighbor(family=socket.AF_INET, ifindex=SVI, state=NUD_REACHABLE, flags=0, address=VIP, mac=H1)
EVPN = replace(KNOWN, mac=H2, state=NUD_NOARP, flags=NTF_EXT_LEARNED)


def of_the_vip(row: Neighbor | None, address: Address) -> Neighbor | None:
    family = {4: socket.AF_INET, 6: socket.AF_INET6}[address.version]
    return replace(row, family=family, address=address) if row else None


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
@pytest.mark.parametrize("address", [VIP, VIP6])
def test_a_local_host_is_believed(neighbor: Neighbor | None, address: Address) -> None:
    assert outcome(LOCAL, of_the_vip(neighbor, address), Claim(address, H1)) is Action.REFRESH


@pytest.mark.parametrize("address", [VIP, VIP6])
def test_what_is_right_is_left(address: Address) -> None:
    assert outcome(LOCAL, of_the_vip(KNOWN, address), Claim(address, H1)) is Action.LEAVE


@pytest.mark.parametrize("neighbor", [None, EVPN, KNOWN])
@pytest.mark.parametrize(
    "fdb",
    [None, REMOTE, replace(LOCAL, ifindex=VNI), replace(LOCAL, flags=NTF_EXT_LEARNED)],
    ids=["no row", "remote", "on the VXLAN port", "extern_learn on a local port"],
)
@pytest.mark.parametrize("address", [VIP, VIP6])
def test_a_host_that_is_not_local_yet_is_looked_at_again(
    fdb: Neighbor | None, neighbor: Neighbor | None, address: Address
) -> None:
    assert outcome(fdb, of_the_vip(neighbor, address), Claim(address, H1)) is Action.RETRY


@pytest.mark.parametrize(
    "address",
    [
        *("100.65.0.1", "100.65.0.2", "100.65.1.10", "192.0.2.1", "0.0.0.0"),
        *(
            "fd00:100:65::1",
            "fd00:100:65::2",
            "fd00:100:66::10",
            "2001:db8::1",
            "::",
            "fe80::11",
            "fe80::21",
            "fe80:1::1",
        ),
    ],
)
@pytest.mark.parametrize("fdb", [None, LOCAL, REMOTE])
def test_an_address_that_no_host_here_may_have(address: str, fdb: Neighbor | None) -> None:
    assert outcome(fdb, None, Claim(ip_address(address), H1)) is Action.LEAVE


def test_an_svi_without_an_address_answers_for_nothing() -> None:
    assert outcome(LOCAL, None, scope=Scope(frozenset(), frozenset())) is Action.LEAVE


def test_the_leafs_own_mac_is_no_host() -> None:
    assert outcome(replace(LOCAL, state=NUD_PERMANENT), None) is Action.LEAVE
