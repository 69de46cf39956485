"""Pure reasoning on input chains: does a rule managed by vipbook open VRRP for a peer before anything can close it?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tasks.model.cluster import Opening
from tasks.server.firewall.model import FirewallRule, InputChain


def opens(rule: FirewallRule, opening: Opening) -> bool:
    """A rule managed by vipbook that accepts exactly this protocol from exactly this peer."""
    return (
        rule.ours
        and rule.verdict == "accept"
        and rule.protocol == opening.protocol
        and rule.source == str(opening.address)
        and not rule.narrow
    )


def is_open(chain: InputChain, opening: Opening) -> bool:
    """Is there a rule managed by vipbook for this peer, before everything that could close?"""
    limit = chain.first_block
    rules = chain.rules if limit is None else chain.rules[:limit]
    return any(opens(rule, opening) for rule in rules)


def closing(chains: Iterable[InputChain]) -> list[InputChain]:
    """Those that can keep anything out."""
    return [chain for chain in chains if chain.closes]


def shut(chains: Iterable[InputChain], opening: Opening) -> list[InputChain]:
    """Those that keep this out: every chain on the hook must let it through, as an accept is final for its own only."""
    return [chain for chain in closing(chains) if chain.of([opening]) and not is_open(chain, opening)]


def drops(chains: Iterable[InputChain], opening: Opening) -> str:
    """The first that keeps this out, and its rule.

    A chain that only might (a jump, a rule that demands more than the protocol) counts: it can't be relied on.
    """
    chain = shut(chains, opening)[0]
    block = chain.first_block
    return f"{chain.place}: {f'policy {chain.policy}' if block is None else chain.rules[block].text}"


def missing(chain: InputChain, openings: Sequence[Opening]) -> list[Opening]:
    """Those that the chain does not open."""
    return [each for each in chain.of(openings) if not is_open(chain, each)]


def to_change(chains: Iterable[InputChain], openings: Sequence[Opening]) -> list[InputChain]:
    """Those that close, and where a rule managed by vipbook is missing or too much."""
    return [each for each in closing(chains) if strays(each, frozenset(each.of(openings))) or missing(each, openings)]


def strays(chain: InputChain, openings: frozenset[Opening]) -> tuple[FirewallRule, ...]:
    """Rules managed by vipbook that open for no peer, stand behind a rule that closes, or stand there again."""
    return tuple(chain.rules[index] for index in stray_indexes(chain, openings))


def stray_texts(chains: Iterable[InputChain], openings: frozenset[Opening]) -> list[str]:
    """The same of all that close, as text."""
    return [rule.text for chain in closing(chains) for rule in strays(chain, openings)]


def stray_indexes(chain: InputChain, openings: frozenset[Opening]) -> tuple[int, ...]:
    """Where these rules stand, counted from 0: nothing else distinguishes two rules of one text."""
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
