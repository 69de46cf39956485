"""Advice that has an order: what a person does by hand, one step a line. The product itself never clears anything."""

from __future__ import annotations

from tasks.judge.place import Place
from tasks.judge.subject import Subject
from tasks.model.cluster import Server


def thaw(subject: Subject, place: Place) -> tuple[str, ...]:
    """How to free a frozen VIP on one leaf.

    The order matters: a leaf that is let go while it still holds a stale local entry advertises that entry with a
    higher sequence than anybody's, and draws the VIP to a place where nobody bears it. So either the server behind the
    leaf bears the VIP, or the stale kernel entries go first.
    """
    fabric, leaf, address = subject.cluster.fabric, place.facts.host, subject.vip.ip
    steps = ["find out first why it moved so often: two masters, or failovers in a row"]
    if not place.local:
        steps.append(f"on {leaf}: sudo ip neigh del {address} dev {fabric.svi}")
        if subject.cluster.vmac is not None:
            vlan = f" vlan {fabric.vlan}" if fabric.vlan is not None else ""
            steps.append(f"on {leaf}: sudo bridge fdb del {place.mac} dev PORT master{vlan}")
    steps.append(f"on {leaf}: sudo vtysh -c 'clear evpn dup-addr vni {fabric.vni}'")
    steps.append(f"on {place.owner.name}: {announce(subject, place.owner)}")
    steps.append("vipbook verify --wait 60")
    return tuple(steps)


def announce(subject: Subject, owner: Server) -> str:
    """The command that tells the VLAN again who has the VIP, without touching keepalived."""
    interface = subject.cluster.bearing_interface(owner)
    return f"sudo arping -U -c 3 -I {interface} {subject.vip.ip}"
