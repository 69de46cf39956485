"""One server: arm the way back, change, read back, and disarm; or go back and say so."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from runbooks.interrupts import deferred, shielded
from runbooks.session import Session
from tasks.change.files import keep, keep_if_there
from tasks.change.package import installed as installed_packages
from tasks.change.package import listing, remove, removed_by, simulate_removal
from tasks.change.plan import plan_server
from tasks.change.undo import Undo, way_back
from tasks.judge.subject import Subject
from tasks.judge.vip import judge_server
from tasks.model.answer import Answers, Command, Reply
from tasks.model.errors import HostError, NoAnswerError, StepError
from tasks.model.plan import Outcome, ServerOutcome, ServerPlan
from tasks.model.reading import Read, Reading, Unread
from tasks.model.server import ConfigFile, Firewall, ServerFacts, Service
from tasks.model.verdict import Finding, Status
from tasks.observe.questions import server_commands
from tasks.observe.server import server_facts
from tasks.render.sysctl import SYSCTL_FILE
from tasks.transport import Script

_HEAL_AFTER_S = 120
"""When the server goes back by itself; the change and its proof take a fraction of it."""
_PROOF_S = 25.0
_PACKAGE_S = 600.0
_POLL_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerChange:
    """The change of one server, from its plan to its outcome."""

    session: Session
    host: str
    plan: ServerPlan
    progress: Callable[[str], None]

    def run(self) -> ServerOutcome:
        """Never raises for what the server does; KeyboardInterrupt passes on after the way back."""
        installed: list[str] = []
        try:
            self._install(installed)
            before = self._facts()
            steps = self._replanned(before)
        except (HostError, KeyboardInterrupt) as error:
            with shielded(self.progress):
                outcome = self._without_packages(tuple(installed), str(error) or "interrupted")
            if isinstance(error, KeyboardInterrupt):
                raise
            return outcome
        undo = way_back(tag(), [step.undo for step in steps.steps], _HEAL_AFTER_S)
        try:
            self._change(steps, undo)
            self._prove()
            self._disarm(undo)
        except (HostError, KeyboardInterrupt) as error:
            with shielded(self.progress):
                outcome = self._go_back(undo, before, tuple(installed), str(error) or "interrupted")
            if isinstance(error, KeyboardInterrupt):
                self.progress(f"{self.host}: {outcome.outcome}: {outcome.reason}")
                raise
            return outcome
        return ServerOutcome(host=self.host, outcome=Outcome.APPLIED, plan=self.plan)

    def _ask(self, commands: Sequence[Command], *, timeout_s: float = 60.0, stop: bool = False) -> Answers:
        script = Script(commands=tuple(commands), timeout_s=timeout_s, stop_on_failure=stop)
        reply: Reply = self.session.run_scripts({self.host: script})[self.host]
        if not isinstance(reply, Answers):
            raise NoAnswerError(self.host, "", reply.reason)
        return reply

    def _do(self, commands: Sequence[Command], *, timeout_s: float = 60.0) -> Answers:
        """All commands, in order, up to the first that fails; StepError names it."""
        with deferred(self.progress):
            answers = self._ask(commands, timeout_s=timeout_s, stop=True)
        self._require(commands, answers)
        return answers

    def _require(self, commands: Sequence[Command], answers: Answers) -> None:
        for command in commands:
            answer = answers.by_key.get(command.key)
            if answer is None:
                raise StepError(self.host, command.title, "the round trip ended before this step")
            if answer.status != 0:
                said = (answer.stderr.strip() or answer.stdout.strip()).splitlines()
                raise StepError(self.host, command.title, f"exit status {answer.status}: {' / '.join(said[-4:])}")

    def _install(self, installed: list[str]) -> None:
        """Packages are installed first and by themselves: without a configuration keepalived does not start.

        What was set up goes into `installed` whatever happens next, so that it can be taken out again.
        """
        for step in self.plan.packages:
            self.progress(f"{self.host}: {step.summary}")
            with deferred(self.progress):
                answers = self._ask(step.commands, timeout_s=_PACKAGE_S, stop=True)
                said = {key: answer.stdout for key, answer in answers.by_key.items()}
                if after := listing(self.plan.manager):
                    said |= {key: answer.stdout for key, answer in self._ask(after).by_key.items()}
                installed += installed_packages(self.plan.manager, said)
            self._require(step.commands, answers)

    def _facts(self) -> ServerFacts:
        commands = server_commands(self.session.memberships(self.host))
        return server_facts(self.host, self._ask(commands), self.session.interfaces(self.host))

    def _replanned(self, facts: ServerFacts) -> ServerPlan:
        """The plan from what stands there now: a package brings files along, and time has passed since the question."""
        fresh = plan_server(self.session.desired[self.host], facts, self.session.memberships(self.host))
        if isinstance(fresh, Unread):
            raise NoAnswerError(self.host, "", fresh.reason)
        if fresh.refusal is not None or fresh.packages:
            raise StepError(self.host, "", fresh.refusal or "keepalived is not installed after its installation")
        return fresh

    def _change(self, plan: ServerPlan, undo: Undo) -> None:
        """Keep, arm and change in one round trip: nothing is changed that the server could not put back alone."""
        for step in plan.steps:
            self.progress(f"{self.host}: {step.summary}")
        keeps = {path: keep_if_there if step.keeps_missing else keep for step in plan.steps for path in step.keeps}
        self._do(
            [
                *undo.prepare(),
                *(kept(path, undo.directory) for path, kept in keeps.items()),
                undo.arm(),
                *(command for step in plan.steps for command in step.commands),
            ]
        )

    def _prove(self) -> None:
        """Read back until every check of this server holds; StepError with the first that does not."""
        self.progress(f"{self.host}: reading back")
        deadline = time.monotonic() + _PROOF_S
        while True:
            wrong = self._wrong(self._facts())
            if wrong is None:
                return
            if time.monotonic() > deadline:
                raise StepError(self.host, "", f"{wrong.check}: {wrong.message}")
            time.sleep(_POLL_S)

    def _wrong(self, facts: ServerFacts) -> Finding | None:
        held = {Status.PASS, Status.WARN, Status.SKIP}
        for cluster in self.session.memberships(self.host):
            subject = Subject(
                cluster=cluster,
                vip=cluster.vips[0],
                servers={self.host: facts},
                leaves={},
                probes={},
                desired=self.session.desired,
            )
            for finding in judge_server(subject, cluster.server(self.host)):
                if finding.status not in held:
                    return finding
        return None

    def _disarm(self, undo: Undo) -> None:
        self._do(undo.disarm())

    def _go_back(self, undo: Undo, before: ServerFacts, installed: tuple[str, ...], why: str) -> ServerOutcome:
        self.progress(f"{self.host}: going back: {why}")
        try:
            self._ask(undo.run_now())
            left = differing(before, self._facts())
            self._ask(undo.clean())
        except HostError as error:
            reason = f"{why}; going back could not be followed ({error.reason}); the server goes back by itself"
            reason += f" within {_HEAL_AFTER_S} s; look at {undo.directory} on {self.host}"
            return ServerOutcome(host=self.host, outcome=Outcome.NOT_ROLLED_BACK, plan=self.plan, reason=reason)
        if left:
            reason = f"{why}; not as before: {', '.join(left)}"
            return ServerOutcome(host=self.host, outcome=Outcome.NOT_ROLLED_BACK, plan=self.plan, reason=reason)
        return self._without_packages(installed, why)

    def _without_packages(self, installed: tuple[str, ...], why: str) -> ServerOutcome:
        """Take out again exactly what this run brought in."""
        outcome, reason = Outcome.ROLLED_BACK, why
        if installed:
            try:
                trial = self._do([simulate_removal(self.plan.manager, installed)])
                more = set(removed_by(trial["simulate"].stdout)) - set(installed)
                if more:
                    raise StepError(self.host, "", f"removing them would remove {', '.join(sorted(more))} too")
                self._do([remove(self.plan.manager, installed)], timeout_s=_PACKAGE_S)
            except HostError as error:
                outcome, reason = Outcome.NOT_ROLLED_BACK, f"{why}; packages left: {', '.join(installed)} ({error})"
        return ServerOutcome(host=self.host, outcome=outcome, plan=self.plan, reason=reason)


def differing(before: ServerFacts, after: ServerFacts) -> list[str]:
    """What the way back did not make as it was; what can't be read counts as differing."""
    pairs: tuple[tuple[str, Reading[Any], Reading[Any]], ...] = (
        ("keepalived.conf", before.config, after.config),
        ("keepalived.service", before.service, after.service),
        ("firewall", before.firewall, after.firewall),
        (SYSCTL_FILE, before.sysctl_file, after.sysctl_file),
        ("arp_announce", _shared(before, after), _shared(after, before)),
    )
    found = []
    for name, old, new in pairs:
        if isinstance(old, Read) and isinstance(new, Read) and _essence(old.value) == _essence(new.value):
            continue
        found.append(name)
    return found


def _shared(facts: ServerFacts, other: ServerFacts) -> Reading[Mapping[str, int]]:
    """arp_announce of the interfaces that were there both times: the macvlan of use_vmac comes and goes."""
    read, also = facts.arp_announce, other.arp_announce
    if isinstance(read, Unread) or isinstance(also, Unread):
        return read
    return Read(value={name: value for name, value in read.value.items() if name in also.value}, source=read.source)


def _essence(value: object) -> object:
    """What counts of it: not when it happened, and not the handles that a kernel gives anew."""
    if isinstance(value, Service):
        return (value.active, value.enabled)
    if isinstance(value, ConfigFile):
        return (value.text, value.owner, value.group, value.mode)
    if isinstance(value, Firewall):
        rules = [(chain.policy, [rule.text for rule in chain.rules]) for chain in value.chains]
        managed = sorted((rule.zone, rule.saved, rule.text) for rule in value.managed)
        return (value.manager, rules, value.persistent, value.persistent6, value.snippet, managed)
    return value


def tag() -> str:
    """A name that no other change has."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
