"""ARP frames: which are claims, and which are not."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

import pytest

from lab.neighmgrd.arp import parse_arp
from lab.neighmgrd.claim import Claim, is_host_mac

H1 = bytes.fromhex("0800277dafb4")
VIP = IPv4Address("100.65.0.10")
BROADCAST = b"\xff" * 6


def frame(
    *,
    source: bytes = H1,
    ethertype: int = 0x0806,
    hardware: int = 1,
    protocol: int = 0x0800,
    hlen: int = 6,
    plen: int = 4,
    operation: int = 1,
    sender: bytes = H1,
    address: IPv4Address = VIP,
    target: IPv4Address = VIP,
) -> bytes:
    head = struct.pack("!6s6sHHHBBH", BROADCAST, source, ethertype, hardware, protocol, hlen, plen, operation)
    return head + sender + address.packed + bytes(6) + target.packed


@pytest.mark.parametrize(
    "claiming",
    [
        frame(),
        frame(operation=2),
        frame(target=IPv4Address("100.65.0.1")),
        frame(operation=2, target=IPv4Address("100.65.0.1")),
        frame() + bytes(18),
    ],
    ids=["gratuitous request", "gratuitous reply", "request", "reply", "padded to 60 bytes"],
)
def test_a_claim(claiming: bytes) -> None:
    assert parse_arp(claiming) == Claim(VIP, H1)


@pytest.mark.parametrize(
    "nothing",
    [
        b"",
        b"\0",
        frame()[:41],
        frame()[:14],
        frame(ethertype=0x0800),
        frame(ethertype=0x86DD),
        frame(hardware=6),
        frame(protocol=0x86DD),
        frame(hlen=8),
        frame(plen=16),
        frame(operation=0),
        frame(operation=3),
        frame(operation=8),
        frame(address=IPv4Address("0.0.0.0")),
        frame(sender=bytes.fromhex("080027700 7ae".replace(" ", ""))),
        frame(source=bytes.fromhex("0800277007ae")),
        frame(source=bytes(6), sender=bytes(6)),
        frame(source=BROADCAST, sender=BROADCAST),
        frame(source=bytes.fromhex("01005e000012"), sender=bytes.fromhex("01005e000012")),
        bytes(64),
        b"\xff" * 64,
    ],
)
def test_no_claim(nothing: bytes) -> None:
    assert parse_arp(nothing) is None


def test_the_virtual_mac_of_vrrp_is_a_hosts() -> None:
    assert is_host_mac(bytes.fromhex("00005e00010b"))
    assert not is_host_mac(bytes.fromhex("01005e00010b"))
