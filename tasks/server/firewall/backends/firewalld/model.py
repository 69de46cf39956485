"""What is known of firewalld, and the text of our rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.model.cluster import Opening
from tasks.server.firewall.model import Firewall, PathRule, PeerRule

RICH_PRIORITY = -112
"""Marks a rich rule as ours, which has no comments; below 0 it comes before whatever denies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RichRule(PeerRule):
    """A rich rule that opens one protocol from one address."""

    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneSource:
    """What comes from `source` falls into this zone, whatever zone its interface is in."""

    zone: str
    source: str
    """An address, a network, a MAC, or `ipset:` and a name."""
    saved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where a rule stands: `place` in words, and the zones whose packets it is for; None: all."""

    place: str
    zones: frozenset[str] | None
    saved: bool
    in_policy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontRule:
    """A rich rule, or the target of a policy, evaluated before vipbook's rules. None: whatever it is."""

    text: str
    where: Where
    denies: bool
    """It drops or rejects. Else it accepts whatever is as it says, and nothing behind it decides."""
    version: int | None = None
    """IP version of its family."""
    source: str | None = None
    negated: bool = False
    """It is for all but `source`."""
    protocol: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WayIn:
    """A chain of iptables' that packets pass beside its zones, with all that it may jump to."""

    version: int
    """IP version."""
    table: str
    saved: bool
    start: str
    chains: Mapping[str, Sequence[PathRule]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Firewalld(Firewall):
    """Its zones, as far as adverts may fall into them, and what stands in front of these."""

    manager: str = "firewalld"
    zones: tuple[tuple[str, str], ...]
    """Interface and its zone, of each interface that adverts come in by."""
    zones_saved: tuple[tuple[str, str], ...] = ()
    """The zones that such an interface may be in after a reload or a boot."""
    sources: tuple[ZoneSource, ...] = ()
    front: tuple[FrontRule, ...] = ()
    """What decides before ours, in the order in which packets meet it; policies first."""
    ways: tuple[WayIn, ...] = ()
    """Its direct rules, and whatever stands between them."""
    rules: tuple[RichRule, ...] = ()
    priorities: bool
    """May rich rules have priorities (0.7.0 on)?"""
    strict6: bool
    """Does it drop what comes in by an interface that the answer would not leave by (IPv6_rpfilter)?"""
    default: str
    """What becomes of a packet that no rule is for, in words."""

    @property
    def kept(self) -> object:
        """The rules, in whatever order they are listed."""
        return sorted((rule.zone, rule.saved, rule.text) for rule in self.rules)


def rich_rule(opening: Opening) -> str:
    """A rich rule as firewalld itself prints it (firewalld.richlanguage(5))."""
    return (
        f'rule priority="{RICH_PRIORITY}" family="ipv{opening.address.version}" source address="{opening.address}" '
        f'protocol value="{opening.protocol}" accept'
    )
