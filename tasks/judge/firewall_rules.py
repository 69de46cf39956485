"""Pure reasoning on input chains: does a rule of ours open VRRP for a peer before anything can close it?"""

from __future__ import annotations

from ipaddress import IPv4Address

from tasks.model.server import FirewallRule, InputChain


def opens(rule: FirewallRule, peer: IPv4Address) -> bool:
    """A rule of ours that accepts exactly VRRP from exactly this peer."""
    return (
        rule.ours
        and rule.verdict == "accept"
        and rule.protocol == "vrrp"
        and rule.source == str(peer)
        and not rule.narrow
    )


def blocks(rule: FirewallRule) -> bool:
    """A rule that could keep VRRP out: it rejects or drops it, or sends it to a chain that might.

    What else a rule demands is not weighed: standing in front of it costs nothing.
    """
    return rule.verdict in {"drop", "reject", "jump"} and rule.protocol in {None, "vrrp"}


def first_block(chain: InputChain) -> int | None:
    """Index of the first rule that could keep VRRP out; None when only the policy could."""
    return next((index for index, rule in enumerate(chain.rules) if blocks(rule)), None)


def is_open(chain: InputChain, peer: IPv4Address) -> bool:
    """Is there a rule of ours for this peer, in front of everything that could close?"""
    limit = first_block(chain)
    rules = chain.rules if limit is None else chain.rules[:limit]
    return any(opens(rule, peer) for rule in rules)


def closes(chain: InputChain) -> bool:
    """Can this chain keep VRRP out at all?"""
    return chain.policy != "accept" or first_block(chain) is not None


def strays(chain: InputChain, peers: frozenset[IPv4Address]) -> tuple[FirewallRule, ...]:
    """Rules of ours that open for nobody who is a peer, stand behind a rule that closes, or stand there again."""
    return tuple(chain.rules[index] for index in stray_indexes(chain, peers))


def stray_indexes(chain: InputChain, peers: frozenset[IPv4Address]) -> tuple[int, ...]:
    """Where these rules stand, counted from 0: two rules of one text are told apart by nothing else."""
    limit = first_block(chain)
    kept: set[IPv4Address] = set()
    found: list[int] = []
    for index, rule in enumerate(chain.rules):
        if not rule.ours:
            continue
        peer = next((each for each in peers if opens(rule, each)), None)
        if peer is None or peer in kept or (limit is not None and index > limit):
            found.append(index)
        else:
            kept.add(peer)
    return tuple(found)
