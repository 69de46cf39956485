"""What the answers of one leaf mean.

vtysh and iproute2 work on Cumulus Linux 4 and 5 and on plain FRR alike. All is asked for one VNI and one type: a
fabric's whole tables are large, and asking bgpd for all of them has exhausted memory on real switches.
"""

from __future__ import annotations

from tasks.model.answer import Answers, Reply
from tasks.model.cluster import Cluster
from tasks.model.observation import LeafFacts, Unread
from tasks.observe.frr import parse_evpn_macs, parse_evpn_neighbors, parse_macip_paths, parse_vni
from tasks.observe.iproute2 import parse_fdb, parse_neighbors
from tasks.observe.readings import reading


def leaf_facts(host: str, reply: Reply, cluster: Cluster, address: str) -> LeafFacts:
    """The answers about one VIP of one cluster; every reading is Unread when the host gave none."""
    if not isinstance(reply, Answers):
        unread = Unread(reason=reply.reason, source=None)
        return LeafFacts(
            host=host,
            neighbors=unread,
            fdb=unread,
            evpn_macs=unread,
            evpn_neighbors=unread,
            paths=unread,
            vni=unread,
            detection=unread,
            moves=unread,
            sessions=unread,
        )
    answers, vni = reply.by_key, cluster.fabric.vni
    return LeafFacts(
        host=host,
        neighbors=reading(answers.get(f"neighbors {address}"), parse_neighbors),
        fdb=reading(answers.get(f"fdb {vni}"), parse_fdb),
        evpn_macs=reading(answers.get(f"macs {vni}"), parse_evpn_macs),
        evpn_neighbors=reading(answers.get(f"arp {vni}"), parse_evpn_neighbors),
        paths=reading(answers.get(f"paths {vni}"), parse_macip_paths),
        vni=reading(answers.get(f"vni {vni}"), parse_vni),
        detection=Unread(reason="not asked yet", source=None),
        moves=Unread(reason="not asked yet", source=None),
        sessions=Unread(reason="not asked yet", source=None),
    )
