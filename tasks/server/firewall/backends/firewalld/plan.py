"""firewalld: a rich rule an opening, in every zone that adverts come in by, at runtime and permanently.

Nothing is reloaded: what other programs added at runtime stays.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from tasks.change.files import lines, put_back, sudo
from tasks.model.answer import Command
from tasks.model.cluster import Cluster, Opening
from tasks.model.plan import Step
from tasks.server.firewall.apply import opening_summary
from tasks.server.firewall.backend import Planner
from tasks.server.firewall.backends.firewalld.judge import beside, denial_of, eats_vips, zones_for
from tasks.server.firewall.backends.firewalld.model import RICH_PRIORITY, Firewalld, rich_rule
from tasks.server.firewall.peers import rules_for, stray_rules

_ZONES = "/etc/firewalld/zones"


def _steps(firewall: Firewalld, openings: Sequence[Opening]) -> tuple[Step, ...]:
    """One step, or none. A rule that opens the same and is not ours is left, and enough."""
    zones = tuple(dict.fromkeys((*(zone for _, zone in firewall.zones), *_further(firewall, openings))))
    missing = [
        (zone, each, saved)
        for zone in zones
        for each in openings
        for saved in (False, True)
        if zone in zones_for(firewall, each, saved=saved) and not _is_there(firewall, zone, each, saved=saved)
    ]
    stray = stray_rules(firewall.rules, frozenset(openings))
    if not missing and not stray:
        return ()
    adding = [_change("--add-rich-rule", rich_rule(each), zone, saved=saved) for zone, each, saved in missing]
    removing = [_change("--remove-rich-rule", rule.text, rule.zone, saved=rule.saved) for rule in stray]
    back = [
        _change("--remove-rich-rule", rich_rule(each), zone, saved=saved) for zone, each, saved in reversed(missing)
    ]
    back += [_change("--add-rich-rule", rule.text, rule.zone, saved=rule.saved) for rule in stray]
    touched = {zone for zone, _, saved in missing if saved} | {rule.zone for rule in stray if rule.saved}
    files = [f"{_ZONES}/{zone}.xml" for zone in sorted(touched)]
    diff = [f"-{_place(rule.zone, saved=rule.saved)}: {rule.text}" for rule in stray]
    diff += [f"+{_place(zone, saved=saved)}: {rich_rule(each)}" for zone, each, saved in missing]
    return (
        Step(
            topic="firewall",
            summary=opening_summary("firewalld", list(dict.fromkeys(each for _, each, _ in missing))),
            diff="\n".join(diff),
            commands=_commands([*removing, *adding]),
            keeps=tuple(files),
            # firewalld writes the whole file anew; the text from before comes back as well, comments included.
            undo=(*lines(*back), *(put_back(path) for path in files)),
        ),
    )


def _refusal(firewall: Firewalld, clusters: Sequence[Cluster], openings: Sequence[Opening]) -> str | None:
    if not firewall.priorities:
        return (
            "firewalld before 0.7.0 has no rich rules with a priority, so a rule managed by vipbook could not be "
            "distinguished from others"
        )
    return _overruled(firewall, openings) or eats_vips(firewall, clusters)


def _overruled(firewall: Firewalld, openings: Sequence[Opening]) -> str | None:
    """What precedes every rule managed by vipbook, and is not vipbook's to remove; None: nothing does."""
    for each in openings:
        for saved in (False, True):
            kind = _kind(saved=saved)
            if (line := beside(firewall, each, saved=saved)) is not None:
                return (
                    f"firewalld: {line!r} in its direct rules, {kind}, keeps out protocol 112 from {each.address}, and "
                    "no zone can open what they drop; remove it, or let a direct rule before it accept that"
                )
            if (denial := denial_of(firewall, each, saved=saved)) is not None:
                where = denial.where
                fix = "the policy a priority above 0" if where.in_policy else f"it a priority above {RICH_PRIORITY}"
                return (
                    f"firewalld: {denial.text!r} in {where.place}, {kind}, precedes all rules managed by vipbook "
                    f"and keeps out protocol 112 from {each.address}; remove it, or give {fix}"
                )
    return None


def _further(firewall: Firewalld, openings: Sequence[Opening]) -> list[str]:
    """Zones that count beside those which the interfaces are in."""
    return sorted(
        {zone for each in openings for saved in (False, True) for zone in zones_for(firewall, each, saved=saved)}
    )


def _is_there(firewall: Firewalld, zone: str, opening: Opening, *, saved: bool) -> bool:
    return any(rule.zone == zone for rule in rules_for(firewall.rules, opening, saved=saved))


def _change(verb: str, rule: str, zone: str, *, saved: bool) -> tuple[str, ...]:
    return ("firewall-cmd", *(("--permanent",) if saved else ()), f"--zone={zone}", f"{verb}={rule}")


def _place(zone: str, *, saved: bool) -> str:
    return f"zone {zone}, {_kind(saved=saved)}"


def _kind(*, saved: bool) -> str:
    return "permanent" if saved else "runtime"


def _commands(argvs: Sequence[tuple[str, ...]]) -> tuple[Command, ...]:
    return tuple(sudo(f"firewalld {index}", *argv) for index, argv in enumerate(argvs))


def _again(firewall: Firewalld, _: Sequence[str]) -> list[str]:
    ours = [rule for rule in firewall.rules if rule.ours]
    return [shlex.join(_change("--add-rich-rule", rule.text, rule.zone, saved=rule.saved)) for rule in ours]


PLANNER: Planner[Firewalld] = Planner(steps=_steps, refusal=_refusal, again=_again)
