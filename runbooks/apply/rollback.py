"""rollback: every server of a cluster back to what the last apply replaced there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from runbooks.apply.locking import LEASE_MARGIN_S, Held, locked
from runbooks.apply.naming import tag
from runbooks.apply.runbook import (
    INTERRUPTED,
    Confirm,
    PlannedServers,
    Progress,
    clusters_of,
    members_of,
    noted,
    servers_of,
)
from runbooks.apply.sequence import Parking, all_good, change_in_order, dry, held_back, reached
from runbooks.apply.server_change import CONFIRM_S
from runbooks.apply.server_rollback import ServerRollback
from runbooks.session import Session
from tasks.change.order.members import Around, around
from tasks.change.order.peers import lost_peers
from tasks.change.order.servers import Stage, change_order
from tasks.change.rollback import plan_rollback, refusal_of
from tasks.model.answer import Answers, Reply
from tasks.model.cluster import Cluster
from tasks.model.errors import NoAnswerError, RefusedError
from tasks.model.plan import Outcome, ServerOutcome, ServerPlan
from tasks.model.reading import Read, Unread
from tasks.model.report import Report
from tasks.model.server import ServerFacts
from tasks.model.verdict import Status
from tasks.report.build import Reporter
from tasks.server.backups import BACKUPS, Backups
from tasks.server.facts import server_facts
from tasks.server.keepalived.conf import read_conf
from tasks.server.keepalived.files import change_commands
from tasks.server.questions import CONFIG_PATH
from tasks.transport import Script


def rollback(session: Session, *, confirm: Confirm, progress: Progress, confirm_s: int = CONFIRM_S) -> Report:
    """The newest backup among the servers says which apply is gone back behind; servers without it stay as they are.

    All of it under the lock, the question too: what is put back is what was shown. In a dry run of
    Nornir's, what would be put back is all, and takes no lock.
    """
    if session.dry_run:
        look = _look(session)
        dry(session, look.planned)
        return look.announced()
    with locked(session, "rollback", confirm_s + LEASE_MARGIN_S, progress) as held:
        return _rollback(held, confirm, progress, confirm_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class _PlannedRollback(PlannedServers):
    """The servers and their backups as they are, and what is to be put back on each."""

    backups: Mapping[str, Backups]
    newest: str
    stages: Sequence[Stage]

    def announced(self) -> Report:
        """What would be put back, or (FAIL) why nothing is."""
        if self.status is Status.FAIL:
            return self.report(map(held_back, self.planned.values()), reason="nothing was changed")
        return self.report(self.planned.values(), reason=f"about to go back behind {self.newest}")


def _look(session: Session) -> _PlannedRollback:
    reporter = Reporter("rollback")
    replies = _ask(session)
    facts = _facts(session, replies)
    backups = _backups(replies)
    newest = max((each.last for each in backups.values() if each.last is not None), default=None)
    if newest is None:
        raise RefusedError(f"no backup on {', '.join(replies)}: there is nothing to go back to")
    others = around(clusters_of(session, replies), facts, tuple(replies))
    planned = {
        name: _planned(backups[name], facts[name], newest, session.memberships(name), others) for name in replies
    }
    refused = any(each.outcome is Outcome.REFUSED for each in planned.values())
    stages = [Stage(host=name) for name in planned] if refused else _order(session, facts, backups, newest)
    return _PlannedRollback(
        reporter=reporter,
        replies=replies,
        facts=facts,
        backups=backups,
        newest=newest,
        around=others,
        planned=noted(planned, stages),
        stages=stages,
    )


def _rollback(held: Held, confirm: Confirm, progress: Progress, confirm_s: int) -> Report:
    session = held.session
    look = _look(session)
    announced = look.announced()
    if announced.status is Status.FAIL:
        return announced
    if not confirm(announced):
        raise RefusedError("not confirmed; nothing was changed")
    held.renew()
    parking = Parking(session=session, services=look.services, progress=progress, confirm_s=confirm_s, tag=tag())
    outcomes: list[ServerOutcome] = []
    try:
        change_in_order(look.stages, look.planned, parking, _changes(held, parking, look), outcomes)
    except KeyboardInterrupt:
        outcomes = reached(list(look.planned.values()), outcomes, parking)
        return replace(look.report(outcomes, Status.FAIL, INTERRUPTED), interrupted=True)
    verdict = Status.PASS if all_good(outcomes) else Status.FAIL
    reason = f"back to what stood before {look.newest}; the intent still says something else"
    return look.report(outcomes, verdict, reason)


def _facts(session: Session, replies: Mapping[str, Reply]) -> dict[str, ServerFacts]:
    """Those of the servers that go back, and of all others that must go on hearing them."""
    facts = {name: server_facts(name, reply, session.interfaces(name)) for name, reply in replies.items()}
    others = [name for name in members_of(session, tuple(replies)) if name not in replies]
    if others:
        asked = {name: Script(commands=change_commands(session.memberships(name))) for name in others}
        facts |= {name: server_facts(name, reply) for name, reply in session.run_scripts(asked).items()}
    return facts


def _changes(held: Held, parking: Parking, look: _PlannedRollback) -> Callable[[ServerOutcome], ServerRollback]:
    """What takes a server back as planned."""

    def change_of(each: ServerOutcome) -> ServerRollback:
        before = parking.before(each.host)
        step = plan_rollback(look.backups[each.host], look.facts[each.host], parked=before)
        return ServerRollback(
            session=held.session,
            host=each.host,
            plan=replace(each.plan, steps=(step,)),
            progress=parking.progress,
            confirm_s=parking.confirm_s,
            held=held,
            parked=before,
            around=look.around,
            before_commit=parking.release,
            backup=look.newest,
        )

    return change_of


def _ask(session: Session) -> dict[str, Reply]:
    names = dict.fromkeys(server.name for cluster in session.clusters for server in cluster.servers)
    replies = session.run_scripts(
        {name: Script(commands=(*change_commands(session.memberships(name)), BACKUPS.command)) for name in names},
        doing="reading the servers and their backups",
    )
    for name, reply in replies.items():
        if not isinstance(reply, Answers):
            raise NoAnswerError(name, "", f"{reply.reason}; nothing was changed")
    return replies


def _backups(replies: Mapping[str, Reply]) -> dict[str, Backups]:
    found: dict[str, Backups] = {}
    for name, reply in replies.items():
        read = BACKUPS.read(reply)
        if isinstance(read, Unread):
            raise NoAnswerError(name, "", f"its backups can't be read: {read.reason}; nothing was changed")
        found[name] = read.value
    return found


def _planned(
    backups: Backups, facts: ServerFacts, newest: str, clusters: Sequence[Cluster], others: Around
) -> ServerOutcome:
    name = facts.host
    if backups.last != newest:
        return ServerOutcome(host=name, outcome=Outcome.UNCHANGED, plan=ServerPlan(host=name))
    refusal = refusal_of(backups) or _forsaken(backups, facts, clusters, others)
    plan = ServerPlan(host=name, steps=(plan_rollback(backups, facts),), refusal=refusal)
    if plan.refusal is not None:
        return ServerOutcome(host=name, outcome=Outcome.REFUSED, plan=plan)
    return ServerOutcome(host=name, outcome=Outcome.PLANNED, plan=plan)


def _forsaken(backups: Backups, facts: ServerFacts, clusters: Sequence[Cluster], others: Around) -> str | None:
    """Why what comes back must not: routers that it sends nothing to, and that are sent to now."""
    declared = facts.declared.value if isinstance(facts.declared, Read) else None
    if declared is None or not backups.brings_config:
        return None
    coming = read_conf(CONFIG_PATH, {CONFIG_PATH: backups.config or ""}, {})
    lost = lost_peers(facts, declared.config, coming, clusters, others.changing)
    return f"{'; '.join(lost)}; name them in clusters.yaml again, or apply first" if lost else None


def _order(
    session: Session, facts: Mapping[str, ServerFacts], backups: Mapping[str, Backups], newest: str
) -> list[Stage]:
    """As for an apply, with the configurations that come back; servers that do not go back stay as they are.

    Never two masters; that there may be none for some seconds must keep nobody from going back.
    """
    names = servers_of(session)
    clusters = clusters_of(session, names)
    going = tuple(name for name in names if backups[name].last == newest)
    staying = [Stage(host=name) for name in names if name not in going]
    coming = {name: backups[name].config for name in going if backups[name].brings_config}
    return [*staying, *change_order(going, facts, clusters, coming, allow_gap=True)]
