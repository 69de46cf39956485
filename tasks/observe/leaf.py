"""What one leaf is asked in one round trip, and what its answers mean.

vtysh and iproute2 work on Cumulus Linux 4 and 5 and on plain FRR alike. All is asked for one VNI and one type: a
fabric's whole tables are large, and asking bgpd for all of them has exhausted memory on real switches.
"""

from __future__ import annotations

from collections.abc import Sequence

from tasks.model.answer import Answers, Command, Reply
from tasks.model.cluster import Cluster
from tasks.model.observation import LeafFacts, Unread
from tasks.observe.frr import parse_evpn_macs, parse_evpn_neighbors, parse_macip_paths, parse_vni
from tasks.observe.iproute2 import parse_fdb, parse_neighbors
from tasks.observe.readings import reading


def leaf_commands(clusters: Sequence[Cluster]) -> tuple[Command, ...]:
    """Everything that is asked of a leaf that carries the VLANs of these clusters, each question once."""
    commands: dict[str, Command] = {}
    for cluster in clusters:
        fabric = cluster.fabric
        asked = [
            Command(key=f"neighbors {vip.ip}", argv=("ip", "-j", "neigh", "show", "to", str(vip.ip)))
            for vip in cluster.vips
        ]
        asked += [
            # Without privilege `bridge fdb show` prints nothing at all, which must not be taken for an empty table.
            # Its filter by VLAN drops the rows of the VXLAN device, which have none.
            Command(
                key=f"fdb {fabric.vni}",
                argv=("bridge", "-j", "fdb", "show", "br", fabric.bridge),
                sudo=True,
            ),
            _vtysh(f"macs {fabric.vni}", f"show evpn mac vni {fabric.vni} json"),
            _vtysh(f"arp {fabric.vni}", f"show evpn arp-cache vni {fabric.vni} json"),
            _vtysh(f"paths {fabric.vni}", f"show bgp l2vpn evpn route vni {fabric.vni} type macip json"),
            _vtysh(f"vni {fabric.vni}", f"show evpn vni {fabric.vni} json"),
        ]
        commands.update((command.key, command) for command in asked)
    return tuple(commands.values())


def _vtysh(key: str, question: str) -> Command:
    """`cumulus` is not in group frrvty, so vtysh needs sudo; -c never starts a pager."""
    return Command(key=key, argv=("vtysh", "-c", question), sudo=True)


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
    )
