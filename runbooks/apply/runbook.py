"""plan and apply: make servers what the intent declares, one at a time, and never leave one half-made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from runbooks.apply.locking import LEASE_MARGIN_S, Held, locked
from runbooks.apply.naming import tag_for
from runbooks.apply.sequence import Parking, all_good, change_in_order, dry, held_back, reached
from runbooks.apply.server_change import CONFIRM_S, ServerChange
from runbooks.process.exits import Exit, exit_for
from runbooks.session import Session
from runbooks.verify import answered_hosts, verify
from tasks.change.order.members import Around, around
from tasks.change.order.servers import Stage, change_order
from tasks.change.plan import plan_server
from tasks.judge.causes.signatures import STALE_CLIENT
from tasks.model.answer import Reply
from tasks.model.cluster import Cluster
from tasks.model.errors import RefusedError
from tasks.model.plan import NOTHING, Allowed, Outcome, ServerOutcome, ServerPlan
from tasks.model.reading import Read, Unread
from tasks.model.report import Report
from tasks.model.server import ServerFacts, Service
from tasks.model.verdict import Status
from tasks.report.build import Reporter
from tasks.server.facts import server_facts
from tasks.server.keepalived.files import change_commands
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


def plan(session: Session, *, allowed: Allowed = NOTHING) -> Report:
    """The difference between desired and running, a server each, and what would be lost of what others configured."""
    look = _look("plan", session, allowed)
    dry(session, look.planned)
    outcomes, reason = look.planned, None
    if look.status is Status.WARN:
        try:
            outcomes = noted(look.planned, look.order(session, allowed))
        except RefusedError as error:
            reason = f"apply would refuse this: {error}"
    return look.report(outcomes.values(), reason=reason)


def plan_exit(report: Report, *, check: bool) -> Exit:
    """A difference is an answer, not a failure, unless --check asks for it."""
    if check and report.status is Status.WARN:
        return Exit.FAILS
    return exit_for(report.status)


def servers_of(session: Session) -> tuple[str, ...]:
    """Names of all servers of the session's clusters, lowest priority first."""
    servers = [server for cluster in session.clusters for server in cluster.servers]
    return tuple(dict.fromkeys(server.name for server in sorted(servers, key=lambda server: server.priority)))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedServers:
    """The servers as they are, and what is to be done with each."""

    reporter: Reporter
    replies: Mapping[str, Reply]
    facts: Mapping[str, ServerFacts]
    """Of every member of every cluster of these servers, whether it is to be changed or not."""
    planned: Mapping[str, ServerOutcome]
    around: Around

    @property
    def status(self) -> Status:
        """Of the plan: WARN where something is to be changed."""
        found = {outcome.outcome for outcome in self.planned.values()}
        if Outcome.REFUSED in found:
            return Status.FAIL
        if Outcome.UNKNOWN in found or not found:
            return Status.UNKNOWN
        return Status.WARN if Outcome.PLANNED in found else Status.PASS

    def report(
        self, outcomes: Iterable[ServerOutcome], verdict: Status | None = None, reason: str | None = None
    ) -> Report:
        """What became of the servers until now; `verdict` is that of the plan unless it is given."""
        return self.reporter.report(
            asked=self.replies,
            answered=answered_hosts(self.replies),
            servers=outcomes,
            verdict=verdict or self.status,
            reason=reason,
        )

    def order(self, session: Session, allowed: Allowed) -> list[Stage]:
        """RefusedError when no order is safe."""
        clusters = clusters_of(session, self.planned)
        configs = {name: session.desired[name].config for name in self.planned}
        return change_order(tuple(self.planned), self.facts, clusters, configs, allow_gap=allowed.gap)

    @property
    def services(self) -> dict[str, Service]:
        """keepalived.service of each server that reports it."""
        return {name: each.service.value for name, each in self.facts.items() if isinstance(each.service, Read)}


def clusters_of(session: Session, names: Iterable[str]) -> tuple[Cluster, ...]:
    """All clusters that these servers are in."""
    return tuple(dict.fromkeys(each for name in names for each in session.memberships(name)))


def members_of(session: Session, names: Iterable[str]) -> dict[str, None]:
    """These servers, and then all others that have a cluster with one of them, whether that was named or not."""
    members = (server.name for name in names for each in session.memberships(name) for server in each.servers)
    return dict.fromkeys((*names, *members))


def _look(command: str, session: Session, allowed: Allowed) -> PlannedServers:
    reporter = Reporter(command)
    names = servers_of(session)
    everyone = members_of(session, names)
    replies = session.run_scripts(
        {name: Script(commands=change_commands(session.memberships(name))) for name in everyone},
        doing="reading the servers",
    )
    facts = {name: server_facts(name, reply, session.interfaces(name)) for name, reply in replies.items()}
    others = around(clusters_of(session, names), facts, names)
    planned = {name: _planned(session, facts[name], allowed, others) for name in names}
    return PlannedServers(
        reporter=reporter,
        replies={name: replies[name] for name in names},
        facts=facts,
        planned=planned,
        around=others,
    )


def _planned(session: Session, facts: ServerFacts, allowed: Allowed, others: Around) -> ServerOutcome:
    name, clusters = facts.host, session.memberships(facts.host)
    planned = plan_server(session.desired[name], facts, clusters, take_over=allowed.take_over, changing=others.changing)
    if isinstance(planned, Unread):
        return ServerOutcome(host=name, outcome=Outcome.UNKNOWN, plan=ServerPlan(host=name), reason=planned.reason)
    if planned.refusal is not None:
        return ServerOutcome(host=name, outcome=Outcome.REFUSED, plan=planned)
    return ServerOutcome(host=name, outcome=Outcome.PLANNED if planned.changed else Outcome.UNCHANGED, plan=planned)


def noted(planned: Mapping[str, ServerOutcome], stages: Sequence[Stage]) -> dict[str, ServerOutcome]:
    """In the order of the stages, with what each of them means for others."""
    found: dict[str, ServerOutcome] = {}
    for stage in stages:
        each = planned[stage.host]
        notes = list(each.plan.notes)
        if stage.parks:
            notes.append(f"keepalived is stopped on {' and '.join(stage.parks)} while this server is changed")
        if stage.gap:
            notes.append(f"no master for some seconds: {stage.gap}")
        found[stage.host] = replace(each, plan=replace(each.plan, notes=tuple(notes)))
    return found


def apply(
    session: Session,
    *,
    confirm: Confirm,
    progress: Progress,
    confirm_s: int = CONFIRM_S,
    allowed: Allowed = NOTHING,
) -> Report:
    """Plan, ask, change the servers one by one in an order without two masters, and verify the whole.

    `confirm_s`: when a server that nobody confirmed a change on goes back by itself. All of it under a lock, also when
    there is nothing to change: what is set there may be another operator's, who has not confirmed it yet. In a dry run
    of Nornir's the plan is all, and takes no lock.
    """
    if session.dry_run:
        return replace(plan(session, allowed=allowed), command="apply")
    with locked(session, "apply", confirm_s + LEASE_MARGIN_S, progress) as held:
        return _apply(held, confirm, progress, confirm_s, allowed)


def _apply(held: Held, confirm: Confirm, progress: Progress, confirm_s: int, allowed: Allowed = NOTHING) -> Report:
    session = held.session
    look = _look("apply", session, allowed)
    if look.status in {Status.FAIL, Status.UNKNOWN}:
        return look.report(map(held_back, look.planned.values()), reason="nothing was changed")
    differs = look.status is Status.WARN
    stages = look.order(session, allowed) if differs else [Stage(host=name) for name in look.planned]
    planned = noted(look.planned, stages)
    if differs and not confirm(look.report(planned.values())):
        raise RefusedError("not confirmed; nothing was changed")
    held.renew()
    name = tag_for(session, list(planned))
    parking = Parking(session=session, services=look.services, progress=progress, confirm_s=confirm_s, tag=name)
    outcomes: list[ServerOutcome] = []
    try:
        change_in_order(stages, planned, parking, _changes(held, parking, allowed, look.around), outcomes)
        if not all_good(outcomes):
            return look.report(outcomes, Status.FAIL)
        progress("verifying servers and leaves")
        final = _settled(session, outcomes, progress)
    except KeyboardInterrupt:
        outcomes = reached(list(planned.values()), outcomes, parking)
        verdict = Status.UNKNOWN if all_good(outcomes) else Status.FAIL
        return replace(look.report(outcomes, verdict, INTERRUPTED), interrupted=True)
    return replace(look.report(outcomes, final.status), clusters=final.clusters, hosts=final.hosts)


def _changes(held: Held, parking: Parking, allowed: Allowed, others: Around) -> Callable[[ServerOutcome], ServerChange]:
    """What changes a server as planned."""

    def change(each: ServerOutcome) -> ServerChange:
        return ServerChange(
            session=held.session,
            host=each.host,
            plan=each.plan,
            progress=parking.progress,
            confirm_s=parking.confirm_s,
            held=held,
            tag=parking.tag,
            take_over=allowed.take_over,
            parked=parking.before(each.host),
            around=others,
            before_commit=parking.release,
        )

    return change


def _settled(session: Session, outcomes: Sequence[ServerOutcome], progress: Progress) -> Report:
    """The verdict on the whole; clients that hold an old MAC by themselves are given the time that takes."""
    mended = any(step.topic == "sysctl" for each in outcomes for step in each.plan.steps)
    final = verify(session, wait_s=_REFRESH_S if mended else _SETTLE_S, progress=progress)
    wrong = {check.target for vip in final.vips for check in vip.checks if check.status is Status.FAIL}
    stale = {cause.host for vip in final.vips for cause in vip.known_causes if cause.id == STALE_CLIENT}
    if not wrong or not wrong <= stale:
        return final
    progress(f"waiting for {', '.join(sorted(stale))}: they hold an old MAC until their own timers run out")
    return verify(session, wait_s=_CLIENTS_S, progress=progress)


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
