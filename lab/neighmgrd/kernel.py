"""The kernel's tables over rtnetlink: one short-lived question at a time, each answered within a second."""

from __future__ import annotations

import fcntl
import itertools
import os
import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Interface, IPv6Interface
from pathlib import Path

from . import rtnetlink as rt
from .claim import Address

TIMEOUT_S = 1.0
_BUFFER = 1 << 17
IF_INET6 = Path("/proc/net/if_inet6")
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


class Kernel:
    """Reads and writes neighbors and FDB rows. Every method may raise OSError."""

    def __init__(self) -> None:
        """Open the socket for questions."""
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._socket.bind((0, 0))
        self._socket.settimeout(TIMEOUT_S)
        self._sequence = itertools.count(1)

    def fdb_row(self, bridge: int, mac: bytes) -> rt.Neighbor | None:
        """The bridge's own row of a MAC; None when it has none."""
        wanted = rt.Neighbor(family=socket.AF_BRIDGE, ifindex=0, state=0, flags=rt.NTF_MASTER, mac=mac, master=bridge)
        return self._get(wanted)

    def neighbor(self, ifindex: int, address: Address) -> rt.Neighbor | None:
        """The interface's neighbor of an address; None when it has none."""
        return self._get(_row(ifindex, address))

    def neighbors(self, ifindex: int) -> list[rt.Neighbor]:
        """All neighbors of an interface, of both families."""
        wanted = [rt.Neighbor(family=family, ifindex=ifindex, state=0, flags=0) for family in _FAMILIES.values()]
        rows = [row for family in wanted for row in self._ask(rt.RTM_GETNEIGH, rt.NLM_F_DUMP, family)]
        return [row for row in rows if row.ifindex == ifindex and row.address is not None]

    def replace(self, ifindex: int, address: Address, mac: bytes, state: int) -> None:
        """What `ip neigh replace ADDRESS lladdr MAC dev … nud STATE` does."""
        row = _row(ifindex, address, state=state, mac=mac)
        self._ask(rt.RTM_NEWNEIGH, rt.NLM_F_ACK | rt.NLM_F_CREATE | rt.NLM_F_REPLACE, row)

    def probe(self, row: rt.Neighbor) -> None:
        """Have the kernel make sure of a neighbor, as if a packet were to be sent there (`ip neigh … use`)."""
        wanted = rt.Neighbor(family=row.family, ifindex=row.ifindex, state=0, flags=rt.NTF_USE, address=row.address)
        self._ask(rt.RTM_NEWNEIGH, rt.NLM_F_ACK | rt.NLM_F_CREATE, wanted)

    def _get(self, wanted: rt.Neighbor) -> rt.Neighbor | None:
        try:
            rows = self._ask(rt.RTM_GETNEIGH, 0, wanted)
        except FileNotFoundError:
            return None
        return rows[0] if rows else None

    def _ask(self, kind: int, flags: int, wanted: rt.Neighbor) -> list[rt.Neighbor]:
        sequence = next(self._sequence)
        self._socket.send(rt.pack(kind, rt.NLM_F_REQUEST | flags, sequence, wanted))
        rows: list[rt.Neighbor] = []
        for message in self._answers(sequence):
            if message.error:
                raise OSError(message.error, os.strerror(message.error))
            if message.neighbor is not None:
                rows.append(message.neighbor)
            if message.kind in (rt.NLMSG_DONE, rt.NLMSG_ERROR) or not flags:
                return rows
        return rows

    def _answers(self, sequence: int) -> Iterator[rt.Message]:
        while True:
            for message in rt.unpack(self._socket.recv(_BUFFER)):
                # An answer to an earlier question that timed out is no answer to this one.
                if message.sequence == sequence:
                    yield message


def _row(ifindex: int, address: Address, *, state: int = 0, mac: bytes = b"") -> rt.Neighbor:
    return rt.Neighbor(
        family=_FAMILIES[address.version], ifindex=ifindex, state=state, flags=0, address=address, mac=mac
    )


def interface_addresses(interface: str) -> list[IPv4Interface | IPv6Interface]:
    """The interface's primary IPv4 address and all its IPv6 addresses; empty when it has none."""
    return [*_ipv4_address(interface), *ipv6_addresses(IF_INET6.read_text(encoding="ascii"), interface)]


def ipv6_addresses(listing: str, interface: str) -> Iterator[IPv6Interface]:
    """From /proc/net/if_inet6: address, ifindex, prefix length, scope and flags in hexadecimal, then the name."""
    for line in listing.splitlines():
        address, _, prefix, _, _, name = line.split()
        if name == interface:
            yield IPv6Interface((bytes.fromhex(address), int(prefix, 16)))


def _ipv4_address(interface: str) -> list[IPv4Interface]:
    request = struct.pack("256s", interface.encode())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            address = fcntl.ioctl(probe, 0x8915, request)[20:24]  # SIOCGIFADDR
            mask = fcntl.ioctl(probe, 0x891B, request)[20:24]  # SIOCGIFNETMASK
        except OSError:
            return []
    return [IPv4Interface((address, int.from_bytes(mask, "big").bit_count()))]


def vxlan_ports(bridge: str) -> frozenset[int]:
    """Interface indexes of the bridge's VXLAN ports, as sysfs shows them (DEVTYPE=vxlan)."""
    ports = Path("/sys/class/net", bridge, "brif")
    found = [port for port in ports.iterdir() if "DEVTYPE=vxlan" in _uevent(port.name)] if ports.is_dir() else []
    return frozenset(socket.if_nametoindex(port.name) for port in found)


def _uevent(interface: str) -> str:
    return Path("/sys/class/net", interface, "uevent").read_text(encoding="ascii")
