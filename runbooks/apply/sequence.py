"""Servers one after another, in an order that never has two masters: some are stopped until another one is changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from nornir.plugins.runners import SerialRunner

from runbooks.apply.server_change import ServerChange
from runbooks.apply.undoing import note_left
from runbooks.process.interrupts import InterruptedChange, deferred, shielded
from runbooks.session import Session, answers_of
from tasks.change.files import sudo
from tasks.change.order.servers import Stage
from tasks.change.plan import UNIT
from tasks.change.server import change_server
from tasks.change.undo import Line, Undo
from tasks.model.answer import Command
from tasks.model.errors import HostError, NoAnswerError, StepError
from tasks.model.plan import Outcome, ServerOutcome
from tasks.model.server import Service
from tasks.transport import Script

_LATER_S = 240
"""How much later a stopped server starts by itself than the one that it makes room for goes back by itself: what was
asked of that one in between had its time-outs twice over."""

_STARTED_S = 20.0
"""How long a start of keepalived is waited for."""


def held_back(outcome: ServerOutcome) -> ServerOutcome:
    """A server that could have been changed, but was not because another one could not."""
    if outcome.outcome is not Outcome.PLANNED:
        return outcome
    return ServerOutcome(host=outcome.host, outcome=Outcome.NOT_REACHED, plan=outcome.plan)


def all_good(outcomes: Sequence[ServerOutcome]) -> bool:
    """Is every server as it should be?"""
    return all(each.outcome in {Outcome.APPLIED, Outcome.UNCHANGED} for each in outcomes)


@dataclass(slots=True, kw_only=True)
class Parking:
    """Servers whose keepalived is stopped, and disabled: a boot must not start it with what it had before.

    Until the server that is changed meanwhile is confirmed, each starts again by itself should nobody come back for
    it, later than that one goes back by itself. From the confirmation on it does not: it would be a second master.
    """

    session: Session
    services: Mapping[str, Service]
    """As they were before anything was stopped."""
    progress: Callable[[str], None]
    confirm_s: int
    tag: str
    armed: dict[str, Undo] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    """Stopped, and to be started again if the change that they make room for fails."""
    kept: set[str] = field(default_factory=set)
    """Stopped, and not to be started with what they had."""

    def before(self, host: str) -> Service | None:
        """How the service was before it was stopped; None where it was not."""
        return self.services[host] if host in self.open | self.kept else None

    def park(self, hosts: Sequence[str]) -> None:
        """Stop keepalived there; StepError where it can't be."""
        for host in hosts:
            if self.before(host) is not None:
                continue
            self.progress(f"{host}: keepalived stops until another server is changed, and would not hear it before")
            service = self.services[host]
            words = (["enable"] if service.enabled == "enabled" else []) + ["start"]
            undo = Undo(
                tag=f"{self.tag}-parked",
                lines=tuple(
                    Line(number=f"1.{place}", what=f"{word} keepalived", text=f"systemctl {word} {UNIT}")
                    for place, word in enumerate(words, 1)
                ),
                after_s=self.confirm_s + _LATER_S,
                outlives_boot=False,
            )
            self.armed[host] = undo
            self.open.add(host)
            stop = (sudo("disable", "systemctl", "disable", UNIT), sudo("stop", "systemctl", "stop", UNIT))
            with deferred(self.progress):
                self._do(host, (*undo.prepare(), *undo.arm(), *stop))

    def release(self) -> None:
        """None of them starts by itself any more; StepError where one has done so already."""
        for host in sorted(self.armed):
            with deferred(self.progress):
                self._do(host, (self.armed[host].confirm(keep=False),))
                del self.armed[host]

    def settle(self, host: str) -> None:
        """That server is changed for good: those that made room for it stay stopped until they are changed too."""
        self.kept |= self.open - {host}
        self.kept.discard(host)
        self.open.clear()

    def start(self) -> None:
        """Those that made room for a change that was taken back run again, as before."""
        with shielded(self.progress):
            for host in sorted(self.open):
                try:
                    self._do(host, self._back(host))
                except HostError as error:
                    self.progress(f"{host}: {error.reason}; keepalived may be stopped there")
                    continue
                self.open.discard(host)
                self.armed.pop(host, None)

    def _back(self, host: str) -> tuple[Command, ...]:
        if host in self.armed:
            return (*self.armed[host].run_now(_STARTED_S), self.armed[host].clean())
        enable = (sudo("enable", "systemctl", "enable", UNIT),) if self.services[host].enabled == "enabled" else ()
        return (*enable, sudo("start", "systemctl", "start", UNIT))

    def _do(self, host: str, commands: Sequence[Command]) -> None:
        reply = answers_of(self.session, host, Script(commands=tuple(commands), stop_on_failure=True))
        for command in commands:
            answer = reply.by_key.get(command.key)
            if answer is None:
                raise StepError(host, command.title, "the round trip ended before this step")
            if answer.status != 0:
                raise StepError(host, command.title, answer.stderr.strip() or f"exit status {answer.status}")
        note_left(host, reply, self.progress)

    def told(self, outcome: ServerOutcome) -> ServerOutcome:
        """The same, unless keepalived is stopped there for good: then that is what became of it."""
        if outcome.host in self.kept:
            why = (
                f"keepalived is stopped and disabled on {outcome.host}: as it is configured it would be a "
                "second master; apply again, or `vipbook rollback`, then systemctl enable --now keepalived"
            )
        elif outcome.host in self.open:
            after = f" within {self.confirm_s + _LATER_S} s" if outcome.host in self.armed else ""
            own = "it starts by itself" if after else "start it when the others are as before"
            why = f"keepalived is stopped on {outcome.host}; {own}{after}"
        else:
            return outcome
        reason = f"{outcome.reason}; {why}" if outcome.reason else why
        return replace(outcome, outcome=Outcome.NOT_ROLLED_BACK, reason=reason)


def change_in_order(
    stages: Sequence[Stage],
    planned: Mapping[str, ServerOutcome],
    parking: Parking,
    change_of: Callable[[ServerOutcome], ServerChange],
    outcomes: list[ServerOutcome],
) -> None:
    """What became of each is among the outcomes, also when an interrupt passes on: then of all that were reached."""
    for stage in stages:
        each = planned[stage.host]
        stopped = parking.before(stage.host) is not None
        if not all_good(outcomes) or (each.outcome is not Outcome.PLANNED and not stopped):
            outcomes.append(held_back(each))
            continue
        try:
            parking.park(stage.parks)
            outcomes.append(_carried_out(parking.session, each, lambda each: change_of(each).run()))
        except HostError as error:
            reason = f"nothing was changed here: {error}"
            outcomes.append(ServerOutcome(host=each.host, outcome=Outcome.ROLLED_BACK, plan=each.plan, reason=reason))
        except InterruptedChange as end:
            outcomes.append(end.outcome)
            raise
        finally:
            _after(parking, each.host, outcomes)
    outcomes[:] = map(parking.told, outcomes)


def dry(session: Session, planned: Mapping[str, ServerOutcome]) -> None:
    """Report what is planned to Nornir's processors as a dry run; nothing is touched."""
    running = session.on(planned)
    running.data.dry_run = True
    running.run(task=change_server, raise_on_error=False, planned=planned, carry_out=lambda each: each)


def _carried_out(
    session: Session, each: ServerOutcome, carry_out: Callable[[ServerOutcome], ServerOutcome]
) -> ServerOutcome:
    """As a Nornir task, in this thread: an interrupt arrives nowhere else. What is raised passes on."""
    here = session.on([each.host]).with_runner(SerialRunner())
    results = here.run(task=change_server, raise_on_error=False, planned={each.host: each}, carry_out=carry_out)
    result = results[each.host][0]
    if not isinstance(result.result, ServerOutcome):
        raise result.exception or NoAnswerError(each.host, "", "Nornir did not run the task on this host")
    return result.result


def _after(parking: Parking, host: str, outcomes: Sequence[ServerOutcome]) -> None:
    """Whoever was stopped for this server is started when it is as before; never while that is not known."""
    last = outcomes[-1] if outcomes and outcomes[-1].host == host else None
    if last is not None and last.outcome is Outcome.APPLIED:
        parking.settle(host)
    elif last is None or last.outcome is not Outcome.NOT_ROLLED_BACK:
        parking.start()


def reached(
    planned: Sequence[ServerOutcome], outcomes: Sequence[ServerOutcome], parking: Parking
) -> list[ServerOutcome]:
    """After an interrupt: what became of all servers, the ones that were not reached among them."""
    rest = map(held_back, planned[len(outcomes) :])
    return [parking.told(each) for each in (*outcomes, *rest)]
