"""Checks on the way in for VRRP: the rules, and the adverts that come. Neither stands for the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.judge.checks import Target, registered
from tasks.judge.subject import Check, Subject
from tasks.model.cluster import Opening, Server
from tasks.model.server import Instance
from tasks.model.verdict import Finding
from tasks.server.firewall.backend import Judge
from tasks.server.firewall.backends import judge_of, parts
from tasks.server.firewall.model import NONE, Firewall

_OPEN = "nothing on the input hook could keep VRRP out"
_JUDGES = parts(Judge, "judge")


@registered(
    "firewall",
    Target.SERVER,
    order=160,
    alone=True,
    reads=", ".join((*(each.reads for each in _JUDGES), "and the files loaded at boot")),
    passes="protocol 112 (51 too with AH) is open from every peer, before any rule that could close, now and after "
    "a boot",
    fails="it is closed for a peer, open only until the next boot, two firewalls are in charge at once, or "
    + ", or ".join(flaw for each in _JUDGES for flaw in each.fails),
)
def judge_firewall(subject: Subject, server: Server) -> Finding:
    """VRRP is open from every peer, at runtime and after a boot, before anything that closes."""
    openings = subject.cluster.openings(server.name)
    from_all = ", ".join(map(str, openings))
    expected = f"protocol 112 open from {from_all}, at runtime and persistently"
    check, firewall = Check(name="firewall", target=server.name, expected=expected).reads(
        subject.servers[server.name].firewall
    )
    if (judge := judge_of(firewall)) is None:
        return _judge_unread(check, firewall.manager)
    if (flaw := judge.flaw(firewall, (subject.cluster,))) is not None:
        return check.fails(*flaw)
    if not judge.closes(firewall):
        return check.passes(_OPEN, firewall.manager)
    return _judge_rules(check, judge, firewall, openings, frozenset(subject.desired[server.name].openings))


def _judge_unread(check: Check, manager: str) -> Finding:
    if manager == NONE:
        return check.passes(_OPEN, manager)
    if " and " in manager:
        return check.fails(f"{manager} are in charge at once: what one opens the other may drop", "two")
    return check.unknown(f"{manager} in charge, which this version does not read")


def _judge_rules(
    check: Check, judge: Judge[Any], firewall: Firewall, openings: Sequence[Opening], wanted: frozenset[Opening]
) -> Finding:
    """Now, after a boot, and nothing of ours beside it."""
    closed, lost = (
        [str(each) for each in openings if not judge.is_open(firewall, each, saved=saved)] for saved in (False, True)
    )
    if closed:
        why = _why(judge, firewall, openings, saved=False)
        return check.fails(f"{firewall.manager} does not open protocol 112 from {', '.join(closed)}{why}", "closed")
    if not firewall.at_boot:
        return check.fails(f"open now, but the service that loads {firewall.manager}'s rules at boot is disabled", "no")
    if judge.foreign(firewall, openings):
        return check.warns(
            f"{firewall.manager} opens it now; what closes now is in no file of its own", "not persistent"
        )
    if lost:
        why = _why(judge, firewall, openings, saved=True)
        return check.fails(f"open now, but closed after a boot for {', '.join(lost)}{why}", "not persistent")
    if (passing := judge.passing(firewall)) is not None:
        return check.warns(f"open now; {passing}", "not persistent")
    if stray := judge.strays(firewall, wanted):
        return check.warns("a rule managed by vipbook opens for no peer of the cluster", "\n".join(stray))
    from_all = ", ".join(map(str, openings))
    return check.passes(f"{firewall.manager} opens protocol 112 from {from_all}", firewall.manager)


def _why(judge: Judge[Any], firewall: Firewall, openings: Sequence[Opening], *, saved: bool) -> str:
    """What stands in front, behind a colon; empty when a rule is merely missing."""
    found = (judge.in_front(firewall, each, saved=saved) for each in openings)
    return next((f": {each}" for each in found if each is not None), "")


_RATE = 0.7
"""The part of the adverts that must have come; one at either end may have been missed by looking."""


@registered(
    "adverts",
    Target.SERVER,
    order=180,
    alone=True,
    reads="keepalived's counters, twice in one round trip",
    passes="a backup's counter of received adverts moved while we looked, at the declared rate",
    fails="it stood still for more than an interval; a warning when some are lost (skipped where the server is not "
    "backup)",
)
def judge_adverts(subject: Subject, server: Server) -> Finding:
    """A backup hears the master: the counter moved while we looked.

    That adverts come is no proof that a rule lets them in: while a connection of a unicast peer is tracked, the
    firewall lets in what belongs to it, whatever stands behind. So the rules are judged by themselves.
    """
    facts = subject.servers[server.name]
    expected = "adverts of the master arrive"
    check = Check(name="adverts", target=server.name, expected=expected)
    check, _ = check.reads(facts.instances)
    check, _ = check.reads(facts.later)
    between_s = check.value(facts.between_s)
    before, after = subject.own(server.name, facts.instances), subject.own(server.name, facts.later)
    if not isinstance(before, Instance) or not isinstance(after, Instance):
        return check.fails(f"keepalived runs without {subject.cluster.instance}", subject.router(server))
    if before.state != after.state:
        return check.unknown(f"{server.name} was {before.state} and became {after.state} while we looked")
    if after.state != "backup":
        return check.skips(f"{server.name} is {after.state}: only a backup hears adverts", after.state)
    heard = after.adverts_received - before.adverts_received
    actual = f"{before.adverts_received} adverts, then {after.adverts_received}"
    if heard < 0:
        return check.unknown("the counter went back: keepalived started anew while we looked")
    if heard == 0:
        return check.fails("no advert arrived while we looked for more than one interval", actual)
    due = between_s / subject.cluster.advert_int
    if heard < due * _RATE - 1:
        return check.warns(f"{heard} adverts arrived where {due:.0f} were due: some are lost on the way", actual)
    return check.passes(f"{server.name} hears the master's adverts", actual)
