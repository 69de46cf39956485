"""What firewalld does with VRRP: which zones count for a peer, and what takes effect before the rule that opens."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network

from tasks.model.address import IPV6
from tasks.model.cluster import Cluster, Opening
from tasks.server.firewall.backend import Judge
from tasks.server.firewall.backends.firewalld.model import Firewalld, FrontRule, ZoneSource
from tasks.server.firewall.path import Packet, first_block
from tasks.server.firewall.peers import rules_for, stray_texts, unopened


def zones_for(firewall: Firewalld, opening: Opening, *, saved: bool) -> frozenset[str]:
    """The zones that adverts of this peer may fall into, now or (saved) after a boot; `{""}`: there are no zones.

    A source decides before the interface. Both count: which of several sources wins is firewalld's own affair, and a
    rule for one address does no harm where nothing comes by.
    """
    caught = {each.zone for each in caught_by(firewall, opening, saved=saved)}
    return frozenset(interface_zones(firewall, saved=saved) | caught) or frozenset({""})


def interface_zones(firewall: Firewalld, *, saved: bool) -> set[str]:
    """The zones of the interfaces that adverts come in by."""
    return {zone for _, zone in (saved and firewall.zones_saved) or firewall.zones}


def caught_by(firewall: Firewalld, opening: Opening, *, saved: bool) -> list[ZoneSource]:
    """The sources that draw this peer into their zone. What a MAC or an ipset is for is not known, so they might."""
    return [each for each in firewall.sources if each.saved is saved and _holds(each.source, opening) is not False]


def denial_of(firewall: Firewalld, opening: Opening, *, saved: bool) -> FrontRule | None:
    """What drops this peer's adverts in a zone that they may fall into, before a rule of ours could let them in."""
    for zone in sorted(zones_for(firewall, opening, saved=saved)):
        for rule in firewall.front:
            where = rule.where
            if where.saved is not saved or (where.zones is not None and zone not in where.zones):
                continue
            if rule.denies and _may_be_for(rule, opening):
                return rule
            if not rule.denies and _is_for(rule, opening):
                break
    return None


def beside(firewall: Firewalld, opening: Opening, *, saved: bool) -> str | None:
    """The rule of iptables that keeps this peer out whatever firewalld's zones let in; None: there is none.

    An accept there is no more than that: with nftables beneath, the zones are asked all the same.
    """
    interfaces = tuple(dict.fromkeys(name for name, _ in firewall.zones))
    packet = Packet(source=opening.address, protocol=opening.protocol, interfaces=interfaces)
    ways = (way for way in firewall.ways if way.saved is saved and way.version == opening.address.version)
    return next((found for way in ways if (found := first_block(way.chains, (way.start,), packet))), None)


def in_front(firewall: Firewalld, opening: Opening, /, *, saved: bool) -> str | None:
    """What closes for this peer although a rule may open, now or (saved) after a boot; None: nothing."""
    if (line := beside(firewall, opening, saved=saved)) is not None:
        return f"{line!r} in firewalld's direct rules keeps out {opening.address}, whatever its zones open"
    if (denial := denial_of(firewall, opening, saved=saved)) is not None:
        return f"{denial.text!r} in {denial.where.place} comes before the rule for {opening.address}"
    opened = _zones_with(firewall, opening, saved=saved)
    for each in caught_by(firewall, opening, saved=saved):
        if each.zone not in opened:
            return f"zone {each.zone} catches {opening.address} by source {each.source}, and has no rule for it"
    now = interface_zones(firewall, saved=False)
    other = ((name, zone) for name, zone in firewall.zones_saved if saved and zone not in opened | now)
    return next((f"{name} will be in zone {zone}, which has no rule for it" for name, zone in other), None)


def _is_open(firewall: Firewalld, opening: Opening, /, *, saved: bool) -> bool:
    """In every zone that it may come by."""
    if in_front(firewall, opening, saved=saved) is not None:
        return False
    return zones_for(firewall, opening, saved=saved) <= _zones_with(firewall, opening, saved=saved)


def _zones_with(firewall: Firewalld, opening: Opening, *, saved: bool) -> frozenset[str]:
    return frozenset(rule.zone for rule in rules_for(firewall.rules, opening, saved=saved))


def eats_vips(firewall: Firewalld, clusters: Sequence[Cluster]) -> str | None:
    """Does it drop what is sent to an IPv6 VIP on a virtual MAC; None: no.

    The packet comes in by the macvlan, and its answer leaves by the interface beneath.
    """
    hit = [each.name for each in clusters if each.use_vmac and any(vip.version == IPV6 for vip in each.vips)]
    if not firewall.strict6 or not hit:
        return None
    return (
        f"firewalld's IPv6_rpfilter drops every packet to the IPv6 VIP of {hit[0]}, which comes in by the interface of "
        "the virtual MAC; set IPv6_rpfilter=no (or, from firewalld 2.2 on, strict-forward) in "
        "/etc/firewalld/firewalld.conf and reload it, or use_vmac: false"
    )


def _flaw(firewall: Firewalld, clusters: Sequence[Cluster]) -> tuple[str, str] | None:
    why = eats_vips(firewall, clusters)
    return None if why is None else (why, "IPv6_rpfilter strict")


def _may_be_for(rule: FrontRule, opening: Opening) -> bool:
    if rule.version not in {None, opening.address.version} or rule.protocol not in {None, opening.protocol}:
        return False
    if rule.source is None:
        return True
    held = _holds(rule.source, opening)
    return held is None or held is not rule.negated


def _is_for(rule: FrontRule, opening: Opening) -> bool:
    """Surely, and not only perhaps."""
    known = rule.source is None or _holds(rule.source, opening) is not None
    return known and _may_be_for(rule, opening)


def _holds(source: str, opening: Opening) -> bool | None:
    """Is the peer in this network; None where it is no network."""
    try:
        return opening.address in ip_network(source, strict=False)
    except ValueError:
        return None


JUDGE: Judge[Firewalld] = Judge(
    reads="firewall-cmd",
    closes=lambda _: True,
    is_open=_is_open,
    drops=lambda firewall, opening: in_front(firewall, opening, saved=False) or unopened(firewall.default, opening),
    strays=lambda firewall, openings: stray_texts(firewall.rules, openings),
    in_front=in_front,
    flaw=_flaw,
    fails=("firewalld's IPv6_rpfilter drops what is sent to an IPv6 VIP on a virtual MAC",),
)
