"""Advice that has an order: what a person does by hand, one step a line. The product itself never clears anything."""

from __future__ import annotations

from tasks.judge.place import Place, from_the_wire
from tasks.judge.subject import Subject
from tasks.model.address import IPV6
from tasks.model.cluster import Server
from tasks.model.mac import MacAddress
from tasks.model.reading import Read
from tasks.model.table import rows_with


def thaw(subject: Subject, place: Place) -> tuple[str, ...]:
    """How to free a frozen VIP on one leaf.

    The order matters: a leaf that is let go while it still holds a stale local entry advertises that entry with a
    higher sequence than anybody's, and draws the VIP to a place where nobody bears it. So either the server behind the
    leaf bears the VIP, or the stale kernel entries go first.
    """
    steps = ["find out first why it moved so often: two masters, or failovers in a row"]
    if not place.local:
        steps += forget(subject, place.facts.host, place.mac)
    steps.append(f"on {place.facts.host}: sudo vtysh -c 'clear evpn dup-addr vni {subject.cluster.fabric.vni}'")
    if not place.local:
        # What the leaf refused while it was frozen is not sent again unless it changes: its own leaf withdraws it.
        steps += [step for leaf in place.home.leaves for step in forget(subject, leaf, place.mac)]
    steps.append(f"on {place.owner.name}: {announce(subject, place.owner)}")
    # A route that comes while the leaf is being let go may be refused once more.
    steps.append("vipbook verify --wait 60; where a leaf still lacks the VIP: these steps again")
    return tuple(steps)


def forget(subject: Subject, leaf: str, mac: MacAddress) -> list[str]:
    """Have a leaf forget what it learned from the wire: the address, and the MAC where that is what moves."""
    fabric = subject.cluster.fabric
    steps = [f"on {leaf}: sudo ip neigh del {subject.vip.ip} dev {fabric.svi}"]
    if subject.cluster.vmac is not None:
        vlan = f" vlan {fabric.vlan}" if fabric.vlan is not None else ""
        steps.append(f"on {leaf}: sudo bridge fdb del {mac} dev {_port(subject, leaf, mac)} master{vlan}")
    return steps


def _port(subject: Subject, leaf: str, mac: MacAddress) -> str:
    """Where the leaf learned the MAC from the wire; a word to fill in when it does not say."""
    fdb, fabric = subject.leaves[leaf].fdb, subject.cluster.fabric
    rows = rows_with(fdb.value, "mac", mac) if isinstance(fdb, Read) else ()
    return next((row.interface for row in rows if from_the_wire(row, fabric)), "PORT")


def announce(subject: Subject, owner: Server) -> str:
    """The command that tells the VLAN again who has the VIP, without touching keepalived.

    IPv6 has no ARP: whoever answers an echo to all nodes has to look for the VIP that it came from.
    """
    interface = subject.cluster.bearing_interface(owner)
    if subject.vip.version == IPV6:
        return f"ping -6 -c 3 -I {subject.vip.ip} ff02::1%{interface}"
    return f"sudo arping -U -c 3 -I {interface} {subject.vip.ip}"


def correct_fdb(subject: Subject, place: Place, zebra: str) -> tuple[str, ...]:
    """How to put the kernel's FDB in step with zebra, which writes a row once and does not look at it again."""
    leaf, vxlan = place.facts.host, subject.cluster.fabric.vxlan
    look = f"on {leaf}: sudo bridge fdb show dev {vxlan}"
    if zebra in place.vteps:
        # `replace` would leave a permanent row permanent.
        row = f"{place.mac} dev {vxlan}"
        return (
            look,
            f"on {leaf}: sudo bridge fdb del {row} self",
            f"on {leaf}: sudo bridge fdb add {row} dst {zebra} self extern_learn dynamic",
        )
    return look, f"then delete, on {leaf}, the rows of {place.mac} that zebra does not have: sudo bridge fdb del"
