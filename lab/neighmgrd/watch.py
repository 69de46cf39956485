"""The loop: ARP and ND in, neighbors refreshed. It logs what it changes, and survives whatever the kernel answers."""

from __future__ import annotations

import heapq
import itertools
import os
import selectors
import socket
import sys
import time
from collections.abc import Callable, Iterable
from typing import ParamSpec

from . import rtnetlink as rt
from .arp import ETHERTYPE_ARP, parse_arp
from .claim import Claim
from .decide import Action, Scope, decide
from .kernel import Kernel, interface_addresses, vxlan_ports
from .ndp import ETHERTYPE_IPV6, parse_ndp

# An FDB row changes over within a millisecond or two; BGP may still be writing its own for some tens of them.
RETRY_AFTER_S = (0.005, 0.02, 0.05, 0.1, 0.2)
# Shorter than the FDB's ageing time (1800 s), so that a silent host stays learned.
PROBE_EVERY_S = 300.0
_PACKET_OUTGOING = 4
_FRAME = 2048
Parser = Callable[[bytes], Claim | None]
# What is routed comes in by the VRR interface: of IPv6, little but ND is heard on the SVI itself.
PARSERS: dict[int, Parser] = {ETHERTYPE_ARP: parse_arp, ETHERTYPE_IPV6: parse_ndp}
P = ParamSpec("P")


class Svi:
    """An SVI and its VRR interface, with the sockets on which the SVI's ARP and ND come in."""

    def __init__(self, name: str) -> None:
        """Open the sockets; OSError when there is no such interface."""
        self.name = name
        self.index = socket.if_nametoindex(name)
        self.vrr_name = f"{name}-v0"
        self.vrr_index = socket.if_nametoindex(self.vrr_name)
        self.sockets = {listen(name, ethertype): parse for ethertype, parse in PARSERS.items()}

    def scope(self) -> Scope:
        """The addresses that hosts behind it may have, read anew: an administrator may change them."""
        found = interface_addresses(self.name) + interface_addresses(self.vrr_name)
        return Scope(frozenset(entry.network for entry in found), frozenset(entry.ip for entry in found))


class Watcher:
    """Everything that the daemon holds: SVIs, the kernel's tables, claims to look at again."""

    def __init__(self, names: Iterable[str]) -> None:
        """Open all sockets."""
        self._svis = [Svi(name) for name in names]
        self._kernel = Kernel()
        self._changes = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._changes.bind((0, 1 << (rt.RTNLGRP_NEIGH - 1)))
        self._changes.settimeout(0.0)
        self._order = itertools.count()
        self._retries: list[tuple[float, int, int, Svi, Claim]] = []
        # At once: what was missed while the daemon did not run may have left neighbors that no one answers for.
        self._next_probe = time.monotonic()

    def run(self) -> None:
        """Wait for claims, for changes of neighbors and for the time to look again; never returns."""
        with selectors.DefaultSelector() as selector:
            for svi in self._svis:
                for listener, parse in svi.sockets.items():
                    selector.register(listener, selectors.EVENT_READ, (svi, listener, parse))
            selector.register(self._changes, selectors.EVENT_READ)
            log(f"watching {', '.join(svi.name for svi in self._svis)}")
            tell_systemd("READY=1")
            while True:
                for key, _ in selector.select(self._timeout()):
                    if key.data is None:
                        self._safely(self._follow_changes)
                    else:
                        self._safely(self._read_claim, *key.data)
                self._safely(self._look_again)
                self._safely(self._probe_all)

    def _safely(self, step: Callable[P, None], *arguments: P.args, **named: P.kwargs) -> None:
        """Take a step; a question that the kernel fails must not end the daemon, the next claim asks anew."""
        try:
            step(*arguments, **named)
        except OSError as error:
            log(f"the kernel answered: {error}")

    def _timeout(self) -> float:
        due = self._retries[0][0] if self._retries else self._next_probe
        return max(0.0, min(due, self._next_probe) - time.monotonic())

    def _read_claim(self, svi: Svi, listener: socket.socket, parse: Parser) -> None:
        frame, where = listener.recvfrom(_FRAME)
        claim = parse(frame)
        if claim is not None and where[2] != _PACKET_OUTGOING:
            self._consider(svi, claim, 0)

    def _look_again(self) -> None:
        while self._retries and self._retries[0][0] <= time.monotonic():
            _, _, attempt, svi, claim = heapq.heappop(self._retries)
            self._consider(svi, claim, attempt)

    def _consider(self, svi: Svi, claim: Claim, attempt: int) -> None:
        fdb = self._kernel.fdb_row(svi.index, claim.mac)
        neighbor = self._kernel.neighbor(svi.index, claim.address)
        action = decide(claim, svi.scope(), fdb, neighbor, vxlan_ports(svi.name))
        if action is Action.REFRESH:
            self._kernel.replace(svi.index, claim.address, claim.mac, rt.NUD_REACHABLE)
            if neighbor is None or neighbor.mac != claim.mac or neighbor.from_evpn:
                log(f"{claim.address} is at {claim.mac.hex(':')}, local to {svi.name}; was {describe(neighbor)}")
        elif action is Action.RETRY and attempt < len(RETRY_AFTER_S):
            due = time.monotonic() + RETRY_AFTER_S[attempt]
            heapq.heappush(self._retries, (due, next(self._order), attempt + 1, svi, claim))

    def _follow_changes(self) -> None:
        """Keep the VRR interfaces' neighbors in step: they hear only what asks for the gateway."""
        by_index = {svi.index: svi for svi in self._svis}
        for message in rt.unpack(self._changes.recv(1 << 16)):
            row = message.neighbor
            if message.kind != rt.RTM_NEWNEIGH or row is None or row.address is None or not row.mac:
                continue
            svi = by_index.get(row.ifindex)
            known = self._kernel.neighbor(svi.vrr_index, row.address) if svi else None
            if svi is None or known is None or known.mac == row.mac:
                continue
            if svi.scope().covers(row.address):
                self._kernel.replace(svi.vrr_index, row.address, row.mac, rt.NUD_STALE)
                log(f"{row.address} is at {row.mac.hex(':')} on {svi.vrr_name}; was {describe(known)}")

    def _probe_all(self) -> None:
        if time.monotonic() < self._next_probe:
            return
        self._next_probe = time.monotonic() + PROBE_EVERY_S
        for svi in self._svis:
            scope = svi.scope()
            for row in self._kernel.neighbors(svi.index):
                if not row.from_evpn and row.mac and row.address is not None and scope.covers(row.address):
                    self._kernel.probe(row)


def listen(interface: str, ethertype: int) -> socket.socket:
    """Hears every frame of this type that comes in on the interface; never waits."""
    listener = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ethertype))
    listener.bind((interface, ethertype))
    listener.settimeout(0.0)
    return listener


def describe(neighbor: rt.Neighbor | None) -> str:
    """What stood there before, for the log."""
    if neighbor is None or not neighbor.mac:
        return "unknown"
    return f"{neighbor.mac.hex(':')}{' (from EVPN)' if neighbor.from_evpn else ''}"


def tell_systemd(state: str) -> None:
    """As sd_notify(3) does: `systemctl start` returns when every claim is heard, not when Python has been found."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.sendto(state.encode(), f"\0{path[1:]}" if path.startswith("@") else path)


def log(line: str) -> None:
    """To the journal, by way of stderr."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
