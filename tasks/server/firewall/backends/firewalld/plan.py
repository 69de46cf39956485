"""firewalld: a rich rule an opening, in every zone that adverts come in by, at runtime and permanently.

Nothing is reloaded: what other programs added at runtime stays.
"""

from __future__ import annotations

from collections.abc import Sequence

from tasks.change.files import lines, put_back, sudo
from tasks.model.answer import Command
from tasks.model.cluster import Opening
from tasks.model.plan import Step
from tasks.model.server import Firewall, ManagedRule
from tasks.render.firewall import RICH_PRIORITY, rich_rule
from tasks.server.firewall.backends.firewalld.judge import beside, denial_of, zones_for
from tasks.server.firewall.backends.iptables.plan import opening_summary
from tasks.server.firewall.chains import managed_strays

_ZONES = "/etc/firewalld/zones"


def plan_firewalld(firewall: Firewall, openings: Sequence[Opening]) -> tuple[Step, ...]:
    """One step, or none. A rule that opens the same and is not ours is left, and enough."""
    zones = tuple(dict.fromkeys((*(zone for _, zone in firewall.zones), *_further(firewall, openings))))
    missing = [
        (zone, each, saved)
        for zone in zones
        for each in openings
        for saved in (False, True)
        if zone in zones_for(firewall, each, saved=saved) and not _is_there(firewall.managed, zone, each, saved=saved)
    ]
    stray = managed_strays(firewall, frozenset(openings))
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


def firewalld_refusal(firewall: Firewall, openings: Sequence[Opening]) -> str | None:
    """What comes before every rule of ours, and is not ours to take out; None: nothing does."""
    for each in openings:
        for saved in (False, True):
            kind = _kind(saved=saved)
            if (line := beside(firewall, each, saved=saved)) is not None:
                return (
                    f"firewalld: {line!r} in its direct rules, {kind}, keeps out protocol 112 from {each.address}, and "
                    "no zone can open what they drop; remove it, or let a direct rule before it accept that"
                )
            if (denial := denial_of(firewall, each, saved=saved)) is not None:
                mend = "the policy a priority above 0" if denial.in_policy else f"it a priority above {RICH_PRIORITY}"
                return (
                    f"firewalld: {denial.text!r} in {denial.place}, {kind}, comes before all of ours and keeps out "
                    f"protocol 112 from {each.address}; remove it, or give {mend}"
                )
    return None


def _further(firewall: Firewall, openings: Sequence[Opening]) -> list[str]:
    """Zones that count beside those which the interfaces are in."""
    return sorted(
        {zone for each in openings for saved in (False, True) for zone in zones_for(firewall, each, saved=saved)}
    )


def _is_there(rules: Sequence[ManagedRule], zone: str, opening: Opening, *, saved: bool) -> bool:
    wanted = (zone, opening.address, opening.protocol, saved)
    return any((rule.zone, rule.address, rule.protocol, rule.saved) == wanted for rule in rules)


def _change(verb: str, rule: str, zone: str, *, saved: bool) -> tuple[str, ...]:
    return ("firewall-cmd", *(("--permanent",) if saved else ()), f"--zone={zone}", f"{verb}={rule}")


def _place(zone: str, *, saved: bool) -> str:
    return f"zone {zone}, {_kind(saved=saved)}"


def _kind(*, saved: bool) -> str:
    return "permanent" if saved else "runtime"


def _commands(argvs: Sequence[tuple[str, ...]]) -> tuple[Command, ...]:
    return tuple(sudo(f"firewalld {index}", *argv) for index, argv in enumerate(argvs))
