"""Rules that no single value breaks: what keepalived or the protocol would not carry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv4Interface

from tasks.intent.document import Document, Path
from tasks.intent.instances import instances_of
from tasks.intent.lint.across import ACROSS_RULES
from tasks.intent.lint.keepalived import ADVICE, KEEPALIVED_RULES
from tasks.intent.lint.names import interfaces
from tasks.intent.schema import ClusterEntry, ClustersFile
from tasks.model.address import IPV6, IpInterface

# keepalived takes eight characters of auth_pass and silently cuts the rest (RFC 2338 has an 8-octet field).
AUTH_PASS_MAX = 8
# RFC 5798 5.2.7: the interval is 12 bits of centiseconds. VRRPv2 has whole seconds only (RFC 3768 5.3.7).
V3_ADVERT_MAX_S = 40.95
_ROUTED6 = 126
"""The longest IPv6 prefix whose lowest address is its routers' anycast address."""

Problem = tuple[Path, str]
ClusterRule = Callable[[ClusterEntry], Iterator[Problem]]


def lint_clusters(document: Document, parsed: ClustersFile) -> list[str]:
    """One sentence for each rule that is broken, in the order of the file."""
    problems: list[Problem] = []
    for name, cluster in parsed.clusters.items():
        for rule in _CLUSTER_RULES:
            problems += [(("clusters", name, *path), text) for path, text in rule(cluster)]
    for across in ACROSS_RULES:
        problems += across(parsed)
    return [f"{document.place(path)}: {text}" for path, text in problems]


def advise_clusters(document: Document, parsed: ClustersFile) -> list[str]:
    """One sentence for each thing that works and will surprise somebody."""
    return [
        f"{document.place(('clusters', name, *path))}: {text}"
        for name, cluster in parsed.clusters.items()
        for rule in ADVICE
        for path, text in rule(cluster)
    ]


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
        if cluster.auth_type == "AH":
            yield ("auth_type",), "AH signs with a password, and there is none; add auth_pass"
        return
    if cluster.version == 3:  # noqa: PLR2004 - VRRP version 3
        yield ("auth_pass",), "VRRPv3 has no authentication and keepalived would ignore it; remove it or set version: 2"
    if sum(part is not None for part in (entry.env, entry.file, entry.clear)) != 1:
        yield ("auth_pass",), "give exactly one of env, file, clear"


def _priorities(cluster: ClusterEntry) -> Iterator[Problem]:
    for place, instance in instances_of(cluster):
        seen: dict[int, str] = {}
        for name, server in cluster.servers.items():
            priority = instance.priorities.get(name, server.priority)
            path = (*place, "priorities", name) if name in instance.priorities else ("servers", name, "priority")
            if priority in seen:
                why = f"{priority} is {seen[priority]}'s too, and equal priorities leave the master to chance"
                yield path, f"{why}; give each server its own, 1 to 254"
            seen.setdefault(priority, name)


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
    for path, vip in _vips(cluster):
        if not isinstance(vip, IPv4Interface):
            continue
        if vip.ip not in first.network:
            yield path, f"{vip} is outside {first.network}, the subnet of the servers' interface; take one inside"
        elif vip.network != first.network:
            yield path, f"{vip} has another prefix than {first.network}; write {vip.ip}/{first.network.prefixlen}"
        elif vip.ip in (first.network.network_address, first.network.broadcast_address):
            yield path, f"{vip} is the network or broadcast address of {first.network}; take a host address"


def _vips(cluster: ClusterEntry) -> Iterator[tuple[Path, IpInterface]]:
    for place, instance in instances_of(cluster):
        for key in ("vips", "excluded"):
            yield from (((*place, key, i), vip) for i, vip in enumerate(getattr(instance, key)))


def _families(cluster: ClusterEntry) -> Iterator[Problem]:
    for place, instance in instances_of(cluster):
        if cluster.version == 2 and all(vip.version == IPV6 for vip in instance.vips):  # noqa: PLR2004 - VRRP version 2
            why = "no IPv4 VIP, and the adverts of VRRPv2 that carry the IPv6 ones are IPv4"
            yield (*place, "vips"), f"{why}; add one, as 100.65.0.10/24, or set version: 3"
    own = ((("servers", name, "address6"), each.address6) for name, each in cluster.servers.items())
    for path, vip in (*_vips(cluster), *((path, each) for path, each in own if each is not None)):
        # RFC 4291 2.6.1; a /127 or /128 has none (RFC 6164).
        if vip.version == IPV6 and vip.network.prefixlen <= _ROUTED6 and vip.ip == vip.network.network_address:
            why = f"{vip} is the subnet-router anycast address of its prefix"
            yield path, f"{why}; take a host address, as {vip.ip + 1}"


def _excluded6(cluster: ClusterEntry) -> Iterator[Problem]:
    """What is outside the adverts is inside the subnet, as with IPv4: a leaf learns no other neighbor on its SVI.

    Link-local addresses of the servers tell no subnet, and with VRRPv2 they have none to tell.
    """
    told = (each.address6 for each in cluster.servers.values())
    subnet = next((each.network for each in told if each is not None and not each.ip.is_link_local), None)
    for path, vip in _vips(cluster):
        if path[-2] == "excluded" and vip.version == IPV6 and subnet not in {None, vip.network}:
            yield path, f"{vip} is outside {subnet}, the subnet of the servers; take one inside"


def _places(cluster: ClusterEntry) -> Iterator[Problem]:
    for probe in cluster.probes:
        if probe in cluster.servers:
            yield ("probes",), f"{probe} is a server of this cluster and would ask itself; name a host outside"
    if len(set(cluster.probes)) != len(cluster.probes):
        yield ("probes",), "a host stands twice; name each once"
    if len(set(cluster.fabric.leaves)) != len(cluster.fabric.leaves):
        yield ("fabric", "leaves"), "a leaf stands twice; name each once"


def _leaves(cluster: ClusterEntry) -> Iterator[Problem]:
    accepted = ", ".join(cluster.fabric.leaves)
    for name, server in cluster.servers.items():
        for leaf in dict.fromkeys(server.leaves):
            if leaf not in cluster.fabric.leaves:
                yield ("servers", name, "leaf"), f"{leaf} is not among fabric.leaves; accepted: {accepted}"
        if len(set(server.leaves)) != len(server.leaves):
            yield ("servers", name, "leaf"), "a leaf stands twice; name each once"
        if server.port is not None and not server.leaves:
            why = f"{server.port} of which leaf"
            yield ("servers", name, "port"), f"{why}? name it as leaf, or leave out port too: FDB and LLDP tell then"


_CLUSTER_RULES: tuple[ClusterRule, ...] = (
    _timers,
    _auth,
    _priorities,
    _subnets,
    _families,
    _excluded6,
    _places,
    _leaves,
    interfaces,
    *KEEPALIVED_RULES,
)
