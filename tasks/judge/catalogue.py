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
        check="interface",
        target=_SERVER,
        reads="ip -j addr",
        passes="the declared interface is up and bears the declared address",
        fails="it is down, without carrier, or without that address (skipped on the server that a drill took down)",
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
        reads="iptables -S and ip6tables -S, nft list ruleset, firewall-cmd, ufw's rules, and the files loaded at boot",
        passes="protocol 112 (51 too with AH) is open from every peer, before any rule that could close, now and after "
        "a boot",
        fails="it is closed for a peer, open only until the next boot, two firewalls are in charge at once, or "
        "firewalld's IPv6_rpfilter drops what is sent to an IPv6 VIP on a virtual MAC",
    ),
    Entry(
        check="sysctl",
        target=_SERVER,
        reads="/proc/sys/net/ipv4/conf/*/arp_announce, /etc/sysctl.d/90-vipbook.conf",
        passes="the greater of arp_announce of all and of the interface beneath each virtual MAC is 2, and the file "
        "says so for the next boot: ARP requests never name the VIP with that interface's own MAC",
        fails="it is not, or only until the next boot (skipped where no cluster of the server uses a virtual MAC)",
    ),
    Entry(
        check="adverts",
        target=_SERVER,
        reads="keepalived's counters, twice in one round trip",
        passes="a backup's counter of received adverts moved while we looked, at the declared rate",
        fails="it stood still for more than an interval; a warning when some are lost (skipped where the server is not "
        "backup)",
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
        check="attachment",
        target=_SERVER,
        reads="bridge -j fdb and lldpctl on every leaf",
        passes="the server's own MAC was learned at its declared leaf and port alone (or, undeclared, in one place), "
        "and LLDP does not say otherwise",
        fails="it was learned elsewhere (LLDP alone: warns; skipped when no leaf heard the server lately)",
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
        passes="the owner's MAC from the VTEP of the owner's leaf (of the pair, the segment), and nothing else",
        fails="no route, another MAC, another origin",
    ),
    Entry(
        check="agreement",
        target=_LEAF,
        reads="kernel neighbor and FDB, zebra, BGP",
        passes="all name one MAC for the VIP and one place for that MAC",
        fails="two of them differ: says which, and what is known to cause it",
    ),
    Entry(
        check="mobility",
        target=_LEAF,
        reads="the MAC mobility sequence in vtysh: show evpn arp-cache vni N, and BGP's",
        passes="it is the one that the owner's leaf advertises, in BGP too; in a drill: it did not fall while the "
        "entry stayed",
        fails="never: it supports a verdict and makes none (otherwise: warns); absent or 0 after a withdrawal is fine",
    ),
    Entry(
        check="duplicate",
        target=_LEAF,
        reads="vtysh: show evpn, show evpn arp-cache vni N ip VIP (with use_vmac: show evpn mac vni N mac MAC)",
        passes="the VIP is not flagged as a duplicate; says how many moves are left before it would be",
        fails="it is flagged and frozen (flagged where the leaf only warns, or one move away from being frozen: warns)",
    ),
    Entry(
        check="evpn-session",
        target=_LEAF,
        reads="vtysh: show bgp l2vpn evpn summary",
        passes="every BGP session with EVPN is established and brings routes",
        fails="none is established (some are not, or bring nothing: warns)",
    ),
    Entry(
        check="origin",
        target=_CLUSTER,
        reads="BGP's type-2 routes on all leaves together",
        passes="all see exactly one origin: the owner's leaf, or its pair",
        fails="none, several, or one with another MAC",
    ),
    Entry(
        check="client-neighbor",
        target=_PROBE,
        reads="ip -j route get VIP, ip -j neigh show to VIP",
        passes="a host in the VIP's own subnet holds the owner's MAC",
        fails="it holds another one (skipped in other subnets, and where it holds none)",
    ),
    Entry(
        check="reachable",
        target=_PROBE,
        reads="ping",
        passes="every echo is answered",
        fails="none is (some: warns)",
    ),
)
