"""What the tables tell before a fault about how the fabric will take it. Pure; no verdict, a word to the operator."""

from __future__ import annotations

from tasks.judge.place import home_of
from tasks.judge.subject import Subject
from tasks.model.reading import Read
from tasks.model.table import rows_with


def left_behind(subject: Subject, port_lost: str) -> str | None:
    """The leaf that will keep a virtual MAC's address once this server's port goes down, in a sentence; or None.

    A leaf whose port goes down compares the next route with the highest sequence that it ever heard from elsewhere,
    and the heir's leaf, which saw the route withdrawn, begins at 0: one move with both links up is enough
    (FRRouting/frr#9327).
    """
    owner = subject.owner()
    if owner is None or owner.name != port_lost or not subject.cluster.use_vmac:
        return None
    mac, home = subject.vip_mac(owner), home_of(subject, owner)
    if mac is None or isinstance(home, str) or len(home.leaves) > 1:
        return None
    ((leaf, port),) = home.ports.items()
    macs = subject.leaves[leaf].evpn_macs
    rows = rows_with(macs.value, "mac", mac) if isinstance(macs, Read) else ()
    held = max((row.remote_sequence or 0 for row in rows if row.kind == "local"), default=0)
    if not held:
        return None
    vip, svi = subject.vip.ip, subject.cluster.fabric.svi
    return (
        f"{leaf} once heard sequence {held} for {mac} from elsewhere: with {port or 'the port'} down it will keep "
        f"{vip} as its own and refuse the new place (FRRouting/frr#9327); to begin at 0 again, on {leaf}: "
        f"sudo ip neigh del {vip} dev {svi}; sudo bridge fdb del {mac} dev {port or 'PORT'} master"
    )
