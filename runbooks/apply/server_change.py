"""One server: arm the way back, change, read back, and disarm; or go back and say so."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from runbooks.apply.locking import LEASE_MARGIN_S, Held
from runbooks.apply.naming import tag
from runbooks.apply.undoing import Undoing, note_left
from runbooks.process.interrupts import InterruptedChange, deferred, shielded
from runbooks.session import Session, answers_of
from tasks.change.files import keep
from tasks.change.order.members import ALONE, Around
from tasks.change.package import Brought, listing, remove, removed_by, simulate_removal
from tasks.change.package import installed as installed_packages
from tasks.change.plan import plan_server
from tasks.change.undo import Undo, way_back
from tasks.judge.snapshot.before_after import differing, masters_of, worse
from tasks.judge.vip import first_wrong
from tasks.model.answer import Answers, Command
from tasks.model.errors import HostError, NoAnswerError, StepError
from tasks.model.plan import Outcome, ServerOutcome, ServerPlan
from tasks.model.reading import Read, Unread
from tasks.model.server import ServerFacts, Service
from tasks.server.facts import server_facts
from tasks.server.firewall.plan import Guard, guard_of
from tasks.server.keepalived.files import change_commands
from tasks.server.questions import server_commands, state_commands
from tasks.transport import Script

CONFIRM_S = 120
"""When a server goes back by itself unless the change was confirmed; change and proof take a fraction of it."""
_PROOF_S = 25.0
_PACKAGE_S = 600.0
"""How long an installation is waited for; the server ends it a little before (`INSTALL_S`)."""
_FIREWALLING = {"firewall", "rollback"}
"""Topics of steps that may change what runs in the firewall."""
_POLL_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerChange:
    """The change of one server, from its plan to its outcome."""

    session: Session
    host: str
    plan: ServerPlan
    progress: Callable[[str], None]
    confirm_s: int = CONFIRM_S
    held: Held | None = None
    """The lock that this is done under."""
    tag: str = ""
    """Names the way back, and the backup: the same on all servers of a run."""
    take_over: bool = False
    """The operator gives up what others configured there, as the plan lists it."""
    parked: Service | None = None
    """How the service was before keepalived was stopped for the time of this run; None where it was not."""
    around: Around = ALONE
    """The other servers of the run."""
    before_commit: Callable[[], None] = lambda: None
    """What must be done between the proof and the confirmation; HostError takes the change back."""

    def run(self) -> ServerOutcome:
        """Never raises for what the server does; InterruptedChange after the way back."""
        installed: list[Brought] = []
        try:
            self._install(installed)
            before = self._facts(whole=True)
            steps = self._replanned(before)
            self._renew()
            masters = self._masters()
            name = self.tag or tag()
            guard = self._guard(before, steps, name)
            undo = way_back(name, steps.steps, self.confirm_s, guard.undo)
        except (HostError, KeyboardInterrupt) as error:
            with shielded(self.progress):
                outcome = self._without_packages(tuple(installed), str(error) or "interrupted")
            if isinstance(error, KeyboardInterrupt):
                raise InterruptedChange(outcome) from None
            return outcome

        def work() -> None:
            self._change(steps, undo, guard)
            self._prove(masters)
            self.before_commit()
            self._commit(undo.confirm(keep=True))

        return self._carried_out(work, undo, before, tuple(installed))

    def _carried_out(
        self, work: Callable[[], None], undo: Undo, before: ServerFacts, installed: tuple[Brought, ...]
    ) -> ServerOutcome:
        """Do it; after a failure and after an interrupt take the way back."""
        outcome = ServerOutcome(host=self.host, outcome=Outcome.APPLIED, plan=self.plan)
        interrupted = False
        try:
            work()
        except InterruptedChange as end:
            outcome, interrupted = end.outcome, True
        except (HostError, KeyboardInterrupt) as error:
            interrupted = isinstance(error, KeyboardInterrupt)
            with shielded(self.progress):
                outcome = self._go_back(undo, before, installed, str(error) or "interrupted")
        try:
            with deferred(self.progress):
                self.session.hang_up(self.host)
        except KeyboardInterrupt:
            interrupted = True
        if interrupted:
            self.progress(f"{self.host}: {outcome.outcome}: {outcome.reason or 'it was done before the interrupt'}")
            raise InterruptedChange(outcome)
        return outcome

    def _renew(self, lease_s: int | None = None) -> None:
        if self.held is not None:
            self.held.renew(lease_s)

    @staticmethod
    def _guard(before: ServerFacts, steps: ServerPlan, name: str) -> Guard:
        """What runs in the firewall is kept whole when a step changes it."""
        if not isinstance(before.firewall, Read) or not any(step.topic in _FIREWALLING for step in steps.steps):
            return Guard()
        return guard_of(before.firewall.value, Undo(tag=name).directory)

    def _ask(
        self, commands: Sequence[Command], *, timeout_s: float = 60.0, stop: bool = False, anew: bool = False
    ) -> Answers:
        script = Script(commands=tuple(commands), timeout_s=timeout_s, stop_on_failure=stop, anew=anew)
        return answers_of(self.session, self.host, script)

    def _ask_within(self, commands: Sequence[Command], timeout_s: float) -> Answers:
        return self._ask(commands, timeout_s=timeout_s)

    def _do(self, commands: Sequence[Command], *, timeout_s: float = 60.0) -> Answers:
        """All commands, in order, up to the first that fails; StepError names it."""
        with deferred(self.progress):
            answers = self._ask(commands, timeout_s=timeout_s, stop=True)
        self._require(commands, answers)
        note_left(self.host, answers, self.progress)
        return answers

    def _require(self, commands: Sequence[Command], answers: Answers) -> None:
        for command in commands:
            answer = answers.by_key.get(command.key)
            if answer is None:
                raise StepError(self.host, command.title, "the round trip ended before this step")
            if answer.status != 0:
                said = (answer.stderr.strip() or answer.stdout.strip()).splitlines()
                raise StepError(self.host, command.title, f"exit status {answer.status}: {' / '.join(said[-4:])}")

    def _install(self, installed: list[Brought]) -> None:
        """Packages are installed first and by themselves; nothing is started by that.

        What was set up goes into `installed` whatever happens next, so that it can be taken out again.
        """
        if self.plan.packages:
            self._renew(int(_PACKAGE_S) + LEASE_MARGIN_S)
        for step in self.plan.packages:
            self.progress(f"{self.host}: {step.summary}")
            with deferred(self.progress):
                answers = self._ask(step.commands, timeout_s=_PACKAGE_S, stop=True)
                said = {key: answer.stdout for key, answer in answers.by_key.items()}
                if after := listing(self.plan.manager):
                    said |= {key: answer.stdout for key, answer in self._ask(after).by_key.items()}
                installed += installed_packages(self.plan.manager, said)
            self._require(step.commands, answers)

    def _facts(self, *, anew: bool = False, whole: bool = False) -> ServerFacts:
        commands = (change_commands if whole else server_commands)(self.session.memberships(self.host))
        return server_facts(self.host, self._ask(commands, anew=anew), self.session.interfaces(self.host))

    def _masters(self) -> dict[str, int]:
        """How many servers of each of its instances are master; an instance is left out when one did not tell.

        Those are also counted that are not in the cluster any more, of instances that this server gives up as well.
        """
        own = self.session.memberships(self.host)
        outside = {each: names for each, names in self.around.left if self.host in names or each in own}
        clusters = tuple(dict.fromkeys((*own, *outside)))
        inside = (server.name for cluster in clusters for server in cluster.servers)
        asked = dict.fromkeys((*inside, *(name for names in outside.values() for name in names)))
        replies = self.session.run_scripts({name: Script(commands=state_commands()) for name in asked})
        told = {name: server_facts(name, reply).instances for name, reply in replies.items()}
        return masters_of(clusters, told, {each.instance: names for each, names in outside.items()})

    def _worse(self, masters: Mapping[str, int]) -> str | None:
        leaves = {each.instance for each, names in self.around.left if self.host in names}
        return worse(masters, self._masters(), leaves)

    def _replanned(self, facts: ServerFacts) -> ServerPlan:
        """The plan from what stands there now: a package brings files along, and time has passed since the question."""
        desired, clusters = self.session.desired[self.host], self.session.memberships(self.host)
        fresh = plan_server(
            desired, facts, clusters, take_over=self.take_over, parked=self.parked, changing=self.around.changing
        )
        if isinstance(fresh, Unread):
            raise NoAnswerError(self.host, "", fresh.reason)
        more = [each for each in fresh.losses if each not in self.plan.losses]
        if more:
            raise StepError(
                self.host, "", f"others changed it since the plan; this would be lost too: {'; '.join(more)}"
            )
        if fresh.refusal is not None or fresh.packages:
            raise StepError(self.host, "", fresh.refusal or "keepalived is not installed after its installation")
        return fresh

    def _change(self, plan: ServerPlan, undo: Undo, guard: Guard) -> None:
        """Keep, arm and change in one round trip: nothing is changed that the server could not put back alone."""
        for step in plan.steps:
            self.progress(f"{self.host}: {step.summary}")
        kept = dict.fromkeys(path for step in plan.steps for path in step.keeps)
        self._do(
            [
                *undo.prepare(),
                *(keep(path, undo.directory, undo.tag) for path in kept),
                *guard.keeping,
                *undo.arm(),
                *(command for step in plan.steps for command in step.commands),
                undo.record(),
            ]
        )

    def _prove(self, masters: Mapping[str, int]) -> None:
        """Log in again, and read until every check of this server holds and its clusters are no worse than before.

        StepError with the first thing that does not hold.
        """
        self.progress(f"{self.host}: reading back, over a new connection")
        self.session.hang_up(self.host)
        clusters, desired = self.session.memberships(self.host), self.session.desired
        self._settle(lambda: first_wrong(clusters, desired, self._facts(anew=True)) or self._worse(masters))

    def _settle(self, wrong: Callable[[], str | None]) -> None:
        """Look until nothing is wrong; StepError with what is when the time is up."""
        deadline = time.monotonic() + min(_PROOF_S, self.confirm_s / 2)
        while (found := wrong()) is not None:
            if time.monotonic() > deadline:
                raise StepError(self.host, "", found)
            time.sleep(_POLL_S)

    def _commit(self, *commands: Command) -> None:
        """Confirm, over the new connection. There is no undo from then on: an interrupt finds the change made.

        The first command decides; what the others, and what it tidies up itself, could not do is a note.
        """
        done = False
        try:
            with deferred(self.progress):
                answers = self._ask(commands, stop=True, anew=True)
                self._require(commands[:1], answers)
                done = True
            self._note(answers)
        except KeyboardInterrupt:
            if not done:
                raise
            raise InterruptedChange(ServerOutcome(host=self.host, outcome=Outcome.APPLIED, plan=self.plan)) from None

    def _note(self, answers: Answers) -> None:
        for answer in answers.by_key.values():
            for line in answer.stderr.strip().splitlines():
                self.progress(f"note: {self.host}: it is confirmed, but: {line}")

    def _go_back(self, undo: Undo, before: ServerFacts, installed: tuple[Brought, ...], why: str) -> ServerOutcome:
        self.progress(f"{self.host}: going back: {why}")
        outcome, reason = Outcome.NOT_ROLLED_BACK, why
        try:
            undoing = Undoing(host=self.host, undo=undo, ask=self._ask_within, progress=self.progress)
            if undoing.run():
                outcome, reason = Outcome.APPLIED, f"{why}; the server had the confirmation before: nothing was undone"
            elif left := differing(before, self._facts()):
                reason = f"{why}; not as before: {', '.join(left)}"
            else:
                self._do((undo.clean(),))
                return self._without_packages(installed, why)
        except StepError as error:
            reason = f"{why}; {error.reason}"
        except HostError as error:
            reason = f"{why}; going back could not be followed ({error.reason}); the server goes back by itself"
            reason += f" within {self.confirm_s} s; look at {undo.directory} on {self.host}"
        return ServerOutcome(host=self.host, outcome=outcome, plan=self.plan, reason=reason)

    def _without_packages(self, installed: tuple[Brought, ...], why: str) -> ServerOutcome:
        """Take out again exactly what this run brought in."""
        outcome, reason = Outcome.ROLLED_BACK, why
        if installed:
            try:
                trial = self._do([simulate_removal(self.plan.manager, installed)])
                more = set(removed_by(trial["simulate"].stdout)) - {each.name for each in installed}
                if more:
                    raise StepError(self.host, "", f"removing them would remove {', '.join(sorted(more))} too")
                self._do(remove(self.plan.manager, installed), timeout_s=_PACKAGE_S)
            except HostError as error:
                names = ", ".join(each.name for each in installed)
                outcome, reason = Outcome.NOT_ROLLED_BACK, f"{why}; packages left: {names} ({error})"
        return ServerOutcome(host=self.host, outcome=outcome, plan=self.plan, reason=reason)
