"""The catalogue of checks: what each reads, when it passes and when it fails. `vipbook checks` prints it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One check. `target` says what it is made on; an id is cluster/VIP/check/target."""

    check: str
    target: str
    reads: str
    passes: str
    fails: str


_SERVER, _CLUSTER, _LEAF, _PROBE = "each server", "the cluster", "each leaf", "each probe host"

CATALOGUE = (
    Entry(
        check="package",
        target=_SERVER,
        reads="dpkg-query",
        passes="keepalived is installed",
        fails="it is not",
    ),
    Entry(
        check="config",
        target=_SERVER,
        reads="/etc/keepalived/keepalived.conf",
        passes="it is byte for byte what the intent renders, and only root reads it",
        fails="anything differs, or others may read it",
    ),
    Entry(
        check="service",
        target=_SERVER,
        reads="systemctl show keepalived",
        passes="active and enabled",
        fails="it does not run, or would not after a boot",
    ),
    Entry(
        check="running-config",
        target=_SERVER,
        reads="keepalived's own JSON; systemd's start and reload times; the file's time",
        passes="VRID, interface, priority, version, interval, preemption and VIPs run as declared, and the file was "
        "read after its last change",
        fails="a value differs, or the file is newer than what runs",
    ),
    Entry(
        check="firewall",
        target=_SERVER,
        reads="iptables -S, nft list ruleset, and the files loaded at boot",
        passes="protocol 112 is open from every peer, before any rule that could close, now and after a boot",
        fails="it is closed for a peer, or open only until the next boot",
    ),
    Entry(
        check="adverts",
        target=_SERVER,
        reads="keepalived's counters, twice in one round trip",
        passes="a backup's counter of received adverts moved while we looked",
        fails="it stood still for more than an interval (skipped where the server is not backup)",
    ),
    Entry(
        check="master",
        target=_CLUSTER,
        reads="keepalived's own state on every server",
        passes="exactly one server is master",
        fails="none or several are; unknown when a server did not tell",
    ),
    Entry(
        check="vip-address",
        target=_SERVER,
        reads="ip -j addr",
        passes="the master bears the VIP on the declared interface, nobody else bears it anywhere",
        fails="the VIP is missing, misplaced, or on a server that is not master",
    ),
    Entry(
        check="preferred-master",
        target=_CLUSTER,
        reads="who bears the VIP",
        passes="it is the server with the highest priority, or the one that a drill expects",
        fails="a drill expected another server (outside a drill: warns, unless nopreempt)",
    ),
    Entry(
        check="neighbor",
        target=_LEAF,
        reads="ip -j neigh show to VIP, the SVI's row",
        passes="the owner's MAC: learned on the owner's leaf, installed by EVPN everywhere else",
        fails="no entry, another MAC, an EVPN entry on the owner's own leaf, or a local one elsewhere",
    ),
    Entry(
        check="gateway-neighbor",
        target=_LEAF,
        reads="the same, the VRR interface's row",
        passes="the owner's MAC",
        fails="never; another MAC warns, no entry is skipped",
    ),
    Entry(
        check="fdb",
        target=_LEAF,
        reads="bridge -j fdb",
        passes="the owner's MAC on the declared port, or behind the VTEP of its leaf",
        fails="no entry, another port or VTEP",
    ),
    Entry(
        check="evpn-mac",
        target=_LEAF,
        reads="vtysh: show evpn mac vni N",
        passes="local on the declared port of the owner's leaf, remote behind its VTEP elsewhere",
        fails="no entry, or another place",
    ),
    Entry(
        check="evpn-arp",
        target=_LEAF,
        reads="vtysh: show evpn arp-cache vni N",
        passes="the VIP with the owner's MAC, local and active on the owner's leaf, remote behind its VTEP elsewhere",
        fails="no entry, another MAC or place, or inactive on the owner's leaf",
    ),
    Entry(
        check="bgp-type2",
        target=_LEAF,
        reads="vtysh: show bgp l2vpn evpn route vni N type macip",
        passes="exactly one origin: the owner's MAC from the VTEP of the owner's leaf",
        fails="no route, another MAC, another origin, or more than one",
    ),
    Entry(
        check="reachable",
        target=_PROBE,
        reads="ping",
        passes="every echo is answered",
        fails="none is (some: warns)",
    ),
)
