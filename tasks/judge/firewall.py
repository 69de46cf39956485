"""Checks on the way in for VRRP: the rules, and the adverts that prove them."""

from __future__ import annotations

from ipaddress import IPv4Address

from tasks.judge.firewall_rules import closes, is_open, strays
from tasks.judge.subject import Check, Subject
from tasks.model.cluster import Server
from tasks.model.reading import Unread
from tasks.model.server import Firewall
from tasks.model.verdict import Finding
from tasks.render.firewall import NFT_INCLUDE, nft_inserts

HANDLED = ("iptables", "nftables", "none")


def judge_firewall(subject: Subject, server: Server) -> Finding:
    """Protocol 112 is open from every peer, at runtime and after a boot, before anything that closes."""
    read = subject.servers[server.name].firewall
    peers = subject.cluster.peers(server.name)
    expected = "protocol 112 open from " + ", ".join(map(str, peers)) + ", at runtime and persistently"
    if isinstance(read, Unread):
        return Check(name="firewall", target=server.name, expected=expected).unread(read)
    check = Check(name="firewall", target=server.name, expected=expected, evidence=(read.source,))
    firewall = read.value
    if firewall.manager not in HANDLED:
        return check.unknown(f"{firewall.manager} in charge, which this version does not read")
    if not any(closes(chain) for chain in (*firewall.chains, *firewall.saved)):
        return check.passes("nothing on the input hook could keep VRRP out", firewall.manager)
    closed = [str(peer) for peer in peers if not open_now(firewall, peer)]
    if closed:
        return check.fails(f"{firewall.manager} does not open protocol 112 from {', '.join(closed)}", "closed")
    if not firewall.at_boot and firewall.manager != "none":
        return check.fails(f"open now, but the service that loads {firewall.manager}'s rules at boot is disabled", "no")
    if _loaded_by_others(firewall):
        return check.warns(
            f"{firewall.manager} opens it now; what closes now is in no file of its own", "not persistent"
        )
    lost = [str(peer) for peer in peers if not open_after_boot(firewall, peer)]
    if lost:
        return check.fails(f"open now, but closed after a boot for {', '.join(lost)}", "not persistent")
    wanted = frozenset(subject.desired[server.name].peers)
    stray = [rule.text for chain in firewall.chains if closes(chain) for rule in strays(chain, wanted)]
    if stray:
        return check.warns("a rule of ours opens for nobody of the cluster", "\n".join(stray))
    return check.passes(f"{firewall.manager} opens protocol 112 from {', '.join(map(str, peers))}", firewall.manager)


def _loaded_by_others(firewall: Firewall) -> bool:
    """Do the rules come from something else than the firewall's own file, so that nobody knows what a boot brings?"""
    closing = any(closes(chain) for chain in firewall.saved)
    return firewall.persistent is None or (firewall.manager == "iptables" and not closing)


def open_now(firewall: Firewall, peer: IPv4Address) -> bool:
    """Every chain on the hook must let it through: an accept is final for its own chain only."""
    return all(is_open(chain, peer) for chain in firewall.chains if closes(chain))


def open_after_boot(firewall: Firewall, peer: IPv4Address) -> bool:
    """Will what the firewall's service loads at boot open for this peer?"""
    if firewall.manager == "iptables":
        return all(is_open(chain, peer) for chain in firewall.saved if closes(chain))
    if firewall.manager == "nftables":
        included = NFT_INCLUDE in (firewall.persistent or "").splitlines()
        wanted = nft_inserts([chain for chain in firewall.chains if closes(chain)], (peer,))
        return included and all(line in (firewall.snippet or "").splitlines() for line in wanted)
    return True


def judge_adverts(subject: Subject, server: Server) -> Finding:
    """A backup hears the master: the counter moved while we looked. The proof that the firewall is open."""
    facts = subject.servers[server.name]
    expected = "adverts of the master arrive"
    check = Check(name="adverts", target=server.name, expected=expected)
    for read in (facts.instances, facts.later):
        if isinstance(read, Unread):
            return check.unread(read)
    assert not isinstance(facts.instances, Unread)
    assert not isinstance(facts.later, Unread)
    check = Check(
        name="adverts", target=server.name, expected=expected, evidence=(facts.instances.source, facts.later.source)
    )
    name = subject.cluster.instance
    before = next((each for each in facts.instances.value if each.name == name), None)
    after = next((each for each in facts.later.value if each.name == name), None)
    if before is None or after is None:
        return check.fails(f"keepalived runs without {name}", "no such instance")
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
    return check.passes(f"{server.name} hears the master's adverts", actual)
