"""What iptables does with VRRP."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.model.cluster import Opening
from tasks.server.firewall.backend import Judge
from tasks.server.firewall.backends.iptables.model import Iptables
from tasks.server.firewall.chains import closing, drops, shut, stray_texts


def _is_open(firewall: Iptables, opening: Opening, /, *, saved: bool) -> bool:
    return not shut(firewall.saved if saved else firewall.chains, opening)


def _is_foreign(firewall: Iptables, openings: Sequence[Opening]) -> bool:
    saved = {chain.family for chain in closing(firewall.saved)}
    return any(chain.family not in saved for chain in closing(firewall.chains) if chain.of(openings))


JUDGE: Judge[Iptables] = Judge(
    reads="iptables -S and ip6tables -S",
    closes=lambda firewall: bool(closing((*firewall.chains, *firewall.saved))),
    is_open=_is_open,
    drops=lambda firewall, opening: drops(firewall.chains, opening),
    strays=lambda firewall, openings: stray_texts(firewall.chains, openings),
    foreign=_is_foreign,
)
