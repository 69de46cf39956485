"""Where the VIP should be: the server that bears it, the MAC it has, and the leaf or pair of leaves it is behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.judge.subject import Subject
from tasks.model.cluster import Fabric, Server
from tasks.model.leaf import FdbRow, LeafFacts
from tasks.model.mac import MacAddress
from tasks.model.reading import Read, Unread
from tasks.model.table import rows_with

_PEERLINK = "peerlink"
"""Cumulus's name for the bond between an MLAG pair; a host whose own bond is down on one leaf is seen there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The place that a server hangs on: one leaf, or both of an MLAG pair or of an Ethernet segment, with the ports.

    `how` says who told: `declared`, `FDB` or `LLDP`.
    """

    ports: Mapping[str, str | None]
    how: str

    @property
    def leaves(self) -> tuple[str, ...]:
        """The leaves, in the order in which they were declared or found."""
        return tuple(self.ports)

    @property
    def name(self) -> str:
        """`L1`, or `L1 and L2`."""
        return " and ".join(self.ports)

    def over_the_peerlink(self, port: str | None) -> bool:
        """Does a leaf of a pair, with the server on this port, hear it by way of its peer alone?"""
        return len(self.ports) > 1 and port is not None and port.startswith(_PEERLINK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a leaf's tables should say: the MAC of the VIP, and where it is from this leaf's point of view."""

    facts: LeafFacts
    owner: Server
    mac: MacAddress
    home: Home
    vteps: tuple[str, ...]
    """How the owner's place is named in the fabric: one address, or two on an Ethernet segment. Empty: not told."""
    vteps_told: bool
    """Are these all? Else a VTEP beside them is not known to be wrong."""
    segment: str | None
    """The Ethernet segment that the MAC is behind, as the leaf of its home says."""
    segment_told: bool
    """Did every leaf of the home tell its MACs? Else no segment means nothing."""

    @property
    def local(self) -> bool:
        """Is the owner attached to this leaf?"""
        return self.facts.host in self.home.ports

    @property
    def port(self) -> str | None:
        """The owner's port on this leaf; None where the owner is not attached, or nobody knows the port."""
        return self.home.ports.get(self.facts.host)

    @property
    def where(self) -> str:
        """The place in words."""
        if self.local:
            return f"on {self.port or 'a port of its own'}"
        return f"behind VTEP {' or '.join(self.vteps) or 'unknown'} ({self.home.name})"


def place_of(subject: Subject, leaf: str) -> Place | str:
    """What this leaf should say, or why that can't be told."""
    owner = subject.owner()
    if owner is None:
        return "no single server bears the VIP, so there is nothing to compare with"
    mac = subject.vip_mac(owner)
    if mac is None:
        return f"{owner.name} did not tell the MAC of {owner.interface}"
    home = home_of(subject, owner)
    if isinstance(home, str):
        return home
    return Place(
        facts=subject.leaves[leaf],
        owner=owner,
        mac=mac,
        home=home,
        vteps=vteps_of(subject, home),
        vteps_told=_all_told(subject, home),
        segment=_segment(subject, home, mac),
        segment_told=all(isinstance(subject.leaves[each].evpn_macs, Read) for each in home.leaves),
    )


def home_of(subject: Subject, server: Server) -> Home | str:
    """Where the server hangs: as declared, else as the leaves' FDB has its own MAC, else as LLDP says; or why not."""
    found = learned_at(subject, server)
    if server.leaves:
        return Home(ports={leaf: server.port or found.get(leaf) for leaf in server.leaves}, how="declared")
    if len(found) == 1 or (found and one_place(subject, tuple(found))):
        return Home(ports=found, how="FDB")
    told = lldp_ports(subject, server)
    if told and (len(told) == 1 or one_place(subject, tuple(told))):
        # LLDP names the member of a bond, the FDB the bond.
        return Home(ports={leaf: found.get(leaf, port) for leaf, port in told.items()}, how="LLDP")
    if not found:
        return f"no leaf learned {server.name} on a port, and its leaf is not declared"
    return f"{server.name} is on {' and '.join(found)}, which are no pair; declare its leaf in clusters.yaml"


def learned_at(subject: Subject, server: Server) -> dict[str, str]:
    """Leaf and port where the FDB has the server's own MAC as learned from the wire, by itself or by its segment.

    Where the FDB could not be read, zebra knows what the kernel told it.
    """
    mac = subject.mac_of(server)
    ports = {leaf: _heard_on(subject, facts, mac) for leaf, facts in subject.leaves.items()}
    return {leaf: heard[0] for leaf, heard in ports.items() if heard}


def _heard_on(subject: Subject, facts: LeafFacts, mac: MacAddress | None) -> list[str]:
    if isinstance(facts.fdb, Read):
        rows = rows_with(facts.fdb.value, "mac", mac)
        fabric = subject.cluster.fabric
        return [row.interface for row in rows if from_the_wire(row, fabric) or _by_its_segment(row, subject, facts)]
    macs = facts.evpn_macs.value if isinstance(facts.evpn_macs, Read) else ()
    found = rows_with(macs, "mac", mac)
    return [row.interface for row in found if row.kind == "local" and row.interface is not None]


def from_the_wire(row: FdbRow, fabric: Fabric) -> bool:
    """Did the bridge learn it on a port of this VLAN, rather than BGP or an administrator write it?"""
    return _on_a_port(row, fabric) and not row.extern_learn


def _on_a_port(row: FdbRow, fabric: Fabric) -> bool:
    over_vxlan = row.vtep is not None or row.nexthop_group is not None or row.interface == fabric.vxlan
    return not over_vxlan and not row.permanent and of_vlan(row, fabric)


def _by_its_segment(row: FdbRow, subject: Subject, facts: LeafFacts) -> bool:
    """Did another leaf of the Ethernet segment tell of it? Then zebra wrote the row, onto the segment's own port."""
    if not _on_a_port(row, subject.cluster.fabric):
        return False
    macs = facts.evpn_macs
    if isinstance(macs, Unread):
        return True  # nothing else makes zebra write a row onto a port
    known = rows_with(macs.value, "mac", row.mac)
    return any(each.kind == "local" and each.segment is not None for each in known)


def of_vlan(row: FdbRow, fabric: Fabric) -> bool:
    """A VLAN-aware bridge holds the rows of all its VLANs, and a single VXLAN device those of all its VNIs."""
    if row.vtep is not None or row.nexthop_group is not None:
        return row.interface == fabric.vxlan and row.vni in {None, fabric.vni}
    return fabric.vlan is None or row.vlan in {None, fabric.vlan}


def lldp_ports(subject: Subject, server: Server) -> dict[str, str]:
    """Leaf and port at whose other end a system of the server's name is; domain and case do not matter."""
    found: dict[str, str] = {}
    for leaf, facts in subject.leaves.items():
        rows = facts.lldp.value if isinstance(facts.lldp, Read) else ()
        for row in rows:
            if row.system.partition(".")[0].lower() == server.name.partition(".")[0].lower():
                found.setdefault(leaf, row.port)
    return found


def one_place(subject: Subject, leaves: tuple[str, ...]) -> bool:
    """Do these leaves answer to one anycast VTEP (MLAG), or share an Ethernet segment? One that is silent proves no."""
    vteps = {subject.vtep_of(leaf) for leaf in leaves}
    if len(vteps) == 1 and None not in vteps:
        return True
    segments = [_segments(subject, leaf) for leaf in leaves]
    return bool(frozenset.intersection(*segments))


def vteps_of(subject: Subject, home: Home | tuple[str, ...]) -> tuple[str, ...]:
    """The VTEP addresses of these leaves as they tell them, each once."""
    leaves = home.leaves if isinstance(home, Home) else home
    told = [subject.vtep_of(leaf) for leaf in leaves if leaf in subject.leaves]
    return tuple(dict.fromkeys(vtep for vtep in told if vtep is not None))


def _all_told(subject: Subject, home: Home) -> bool:
    """Does every leaf of it tell its VTEP, and, where nobody declared it, could every leaf be looked at?"""
    looked = home.how == "declared" or all(isinstance(facts.fdb, Read) for facts in subject.leaves.values())
    return looked and all(subject.vtep_of(leaf) is not None for leaf in home.leaves)


def _segments(subject: Subject, leaf: str) -> frozenset[str]:
    """The segments that the leaf is part of: it knows those of its remote MACs as well."""
    macs = subject.leaves[leaf].evpn_macs
    rows = macs.value if isinstance(macs, Read) else ()
    return frozenset(row.segment for row in rows if row.segment is not None and row.kind == "local")


def _segment(subject: Subject, home: Home, mac: MacAddress) -> str | None:
    for leaf in home.leaves:
        macs = subject.leaves[leaf].evpn_macs if leaf in subject.leaves else None
        for row in rows_with(macs.value, "mac", mac) if isinstance(macs, Read) else ():
            if row.segment is not None:
                return row.segment
    return None
