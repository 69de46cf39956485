"""Checks on the way in for VRRP: the rules, and the adverts that come. Neither stands for the other."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.judge.checks import Target, registered
from tasks.judge.subject import Check, Subject
from tasks.model.address import IPV6
from tasks.model.cluster import Cluster, Opening, Server
from tasks.model.server import Firewall, Instance
from tasks.model.verdict import Finding
from tasks.render.firewall import NFT_INCLUDE, nft_inserts, of_family
from tasks.server.firewall.backends.firewalld.judge import blocked_by
from tasks.server.firewall.chains import is_managed, is_open, made_at_boot, managed_strays, place, strays, unmade

MANAGED = ("firewalld", "ufw")
HANDLED = ("iptables", "nftables", *MANAGED, "none")


@registered(
    "firewall",
    Target.SERVER,
    order=160,
    alone=True,
    reads="iptables -S and ip6tables -S, nft list ruleset, firewall-cmd, ufw's rules, and the files loaded at boot",
    passes="protocol 112 (51 too with AH) is open from every peer, before any rule that could close, now and after "
    "a boot",
    fails="it is closed for a peer, open only until the next boot, two firewalls are in charge at once, or "
    "firewalld's IPv6_rpfilter drops what is sent to an IPv6 VIP on a virtual MAC",
)
def judge_firewall(subject: Subject, server: Server) -> Finding:
    """VRRP is open from every peer, at runtime and after a boot, before anything that closes."""
    openings = subject.cluster.openings(server.name)
    from_all = ", ".join(map(str, openings))
    expected = f"protocol 112 open from {from_all}, at runtime and persistently"
    check, firewall = Check(name="firewall", target=server.name, expected=expected).reads(
        subject.servers[server.name].firewall
    )
    if firewall.manager not in HANDLED:
        if " and " in firewall.manager:
            return check.fails(f"{firewall.manager} are in charge at once: what one opens the other may drop", "two")
        return check.unknown(f"{firewall.manager} in charge, which this version does not read")
    if places := unmade(firewall):
        return check.fails(
            f"our file has a rule for {', '.join(places)}, which {firewall.path} does not make: nft would load "
            "nothing at the next boot; apply takes it out",
            "no firewall after a boot",
        )
    if firewall.manager not in MANAGED and not any(chain.closes for chain in (*firewall.chains, *firewall.saved)):
        return check.passes("nothing on the input hook could keep VRRP out", firewall.manager)
    if (why := eats_vips(firewall, (subject.cluster,))) is not None:
        return check.fails(why, "IPv6_rpfilter strict")
    return _judge_rules(check, firewall, openings, frozenset(subject.desired[server.name].openings))


def _judge_rules(check: Check, firewall: Firewall, openings: Sequence[Opening], wanted: frozenset[Opening]) -> Finding:
    """Now, after a boot, and nothing of ours beside it."""
    closed = [str(each) for each in openings if not open_now(firewall, each)]
    if closed:
        why = _why(firewall, openings, saved=False)
        return check.fails(f"{firewall.manager} does not open protocol 112 from {', '.join(closed)}{why}", "closed")
    if not firewall.at_boot and firewall.manager != "none":
        return check.fails(f"open now, but the service that loads {firewall.manager}'s rules at boot is disabled", "no")
    if _loaded_by_others(firewall, openings):
        return check.warns(
            f"{firewall.manager} opens it now; what closes now is in no file of its own", "not persistent"
        )
    lost = [str(each) for each in openings if not open_after_boot(firewall, each)]
    if lost:
        why = _why(firewall, openings, saved=True)
        return check.fails(f"open now, but closed after a boot for {', '.join(lost)}{why}", "not persistent")
    theirs = [place(chain) for chain in firewall.chains if chain.closes and not made_at_boot(firewall, chain)]
    if theirs:
        return check.warns(
            f"open now; {', '.join(theirs)} is not made by {firewall.path}, and closes when its program makes it again",
            "not persistent",
        )
    stray = _strays(firewall, wanted)
    if stray:
        return check.warns("a rule of ours opens for nobody of the cluster", "\n".join(stray))
    from_all = ", ".join(map(str, openings))
    return check.passes(f"{firewall.manager} opens protocol 112 from {from_all}", firewall.manager)


def _why(firewall: Firewall, openings: Sequence[Opening], *, saved: bool) -> str:
    """What stands in front, in firewalld and ufw, behind a colon; empty when a rule is merely missing."""
    found = (blocked_by(firewall, each, saved=saved) for each in openings)
    return next((f": {each}" for each in found if each is not None), "")


def eats_vips(firewall: Firewall, clusters: Sequence[Cluster]) -> str | None:
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


def _strays(firewall: Firewall, wanted: frozenset[Opening]) -> list[str]:
    found = [rule.text for chain in firewall.chains if chain.closes for rule in strays(chain, wanted)]
    return found + [rule.text for rule in managed_strays(firewall, wanted)]


def _loaded_by_others(firewall: Firewall, openings: Sequence[Opening]) -> bool:
    """Do the rules come from something else than the firewall's own file, so that nobody knows what a boot brings?"""
    if firewall.manager in MANAGED:
        return False
    if firewall.manager == "nftables":
        return firewall.persistent is None
    now = [chain for chain in firewall.chains if chain.closes and any(of_family(chain, each) for each in openings)]
    saved = {chain.family for chain in firewall.saved if chain.closes}
    return any(chain.family not in saved for chain in now)


def open_now(firewall: Firewall, opening: Opening) -> bool:
    """Every chain on the hook must let it through: an accept is final for its own chain only."""
    if firewall.manager in MANAGED:
        return is_managed(firewall, opening, saved=False)
    return all(is_open(chain, opening) for chain in firewall.chains if chain.closes and of_family(chain, opening))


def open_after_boot(firewall: Firewall, opening: Opening) -> bool:
    """Will what the firewall's service loads at boot open for this peer?"""
    if firewall.manager in MANAGED:
        return is_managed(firewall, opening, saved=True)
    if firewall.manager == "iptables":
        return all(is_open(chain, opening) for chain in firewall.saved if chain.closes and of_family(chain, opening))
    if firewall.manager == "nftables":
        included = NFT_INCLUDE in (firewall.persistent or "").splitlines()
        lasting = [chain for chain in firewall.chains if chain.closes and made_at_boot(firewall, chain)]
        wanted = nft_inserts(lasting, (opening,))
        saved = (firewall.snippet or "").splitlines()
        return not wanted or (included and all(line in saved for line in wanted))
    return True


_RATE = 0.7
"""The part of the adverts that must have come; one at either end may have been missed by looking."""


@registered(
    "adverts",
    Target.SERVER,
    order=180,
    alone=True,
    reads="keepalived's counters, twice in one round trip",
    passes="a backup's counter of received adverts moved while we looked, at the declared rate",
    fails="it stood still for more than an interval; a warning when some are lost (skipped where the server is not "
    "backup)",
)
def judge_adverts(subject: Subject, server: Server) -> Finding:
    """A backup hears the master: the counter moved while we looked.

    That adverts come is no proof that a rule lets them in: while a connection of a unicast peer is tracked, the
    firewall lets in what belongs to it, whatever stands behind. So the rules are judged by themselves.
    """
    facts = subject.servers[server.name]
    expected = "adverts of the master arrive"
    check = Check(name="adverts", target=server.name, expected=expected)
    check, _ = check.reads(facts.instances)
    check, _ = check.reads(facts.later)
    between_s = check.value(facts.between_s)
    before, after = subject.own(server.name, facts.instances), subject.own(server.name, facts.later)
    if not isinstance(before, Instance) or not isinstance(after, Instance):
        return check.fails(f"keepalived runs without {subject.cluster.instance}", subject.router(server))
    if before.state != after.state:
        return check.unknown(f"{server.name} was {before.state} and became {after.state} while we looked")
    if after.state != "backup":
        return check.skips(f"{server.name} is {after.state}: only a backup hears adverts", after.state)
    heard = after.adverts_received - before.adverts_received
    actual = f"{before.adverts_received} adverts, then {after.adverts_received}"
    if heard < 0:
        return check.unknown("the counter went back: keepalived started anew while we looked")
    if heard == 0:
        return check.fails("no advert arrived while we looked for more than one interval", actual)
    due = between_s / subject.cluster.advert_int
    if heard < due * _RATE - 1:
        return check.warns(f"{heard} adverts arrived where {due:.0f} were due: some are lost on the way", actual)
    return check.passes(f"{server.name} hears the master's adverts", actual)
