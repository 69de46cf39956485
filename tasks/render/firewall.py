"""Text of the firewall rules: one spelling, used to write, to compare and to remove."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.model.cluster import Opening
from tasks.model.server import InputChain

COMMENT = "vipbook"
"""The comment that marks a rule as ours; rules without it are never touched."""
RICH_PRIORITY = -112
"""Marks a rich rule of firewalld as ours, which has no comments; below 0 it comes before whatever denies."""
UFW_BEGIN, UFW_END = "# vipbook: VRRP from the peers of this server", "# vipbook: end"
NFT_INCLUDE = 'include "/etc/nftables-vipbook.nft"'
"""The one line that our persistent rules need in nftables.conf."""
_NFT_HEAD = "# Managed by vipbook: VRRP from the peers of this server, put in front of what stands in the chain."
_IPV6 = 6
_NUMBERS = {"vrrp": 112, "ah": 51}


def of_family(chain: InputChain, opening: Opening) -> bool:
    """Do packets from that address pass this chain?"""
    family = "ip6" if opening.address.version == _IPV6 else "ip"
    return chain.family in {"inet", family}


def openings_of(chain: InputChain, openings: Sequence[Opening]) -> list[Opening]:
    """Those whose packets pass this chain."""
    return [each for each in openings if of_family(chain, each)]


def iptables_rule(opening: Opening) -> tuple[str, ...]:
    """The rule's words behind `-A INPUT`, as `iptables -S` and iptables-save print them."""
    source = f"{opening.address}/{opening.address.max_prefixlen}"
    return ("-s", source, "-p", opening.protocol, "-m", "comment", "--comment", COMMENT, "-j", "ACCEPT")


def nft_rule(opening: Opening) -> str:
    """The rule as nft prints it."""
    source = f"ip6 saddr {opening.address} meta l4proto"
    if opening.address.version != _IPV6:
        source = f"ip saddr {opening.address} ip protocol"
    return f'{source} {opening.protocol} accept comment "{COMMENT}"'


def nft_inserts(chains: Sequence[InputChain], openings: Sequence[Opening]) -> list[str]:
    """Statements that put a rule for each opening at the head of each chain that its packets pass."""
    return [
        f"insert rule {chain.family} {chain.table} {chain.name} {nft_rule(each)}"
        for chain in chains
        for each in openings_of(chain, openings)
    ]


def nft_snippet(chains: Sequence[InputChain], openings: Sequence[Opening]) -> str:
    """Our own nftables file: it is included behind the chains that it inserts into."""
    return "".join(f"{line}\n" for line in (_NFT_HEAD, *nft_inserts(chains, openings)))


def rich_rule(opening: Opening) -> str:
    """A rich rule as firewalld itself prints it (firewalld.richlanguage(5))."""
    return (
        f'rule priority="{RICH_PRIORITY}" family="ipv{opening.address.version}" source address="{opening.address}" '
        f'protocol value="{opening.protocol}" accept'
    )


def ufw_rule(opening: Opening) -> tuple[str, ...]:
    """A rule in ufw's own syntax, behind `allow` (ufw(8))."""
    return ("proto", opening.protocol, "from", str(opening.address), "to", "any")


def ufw_block(openings: Sequence[Opening], version: int) -> str:
    """The lines of before.rules or before6.rules; empty when there is nothing to open in that family."""
    chain = "ufw6-before-input" if version == _IPV6 else "ufw-before-input"
    lines = [
        f"-A {chain} -p {_NUMBERS[each.protocol]} -s {each.address} -j ACCEPT\n"
        for each in openings
        if each.address.version == version
    ]
    return f"{UFW_BEGIN}\n{''.join(lines)}{UFW_END}\n" if lines else ""
