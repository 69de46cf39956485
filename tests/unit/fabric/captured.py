"""Recorded answers of whole leaves (FRR 8.4.4, iproute2 6.1.0), by way of the same reader that live answers take.

Three leaves with a server behind each of the first two (srv1 on L1, srv2 on L2) and a client behind L3; VIP
10.1.10.100 on VNI 10, virtual router 51. What a run shows:

- `no_neighmgrd/02_failover`: srv2 is master, and all three leaves still point to srv1: wrong, but present.
- `neighmgrd/02_failover`: srv2 is master, and every leaf knows.
- `vmac/01_on_srv1`, `vmac/02_failover`: the virtual MAC on srv1, then moved to srv2.
- `vmac_frozen/05_many_moves`: the virtual MAC is flagged as a duplicate on L2 and frozen there for good.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Interface
from pathlib import Path
from types import MappingProxyType

from tasks.fabric.leaf import LeafReader, leaf_commands
from tasks.model.address import IpAddress
from tasks.model.answer import Answer, Answers, Reply
from tasks.model.cluster import Cluster, Fabric, Server
from tasks.model.leaf import LeafFacts
from tasks.observe.shell import NOT_ASKED
from tests.unit.builders import AT
from tests.unit.builders import cluster as any_cluster

SAMPLES = Path(__file__).parents[2] / "data" / "observe"
CAPTURES = SAMPLES / "captures"
VIP = IPv4Interface("10.1.10.100/24")
VTEPS = {"L1": "10.0.0.11", "L2": "10.0.0.12", "L3": "10.0.0.13"}
STAGES = tuple(sorted(str(path.relative_to(CAPTURES)) for path in CAPTURES.glob("*/*")))

_NEIGHBORS = f"neighbors {VIP.ip}"
_FILES = {
    _NEIGHBORS: "ip_j_neigh.json",
    "fdb 10": "bridge_j_fdb.json",
    "macs 10": "show_evpn_mac_vni_10.json",
    "arp 10": "show_evpn_arp-cache_vni_10.json",
    "paths 10": "show_bgp_l2vpn_evpn_route_vni_10_type_macip.json",
    "vni 10": "show_evpn_vni_10.json",
    "detection": "show_evpn.json",
    "detection text": "show_evpn.txt",
    f"moves {VIP.ip}": "show_evpn_mac_vni_10_mac_00_00_5e_00_01_33.txt",
}
_CLOCK = "Sun Nov 22 09:00:21 2026\n"
"""When the entries of `vmac_frozen` were read."""


def captured_cluster(stage: str) -> Cluster:
    """The intent of that fabric."""
    servers = tuple(
        Server(
            name=name,
            interface="eth1",
            address=IPv4Interface(address),
            priority=priority,
            leaves=(leaf,),
            port="swp1",
        )
        for name, address, priority, leaf in (
            ("srv1", "10.1.10.101/24", 150, "L1"),
            ("srv2", "10.1.10.102/24", 100, "L2"),
        )
    )
    fabric = Fabric(
        vni=10,
        svi="vlan10",
        vrr="vlan10-v0",
        vxlan="vni10",
        bridge="bridge",
        vlan=10,
        leaves=tuple(VTEPS),
        allowance_s=1.0,
    )
    return replace(
        any_cluster(),
        vrid=51,
        version=3,
        advert_int=0.5,
        vips=(VIP,),
        servers=servers,
        fabric=fabric,
        use_vmac=stage.startswith("vmac"),
    )


def captured_answers(stage: str, leaf: str, texts: Mapping[str, str] = MappingProxyType({})) -> Answers:
    """One leaf's answers, with other texts in place of some. What was not recorded is absent, as if never asked.

    BGP's summary is that of another fabric; there is no lldpctl.
    """
    commands = {command.key: command for command in leaf_commands([captured_cluster(stage)])}
    recorded = {key: CAPTURES / stage / leaf / name for key, name in _FILES.items()}
    found = {key: path.read_text() for key, path in recorded.items() if path.exists()}
    # The table was recorded whole: the filter of the command that asks for one address is applied here.
    rows = [row for row in json.loads(found[_NEIGHBORS]) if row["dst"] == str(VIP.ip)]
    found[_NEIGHBORS] = json.dumps(rows)
    found |= {"clock text": _CLOCK, "sessions": (SAMPLES / "frr" / "summary.json").read_text(), "lldp": ""}
    by_key = {
        key: Answer(
            host=leaf,
            command=commands[key].title,
            status=NOT_ASKED if key == "lldp" and not text else 0,
            stdout=text,
            stderr="",
            at=AT,
        )
        for key, text in (found | dict(texts)).items()
    }
    return Answers(host=leaf, by_key=by_key, clock_offset_s=0.0)


def facts_of(host: str, reply: Reply, cluster: Cluster, vip: IpAddress) -> LeafFacts:
    """What a leaf's answers mean for one VIP."""
    return LeafReader(host, reply).facts(cluster, vip)


def captured_leaf(stage: str, leaf: str, texts: Mapping[str, str] = MappingProxyType({})) -> LeafFacts:
    """What those answers mean."""
    return facts_of(leaf, captured_answers(stage, leaf, texts), captured_cluster(stage), VIP.ip)
