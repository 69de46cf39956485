"""ARP frames: who claims which address. Pure."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

from .claim import Claim, is_host_mac

ETHERTYPE_ARP = 0x0806
_FRAME = struct.Struct("!6s6sHHHBBH6s4s6s4s")
_ETHERNET_TO_IPV4 = (ETHERTYPE_ARP, 1, 0x0800, 6, 4)
_REQUEST, _REPLY = 1, 2


def parse_arp(frame: bytes) -> Claim | None:
    """The claim in an Ethernet frame; None for what is no ARP, is cut short, or claims nothing.

    Requests count as much as replies, and gratuitous ones of both forms most of all (RFC 5227 §1.1: a probe's sender
    address is zero, it claims nothing yet).
    """
    if len(frame) < _FRAME.size:
        return None
    _, source, ethertype, hardware, protocol, hlen, plen, operation, mac, address, _, _ = _FRAME.unpack_from(frame)
    if (ethertype, hardware, protocol, hlen, plen) != _ETHERNET_TO_IPV4 or operation not in (_REQUEST, _REPLY):
        return None
    # A frame whose two sender MACs differ was forged or answered by a proxy: no evidence of where the host is.
    if mac != source or not is_host_mac(mac) or address == bytes(4):
        return None
    return Claim(IPv4Address(address), mac)
