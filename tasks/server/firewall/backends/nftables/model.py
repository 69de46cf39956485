"""What is known of native nftables, and the text of our rules."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.model.address import IPV6
from tasks.model.cluster import Opening
from tasks.server.firewall.model import COMMENT, Firewall, FirewallRule, InputChain

SNIPPET = "/etc/nftables-vipbook.nft"
"""Our own file, which theirs includes."""
NFT_INCLUDE = f'include "{SNIPPET}"'
"""The one line that our persistent rules need in nftables.conf."""
_NFT_HEAD = "# Managed by vipbook: VRRP from the peers of this server, put in front of what stands in the chain."
_COUNTER = re.compile(r'\{"counter":\{[^{}]*\}\},?')


@dataclass(frozen=True, slots=True, kw_only=True)
class NftRule(FirewallRule):
    """Its text is JSON, as nft prints it."""

    handle: int | None

    @property
    def steady(self) -> str:
        """Without its counters."""
        return _COUNTER.sub("", self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nftables(Firewall):
    """Its base chains on the input hook as they run, and the two files that a boot loads."""

    manager: str = "nftables"
    path: str
    """Where the persistent file stands."""
    persistent: str | None
    snippet: str | None
    """Text of our own file that the persistent one includes."""
    made: frozenset[str] | None = None
    """The chains that the persistent file makes, as `family table chain`; None when that is not known."""

    @property
    def texts(self) -> Mapping[str, str | None]:
        """Both files."""
        return {"persistent file": self.persistent, "snippet": self.snippet}

    @property
    def kept(self) -> object:
        """Both files."""
        return self.persistent, self.snippet


def nft_rule(opening: Opening) -> str:
    """The rule as nft prints it."""
    source = f"ip6 saddr {opening.address} meta l4proto"
    if opening.address.version != IPV6:
        source = f"ip saddr {opening.address} ip protocol"
    return f'{source} {opening.protocol} accept comment "{COMMENT}"'


def nft_inserts(chains: Sequence[InputChain], openings: Sequence[Opening]) -> list[str]:
    """Statements that put a rule for each opening at the head of each chain that its packets pass."""
    return [f"insert rule {chain.place} {nft_rule(each)}" for chain in chains for each in chain.of(openings)]


def nft_snippet(chains: Sequence[InputChain], openings: Sequence[Opening]) -> str:
    """Our own nftables file: it is included behind the chains that it inserts into."""
    return "".join(f"{line}\n" for line in (_NFT_HEAD, *nft_inserts(chains, openings)))
