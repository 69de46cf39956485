"""What a firewall is, whichever it is, as types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.model.address import IPV6, IpAddress
from tasks.model.cluster import Opening

COMMENT = "vipbook"
"""The comment that marks a rule as ours; rules without it are never touched."""
NONE = "none"
"""The manager where nothing filters what comes in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirewallRule:
    """One rule of an input chain, reduced to what decides on VRRP."""

    text: str
    verdict: str
    """`accept`, `drop`, `reject`, `jump`, `other`."""
    source: str | None
    protocol: str | None
    narrow: bool
    """True when anything but source and protocol narrows what the rule matches."""
    ours: bool

    @property
    def blocks(self) -> bool:
        """Could it keep VRRP out: does it reject or drop it, or send it to a chain that might?

        What else a rule demands is not weighed: a rule that is evaluated before it costs nothing.
        """
        return self.verdict in {"drop", "reject", "jump"} and self.protocol in {None, "vrrp", "ah"}

    @property
    def steady(self) -> str:
        """The text, without what changes by itself."""
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class InputChain:
    """A chain on the input hook, with its policy and its rules in order."""

    family: str
    table: str
    name: str
    policy: str
    rules: tuple[FirewallRule, ...]

    @property
    def place(self) -> str:
        """Its name in full."""
        return f"{self.family} {self.table} {self.name}"

    @property
    def first_block(self) -> int | None:
        """Index of the first rule that could keep VRRP out; None when only the policy could."""
        return next((index for index, rule in enumerate(self.rules) if rule.blocks), None)

    @property
    def closes(self) -> bool:
        """Can this chain keep VRRP out at all?"""
        return self.policy != "accept" or self.first_block is not None

    def of(self, openings: Sequence[Opening]) -> list[Opening]:
        """Those whose packets pass this chain."""
        return [each for each in openings if self.family in {"inet", "ip6" if each.address.version == IPV6 else "ip"}]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerRule:
    """A rule that opens one protocol from one address, as a program with separate rules reports it."""

    text: str
    address: IpAddress
    protocol: str
    ours: bool
    saved: bool
    """In the permanent configuration; else in what runs."""

    def is_for(self, opening: Opening) -> bool:
        """Does it open exactly this?"""
        return (self.address, self.protocol) == (opening.address, opening.protocol)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathRule:
    """A rule of iptables, whole."""

    text: str
    conditions: tuple[tuple[str, str, bool], ...]
    """Option, its value, and whether it is negated."""
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Firewall:
    """What all have in common; each kind has a type of its own (`backends/*/model.py`) with the rest.

    This one stands for none, and for two that are in charge at once: those are not read further.
    """

    manager: str
    """The backend in charge, NONE, or two names joined by `and`."""
    chains: tuple[InputChain, ...] = ()
    at_boot: bool = True
    """Is the service enabled that loads what it keeps?"""

    @property
    def texts(self) -> Mapping[str, str | None]:
        """Its files, by what a comparison of two looks calls them."""
        return {}

    @property
    def kept(self) -> object:
        """What has to be the same again after a change was undone, beside the chains."""
        return ()
