"""Text of the firewall rules: one spelling, used to write, to compare and to remove."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address

from tasks.model.server import InputChain

COMMENT = "vipbook"
"""The comment that marks a rule as ours; rules without it are never touched."""
NFT_INCLUDE = 'include "/etc/nftables-vipbook.nft"'
"""The one line that our persistent rules need in nftables.conf."""
_NFT_HEAD = "# Managed by vipbook: VRRP from the peers of this server, put in front of what stands in the chain."


def iptables_rule(peer: IPv4Address) -> tuple[str, ...]:
    """The rule's words behind `-A INPUT`, as `iptables -S` and iptables-save print them."""
    return ("-s", f"{peer}/32", "-p", "vrrp", "-m", "comment", "--comment", COMMENT, "-j", "ACCEPT")


def nft_rule(peer: IPv4Address) -> str:
    """The rule as nft prints it."""
    return f'ip saddr {peer} ip protocol vrrp accept comment "{COMMENT}"'


def nft_inserts(chains: Sequence[InputChain], peers: Sequence[IPv4Address]) -> list[str]:
    """Statements that put a rule for each peer at the head of each chain."""
    return [
        f"insert rule {chain.family} {chain.table} {chain.name} {nft_rule(peer)}" for chain in chains for peer in peers
    ]


def nft_snippet(chains: Sequence[InputChain], peers: Sequence[IPv4Address]) -> str:
    """Our own nftables file: it is included behind the chains that it inserts into."""
    return "".join(f"{line}\n" for line in (_NFT_HEAD, *nft_inserts(chains, peers)))
