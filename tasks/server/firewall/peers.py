"""What firewalls have in common that keep rules for peers of their own, above the chains that these become."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from tasks.model.cluster import Opening
from tasks.server.firewall.model import PeerRule

R = TypeVar("R", bound=PeerRule)


def rules_for(rules: Sequence[R], opening: Opening, *, saved: bool) -> list[R]:
    """The rules that open exactly this, now or (saved) after a boot."""
    return [rule for rule in rules if rule.is_for(opening) and rule.saved is saved]


def stray_rules(rules: Sequence[R], openings: frozenset[Opening]) -> tuple[R, ...]:
    """Rules managed by vipbook that open for no peer."""
    return tuple(rule for rule in rules if rule.ours and not any(map(rule.is_for, openings)))


def stray_texts(rules: Sequence[R], openings: frozenset[Opening]) -> list[str]:
    """The same, as text."""
    return [rule.text for rule in stray_rules(rules, openings)]


def unopened(default: str, opening: Opening) -> str:
    """Why it is closed, where nothing stands in front."""
    return f"{default}, which no rule opens for protocol {opening.protocol} from {opening.address}"
