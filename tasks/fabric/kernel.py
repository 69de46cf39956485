"""The kernel's tables of a leaf: the same on each, whatever its control plane is asked by."""

from __future__ import annotations

from functools import partial

from tasks.fabric.frr.detection import parse_clock
from tasks.model.address import IpAddress
from tasks.model.answer import Command
from tasks.model.cluster import Fabric
from tasks.model.leaf import FdbRow, Neighbor
from tasks.model.mac import MacAddress
from tasks.observe.iproute2 import parse_fdb, parse_neighbors
from tasks.observe.question import Question
from tasks.observe.shell import iproute

BRIDGE_FDB = "bridge-fdb"
CLOCK = Question(Command(key="clock text", argv=("date", "+%a %b %e %H:%M:%S %Y")), parse_clock)
"""The leaf's, as ctime(3) prints it, because FRR prints its times so, without a zone."""


def neighbors(address: IpAddress) -> Question[tuple[Neighbor, ...]]:
    """Of one address, on whatever interface."""
    return Question(iproute(f"neighbors {address}", "ip", "neigh", "show", "to", str(address)), parse_neighbors)


def neighbors_on(svi: str, mac: MacAddress) -> Question[tuple[Neighbor, ...]]:
    """All of the SVI, among which the MAC is looked for: the kernel can't be asked for it."""
    asked = iproute(f"neighbors {mac}", "ip", "neigh", "show", "dev", svi)
    return Question(asked, partial(parse_neighbors, interface=svi))


def fdb(fabric: Fabric) -> Question[tuple[FdbRow, ...]]:
    """Of the bridge. Without privilege `bridge fdb show` prints nothing at all, which must not be an empty table.

    Its filter by VLAN drops the rows of the VXLAN device, which have none.
    """
    words = ("bridge", "fdb", "show", "br", fabric.bridge)
    return Question(iproute(f"fdb {fabric.vni}", *words, run_as="vipbook_bridge", helper=BRIDGE_FDB), parse_fdb)
