"""Servers one after another: who is stopped for whom, who is started again, and what is said of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from nornir.core import Nornir

from runbooks.apply.sequence import Parking, change_in_order, reached
from runbooks.process.interrupts import InterruptedChange
from tasks.change.order.servers import Stage
from tasks.model.answer import Answers, NoAnswer, Reply
from tasks.model.errors import StepError
from tasks.model.plan import Outcome, ServerOutcome, ServerPlan, Step
from tasks.transport import Script
from tests.unit.builders import AT, answer, nornir, service

STAGES = [Stage(host="H1", parks=("H2", "H3")), Stage(host="H2"), Stage(host="H3")]
STEP = Step(topic="config", summary="write")
PLANNED = {
    name: ServerOutcome(host=name, outcome=Outcome.PLANNED, plan=ServerPlan(host=name, steps=(STEP,)))
    for name in ("H1", "H2", "H3")
}


@dataclass
class Played:
    """A session that writes down what is asked of whom; `fails` are commands by host and key."""

    fails: set[tuple[str, str]] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    done: list[str] = field(default_factory=list)

    def on(self, hosts: Iterable[str]) -> Nornir:
        return nornir(*hosts)

    def run_scripts(self, scripts: Mapping[str, Script], *, doing: str | None = None) -> dict[str, Reply]:
        ((host, script),) = scripts.items()
        if host in self.silent:
            return {host: NoAnswer(host=host, reason="no connection", at=AT)}
        by_key = {}
        for command in script.commands:
            status = int((host, command.key) in self.fails)
            by_key[command.key] = answer(host, command.title, status=status)
            self.done.append(f"{host} {command.key}")
            if status:
                break
        return {host: Answers(host=host, by_key=by_key, clock_offset_s=0.0)}


@dataclass
class Run:
    """A run whose servers become what they are told; H1 confirms, unless it is told to fail."""

    session: Played = field(default_factory=Played)
    enabled: str = "enabled"

    def __post_init__(self) -> None:
        services = {name: service(enabled=self.enabled) for name in PLANNED}
        self.parking = Parking(
            session=self.session,  # type: ignore[arg-type]
            services=services,
            progress=lambda _: None,
            confirm_s=120,
            tag="t",
        )
        self.outcomes: list[ServerOutcome] = []
        self.parked: dict[str, Any] = {}

    def go(self, **became: Outcome | BaseException) -> list[Outcome]:
        run = self

        class Change:
            def __init__(self, each: ServerOutcome) -> None:
                self.each = each

            def run(self) -> ServerOutcome:
                run.parked[self.each.host] = run.parking.before(self.each.host)
                end = became.get(self.each.host, Outcome.APPLIED)
                if isinstance(end, BaseException):
                    raise end
                if end is Outcome.APPLIED:
                    try:
                        run.parking.release()
                    except StepError as error:
                        reason = str(error)
                        return ServerOutcome(
                            host=self.each.host, outcome=Outcome.ROLLED_BACK, plan=self.each.plan, reason=reason
                        )
                return ServerOutcome(host=self.each.host, outcome=end, plan=self.each.plan)

        change_in_order(STAGES, PLANNED, self.parking, Change, self.outcomes)  # type: ignore[arg-type]
        return [each.outcome for each in self.outcomes]

    def done(self, host: str) -> list[str]:
        steps = ("disable", "stop", "arm", "confirm", "undo", "enable", "start")
        return [key for each in self.session.done for at, key in [each.split(" ", 1)] if at == host and key in steps]


APPLIED, ROLLED, LOST, LATER = Outcome.APPLIED, Outcome.ROLLED_BACK, Outcome.NOT_ROLLED_BACK, Outcome.NOT_REACHED


def test_all_goes_well() -> None:
    run = Run()
    assert run.go() == [APPLIED] * 3
    # Armed before it is stopped, and disarmed before H1 is confirmed: then the change starts it.
    assert run.done("H2") == run.done("H3") == ["arm", "disable", "stop", "confirm"]
    assert run.done("H1") == []
    assert run.parked == {"H1": None, "H2": service(), "H3": service()}


def test_one_that_is_not_changed_is_started_all_the_same() -> None:
    run = Run()
    PLAN = PLANNED["H2"]  # noqa: N806 - it is put back below
    try:
        PLANNED["H2"] = ServerOutcome(host="H2", outcome=Outcome.UNCHANGED, plan=ServerPlan(host="H2"))
        assert run.go() == [APPLIED] * 3
    finally:
        PLANNED["H2"] = PLAN


def test_a_leader_that_goes_back_lets_the_others_run_again() -> None:
    run = Run()
    assert run.go(H1=ROLLED) == [ROLLED, LATER, LATER]
    assert run.done("H2") == ["arm", "disable", "stop", "undo"]


def test_a_leader_of_which_nothing_is_known_lets_nobody_run() -> None:
    """They start by themselves, later than it goes back by itself."""
    run = Run()
    assert run.go(H1=LOST) == [LOST, LOST, LOST]
    assert run.done("H2") == ["arm", "disable", "stop"]
    assert "keepalived is stopped on H2; it starts by itself within 360 s" in run.outcomes[1].reason


@pytest.mark.parametrize(("became", "wanted"), [(ROLLED, [APPLIED, LOST, LOST]), (LOST, [APPLIED, LOST, LOST])])
def test_a_backup_that_goes_back_stays_stopped_and_so_do_those_behind_it(
    became: Outcome, wanted: list[Outcome]
) -> None:
    run = Run()
    assert run.go(H2=became) == wanted
    assert run.done("H3") == ["arm", "disable", "stop", "confirm"]
    for each in run.outcomes[1:]:
        assert f"keepalived is stopped and disabled on {each.host}" in each.reason


def test_one_that_can_not_be_stopped() -> None:
    run = Run(Played(fails={("H3", "stop")}))
    assert run.go() == [ROLLED, LATER, LATER]
    assert "nothing was changed here: H3: exit status 1" in run.outcomes[0].reason
    assert run.done("H2")[-1] == run.done("H3")[-1] == "undo"


def test_one_that_started_by_itself_takes_the_leader_back() -> None:
    run = Run(Played(fails={("H3", "confirm")}))
    assert run.go() == [ROLLED, LATER, LATER]
    # H2 was disarmed before: it is started by name. H3 is asked to go the way that it went by itself.
    assert run.done("H2")[-2:] == ["enable", "start"]
    assert run.done("H3")[-1] == "undo"


def test_one_that_was_not_enabled_is_not_enabled() -> None:
    run = Run(Played(fails={("H3", "confirm")}), enabled="disabled")
    run.go()
    assert run.done("H2")[-1] == "start"
    assert "enable" not in run.done("H2")


def test_one_that_falls_silent_is_told() -> None:
    run = Run()
    run.go(H1=ROLLED)
    run = Run(Played(silent={"H2"}))
    assert run.go() == [ROLLED, LOST, LATER]
    assert "keepalived is stopped on H2; it starts by itself" in run.outcomes[1].reason


@pytest.mark.parametrize(
    ("became", "wanted"),
    [
        pytest.param({"H1": KeyboardInterrupt()}, [LATER, LATER, LATER], id="before the leader"),
        pytest.param(
            {"H1": InterruptedChange(ServerOutcome(host="H1", outcome=ROLLED, plan=ServerPlan(host="H1")))},
            [ROLLED, LATER, LATER],
            id="the leader goes back",
        ),
        pytest.param(
            {"H1": InterruptedChange(ServerOutcome(host="H1", outcome=APPLIED, plan=ServerPlan(host="H1")))},
            [APPLIED, LOST, LOST],
            id="the leader is changed",
        ),
        pytest.param({"H3": KeyboardInterrupt()}, [APPLIED, APPLIED, LOST], id="behind the second"),
    ],
)
def test_an_interrupt(became: dict[str, BaseException], wanted: list[Outcome]) -> None:
    run = Run()
    with pytest.raises(KeyboardInterrupt):
        run.go(**became)
    assert [each.outcome for each in reached(list(PLANNED.values()), run.outcomes, run.parking)] == wanted
