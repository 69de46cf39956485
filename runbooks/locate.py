"""locate: where is this address or MAC now, and which tables say so. Never changes anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from ipaddress import ip_address, ip_interface

from runbooks.session import Session
from runbooks.verify import answered_hosts
from tasks.judge.locate import Look, locate
from tasks.judge.sightings import Query
from tasks.model.answer import Answer, Answers, Command, Reply
from tasks.model.cluster import Cluster
from tasks.model.errors import IntentError
from tasks.model.leaf import LeafFacts
from tasks.model.mac import MacAddress
from tasks.model.reading import Read
from tasks.model.report import Report
from tasks.observe.frr import parse_evpn_mac_entry, parse_evpn_neighbor_entry
from tasks.observe.iproute2 import parse_interfaces, parse_neighbors
from tasks.observe.leaf import leaf_facts
from tasks.observe.leaf_questions import locate_commands
from tasks.observe.questions import interfaces_command
from tasks.observe.readings import reading
from tasks.report.build import Reporter
from tasks.transport import Script


def parse_query(text: str) -> Query:
    """An IP address or a MAC address; IntentError for anything else. Nothing is contacted."""
    for kind in (ip_address, MacAddress):
        try:
            found: Query = kind(text)
        except ValueError:
            continue
        else:
            return found
    raise IntentError(f"{text!r} is neither an IP address nor a MAC address; write 100.65.0.10 or 08:00:27:7d:af:b4")


def whereabouts(session: Session, query: Query) -> Report:
    """Ask every leaf and every server of the clusters, once each."""
    reporter = Reporter("locate")
    fabrics = _by_vni(session, query)
    scripts = _questions(session, fabrics, query)
    replies = session.run_scripts(scripts)
    looks = [_look(cluster, replies, query) for cluster in fabrics.values()]
    servers = {
        server.name: reading(_answer(replies[server.name], "interfaces"), parse_interfaces)
        for cluster in session.clusters
        for server in cluster.servers
    }
    found = locate(query, looks, servers, session.clusters)
    return reporter.report(
        asked=scripts,
        answered=answered_hosts(replies),
        location=found,
        verdict=found.status,
        reason=found.message,
    )


def _by_vni(session: Session, query: Query) -> dict[int, Cluster]:
    """Every VNI once, with the query in the place of its VIPs; leaves of all its clusters together."""
    fabrics: dict[int, Cluster] = {}
    vips = () if isinstance(query, MacAddress) else (ip_interface(query),)
    for cluster in session.clusters:
        known = fabrics.get(cluster.fabric.vni, cluster)
        leaves = tuple(dict.fromkeys((*known.fabric.leaves, *cluster.fabric.leaves)))
        fabrics[cluster.fabric.vni] = replace(
            known, vips=vips, use_vmac=False, fabric=replace(known.fabric, leaves=leaves)
        )
    return fabrics


def _questions(session: Session, fabrics: Mapping[int, Cluster], query: Query) -> dict[str, Script]:
    asked: dict[str, dict[str, Command]] = {}
    for cluster in session.clusters:
        for server in cluster.servers:
            command = interfaces_command()
            asked.setdefault(server.name, {})[command.key] = command
    for cluster in fabrics.values():
        for leaf in cluster.fabric.leaves:
            commands = locate_commands(cluster, query)
            asked.setdefault(leaf, {}).update((command.key, command) for command in commands)
    return {host: Script(commands=tuple(commands.values())) for host, commands in asked.items()}


def _look(cluster: Cluster, replies: Mapping[str, Reply], query: Query) -> Look:
    return Look(
        fabric=cluster.fabric,
        leaves={leaf: _facts(leaf, replies[leaf], cluster, query) for leaf in cluster.fabric.leaves},
        uptimes={leaf: _uptime(replies[leaf], cluster.fabric.vni, query) for leaf in cluster.fabric.leaves},
    )


def _facts(leaf: str, reply: Reply, cluster: Cluster, query: Query) -> LeafFacts:
    facts = leaf_facts(leaf, reply, cluster, str(query))
    if not isinstance(query, MacAddress) or not isinstance(reply, Answers):
        return facts
    rows = partial(parse_neighbors, interface=cluster.fabric.svi)
    return replace(facts, neighbors=reading(_answer(reply, f"neighbors {query}"), rows))


def _uptime(reply: Reply, vni: int, query: Query) -> str | None:
    parse = parse_evpn_mac_entry if isinstance(query, MacAddress) else parse_evpn_neighbor_entry
    read = reading(_answer(reply, f"entry {vni}"), parse)
    return read.value.uptime if isinstance(read, Read) and read.value is not None else None


def _answer(reply: Reply, key: str) -> Answer | None:
    return reply.by_key.get(key) if isinstance(reply, Answers) else None
