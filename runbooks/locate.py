"""locate: where is this address or MAC now, and which tables say so. Never changes anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address, ip_interface

from runbooks.session import Session
from runbooks.verify import answered_hosts
from tasks.fabric.locate import locate_commands, located
from tasks.judge.locate import Look, locate
from tasks.model.answer import Command, Reply
from tasks.model.cluster import Cluster
from tasks.model.errors import IntentError
from tasks.model.location import Query
from tasks.model.mac import MacAddress
from tasks.model.report import Report
from tasks.report.build import Reporter
from tasks.server.questions import INTERFACES
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
        server.name: INTERFACES.read(replies[server.name]) for cluster in session.clusters for server in cluster.servers
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
    servers = [server.name for cluster in session.clusters for server in cluster.servers]
    asked: dict[str, dict[str, Command]] = {name: {INTERFACES.command.key: INTERFACES.command} for name in servers}
    for cluster in fabrics.values():
        for leaf in cluster.fabric.leaves:
            commands = locate_commands(cluster, query)
            asked.setdefault(leaf, {}).update((command.key, command) for command in commands)
    return {host: Script(commands=tuple(commands.values())) for host, commands in asked.items()}


def _look(cluster: Cluster, replies: Mapping[str, Reply], query: Query) -> Look:
    found = {leaf: located(leaf, replies[leaf], cluster, query) for leaf in cluster.fabric.leaves}
    return Look(
        fabric=cluster.fabric,
        leaves={leaf: facts for leaf, (facts, _) in found.items()},
        uptimes={leaf: uptime for leaf, (_, uptime) in found.items()},
    )
