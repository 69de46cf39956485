"""Fabrics other than the plain one: virtual MAC, IPv6, an MLAG pair, an Ethernet segment, moves that went wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tasks.judge.subject import Subject
from tasks.model.address import IpInterface
from tasks.model.leaf import EvpnMac, FdbRow, LeafFacts
from tasks.model.mac import MacAddress
from tasks.model.server import Interface
from tests.unit.builders import (
    MACS,
    VIP,
    VIP6,
    VMAC,
    VTEPS,
    client_facts,
    cluster,
    detection,
    evpn_mac,
    evpn_neighbor,
    fabric,
    fdb_row,
    instance,
    leaf_facts,
    lldp,
    neighbor,
    path,
    ping,
    probe_facts,
    server,
    server_facts,
    subject,
)

H1, H2 = MACS["H1"], MACS["H2"]
V1, V2, V3 = VTEPS.values()
ANYCAST = "10.255.0.112"
SEGMENT = "03:44:38:39:ff:ff:01:00:00:01"


def moved_tables(leaf: str, owner: str, sequence: int, **changed: Any) -> LeafFacts:  # noqa: ANN401
    """A leaf after moves of the VIP: everything about `owner`, with a mobility sequence."""
    mac = changed.pop("mac", MACS[owner])
    vip: IpInterface = changed.pop("vip", VIP)
    home = server(owner).leaves[0]
    local = leaf == home
    seen = {"local_sequence": sequence if local else 0, "remote_sequence": 0 if local else sequence}
    where: dict[str, Any] = {"port": "swp1"} if local else {"vtep": VTEPS[home]}
    fields: dict[str, Any] = {
        "evpn_macs": (evpn_mac(mac, **where, **seen),),
        "evpn_neighbors": (evpn_neighbor(mac, vtep=None if local else VTEPS[home], address=str(vip.ip), **seen),),
        "paths": (path(mac, VTEPS[home], address=str(vip.ip), sequence=sequence),),
    }
    return leaf_facts(leaf, owner=owner, mac=mac, vip=vip, **(fields | changed))


def moved(owner: str = "H2", sequence: int = 1, **stale: Any) -> Subject:  # noqa: ANN401
    """The VIP on H2 after a failover that every leaf followed, but those of `stale`."""
    leaves = {leaf: moved_tables(leaf, owner, sequence) for leaf in VTEPS}
    return subject(owner=owner, leaves=leaves | stale)


def every_mac(leaf: str, sequence: int = 0) -> dict[str, Any]:
    """FDB and zebra's MACs of both servers, whoever bears the VIP; `sequence` is that of H2's MAC after moves."""
    fdb: list[FdbRow] = []
    macs: list[EvpnMac] = []
    for name, mac in MACS.items():
        (home,) = server(name).leaves
        number = sequence if name == "H2" else 0
        if leaf == home:
            fdb.append(fdb_row(mac, "swp1"))
            macs.append(evpn_mac(mac, port="swp1", local_sequence=number))
        else:
            fdb += [fdb_row(mac, "vni100"), fdb_row(mac, "vni100", vtep=VTEPS[home])]
            macs.append(evpn_mac(mac, vtep=VTEPS[home], remote_sequence=number))
    return {"fdb": tuple(fdb), "evpn_macs": tuple(macs)}


def garp_refused() -> Subject:
    """Failover with neighmgrd, failback without: the fabric still has the VIP at H2, and H1 bears it."""
    leaves = {leaf: moved_tables(leaf, "H2", 1, **every_mac(leaf, 1)) for leaf in VTEPS}
    return subject(leaves=leaves, probes={"I1": probe_facts(ping(0)), "C1": client_facts(H2, pings=ping(0))})


def macvlan(*addresses: IpInterface) -> Interface:
    return Interface(name="vrrp11", mac=VMAC, up=True, addresses=addresses)


def virtual(owner: str = "H1", sequence: int = 0, *, vip: IpInterface = VIP, **stale: Any) -> Subject:  # noqa: ANN401
    """The same cluster with use_vmac: the MAC moves with the VIP."""
    vips = tuple(dict.fromkeys((VIP, vip)))
    leaves = {leaf: moved_tables(leaf, owner, sequence, mac=VMAC, vip=vip) for leaf in VTEPS}
    servers = {}
    for name in MACS:
        leads = name == owner
        running = instance(name, "master" if leads else "backup", vips=vips, vmac_interface="vrrp11")
        later = replace(running, adverts_received=running.adverts_received + (0 if leads else 2))
        plain = Interface(name="enp0s8", mac=MACS[name], up=True, addresses=(server(name).address,))
        bearing = macvlan(*(vips if leads else ()))
        servers[name] = server_facts(
            name, master=leads, instances=(running,), later=(later,), interfaces=(plain, bearing)
        )
    return subject(
        owner=owner,
        cluster=cluster(use_vmac=True, vips=vips),
        vip=vip,
        leaves=leaves | stale,
        servers=servers,
        probes={"I1": probe_facts(vip=vip), "C1": client_facts(VMAC, vip=vip)},
    )


def ipv6(owner: str = "H1", *, probe_mac: MacAddress | None = None) -> Subject:
    """An IPv6 VIP that travels with the IPv4 one."""
    servers = {}
    for name in MACS:
        leads = name == owner
        running = instance(name, "master" if leads else "backup", vips=(VIP, VIP6))
        later = replace(running, adverts_received=running.adverts_received + (0 if leads else 2))
        own = (server(name).address, *((VIP, VIP6) if leads else ()))
        plain = Interface(name="enp0s8", mac=MACS[name], up=True, addresses=own)
        servers[name] = server_facts(name, master=leads, instances=(running,), later=(later,), interfaces=(plain,))
    return subject(
        owner=owner,
        cluster=cluster(vips=(VIP, VIP6)),
        vip=VIP6,
        leaves={leaf: leaf_facts(leaf, owner=owner, vip=VIP6) for leaf in VTEPS},
        servers=servers,
        probes={"I1": probe_facts(vip=VIP6), "C1": client_facts(probe_mac or MACS[owner], vip=VIP6)},
    )


def _dual(tables: dict[str, LeafFacts], **changed: Any) -> Subject:  # noqa: ANN401
    """H1 on both L1 and L2, H2 on L3."""
    servers = (
        server("H1", **({"leaves": ("L1", "L2"), "port": "bond1"} | changed)),
        server("H2", leaves=("L3",), port="swp1"),
    )
    return subject(cluster=cluster(servers=servers, fabric=fabric(bridge="bridge", vlan=100)), leaves=tables)


def mlag(**changed: Any) -> Subject:  # noqa: ANN401
    """H1 on a bond to the pair L1 and L2, which answer to one anycast VTEP."""
    leaves = {}
    for leaf in VTEPS:
        pair = leaf != "L3"
        vni = replace(leaf_facts(leaf).vni.value, local_vtep=ANYCAST if pair else V3)  # type: ignore[union-attr]
        leaves[leaf] = leaf_facts(
            leaf,
            neighbors=(neighbor(H1, remote=not pair),),
            fdb=_rows("bond1") if pair else _rows(None, vtep=ANYCAST),
            evpn_macs=(evpn_mac(H1, port="bond1") if pair else evpn_mac(H1, vtep=ANYCAST),),
            evpn_neighbors=(evpn_neighbor(H1, vtep=None if pair else ANYCAST),),
            paths=(path(H1, ANYCAST),),
            vni=vni,
            lldp=(lldp("H1", "swp1"), lldp("H1", "swp2")) if pair else (lldp("H2"),),
        )
    return _dual(leaves, **changed)


def segment(**changed: Any) -> Subject:  # noqa: ANN401
    """H1 on a bond to L1 and L2, which share an Ethernet segment: each has its own VTEP, and L1 heard H1."""
    leaves = {}
    for leaf in VTEPS:
        home = leaf != "L3"
        synchronised = leaf == "L2"
        states = frozenset({"STALE" if synchronised else "REACHABLE"}) if home else frozenset({"NOARP"})
        row = neighbor(H1, remote=False, states=states, extern_learn=leaf != "L1")
        leaves[leaf] = leaf_facts(
            leaf,
            neighbors=(row,),
            fdb=_rows("bond1", extern_learn=synchronised) if home else _rows(None, nexthop_group=536870913),
            evpn_macs=(evpn_mac(H1, port="bond1" if home else None, segment=SEGMENT),),
            evpn_neighbors=(evpn_neighbor(H1, segment=SEGMENT, kind="local" if home else "remote"),),
            paths=(
                (path(H1, VTEPS[leaf], segment=SEGMENT),)
                if home
                else (path(H1, V1, segment=SEGMENT), path(H1, V2, segment=SEGMENT))
            ),
            lldp=(lldp("H1", "swp1"),) if home else (lldp("H2"),),
        )
    return _dual(leaves, **changed)


def _rows(port: str | None, *, extern_learn: bool = False, **over: Any) -> tuple[Any, ...]:  # noqa: ANN401
    """Rows of H1 in a VLAN-aware bridge: on a port, or over VXLAN."""
    if port is not None:
        return (fdb_row(H1, port, bridge="bridge", vlan=100, extern_learn=extern_learn),)
    return (
        fdb_row(H1, "vni100", bridge="bridge", vlan=100),
        fdb_row(H1, "vni100", **({"bridge": None} | over)),
    )


def frozen_tables(mac: MacAddress) -> dict[str, Any]:
    """What a leaf says that froze the VIP of the server on its own port: the kernel has it, zebra has it inactive."""
    return {
        "evpn_neighbors": (evpn_neighbor(mac, state="inactive", duplicate=True, local_sequence=5, moves=5),),
        "evpn_macs": (evpn_mac(mac, port="swp1", duplicate=mac == VMAC, local_sequence=5),),
        "detection": detection(freeze="permanent"),
        "paths": (),
        "neighbors": (neighbor(mac, remote=False),),
        "fdb": (fdb_row(mac, "swp1"),),
    }
