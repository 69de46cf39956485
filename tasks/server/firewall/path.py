"""An advert's way through chains of iptables: the first rule that could keep it out before one lets it in for sure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from tasks.model.address import IpAddress
from tasks.server.firewall.model import PathRule

_HARMLESS = frozenset(
    {
        *("LOG", "NFLOG", "ULOG", "AUDIT", "MARK", "CONNMARK", "TRACE", "CT", "NOTRACK", ""),
        *("CHECKSUM", "CLASSIFY", "CONNSECMARK", "DSCP", "ECN", "HL", "HMARK", "IDLETIMER", "LED", "RATEEST"),
        *("SECMARK", "SET", "TCPMSS", "TCPOPTSTRIP", "TEE", "TOS", "TTL"),
    }
)
"""Targets behind which the packet goes on; what any other one does is not known."""
_VRRP_GROUPS = frozenset({ip_address("224.0.0.18"), ip_address("ff02::12")})
_ADVERTS_GO_TO = frozenset({"LOCAL", "MULTICAST"})
_PLAIN = frozenset({"-p", "-s", "--comment"})
_DEEPEST = 64
_REACHED = ""
"""The packet is let in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """An advert as it comes in. `interfaces`: those that it may come by; none: not known."""

    source: IpAddress
    protocol: str
    interfaces: tuple[str, ...] = ()


Chains = Mapping[str, Sequence[PathRule]]


def first_block(chains: Chains, start: Sequence[str], packet: Packet, *, own: str = "") -> str:
    """The first rule that could keep this packet out; empty when one lets it in before, or none does either.

    `own`: what the names of a firewall's own chains begin with; a packet passes those whose rules are not known.
    """
    walk = _Walk(chains=chains, packet=packet, own=own)
    return next((found for chain in start if (found := walk.end(chain)) is not None), "")


@dataclass(slots=True, kw_only=True)
class _Walk:
    """One packet's way."""

    chains: Chains
    packet: Packet
    own: str
    ends: dict[str, str | None] = field(default_factory=dict)
    """What came out of each chain that was walked; of one that is being walked, the rule that leads on."""

    def end(self, chain: str, depth: int = 0) -> str | None:
        """As `_through`, each chain once: chains that jump to each other make more ways than anybody can go."""
        if chain not in self.ends:
            self.ends[chain] = self._through(chain, depth)
        return self.ends[chain]

    def _through(self, chain: str, depth: int) -> str | None:
        """As `first_block`; None: the packet may come out at the end of the chain, and nothing kept it out."""
        returned: set[str] = set()
        for rule in self.chains.get(chain, ()):
            if any(_excludes(*condition, self.packet) for condition in rule.conditions):
                continue
            if rule.target == "RETURN":
                returned |= {value for name, value, negated in rule.conditions if name == "--dst-type" and not negated}
                if _is_certain(rule, self.packet) or returned >= _ADVERTS_GO_TO:
                    return None
            elif rule.target == "ACCEPT":
                if _is_certain(rule, self.packet):
                    return _REACHED
            elif rule.target in self.chains or self._is_own(rule.target):
                found = self._behind(chain, rule, depth)
                if found or (found == _REACHED and _is_certain(rule, self.packet)):
                    return found
            elif rule.target not in _HARMLESS:
                return rule.text
        return None

    def _behind(self, chain: str, rule: PathRule, depth: int) -> str | None:
        """What comes of the chain that the rule jumps to; deeper than anybody writes, it might be anything."""
        if depth > _DEEPEST:
            return rule.text
        # What jumps in a circle, which no kernel loads, comes to an end: own chains go on, others might do anything.
        self.ends[chain] = None if self._is_own(chain) else rule.text
        return self.end(rule.target, depth + 1)

    def _is_own(self, chain: str) -> bool:
        return bool(self.own) and chain.startswith(self.own)


def _excludes(name: str, value: str, negated: bool, packet: Packet) -> bool:  # noqa: FBT001 - as a condition has it
    """Is the rule surely not for this packet? What is not understood might be."""
    if name == "-p":
        return value != "all" and (value == packet.protocol) is negated
    if name == "-s":
        return _holds(value, packet.source) is negated
    if name == "-d":
        return not negated and _is_other_group(value)
    if name == "-i":
        return bool(packet.interfaces) and not any(_is_by(value, each) is not negated for each in packet.interfaces)
    if name in {"--ctstate", "--state"}:
        # The first advert of a peer belongs to no connection yet; later ones may.
        return bool({"NEW", "UNTRACKED"} & set(value.split(","))) is negated
    # No advert has a routing header.
    return (name, value) == ("-m", "rt")


def _holds(network: str, address: IpAddress) -> bool | None:
    try:
        return address in ip_network(network, strict=False)
    except ValueError:
        return None


def _is_other_group(value: str) -> bool:
    """A multicast address that no advert is sent to; anything else might be an address of this server."""
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        return False
    return network.is_multicast and not any(group in network for group in _VRRP_GROUPS)


def _is_by(pattern: str, interface: str) -> bool:
    return interface.startswith(pattern[:-1]) if pattern.endswith("+") else interface == pattern


def _is_certain(rule: PathRule, packet: Packet) -> bool:
    """Does it demand nothing that this packet might lack?"""
    return all(
        (name in _PLAIN and not negated)
        or (name, value) == ("-m", "comment")
        or (name == "-i" and not negated and len(packet.interfaces) == 1)
        for name, value, negated in rule.conditions
    )
