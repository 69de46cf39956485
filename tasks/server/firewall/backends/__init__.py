"""The kinds of firewalls: a folder and a line each; `backend.py` says what each offers. Nothing else has a list."""

from __future__ import annotations

from typing import Any, TypeVar

from tasks.model.registry import constant
from tasks.server.firewall.backend import Judge
from tasks.server.firewall.model import Firewall

BACKENDS = (
    "iptables",
    "nftables",
    "firewalld",
    "ufw",
)
"""In the order in which they are reported. What makes no chains of iptables comes before nftables, whose ruleset
is the evidence where no other answer is."""
T = TypeVar("T")


def part(name: str, kind: type[T], module: str) -> T:
    """What the backend offers of this kind: its JUDGE, say."""
    found = constant(__name__, f"{name}.{module}", kind.__name__.upper())
    assert isinstance(found, kind)
    return found


def parts(kind: type[T], module: str) -> tuple[T, ...]:
    """The same of all."""
    return tuple(part(name, kind, module) for name in BACKENDS)


def judge_of(firewall: Firewall) -> Judge[Any] | None:
    """None where nothing filters, and for two that are in charge at once."""
    return part(firewall.manager, Judge, "judge") if firewall.manager in BACKENDS else None
