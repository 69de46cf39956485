"""Who hangs where, put together from intent, FDB and LLDP: for a drawing, not for a verdict."""

from __future__ import annotations

from tasks.judge.checks.client import on_link
from tasks.judge.place import home_of
from tasks.judge.subject import Subject
from tasks.model.cluster import Server
from tasks.model.fabric_map import FabricMap, MappedLeaf, MappedProbe, MappedServer
from tasks.model.leaf import LeafFacts, LldpNeighbor
from tasks.model.reading import Read


def map_fabric(subject: Subject) -> FabricMap:
    """The fabric of the subject's cluster, as far as anybody told."""
    cluster = subject.cluster
    return FabricMap(
        vni=cluster.fabric.vni,
        servers=tuple(
            MappedServer(name=each.name, address=str(each.address.ip), leaves=_leaves_of(subject, each))
            for each in cluster.servers
        ),
        leaves=tuple(
            MappedLeaf(name=leaf, vtep=subject.vtep_of(leaf), spines=_spines(subject.leaves[leaf]))
            for leaf in cluster.fabric.leaves
        ),
        probes=tuple(
            MappedProbe(name=probe, on_link=on_link(subject, probe), leaves=_seen_at(subject, probe))
            for probe in cluster.probes
        ),
    )


def _leaves_of(subject: Subject, server: Server) -> tuple[str, ...]:
    home = home_of(subject, server)
    return server.leaves if isinstance(home, str) else home.leaves


def _lldp(facts: LeafFacts) -> tuple[LldpNeighbor, ...]:
    return facts.lldp.value if isinstance(facts.lldp, Read) else ()


def _seen_at(subject: Subject, system: str) -> tuple[str, ...]:
    """The leaves on which LLDP names this system."""
    return tuple(leaf for leaf, facts in subject.leaves.items() if any(each.system == system for each in _lldp(facts)))


def _spines(facts: LeafFacts) -> tuple[str, ...]:
    """The other ends of the EVPN sessions: the system that LLDP names at the port, else BGP's own word for the peer."""
    sessions = facts.sessions.value if isinstance(facts.sessions, Read) else ()
    systems = {each.port: each.system for each in _lldp(facts)}
    return tuple(dict.fromkeys(systems.get(each.peer, each.peer) for each in sessions))
