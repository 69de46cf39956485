"""rtnetlink messages: packed as the kernel wants them, unpacked whatever comes."""

from __future__ import annotations

import socket
import struct
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from lab.neighmgrd import rtnetlink as rt

MAC = bytes.fromhex("0800277dafb4")
VIP, VIP6 = IPv4Address("100.65.0.10"), IPv6Address("fd00:100:65::10")
NEIGHBOR = rt.Neighbor(family=socket.AF_INET, ifindex=4, state=rt.NUD_REACHABLE, flags=0, kind=1, address=VIP, mac=MAC)
# `ip neigh replace 100.65.0.10 lladdr 08:00:27:7d:af:b4 dev … nud reachable`: header, ndmsg, NDA_DST, NDA_LLADDR.
RECORDED = bytes.fromhex(
    "30000000" "1c00" "0505" "07000000" "00000000" "02000000" "04000000" "0200" "00" "01" "08000100" "6441000a"
    "0a000200" "0800277dafb4" "0000"
)  # fmt: skip


def test_a_request_is_packed_byte_for_byte() -> None:
    flags = rt.NLM_F_REQUEST | rt.NLM_F_ACK | rt.NLM_F_REPLACE | rt.NLM_F_CREATE
    assert rt.pack(rt.RTM_NEWNEIGH, flags, 7, NEIGHBOR) == RECORDED


def test_what_was_packed_is_unpacked() -> None:
    row = rt.Neighbor(family=socket.AF_BRIDGE, ifindex=2, state=2, flags=rt.NTF_MASTER, mac=MAC, master=4)
    ipv6 = replace(NEIGHBOR, family=socket.AF_INET6, address=VIP6)
    buffer = rt.pack(rt.RTM_NEWNEIGH, 0, 1, NEIGHBOR) + rt.pack(rt.RTM_DELNEIGH, 0, 2, row)
    assert list(rt.unpack(buffer + rt.pack(rt.RTM_NEWNEIGH, 0, 3, ipv6))) == [
        rt.Message(rt.RTM_NEWNEIGH, 1, NEIGHBOR),
        rt.Message(rt.RTM_DELNEIGH, 2, row),
        rt.Message(rt.RTM_NEWNEIGH, 3, ipv6),
    ]


def test_evpn_is_told_by_its_flag() -> None:
    assert not NEIGHBOR.from_evpn
    assert rt.Neighbor(family=2, ifindex=4, state=0, flags=rt.NTF_EXT_LEARNED | rt.NTF_SELF).from_evpn


@pytest.mark.parametrize(("number", "error"), [(0, 0), (-2, 2), (-1, 1)])
def test_an_error_carries_its_number(number: int, error: int) -> None:
    body = struct.pack("=i", number) + bytes(16)
    message = struct.pack("=IHHII", 16 + len(body), rt.NLMSG_ERROR, 0, 9, 0) + body
    assert list(rt.unpack(message)) == [rt.Message(rt.NLMSG_ERROR, 9, error=error)]


@pytest.mark.parametrize(
    "buffer",
    [
        b"",
        b"\0" * 15,
        b"\0" * 16,
        RECORDED[:-1],
        RECORDED[:20],
        struct.pack("=IHHII", 15, rt.RTM_NEWNEIGH, 0, 1, 0),
        struct.pack("=IHHII", 4_000_000, rt.RTM_NEWNEIGH, 0, 1, 0),
        b"\xff" * 64,
    ],
)
def test_what_is_cut_short_is_left_out(buffer: bytes) -> None:
    assert list(rt.unpack(buffer)) == []


def test_what_is_whole_before_it_is_kept() -> None:
    assert [message.sequence for message in rt.unpack(RECORDED + RECORDED[:30])] == [7]


def test_another_sort_of_message_has_no_neighbor() -> None:
    message = struct.pack("=IHHII", 20, 16, 0, 3, 0) + bytes(4)
    assert list(rt.unpack(message)) == [rt.Message(16, 3)]


@pytest.mark.parametrize("body", [b"", b"\0" * 11])
def test_a_neighbor_message_without_a_neighbor(body: bytes) -> None:
    message = struct.pack("=IHHII", 16 + len(body), rt.RTM_NEWNEIGH, 0, 3, 0) + body
    assert [entry.neighbor for entry in rt.unpack(message)] == [None]


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize(
    "attributes",
    [b"\0\0\0\0", struct.pack("=HH", 3, 1), struct.pack("=HH", 200, 99), struct.pack("=HH", 12, 1) + bytes(8)],
    ids=["length 0", "length below the header's", "longer than the message", "no family's length"],
)
def test_odd_attributes_give_no_address(attributes: bytes, family: int) -> None:
    body = struct.pack("=BxxxiHBB", family, 4, 2, 0, 1) + attributes
    message = struct.pack("=IHHII", 16 + len(body), rt.RTM_NEWNEIGH, 0, 3, 0) + body
    (entry,) = rt.unpack(message)
    assert entry.neighbor is not None
    assert entry.neighbor.address is None


@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, VIP6), (socket.AF_INET6, VIP), (socket.AF_BRIDGE, VIP), (0, VIP6)]
)
def test_an_address_of_another_family_is_none(family: int, address: IPv4Address | IPv6Address) -> None:
    """An FDB row of the VXLAN interface has the remote VTEP there: that is not the host's address."""
    (entry,) = rt.unpack(rt.pack(rt.RTM_NEWNEIGH, 0, 1, replace(NEIGHBOR, family=family, address=address)))
    assert entry.neighbor is not None
    assert entry.neighbor.address is None
