"""rollback: every server of a cluster back to what the last apply replaced there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from runbooks.configure import INTERRUPTED, Confirm, Progress, all_good, held_back, servers_of, taken
from runbooks.locking import LEASE_MARGIN_S, Held, locked
from runbooks.server_change import CONFIRM_S
from runbooks.server_rollback import ServerRollback
from runbooks.session import Session
from runbooks.verify import answered_hosts
from tasks.change.order import change_order
from tasks.change.rollback import lists_of, plan_rollback, refusal_of
from tasks.model.answer import Answers, Reply
from tasks.model.cluster import Cluster
from tasks.model.errors import NoAnswerError, RefusedError
from tasks.model.plan import Outcome, ServerOutcome, ServerPlan
from tasks.model.reading import Read, Unread
from tasks.model.report import Report
from tasks.model.server import ServerFacts
from tasks.model.verdict import Status
from tasks.observe.backups import Backups, backup_commands, parse_backups
from tasks.observe.questions import server_commands
from tasks.observe.readings import reading
from tasks.observe.server import server_facts
from tasks.transport import Script


def rollback(session: Session, *, confirm: Confirm, progress: Progress, confirm_s: int = CONFIRM_S) -> Report:
    """The newest backup among the servers says which apply is gone back behind; servers without it stay as they are.

    All of it under the lock, the question too: what is put back is what was shown.
    """
    with locked(session, "rollback", confirm_s + LEASE_MARGIN_S, progress) as held:
        return _rollback(held, confirm, progress, confirm_s)


def _rollback(held: Held, confirm: Confirm, progress: Progress, confirm_s: int) -> Report:
    session = held.session
    started_at, began = datetime.now(UTC), time.monotonic()
    progress("reading the servers and their backups")
    replies = _ask(session)
    facts = {name: server_facts(name, reply, session.interfaces(name)) for name, reply in replies.items()}
    backups = _backups(replies)
    newest = max((each.last for each in backups.values() if each.last is not None), default=None)
    if newest is None:
        raise RefusedError(f"no backup on {', '.join(replies)}: there is nothing to go back to")
    planned = {name: _planned(name, backups[name], facts[name], newest) for name in replies}

    def report(outcomes: Sequence[ServerOutcome], verdict: Status, reason: str) -> Report:
        return Report(
            command="rollback",
            started_at=started_at,
            duration_s=time.monotonic() - began,
            asked=tuple(replies),
            answered=answered_hosts(replies),
            servers=tuple(outcomes),
            verdict=verdict,
            reason=reason,
        )

    if any(each.outcome is Outcome.REFUSED for each in planned.values()):
        return report([held_back(each) for each in planned.values()], Status.FAIL, "nothing was changed")
    order = _order(session, facts, backups, newest)
    if not confirm(report([planned[name] for name in order], Status.WARN, f"about to go back behind {newest}")):
        raise RefusedError("not confirmed; nothing was changed")
    held.renew()
    outcomes: list[ServerOutcome] = []
    todo = [planned[name] for name in order]

    def change_of(each: ServerOutcome) -> ServerRollback:
        return ServerRollback(
            session=session,
            host=each.host,
            plan=each.plan,
            progress=progress,
            confirm_s=confirm_s,
            held=held,
            backup=newest,
        )

    try:
        _change_all(todo, outcomes, change_of)
    except KeyboardInterrupt:
        outcomes += map(held_back, todo[len(outcomes) :])
        return replace(report(outcomes, Status.FAIL, INTERRUPTED), interrupted=True)
    verdict = Status.PASS if all_good(outcomes) else Status.FAIL
    return report(outcomes, verdict, f"back to what stood before {newest}; the intent still says something else")


def _ask(session: Session) -> dict[str, Reply]:
    names = dict.fromkeys(server.name for cluster in session.clusters for server in cluster.servers)
    replies = session.run_scripts(
        {name: Script(commands=(*server_commands(session.memberships(name)), *backup_commands())) for name in names}
    )
    for name, reply in replies.items():
        if not isinstance(reply, Answers):
            raise NoAnswerError(name, "", f"{reply.reason}; nothing was changed")
    return replies


def _backups(replies: Mapping[str, Reply]) -> dict[str, Backups]:
    found: dict[str, Backups] = {}
    for name, reply in replies.items():
        read = reading(reply.by_key.get("backups") if isinstance(reply, Answers) else None, parse_backups)
        if isinstance(read, Unread):
            raise NoAnswerError(name, "", f"its backups can't be read: {read.reason}; nothing was changed")
        found[name] = read.value
    return found


def _planned(name: str, backups: Backups, facts: ServerFacts, newest: str) -> ServerOutcome:
    if backups.last != newest:
        return ServerOutcome(host=name, outcome=Outcome.UNCHANGED, plan=ServerPlan(host=name))
    plan = ServerPlan(host=name, steps=(plan_rollback(backups, facts),), refusal=refusal_of(backups))
    if plan.refusal is not None:
        return ServerOutcome(host=name, outcome=Outcome.REFUSED, plan=plan)
    return ServerOutcome(host=name, outcome=Outcome.PLANNED, plan=plan)


def _change_all(
    planned: Sequence[ServerOutcome],
    outcomes: list[ServerOutcome],
    change_of: Callable[[ServerOutcome], ServerRollback],
) -> None:
    for each in planned:
        if each.outcome is not Outcome.PLANNED or not all_good(outcomes):
            outcomes.append(held_back(each))
            continue
        taken(change_of(each), outcomes)


def _order(
    session: Session, facts: Mapping[str, ServerFacts], backups: Mapping[str, Backups], newest: str
) -> list[str]:
    """As for an apply: the list of VIPs that comes back decides who is first."""
    names = servers_of(session)
    clusters = dict.fromkeys(each for name in names for each in session.memberships(name))
    coming = {name: lists_of(each.config) for name, each in backups.items() if each.last == newest}
    configs = {name: each.config for name, each in backups.items() if each.last == newest}
    return change_order(names, facts, [_as_it_comes(cluster, facts, coming) for cluster in clusters], configs)


def _as_it_comes(
    cluster: Cluster, facts: Mapping[str, ServerFacts], coming: Mapping[str, Mapping[str, frozenset[str]]]
) -> Cluster:
    """The cluster with the VIPs that run, unless another list comes back somewhere: then with none of them."""
    for server in cluster.servers:
        config = facts[server.name].config if server.name in facts else None
        now = lists_of(config.value.text) if isinstance(config, Read) else {}
        back = coming.get(server.name, {})
        if cluster.instance in now and cluster.instance in back and now[cluster.instance] != back[cluster.instance]:
            return replace(cluster, vips=(), excluded=())
    running = next(
        (
            each
            for server in cluster.servers
            if server.name in facts and isinstance(read := facts[server.name].instances, Read)
            for each in read.value
            if each.name == cluster.instance
        ),
        None,
    )
    return cluster if running is None else replace(cluster, vips=running.advertised, excluded=())
