"""The few rtnetlink messages that neighmgrd needs (rtnetlink(7), linux/neighbour.h). Bytes in, values out: pure."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from .claim import Address

NLMSG_ERROR, NLMSG_DONE = 2, 3
RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH = 28, 29, 30
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP, NLM_F_REPLACE, NLM_F_CREATE = 0x1, 0x4, 0x300, 0x100, 0x400
NDA_DST, NDA_LLADDR, NDA_MASTER = 1, 2, 9
NUD_INCOMPLETE, NUD_REACHABLE, NUD_STALE, NUD_FAILED, NUD_NOARP, NUD_PERMANENT = 0x01, 0x02, 0x04, 0x20, 0x40, 0x80
NTF_USE, NTF_SELF, NTF_MASTER, NTF_EXT_LEARNED = 0x01, 0x02, 0x04, 0x10
RTNLGRP_NEIGH = 3

_HEADER = struct.Struct("=IHHII")
_NDMSG = struct.Struct("=BxxxiHBB")
_ATTRIBUTE = struct.Struct("=HH")
# Family and length together say what a destination is: an FDB row has the VTEP's there, and that is none.
_ADDRESSES: dict[tuple[int, int], type[Address]] = {
    (socket.AF_INET, 4): IPv4Address,
    (socket.AF_INET6, 16): IPv6Address,
}
_ERROR = struct.Struct("=i")


@dataclass(frozen=True)
class Neighbor:
    """A row of a neighbor table or (family AF_BRIDGE) of an FDB. `state` and `flags` are the kernel's NUD_, NTF_."""

    family: int
    ifindex: int
    state: int
    flags: int
    kind: int = 0
    address: Address | None = None
    mac: bytes = b""
    master: int = 0

    @property
    def from_evpn(self) -> bool:
        """Installed by a routing daemon, not learned from the wire."""
        return bool(self.flags & NTF_EXT_LEARNED)


@dataclass(frozen=True)
class Message:
    """What the kernel says: `neighbor` in messages about one, `error` (an errno, 0 is an acknowledgement) in errors."""

    kind: int
    sequence: int
    neighbor: Neighbor | None = None
    error: int = 0


def pack(kind: int, flags: int, sequence: int, neighbor: Neighbor) -> bytes:
    """A request about a neighbor, with the attributes that it has."""
    body = _NDMSG.pack(neighbor.family, neighbor.ifindex, neighbor.state, neighbor.flags, neighbor.kind)
    if neighbor.address is not None:
        body += _attribute(NDA_DST, neighbor.address.packed)
    if neighbor.mac:
        body += _attribute(NDA_LLADDR, neighbor.mac)
    if neighbor.master:
        body += _attribute(NDA_MASTER, struct.pack("=I", neighbor.master))
    return _HEADER.pack(_HEADER.size + len(body), kind, flags, sequence, 0) + body


def unpack(buffer: bytes) -> Iterator[Message]:
    """Each whole message in the buffer; what is cut short is left out."""
    offset = 0
    while offset + _HEADER.size <= len(buffer):
        length, kind, _, sequence, _ = _HEADER.unpack_from(buffer, offset)
        if length < _HEADER.size or offset + length > len(buffer):
            return
        body = buffer[offset + _HEADER.size : offset + length]
        if kind == NLMSG_ERROR:
            yield Message(kind, sequence, error=-_ERROR.unpack_from(body)[0])
        elif kind in (RTM_NEWNEIGH, RTM_DELNEIGH) and len(body) >= _NDMSG.size:
            yield Message(kind, sequence, neighbor=_neighbor(body))
        else:
            yield Message(kind, sequence)
        offset += _aligned(length)


def _neighbor(body: bytes) -> Neighbor:
    family, ifindex, state, flags, kind = _NDMSG.unpack_from(body)
    found = dict(_attributes(body[_NDMSG.size :]))
    destination = found.get(NDA_DST, b"")
    address = _ADDRESSES.get((family, len(destination)))
    return Neighbor(
        family=family,
        ifindex=ifindex,
        state=state,
        flags=flags,
        kind=kind,
        address=address(destination) if address else None,
        mac=found.get(NDA_LLADDR, b""),
        master=struct.unpack("=I", found[NDA_MASTER])[0] if NDA_MASTER in found else 0,
    )


def _attributes(buffer: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + _ATTRIBUTE.size <= len(buffer):
        length, kind = _ATTRIBUTE.unpack_from(buffer, offset)
        if length < _ATTRIBUTE.size:
            return
        yield kind, buffer[offset + _ATTRIBUTE.size : offset + length]
        offset += _aligned(length)


def _attribute(kind: int, value: bytes) -> bytes:
    padded = value + bytes(_aligned(len(value)) - len(value))
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + padded


def _aligned(length: int) -> int:
    return (length + 3) & ~3
