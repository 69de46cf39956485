"""Checks from the probe hosts: does the VIP answer, and does a host in its own subnet send to the right MAC?"""

from __future__ import annotations

from tasks.judge.checks import Target, registered
from tasks.judge.subject import Check, Subject
from tasks.model.reading import Read
from tasks.model.verdict import Finding, VipState

_WITHOUT_MAC = {"FAILED", "INCOMPLETE", "NONE"}


@registered(
    "reachable",
    Target.PROBE,
    order=620,
    decides=True,
    reads="ping",
    passes="every echo is answered",
    fails="none is (some: warns)",
)
def judge_reachable(subject: Subject, probe: str) -> Finding:
    """The VIP answers a probe host. Tables can agree and still be wrong together; this is the last judge."""
    check = Check(name="reachable", target=probe, expected=f"{subject.vip.ip} answers every echo")
    check, ping = check.reads(subject.probes[probe].pings[subject.vip.ip])
    actual = f"{ping.received} of {ping.sent} echoes" + (f", {ping.rtt_ms:g} ms" if ping.rtt_ms is not None else "")
    if ping.sent == 0:
        return check.unknown(f"{probe} sent nothing")
    if ping.received == 0:
        return check.fails(f"{subject.vip.ip} does not answer {probe}", actual, VipState.BLACK_HOLE)
    if ping.received < ping.sent:
        return check.warns(f"{subject.vip.ip} answers {probe}, but not always", actual)
    return check.passes(f"{subject.vip.ip} answers {probe}", actual)


@registered(
    "client-neighbor",
    Target.PROBE,
    order=610,
    decides=True,
    reads="ip -j route get VIP, ip -j neigh show to VIP",
    passes="a host in the VIP's own subnet holds the owner's MAC",
    fails="it holds another one (skipped in other subnets, and where it holds none)",
)
def judge_client_neighbor(subject: Subject, probe: str) -> Finding:
    """A probe host in the VIP's own subnet sends straight to a MAC: the one it holds must be the VIP's.

    Leaves that suppress ARP keep gratuitous ARP from it, so its own entry must age first (arp(7), RFC 9161 3.6).
    """
    facts, address = subject.probes[probe], subject.vip.ip
    expected = f"{address} with the MAC of the server that owns it, if at all"
    begun = Check(name="client-neighbor", target=probe, expected=expected)
    check, route = begun.reads(facts.routes[address])
    if route.gateway is not None:
        return check.skips(f"{probe} is in another subnet: its gateway holds the neighbor")
    check, rows = begun.reads(facts.neighbors[address])
    mine = [each for each in rows if each.address == address]
    row = next((each for each in mine if each.interface == route.interface), None)
    if row is None or row.mac is None or not row.states or row.states & _WITHOUT_MAC:
        return check.skips(f"{probe} held no MAC for {address}, so it asks anew", "no entry")
    owner = subject.owner()
    mac = subject.vip_mac(owner) if owner is not None else None
    actual = f"{row.mac} {' '.join(sorted(row.states))}"
    if owner is None or mac is None:
        return check.skips("no single server bears the VIP, so there is nothing to compare with", actual)
    if row.mac != mac:
        message = f"{probe} still sends to {subject.name_of(row.mac)} for {address}; {owner.name} bears it"
        return check.fails(message, actual, VipState.STALE_NEIGHBOR)
    if (row.permanent or "NOARP" in row.states) and subject.cluster.vmac is None:
        return check.warns(f"{probe} has a static entry for {address}, which will not follow it", actual)
    return check.passes(f"{probe} holds {subject.name_of(mac)}", actual)


def on_link(subject: Subject, probe: str) -> bool:
    """Is the probe host in the VIP's own subnet, as its own routing table says?"""
    route = subject.probes[probe].routes[subject.vip.ip]
    return isinstance(route, Read) and route.value.gateway is None
