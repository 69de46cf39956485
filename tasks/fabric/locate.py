"""What a leaf is asked to find any address or MAC: the tables as ever, and how long the entry has been there."""

from __future__ import annotations

from dataclasses import replace

from tasks.fabric.frr.zebra import MAC_ENTRY, NEIGHBOR_ENTRY
from tasks.fabric.kernel import neighbors_on
from tasks.fabric.leaf import LeafReader, leaf_commands
from tasks.fabric.system import LeafQuestion, asked
from tasks.model.answer import Command, Reply
from tasks.model.cluster import Cluster
from tasks.model.leaf import EvpnMac, EvpnNeighbor, LeafFacts
from tasks.model.location import Query
from tasks.model.mac import MacAddress
from tasks.model.reading import Read


def locate_commands(cluster: Cluster, query: Query) -> tuple[Command, ...]:
    """`cluster` has an address in the place of its VIPs, and none for a MAC."""
    commands = (*leaf_commands([cluster]), *_entry(cluster, query).commands)
    if isinstance(query, MacAddress):
        commands += neighbors_on(cluster.fabric.svi, query).commands
    return commands


def located(host: str, reply: Reply, cluster: Cluster, query: Query) -> tuple[LeafFacts, str | None]:
    """The facts about it, and since when it is there, as FRR words it."""
    leaf, entry = LeafReader(host, reply), _entry(cluster, query).read(reply)
    since = entry.value.uptime if isinstance(entry, Read) and entry.value is not None else None
    if not isinstance(query, MacAddress):
        return leaf.facts(cluster, query), since
    return replace(leaf.tables(cluster.fabric), neighbors=neighbors_on(cluster.fabric.svi, query).read(reply)), since


def _entry(cluster: Cluster, query: Query) -> LeafQuestion[EvpnMac | EvpnNeighbor | None]:
    show = MAC_ENTRY if isinstance(query, MacAddress) else NEIGHBOR_ENTRY
    return asked(show, vni=cluster.fabric.vni, query=query)
