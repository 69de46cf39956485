"""What ufw does with VRRP."""

from __future__ import annotations

from tasks.model.cluster import Opening
from tasks.server.firewall.backend import Judge
from tasks.server.firewall.backends.ufw.model import Ufw
from tasks.server.firewall.peers import rules_for, stray_texts, unopened


def is_open(firewall: Ufw, opening: Opening, /, *, saved: bool) -> bool:
    """Is there a rule, and nothing in front of it?"""
    there = rules_for(firewall.rules, opening, saved=saved)
    return bool(there) and not any(rule.behind for rule in there)


def _in_front(firewall: Ufw, opening: Opening, /, *, saved: bool) -> str | None:
    behind = (rule.behind for rule in rules_for(firewall.rules, opening, saved=saved) if rule.behind)
    return next((f"{each!r} comes before the rule for {opening.address}" for each in behind), None)


def _drops(firewall: Ufw, opening: Opening) -> str:
    return _in_front(firewall, opening, saved=False) or unopened(firewall.default, opening)


JUDGE: Judge[Ufw] = Judge(
    reads="ufw's rules",
    closes=lambda _: True,
    is_open=is_open,
    drops=_drops,
    strays=lambda firewall, openings: stray_texts(firewall.rules, openings),
    in_front=_in_front,
)
