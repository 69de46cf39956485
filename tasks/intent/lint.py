"""Rules that no single value breaks: what keepalived or the protocol would not carry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv4Address

from tasks.intent.document import Document, Path
from tasks.intent.schema import ClusterEntry, ClustersFile

# keepalived takes eight characters of auth_pass and silently cuts the rest (RFC 2338 has an 8-octet field).
AUTH_PASS_MAX = 8
# RFC 5798 5.2.7: the interval is 12 bits of centiseconds. VRRPv2 has whole seconds only (RFC 3768 5.3.7).
V3_ADVERT_MAX_S = 40.95

Problem = tuple[Path, str]
ClusterRule = Callable[[ClusterEntry], Iterator[Problem]]


def lint_clusters(document: Document, parsed: ClustersFile) -> list[str]:
    """One sentence for each rule that is broken, in the order of the file."""
    problems: list[Problem] = []
    for name, cluster in parsed.clusters.items():
        for rule in _CLUSTER_RULES:
            problems += [(("clusters", name, *path), text) for path, text in rule(cluster)]
    problems += _vrids(parsed)
    problems += _addresses(parsed)
    return [f"{document.place(path)}: {text}" for path, text in problems]


def lint_secret(document: Document, cluster: str, text: str) -> list[str]:
    """Problems of an auth_pass, named without showing it."""
    place = document.place(("clusters", cluster, "auth_pass"))
    octets = len(text.encode())
    if octets > AUTH_PASS_MAX:
        cut = f"keepalived would silently cut it to {AUTH_PASS_MAX}"
        return [f"{place}: {octets} characters; {cut}, give 1 to {AUTH_PASS_MAX}"]
    if not text or not text.isprintable() or any(sign in text for sign in " \"'#!{}\\$~"):
        signs = "blank, quotes, # ! { } \\ $ ~"
        mend = f"give 1 to {AUTH_PASS_MAX} other printable characters"
        return [f"{place}: empty or with a sign that keepalived reads as syntax ({signs}); {mend}"]
    return []


def _timers(cluster: ClusterEntry) -> Iterator[Problem]:
    if cluster.version == 2 and cluster.advert_int != int(cluster.advert_int):  # noqa: PLR2004 - VRRP version 2
        yield (
            ("advert_int",),
            f"{cluster.advert_int} s with VRRPv2, which has whole seconds; round it or set version: 3",
        )
    hundredths = cluster.advert_int * 100
    if cluster.version == 3 and abs(hundredths - round(hundredths)) > 1e-6:  # noqa: PLR2004 - version; rounding
        yield ("advert_int",), f"{cluster.advert_int} s; VRRPv3 counts in steps of 0.01 s, round it"
    if cluster.version == 3 and cluster.advert_int > V3_ADVERT_MAX_S:  # noqa: PLR2004 - VRRP version 3
        yield ("advert_int",), f"{cluster.advert_int} s; VRRPv3 takes 0.01 to {V3_ADVERT_MAX_S}"
    if cluster.version == 2 and cluster.advert_int < 1:  # noqa: PLR2004 - VRRP version 2
        yield ("advert_int",), "VRRPv2 takes 1 to 255 s"


def _auth(cluster: ClusterEntry) -> Iterator[Problem]:
    entry = cluster.auth_pass
    if entry is None:
        return
    if cluster.version == 3:  # noqa: PLR2004 - VRRP version 3
        yield ("auth_pass",), "VRRPv3 has no authentication and keepalived would ignore it; remove it or set version: 2"
    if sum(part is not None for part in (entry.env, entry.file, entry.clear)) != 1:
        yield ("auth_pass",), "give exactly one of env, file, clear"


def _priorities(cluster: ClusterEntry) -> Iterator[Problem]:
    seen: dict[int, str] = {}
    for name, server in cluster.servers.items():
        if server.priority in seen:
            why = f"{server.priority} is {seen[server.priority]}'s too, and equal priorities leave the master to chance"
            yield ("servers", name, "priority"), f"{why}; give each server its own, 1 to 254"
        seen.setdefault(server.priority, name)


def _subnets(cluster: ClusterEntry) -> Iterator[Problem]:
    names = list(cluster.servers)
    first = cluster.servers[names[0]].address
    for name in names[1:]:
        if cluster.servers[name].address.network != first.network:
            why = f"{cluster.servers[name].address} is not in {first.network}, the subnet of {names[0]}"
            yield ("servers", name, "address"), f"{why}; members of one VRID share one subnet"
    for name, server in cluster.servers.items():
        if server.address.ip in (server.address.network.network_address, server.address.network.broadcast_address):
            why = f"{server.address} is the network or broadcast address of {server.address.network}"
            yield ("servers", name, "address"), f"{why}; take a host address"
    for index, vip in enumerate(cluster.vips):
        if vip.ip not in first.network:
            yield (
                ("vips", index),
                f"{vip} is outside {first.network}, the subnet of the servers' interface; take one inside",
            )
        elif vip.network != first.network:
            yield (
                ("vips", index),
                f"{vip} has another prefix than {first.network}; write {vip.ip}/{first.network.prefixlen}",
            )
        elif vip.ip in (first.network.network_address, first.network.broadcast_address):
            yield ("vips", index), f"{vip} is the network or broadcast address of {first.network}; take a host address"


def _places(cluster: ClusterEntry) -> Iterator[Problem]:
    seen: dict[tuple[str, str], str] = {}
    for probe in cluster.probes:
        if probe in cluster.servers:
            yield ("probes",), f"{probe} is a server of this cluster and would ask itself; name a host outside"
    if len(set(cluster.probes)) != len(cluster.probes):
        yield ("probes",), "a host stands twice; name each once"
    if len(set(cluster.fabric.leaves)) != len(cluster.fabric.leaves):
        yield ("fabric", "leaves"), "a leaf stands twice; name each once"
    for name, server in cluster.servers.items():
        if server.leaf not in cluster.fabric.leaves:
            accepted = ", ".join(cluster.fabric.leaves)
            yield ("servers", name, "leaf"), f"{server.leaf} is not among fabric.leaves; accepted: {accepted}"
        place = (server.leaf, server.port)
        if place in seen:
            yield ("servers", name, "port"), f"{server.leaf} {server.port} is {seen[place]}'s port; name {name}'s own"
        seen.setdefault(place, name)


_CLUSTER_RULES: tuple[ClusterRule, ...] = (_timers, _auth, _priorities, _subnets, _places)


def _vrids(parsed: ClustersFile) -> Iterator[Problem]:
    """A VRID belongs to one instance in a VLAN: two would take each other's adverts."""
    seen: dict[tuple[int, int], str] = {}
    for name, cluster in parsed.clusters.items():
        key = (cluster.fabric.vni, cluster.vrid)
        if key in seen:
            why = f"{cluster.vrid} is cluster {seen[key]!r}'s on VNI {key[0]}"
            yield ("clusters", name, "vrid"), f"{why}; give each instance of a VLAN its own, 1 to 255"
        seen.setdefault(key, name)


def _addresses(parsed: ClustersFile) -> Iterator[Problem]:
    """An address has one use in a VLAN."""
    seen: dict[tuple[int, str], str] = {}
    for name, cluster in parsed.clusters.items():
        uses: list[tuple[Path, IPv4Address, str]] = [
            (("vips", i), vip.ip, f"a VIP of {name}") for i, vip in enumerate(cluster.vips)
        ]
        uses += [(("servers", host, "address"), s.address.ip, host) for host, s in cluster.servers.items()]
        for path, address, use in uses:
            key = (cluster.fabric.vni, str(address))
            if key in seen and seen[key] != use:
                yield ("clusters", name, *path), f"{address} is already {seen[key]}; give each its own address"
            elif key in seen and path[0] == "vips":
                yield ("clusters", name, *path), f"{address} stands twice; keep one"
            seen.setdefault(key, use)
