"""The steps that open VRRP from the peers, and nothing else, at runtime and after a boot."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.judge.checks.firewall import HANDLED, eats_vips
from tasks.model.cluster import Cluster, Opening
from tasks.model.plan import Step
from tasks.model.server import Firewall
from tasks.server.firewall.backends.firewalld.plan import firewalld_refusal, plan_firewalld
from tasks.server.firewall.backends.iptables.plan import plan_iptables
from tasks.server.firewall.backends.nftables.plan import plan_nft
from tasks.server.firewall.backends.ufw.plan import plan_ufw, ufw_refusal
from tasks.server.firewall.chains import made_at_boot, place, would_drop

_REFUSALS = {"firewalld": firewalld_refusal, "ufw": ufw_refusal}
_PLANS = {"iptables": plan_iptables, "nftables": plan_nft, "firewalld": plan_firewalld, "ufw": plan_ufw}


def plan_firewall(firewall: Firewall, openings: Sequence[Opening]) -> tuple[Step, ...]:
    """Steps for the firewall in charge; none when nothing on the input hook can keep VRRP out."""
    planner = _PLANS.get(firewall.manager)
    return planner(firewall, openings) if planner is not None else ()


def refusal_of(firewall: Firewall, clusters: Sequence[Cluster] = (), openings: Sequence[Opening] = ()) -> str | None:
    """Why this firewall is not changed, or can't carry these clusters; None when it can."""
    if " and " in firewall.manager:
        return (
            f"{firewall.manager} are in charge of the firewall at once: what one opens the other may drop; "
            "stop one of them, or empty its input chains"
        )
    if firewall.manager not in HANDLED:
        return f"{firewall.manager} in charge of the firewall; handled: {', '.join(HANDLED)}"
    if firewall.manager == "firewalld" and not firewall.knows:
        return (
            "firewalld before 0.7.0 has no rich rules with a priority, so a rule of ours could not be told from others"
        )
    in_front = _REFUSALS.get(firewall.manager)
    return (in_front(firewall, openings) if in_front is not None else None) or eats_vips(firewall, clusters)


def notes_on(firewall: Firewall, openings: Sequence[Opening]) -> tuple[str, ...]:
    """What an operator should know of this firewall before the change."""
    notes = []
    if (drops := would_drop(firewall, openings)) is not None:
        notes.append(f"today protocol 112 is dropped by {firewall.manager}: {drops}")
    if firewall.manager in {"iptables", "nftables"} and firewall.persistent is None:
        notes.append(f"there is no {firewall.path}: the rule holds until the next boot only")
    notes += [
        f"{place(chain)} is not made by {firewall.path}: a rule of ours there holds until its program makes it again"
        for chain in firewall.chains
        if chain.closes and not made_at_boot(firewall, chain)
    ]
    return tuple(notes)
