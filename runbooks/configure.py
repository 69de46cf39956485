"""plan and apply: make servers what the intent declares, one at a time, and never leave one half-made."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from runbooks.exits import Exit, exit_for
from runbooks.interrupts import InterruptedChange
from runbooks.locking import LEASE_MARGIN_S, Held, locked
from runbooks.naming import tag_for
from runbooks.server_change import CONFIRM_S, ServerChange
from runbooks.session import Session
from runbooks.verify import answered_hosts, verify
from tasks.change.order import change_order
from tasks.change.plan import plan_server
from tasks.judge.causes import STALE_CLIENT
from tasks.model.answer import Reply
from tasks.model.errors import RefusedError
from tasks.model.plan import Outcome, ServerOutcome, ServerPlan
from tasks.model.reading import Unread
from tasks.model.report import Report
from tasks.model.verdict import Status
from tasks.observe.questions import server_commands
from tasks.observe.server import server_facts
from tasks.transport import Script

_SETTLE_S = 30.0
"""How long the last verify of an apply waits: adverts, gratuitous ARPs and BGP have had their time several times."""
_REFRESH_S = 75.0
"""The same where ARP requests had told the wrong MAC: the next gratuitous ARP mends that (vrrp_garp_master_refresh)."""
_CLIENTS_S = 60.0
"""Linux's defaults keep a neighbor that no longer answers for up to 45 + 5 + 3 s (arp(7))."""
INTERRUPTED = "interrupted; each server says what stands there"
Confirm = Callable[[Report], bool]
Progress = Callable[[str], None]


def plan(session: Session) -> Report:
    """The difference between desired and running, a server each."""
    started_at, began = datetime.now(UTC), time.monotonic()
    replies = _ask_servers(session)
    outcomes = [_planned(session, name, reply) for name, reply in replies.items()]
    return Report(
        command="plan",
        started_at=started_at,
        duration_s=time.monotonic() - began,
        asked=tuple(replies),
        answered=answered_hosts(replies),
        servers=tuple(outcomes),
        verdict=_plan_status(outcomes),
    )


def plan_exit(report: Report, *, check: bool) -> Exit:
    """A difference is an answer, not a failure, unless --check asks for it."""
    if check and report.status is Status.WARN:
        return Exit.FAILS
    return exit_for(report.status)


def _plan_status(outcomes: Sequence[ServerOutcome]) -> Status:
    found = {outcome.outcome for outcome in outcomes}
    if Outcome.REFUSED in found:
        return Status.FAIL
    if Outcome.UNKNOWN in found or not found:
        return Status.UNKNOWN
    return Status.WARN if Outcome.PLANNED in found else Status.PASS


def servers_of(session: Session) -> tuple[str, ...]:
    """Names of all servers of the session's clusters, lowest priority first."""
    servers = [server for cluster in session.clusters for server in cluster.servers]
    return tuple(dict.fromkeys(server.name for server in sorted(servers, key=lambda server: server.priority)))


def _ask_servers(session: Session) -> dict[str, Reply]:
    names = servers_of(session)
    return session.run_scripts({name: Script(commands=server_commands(session.memberships(name))) for name in names})


def _planned(session: Session, name: str, reply: Reply) -> ServerOutcome:
    facts = server_facts(name, reply, session.interfaces(name))
    planned = plan_server(session.desired[name], facts, session.memberships(name))
    if isinstance(planned, Unread):
        return ServerOutcome(host=name, outcome=Outcome.UNKNOWN, plan=ServerPlan(host=name), reason=planned.reason)
    if planned.refusal is not None:
        return ServerOutcome(host=name, outcome=Outcome.REFUSED, plan=planned)
    return ServerOutcome(host=name, outcome=Outcome.PLANNED if planned.changed else Outcome.UNCHANGED, plan=planned)


def apply(session: Session, *, confirm: Confirm, progress: Progress, confirm_s: int = CONFIRM_S) -> Report:
    """Plan, ask, change the servers one by one with the present master last, and verify the whole.

    `confirm_s`: when a server that nobody confirmed a change on goes back by itself. All of it under a lock, also when
    there is nothing to change: what stands there may be another operator's, who has not confirmed it yet.
    """
    with locked(session, "apply", confirm_s + LEASE_MARGIN_S, progress) as held:
        return _apply(held, confirm, progress, confirm_s)


def _apply(held: Held, confirm: Confirm, progress: Progress, confirm_s: int) -> Report:
    session = held.session
    started_at, began = datetime.now(UTC), time.monotonic()
    progress("reading the servers")
    replies = _ask_servers(session)
    planned = {name: _planned(session, name, reply) for name, reply in replies.items()}
    status = _plan_status(list(planned.values()))
    facts = {name: server_facts(name, reply, session.interfaces(name)) for name, reply in replies.items()}
    clusters = dict.fromkeys(each for name in replies for each in session.memberships(name))
    configs = {name: session.desired[name].config for name in replies}
    order = change_order(tuple(replies), facts, clusters, configs) if status is Status.WARN else list(replies)

    def report(outcomes: Sequence[ServerOutcome], **more: object) -> Report:
        fields: dict[str, object] = {
            "command": "apply",
            "started_at": started_at,
            "duration_s": time.monotonic() - began,
            "asked": tuple(replies),
            "answered": answered_hosts(replies),
            "servers": tuple(outcomes),
            "verdict": status,
        }
        return Report(**(fields | more))  # type: ignore[arg-type]  # the keys above and those of the callers are fields

    if status in {Status.FAIL, Status.UNKNOWN}:
        return report([held_back(outcome) for outcome in planned.values()], reason="nothing was changed")
    if status is Status.WARN and not confirm(report([planned[name] for name in order])):
        raise RefusedError("not confirmed; nothing was changed")
    held.renew()
    outcomes: list[ServerOutcome] = []
    todo = [planned[name] for name in order]
    try:
        _change_all(held, todo, outcomes, progress, confirm_s)
        if not all_good(outcomes):
            return report(outcomes, verdict=Status.FAIL)
        progress("verifying servers and leaves")
        final = _settled(session, outcomes, progress)
    except KeyboardInterrupt:
        outcomes += map(held_back, todo[len(outcomes) :])
        verdict = Status.UNKNOWN if all_good(outcomes) else Status.FAIL
        return report(outcomes, verdict=verdict, reason=INTERRUPTED, interrupted=True)
    shown = {"vips": final.vips, "fabrics": final.fabrics, "asked": final.asked, "answered": final.answered}
    return report(outcomes, **shown, verdict=final.status)


def _settled(session: Session, outcomes: Sequence[ServerOutcome], progress: Progress) -> Report:
    """The verdict on the whole; clients that hold an old MAC by themselves are given the time that takes."""
    mended = any(step.topic == "sysctl" for each in outcomes for step in each.plan.steps)
    final = verify(session, wait_s=_REFRESH_S if mended else _SETTLE_S, progress=progress)
    wrong = {finding.target for vip in final.vips for finding in vip.findings if finding.status is Status.FAIL}
    stale = {cause.host for vip in final.vips for cause in vip.causes if cause.id == STALE_CLIENT}
    if not wrong or not wrong <= stale:
        return final
    progress(f"waiting for {', '.join(sorted(stale))}: they hold an old MAC until their own timers run out")
    return verify(session, wait_s=_CLIENTS_S, progress=progress)


def held_back(outcome: ServerOutcome) -> ServerOutcome:
    """A server that could have been changed, but was not because another one could not."""
    if outcome.outcome is not Outcome.PLANNED:
        return outcome
    return ServerOutcome(host=outcome.host, outcome=Outcome.NOT_REACHED, plan=outcome.plan)


def all_good(outcomes: Sequence[ServerOutcome]) -> bool:
    """Is every server as it should be?"""
    return all(each.outcome in {Outcome.APPLIED, Outcome.UNCHANGED} for each in outcomes)


def taken(change: ServerChange, outcomes: list[ServerOutcome]) -> None:
    """One server; what became of it is among the outcomes also when an interrupt passes on."""
    try:
        outcomes.append(change.run())
    except InterruptedChange as end:
        outcomes.append(end.outcome)
        raise


def _change_all(
    held: Held,
    planned: Sequence[ServerOutcome],
    outcomes: list[ServerOutcome],
    progress: Progress,
    confirm_s: int,
) -> None:
    stopped, name = False, tag_for(held.session, [each.host for each in planned])
    for each in planned:
        if stopped or each.outcome is Outcome.UNCHANGED:
            outcomes.append(held_back(each))
            continue
        change = ServerChange(
            session=held.session,
            host=each.host,
            plan=each.plan,
            progress=progress,
            confirm_s=confirm_s,
            held=held,
            tag=name,
        )
        taken(change, outcomes)
        stopped = outcomes[-1].outcome is not Outcome.APPLIED


def apply_exit(report: Report) -> Exit:
    """What could not be rolled back outranks an interrupt, and that outranks what could."""
    found = {outcome.outcome for outcome in report.servers}
    if Outcome.NOT_ROLLED_BACK in found:
        return Exit.NOT_ROLLED_BACK
    if report.interrupted:
        return Exit.INTERRUPTED
    if Outcome.ROLLED_BACK in found:
        return Exit.ROLLED_BACK
    return exit_for(report.status)
