"""Neighbor Discovery frames: which are claims, and which are not."""

from __future__ import annotations

import struct
from ipaddress import IPv6Address

import pytest

from lab.neighmgrd.claim import Claim
from lab.neighmgrd.ndp import parse_ndp

H1, C1 = bytes.fromhex("0800277dafb4"), bytes.fromhex("443839000301")
VIP = IPv6Address("fd00:100:65::10")
HOST = IPv6Address("fd00:100:65::21")
ALL_NODES = IPv6Address("ff02::1")
SOLICITATION, ADVERTISEMENT = 135, 136
SOURCE, TARGET = 1, 2
OVERRIDE, SOLICITED, ROUTER = 0x20000000, 0x40000000, 0x80000000

# What keepalived 2.2.7 sends for a VIP when it becomes master.
KEEPALIVED = bytes.fromhex(
    "3333000000010800277dafb486dd6000000000203afffd000100006500000000000000000010ff020000000000000000000000000001"
    "88007a8220000000fd00010000650000000000000000001002010800277dafb4"
)
# C1's Linux asks for fd00:100:65::11, and H1's answers.
LINUX_ASKS = bytes.fromhex(
    "3333ff00001144383900030186dd6000000000203afffd000100006500000000000000000021ff0200000000000000000001ff000011"
    "8700fc5600000000fd0001000065000000000000000000110101443839000301"
)
LINUX_ANSWERS = bytes.fromhex(
    "4438390003010800277dafb486dd6000000000203afffd000100006500000000000000000011fd000100006500000000000000000021"
    "88003afd60000000fd00010000650000000000000000001102010800277dafb4"
)


def option(kind: int, mac: bytes = H1) -> bytes:
    return bytes([kind, 1]) + mac


def frame(
    *options: bytes,
    kind: int = ADVERTISEMENT,
    code: int = 0,
    flags: int = OVERRIDE,
    source: bytes = H1,
    sender: IPv6Address = VIP,
    target: IPv6Address = VIP,
    ethertype: int = 0x86DD,
    version: int = 6,
    following: int = 58,
    hop_limit: int = 255,
    longer: int = 0,
) -> bytes:
    """An advertisement with a target link-layer address, unless told otherwise."""
    body = struct.pack("!BBHI16s", kind, code, 0, flags, target.packed) + b"".join(options or (option(TARGET),))
    head = struct.pack("!6s6sHIHBB", ALL_NODES.packed[-6:], source, ethertype, version << 28, len(body) + longer, 0, 0)
    head = head[:-2] + bytes([following, hop_limit])
    return head + sender.packed + ALL_NODES.packed + body


def asking(*options: bytes, sender: IPv6Address = HOST, source: bytes = H1, code: int = 0) -> bytes:
    return frame(*(options or (option(SOURCE),)), kind=SOLICITATION, flags=0, sender=sender, source=source, code=code)


@pytest.mark.parametrize(
    ("claiming", "claim"),
    [
        (KEEPALIVED, Claim(VIP, H1)),
        (LINUX_ASKS, Claim(HOST, C1)),
        (LINUX_ANSWERS, Claim(IPv6Address("fd00:100:65::11"), H1)),
        (KEEPALIVED + bytes(8), Claim(VIP, H1)),
        (frame(), Claim(VIP, H1)),
        (frame(sender=HOST), Claim(VIP, H1)),
        (frame(flags=OVERRIDE | SOLICITED | ROUTER), Claim(VIP, H1)),
        (frame(b"\x0e\x02" + bytes(14), option(TARGET)), Claim(VIP, H1)),
        (frame(option(SOURCE, C1), option(TARGET)), Claim(VIP, H1)),
        (asking(), Claim(HOST, H1)),
        (asking(b"\x0e\x01" + bytes(6), option(SOURCE)), Claim(HOST, H1)),
    ],
    ids=[
        "keepalived's",
        "Linux asks",
        "Linux answers",
        "padded",
        "unsolicited",
        "sent from another address of the host",
        "solicited, of a router",
        "after another option",
        "beside a source option",
        "solicitation",
        "solicitation with a nonce",
    ],
)
def test_a_claim(claiming: bytes, claim: Claim) -> None:
    assert parse_ndp(claiming) == claim


@pytest.mark.parametrize(
    "nothing",
    [
        b"",
        b"\0",
        KEEPALIVED[:14],
        KEEPALIVED[:53],
        KEEPALIVED[:77],
        KEEPALIVED[:-1],
        frame(longer=1),
        frame(ethertype=0x0800),
        frame(ethertype=0x0806),
        frame(version=4),
        frame(following=17),
        frame(following=0),
        frame(hop_limit=254),
        frame(code=1),
        frame(kind=133),
        frame(kind=134),
        frame(kind=137),
        frame(kind=128),
        frame(flags=0),
        frame(flags=SOLICITED),
        frame(option(SOURCE)),
        frame(bytes(8)),
        frame(bytes([TARGET, 0]) + H1),
        frame(bytes([TARGET, 2]) + H1),
        frame(bytes([TARGET, 2]) + H1 + bytes(8)),
        frame(b"\x0e\0" + bytes(6), option(TARGET)),
        frame(option(TARGET, C1)),
        frame(source=C1),
        frame(option(TARGET, bytes(6)), source=bytes(6)),
        frame(option(TARGET, b"\xff" * 6), source=b"\xff" * 6),
        frame(target=IPv6Address("::")),
        frame(target=ALL_NODES),
        asking(sender=IPv6Address("::")),
        asking(b"\x0e\x01" + bytes(6), sender=IPv6Address("::")),
        asking(option(TARGET)),
        asking(source=C1),
        asking(code=1),
        bytes(128),
        b"\xff" * 128,
    ],
)
def test_no_claim(nothing: bytes) -> None:
    assert parse_ndp(nothing) is None


@pytest.mark.parametrize("end", range(len(KEEPALIVED)))
def test_whatever_is_cut_short_claims_nothing(end: int) -> None:
    assert parse_ndp(KEEPALIVED[:end]) is None
