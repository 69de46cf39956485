"""What to do about a claim: pure, from what the kernel holds at this moment."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Network, IPv6Network

from .claim import Address, Claim
from .rtnetlink import NUD_FAILED, NUD_INCOMPLETE, NUD_NOARP, NUD_PERMANENT, NUD_STALE, Neighbor


class Action(Enum):
    """REFRESH the kernel's neighbor, look again soon (RETRY), or LEAVE it."""

    REFRESH = "refresh"
    RETRY = "retry"
    LEAVE = "leave"


@dataclass(frozen=True)
class Scope:
    """What an SVI answers for. `own`: the leaf's own and the gateway's addresses, which no host may take over."""

    networks: frozenset[IPv4Network | IPv6Network]
    own: frozenset[Address]

    def covers(self, address: Address) -> bool:
        """Whether a host behind this SVI may have this address; link-local ones stay on their link."""
        if address.is_link_local or address in self.own:
            return False
        return any(address in network for network in self.networks)


def decide(
    claim: Claim, scope: Scope, fdb: Neighbor | None, neighbor: Neighbor | None, vxlan: frozenset[int]
) -> Action:
    """`fdb` is the bridge's row of the claim's MAC, `neighbor` the kernel's of its address; `vxlan` holds ifindexes."""
    if not scope.covers(claim.address):
        return Action.LEAVE
    if fdb is None or fdb.from_evpn or fdb.ifindex in vxlan:
        # Remote hosts' ARP and ND come in over VXLAN too. But a host that has just moved here may be claimed before its
        # FDB row has changed over.
        return Action.RETRY
    if fdb.state & NUD_PERMANENT:
        # A MAC of the leaf itself, or one that an administrator nailed down.
        return Action.LEAVE
    if neighbor is None or neighbor.mac != claim.mac or neighbor.from_evpn:
        return Action.REFRESH
    if neighbor.state & (NUD_STALE | NUD_FAILED | NUD_INCOMPLETE | NUD_NOARP):
        # It has just been heard: that makes it as reachable as an answer would.
        return Action.REFRESH
    return Action.LEAVE
