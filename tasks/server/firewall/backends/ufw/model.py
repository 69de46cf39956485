"""What is known of ufw, and the text of our rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.model.address import IPV6
from tasks.model.cluster import Opening
from tasks.server.firewall.model import Firewall, PeerRule

DIRECTORY, DEFAULT = "/etc/ufw", "/etc/default/ufw"
UFW_BEGIN, UFW_END = "# vipbook: VRRP from the peers of this server", "# vipbook: end"
BEFORE = {4: f"{DIRECTORY}/before.rules", IPV6: f"{DIRECTORY}/before6.rules"}
"""Where the block stands, by IP version."""
_NUMBERS = {"vrrp": 112, "ah": 51}


@dataclass(frozen=True, slots=True, kw_only=True)
class UfwRule(PeerRule):
    """A rule in its files, or one that it has loaded."""

    behind: str = ""
    """The rule that could close and stands in front of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ufw(Firewall):
    """Its rules that open a protocol from an address, and the files that hold what it does not know by name."""

    manager: str = "ufw"
    rules: tuple[UfwRule, ...]
    before: str | None
    """Text of before.rules."""
    before6: str | None
    knows_vrrp: bool
    """Does it know that protocol by name (0.36.2 on)?"""
    default: str
    """What becomes of a packet that no rule is for, in its own words."""

    @property
    def texts(self) -> Mapping[str, str | None]:
        """The file of IPv4 alone."""
        return {"persistent file": self.before}

    @property
    def kept(self) -> object:
        """Files and rules, in whatever order these are listed."""
        return self.before, self.before6, sorted((rule.saved, rule.text) for rule in self.rules)


def ufw_rule(opening: Opening) -> tuple[str, ...]:
    """A rule in ufw's own syntax, behind `allow` (ufw(8))."""
    return ("proto", opening.protocol, "from", str(opening.address), "to", "any")


def ufw_block(openings: Sequence[Opening], version: int) -> str:
    """The lines of before.rules or before6.rules; empty when there is nothing to open in that family."""
    chain = "ufw6-before-input" if version == IPV6 else "ufw-before-input"
    lines = [
        f"-A {chain} -p {_NUMBERS[each.protocol]} -s {each.address} -j ACCEPT\n"
        for each in openings
        if each.address.version == version
    ]
    return f"{UFW_BEGIN}\n{''.join(lines)}{UFW_END}\n" if lines else ""
