"""Neighbor Discovery frames: who claims which IPv6 address. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from ipaddress import IPv6Address

from .claim import Claim, is_host_mac

ETHERTYPE_IPV6 = 0x86DD
_ETHERNET = struct.Struct("!6s6sH")
_IPV6 = struct.Struct("!IHBB16s16s")
# Solicitation and advertisement alike: type, code, checksum, flags, target address.
_MESSAGE = struct.Struct("!BBHI16s")
_ICMPV6 = 58
# No router has forwarded it: a solicitation with less is thrown away by every receiver (RFC 4861 §7.1).
_HOP_LIMIT = 255
_SOLICITATION, _ADVERTISEMENT = 135, 136
_SOURCE_LINK_LAYER, _TARGET_LINK_LAYER = 1, 2
_OVERRIDE = 0x20000000
_OPTION_UNIT = 8


def parse_ndp(frame: bytes) -> Claim | None:
    """The claim in an Ethernet frame; None for what is no ND, is cut short, or claims nothing.

    A solicitation claims its sender's address, an advertisement its target's, and each only together with a link-layer
    address: duplicate address detection comes from the unspecified address without one and claims nothing yet, and
    answers to unicast solicitations confirm what is known already. An advertisement without the override flag is
    someone's who answers in another's place, or an anycast address (RFC 4861 §7.2.7, §7.2.8).
    """
    message = _icmpv6(frame)
    if message is None or len(message[1]) < _MESSAGE.size:
        return None
    sender, body = message
    kind, code, _, flags, target = _MESSAGE.unpack_from(body)
    options = dict(_options(body[_MESSAGE.size :]))
    if (kind, code) == (_SOLICITATION, 0):
        address, mac = sender, options.get(_SOURCE_LINK_LAYER)
    elif (kind, code) == (_ADVERTISEMENT, 0) and flags & _OVERRIDE:
        address, mac = IPv6Address(target), options.get(_TARGET_LINK_LAYER)
    else:
        return None
    # As with ARP: a frame that comes from another MAC than it speaks of is no evidence of where the host is.
    if mac is None or mac != _ETHERNET.unpack_from(frame)[1] or not is_host_mac(mac):
        return None
    return None if address.is_unspecified or address.is_multicast else Claim(address, mac)


def _icmpv6(frame: bytes) -> tuple[IPv6Address, bytes] | None:
    """(source address, ICMPv6 message); without what the frame is padded with."""
    if len(frame) < _ETHERNET.size + _IPV6.size or _ETHERNET.unpack_from(frame)[2] != ETHERTYPE_IPV6:
        return None
    head, length, following, hop_limit, source, _ = _IPV6.unpack_from(frame, _ETHERNET.size)
    body = frame[_ETHERNET.size + _IPV6.size :]
    if (head >> 28, following, hop_limit) != (6, _ICMPV6, _HOP_LIMIT) or len(body) < length:
        return None
    return IPv6Address(source), body[:length]


def _options(buffer: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, value) of each whole option, up to the first that is cut short or has no length."""
    while len(buffer) >= _OPTION_UNIT:
        kind, size = buffer[0], buffer[1] * _OPTION_UNIT
        if not _OPTION_UNIT <= size <= len(buffer):
            return
        yield kind, buffer[2:size]
        buffer = buffer[size:]
