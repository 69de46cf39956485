"""Pure reasoning on input chains: does a rule of ours open VRRP for a peer before anything can close it?"""

from __future__ import annotations

from collections.abc import Sequence

from tasks.model.cluster import Opening
from tasks.model.server import Firewall, FirewallRule, InputChain, ManagedRule
from tasks.render.firewall import NFT_INCLUDE, of_family
from tasks.server.firewall.backends.firewalld.judge import blocked_by, zones_for


def opens(rule: FirewallRule, opening: Opening) -> bool:
    """A rule of ours that accepts exactly this protocol from exactly this peer."""
    return (
        rule.ours
        and rule.verdict == "accept"
        and rule.protocol == opening.protocol
        and rule.source == str(opening.address)
        and not rule.narrow
    )


def is_open(chain: InputChain, opening: Opening) -> bool:
    """Is there a rule of ours for this peer, in front of everything that could close?"""
    limit = chain.first_block
    rules = chain.rules if limit is None else chain.rules[:limit]
    return any(opens(rule, opening) for rule in rules)


def place(chain: InputChain) -> str:
    """The chain's name in full."""
    return f"{chain.family} {chain.table} {chain.name}"


def made_at_boot(firewall: Firewall, chain: InputChain) -> bool:
    """Does the firewall's own file make the chain? Where nobody can tell, a trial in an empty ruleset will."""
    return firewall.made is None or place(chain) in firewall.made


def unmade(firewall: Firewall) -> list[str]:
    """Chains that our nftables file puts rules into and nothing makes at boot: nft then loads nothing at all."""
    if firewall.made is None or NFT_INCLUDE not in (firewall.persistent or "").splitlines():
        return []
    inserts = [line.split() for line in (firewall.snippet or "").splitlines() if line.startswith("insert rule ")]
    places = dict.fromkeys(" ".join(words[2:5]) for words in inserts)
    return [each for each in places if each not in firewall.made]


def strays(chain: InputChain, openings: frozenset[Opening]) -> tuple[FirewallRule, ...]:
    """Rules of ours that open for nobody who is a peer, stand behind a rule that closes, or stand there again."""
    return tuple(chain.rules[index] for index in stray_indexes(chain, openings))


def stray_indexes(chain: InputChain, openings: frozenset[Opening]) -> tuple[int, ...]:
    """Where these rules stand, counted from 0: two rules of one text are told apart by nothing else."""
    limit = chain.first_block
    kept: set[Opening] = set()
    found: list[int] = []
    for index, rule in enumerate(chain.rules):
        if not rule.ours:
            continue
        opening = next((each for each in openings if opens(rule, each)), None)
        if opening is None or opening in kept or (limit is not None and index > limit):
            found.append(index)
        else:
            kept.add(opening)
    return tuple(found)


def would_drop(firewall: Firewall, openings: Sequence[Opening]) -> str | None:
    """What keeps these packets out as things are, in the firewall's own words; None when nothing does.

    A chain that only might (a jump, a rule that demands more than the protocol) counts: nobody can rely on it.
    """
    for each in openings:
        if firewall.manager in {"firewalld", "ufw"}:
            if not is_managed(firewall, each, saved=False):
                return blocked_by(firewall, each, saved=False) or (
                    f"{firewall.default}, which no rule opens for protocol {each.protocol} from {each.address}"
                )
            continue
        for chain in firewall.chains:
            if of_family(chain, each) and chain.closes and not is_open(chain, each):
                block = chain.first_block
                rule = f"policy {chain.policy}" if block is None else chain.rules[block].text
                return f"{place(chain)}: {rule}"
    return None


def is_managed(firewall: Firewall, opening: Opening, *, saved: bool) -> bool:
    """Do firewalld or ufw let it in, now or (saved) after a boot; firewalld: in every zone that it may come by?"""
    if blocked_by(firewall, opening, saved=saved) is not None:
        return False
    return zones_for(firewall, opening, saved=saved) <= _zones_with(firewall, opening, saved=saved)


def _zones_with(firewall: Firewall, opening: Opening, *, saved: bool) -> frozenset[str]:
    wanted = (opening.address, opening.protocol, saved)
    return frozenset(rule.zone for rule in firewall.managed if (rule.address, rule.protocol, rule.saved) == wanted)


def managed_strays(firewall: Firewall, openings: frozenset[Opening]) -> tuple[ManagedRule, ...]:
    """Rules of ours that open for nobody who is a peer."""
    wanted = {(each.address, each.protocol) for each in openings}
    return tuple(rule for rule in firewall.managed if rule.ours and (rule.address, rule.protocol) not in wanted)
