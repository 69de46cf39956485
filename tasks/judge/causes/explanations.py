"""Which changes an expectation explains, and which need none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.judge.snapshot.server import KEEPALIVED
from tasks.model.cluster import Cluster
from tasks.model.snapshot import Entry, Row, Snapshot
from tasks.model.window import Change, Expectation

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

_BINDINGS = {"kernel neighbor", "zebra ARP/ND", "BGP type-2", "client neighbor"}
_PLACES = {"kernel FDB", "zebra MAC"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Both moments, and the clusters that the window is about."""

    before: Snapshot
    after: Snapshot
    clusters: tuple[Cluster, ...]

    def instances(self, name: str) -> tuple[Cluster, ...]:
        """The VRRP instances of the cluster of that name."""
        return tuple(each for each in self.clusters if each.name == name)

    def vips(self) -> set[str]:
        """The addresses of all VIPs."""
        return {str(vip.ip) for cluster in self.clusters for vip in cluster.vips}

    def happened(self, expected: Expectation, changes: Sequence[Change]) -> tuple[bool, str]:
        """Did it, and in words."""
        if expected.kind == "moves":
            return self._moved(expected)
        if expected.kind == "down":
            if expected.about not in self.before.answered:
                return False, f"{expected.about} did not answer when the window was opened"
            gone = expected.about not in self.after.answered
            return gone, f"{expected.about} {'does not answer' if gone else 'still answers'}"
        found = [each for each in changes if _concerns(expected, each.entry)]
        return bool(found), f"{len(found)} entries changed" if found else "nothing of it changed"

    def _moved(self, expected: Expectation) -> tuple[bool, str]:
        names = [f"{expected.about}/{vip.ip}" for each in self.instances(expected.about) for vip in each.vips]
        then, now = ({snapshot.owners.get(name) for name in names} for snapshot in (self.before, self.after))
        if now != {expected.host}:
            return False, f"{_listed(now)} bears it"
        if expected.host in then:
            return False, f"{expected.host} bore it already when the window was opened"
        return True, f"from {_listed(then)} to {expected.host}"

    def identity(self, host: str) -> tuple[set[str], set[str], set[str]]:
        """Addresses, MACs and VTEPs that were this host's when the window was opened."""
        vips, addresses, macs, vteps = self.vips(), set[str](), set[str](), set[str]()
        ports = [
            (each.host, each.row.key)
            for each in self.before.entries
            if each.table == "LLDP" and host in each.row.systems
        ]
        for each in self.before.entries:
            if each.host == host and each.table == "address":
                addresses |= {address for address in each.row.addresses if address not in vips}
                macs |= {each.row.fields["mac"]} if "mac" in each.row.fields else set()
            elif each.host == host and each.table == "VNI":
                vteps.add(each.row.fields.get("vtep", ""))
            elif each.table == "kernel FDB" and (each.host, each.row.fields.get("on")) in ports:
                macs |= set(each.row.macs)
        return addresses, macs, vteps - {""}


def explained_fields(expected: Expectation, change: Change, scope: Scope) -> AbstractSet[str]:
    """The fields of this change that the expectation explains."""
    entry = change.entry
    everything = set(change.before.row.fields if change.before else ()) | set(entry.row.fields)
    if expected.kind == "moves":
        moved = [_by_move(each, entry, everything) for each in scope.instances(expected.about)]
        return set().union(*moved)
    if expected.kind == "down":
        return everything if entry.host == expected.about or _left(expected.about, change, scope) else set()
    if expected.kind == "topic" and expected.about == KEEPALIVED and entry.table == "VRRP":
        return {"effective priority"} if entry.host == expected.host else set()
    return everything if _concerns(expected, entry) else set()


def _concerns(expected: Expectation, entry: Entry) -> bool:
    """Is the entry one of the topic on that host, or about that address?"""
    if expected.kind == "topic":
        return (entry.host, entry.table) == (expected.host, expected.about)
    return expected.about in entry.row.addresses or expected.about in entry.row.macs


def _by_move(cluster: Cluster, entry: Entry, everything: set[str]) -> set[str]:
    """A move changes who is master, where the VIPs stand, and what the fabric and clients hold for them."""
    members = {server.name for server in cluster.servers}
    vips = {str(vip.ip) for vip in cluster.vips}
    if entry.host in members and entry.table == "VRRP":
        return {"state"} if entry.row.key == cluster.instance else set()
    if entry.host in members and entry.table == "address":
        macvlan = cluster.use_vmac and entry.row.key == cluster.vmac_interface
        return everything if macvlan or vips & set(entry.row.addresses) else set()
    if entry.table in _BINDINGS and vips & set(entry.row.addresses):
        return everything
    if entry.table in _PLACES and str(cluster.vmac) in entry.row.macs:
        return everything
    return set()


def _left(host: str, change: Change, scope: Scope) -> bool:
    """Did something go that was this host's, elsewhere?"""
    was = change.before
    if was is None:
        return False
    addresses, macs, vteps = scope.identity(host)
    if change.after is not None:
        # Where its port went down, zebra keeps what it learned there as inactive and advertises it no more.
        if change.after.row.fields.get("state") == "inactive" and addresses & set(was.row.addresses):
            return True
        lost = set(was.row.vteps) - set(change.after.row.vteps)
        return bool(lost) and lost <= vteps and not set(change.after.row.vteps) - set(was.row.vteps)
    about: Row = was.row
    return bool(
        addresses & set(about.addresses)
        or macs & set(about.macs)
        or host in about.systems
        or (about.vteps and set(about.vteps) <= vteps)
    )


def by_itself(change: Change, scope: Scope) -> bool:
    """ARP learns and forgets: a binding that came or went while its MAC stayed where it was needs no explanation.

    Never one of a VIP: those are what the window is about.
    """
    entry = change.entry
    if change.kind == "changed" or entry.table not in _BINDINGS or scope.vips() & set(entry.row.addresses):
        return False
    return bool(entry.row.macs) and all(_stayed(entry.host, mac, scope) for mac in entry.row.macs)


def _stayed(host: str, mac: str, scope: Scope) -> bool:
    then, now = (
        [each.row.fields for each in _macs_of(snapshot, host) if mac in each.row.macs]
        for snapshot in (scope.before, scope.after)
    )
    return bool(then) and then == now


def _macs_of(snapshot: Snapshot, host: str) -> Iterator[Entry]:
    return (each for each in snapshot.entries if each.host == host and each.table == "zebra MAC")


def _listed(names: set[str | None]) -> str:
    return " and ".join(sorted(name or "nobody" for name in names))
