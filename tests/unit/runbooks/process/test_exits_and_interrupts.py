"""Exit codes of every verdict and outcome, and requests to end."""

from __future__ import annotations

import signal
from typing import Any

import pytest
import typer

from runbooks.apply.runbook import apply_exit, plan_exit
from runbooks.cli.face import Face, guard
from runbooks.drill.runbook import drill_status
from runbooks.process.exits import Exit, exit_for
from runbooks.process.interrupts import polite, shielded
from tasks.model.drilled import Drill, Measured, Outage
from tasks.model.errors import IntentError, NoAnswerError, NotRestoredError, RefusedError, StepError
from tasks.model.plan import Outcome, ServerOutcome, ServerPlan
from tasks.model.report import Report
from tasks.model.verdict import Status, VipVerdict
from tasks.report.build import Reporter
from tests.unit.model.test_values import verdict
from tests.unit.report.test_document import stage


@pytest.mark.parametrize(
    ("status", "code"),
    [(Status.PASS, 0), (Status.WARN, 0), (Status.FAIL, 1), (Status.UNKNOWN, 3), (Status.SKIP, 3)],
)
def test_exit_for(status: Status, code: int) -> None:
    assert exit_for(status) == code


def test_the_promised_numbers() -> None:
    assert [int(each) for each in Exit] == [0, 1, 2, 3, 4, 5, 130]


def report(status: Status, *outcomes: Outcome) -> Report:
    servers = tuple(ServerOutcome(host="H1", outcome=each, plan=ServerPlan(host="H1")) for each in outcomes)
    return Reporter("apply").report(servers=servers, verdict=status)


@pytest.mark.parametrize(
    ("status", "check", "code"),
    [
        (Status.PASS, True, 0),
        (Status.WARN, True, 1),
        (Status.WARN, False, 0),
        (Status.FAIL, True, 1),
        (Status.FAIL, False, 1),
        (Status.UNKNOWN, True, 3),
        (Status.UNKNOWN, False, 3),
    ],
)
def test_plan_exit(status: Status, check: bool, code: int) -> None:  # noqa: FBT001
    assert plan_exit(report(status), check=check) == code


@pytest.mark.parametrize(
    ("status", "outcomes", "code"),
    [
        (Status.PASS, [Outcome.APPLIED, Outcome.UNCHANGED], 0),
        (Status.FAIL, [Outcome.APPLIED], 1),
        (Status.UNKNOWN, [Outcome.UNKNOWN, Outcome.NOT_REACHED], 3),
        (Status.FAIL, [Outcome.REFUSED, Outcome.NOT_REACHED], 1),
        (Status.FAIL, [Outcome.APPLIED, Outcome.ROLLED_BACK], 4),
        (Status.FAIL, [Outcome.ROLLED_BACK, Outcome.NOT_REACHED], 4),
        (Status.FAIL, [Outcome.NOT_ROLLED_BACK], 5),
        (Status.FAIL, [Outcome.ROLLED_BACK, Outcome.NOT_ROLLED_BACK], 5),
        (Status.PASS, [Outcome.NOT_ROLLED_BACK], 5),
    ],
)
def test_apply_exit(status: Status, outcomes: list[Outcome], code: int) -> None:
    assert apply_exit(report(status, *outcomes)) == code


def outage(**changed: Any) -> Outage:  # noqa: ANN401
    fields: dict[str, Any] = {"phase": "failover", "seconds": 3.5, "sent": 9, "lost": 3, "resolution_s": 0.01}
    return Outage(**(fields | {"bound_s": (3.0, 4.0), "within_bound": True} | changed))


P, F, U, W = (verdict(each) for each in (Status.PASS, Status.FAIL, Status.UNKNOWN, Status.WARN))


@pytest.mark.parametrize(
    ("stages", "outages", "restored", "status"),
    [
        ([P, P, P], [outage(), outage()], True, Status.PASS),
        ([P, W, P], [outage(), outage()], True, Status.WARN),
        ([P, F, P], [outage(), outage()], True, Status.FAIL),
        ([P, P, U], [outage(), outage()], True, Status.UNKNOWN),
        ([P, P, P], [outage(within_bound=False), outage()], True, Status.FAIL),
        ([P, P, P], [outage(measured=False, within_bound=False), outage()], True, Status.UNKNOWN),
        ([P, P, P], [outage(), outage()], False, Status.FAIL),
        ([P, P, U], [outage(), outage()], False, Status.FAIL),
        # what only the second probe host saw counts as much
        ([P, P, P], [outage(), outage(), outage(within_bound=False), outage()], True, Status.FAIL),
        ([P, P, P], [outage(), outage(), outage(), outage(measured=False, within_bound=False)], True, Status.UNKNOWN),
        ([P, W, P], [outage(), outage(), outage(), outage()], True, Status.WARN),
    ],
)
def test_drill_status(stages: list[VipVerdict], outages: list[Outage], restored: bool, status: Status) -> None:  # noqa: FBT001
    hosts = (("I1", outages[:2]), ("C1", outages[2:]))
    probes = tuple(
        Measured(host=host, interval_s=0.01, on_link=host == "C1", outages=tuple(seen)) for host, seen in hosts
    )
    drill = Drill(
        fault="link-down",
        target="H1",
        probe=probes[0],
        outages=probes[0].outages,
        probes=probes,
        timeline=(),
        stages=tuple(stage("x", each) for each in stages),
        restored=restored,
    )
    assert drill_status(drill) is status


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (IntentError("a", "b"), 2, "error: a\nb"),
        (RefusedError("not healthy"), 1, "refused: not healthy"),
        (NoAnswerError("H1", "", "no route"), 3, "error: H1: no route"),
        (StepError("H1", "ip link", "auth_pass hunter22"), 4, "auth_pass ***"),
        (NotRestoredError("it is down"), 5, "error: it is down"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_every_expected_end_has_its_code_and_its_text(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as caught, guard(Face()):
        raise error
    assert caught.value.exit_code == code
    shown = capsys.readouterr()
    assert said in shown.err
    assert "hunter22" not in shown.err
    assert shown.out == ""


def test_a_bug_is_no_expected_end() -> None:
    with pytest.raises(ZeroDivisionError), guard(Face()):
        raise ZeroDivisionError


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_polite_request_ends_as_ctrl_c_does(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), polite():
        signal.raise_signal(number)
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_while_the_way_back_is_taken_a_request_is_answered_with_words(number: signal.Signals) -> None:
    said: list[str] = []
    reached = False
    with polite():
        with shielded(said.append):
            for _ in range(3):
                signal.raise_signal(number)
            reached = True
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert reached
    assert said == ["undoing; this takes a moment and must not be cut short"] * 3


def test_signal_handlers_are_put_back_whatever_happens() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    with pytest.raises(ZeroDivisionError), polite(), shielded(lambda _: None):
        raise ZeroDivisionError
    assert [signal.getsignal(number) for number in numbers] == before
