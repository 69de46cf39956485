"""What Nornir and its processors are told of a server's change."""

from __future__ import annotations

import logging

import pytest
from nornir.core.task import Result

from tasks.change.server import change_server
from tasks.model.errors import StepError
from tasks.model.plan import Outcome, ServerOutcome, ServerPlan, Step
from tests.unit.builders import nornir

DIFF = "--- a\n+++ b\n-auth_pass old\n+auth_pass hunter22"
SHOWN = "--- a\n+++ b\n-auth_pass ***\n+auth_pass ***"
PLAN = ServerPlan(
    host="H1",
    packages=(Step(topic="package", summary="p"),),
    steps=(Step(topic="config", summary="c", diff=DIFF),),
)


def outcome(outcome: Outcome, reason: str = "") -> ServerOutcome:
    plan = PLAN if outcome is not Outcome.UNCHANGED else ServerPlan(host="H1")
    return ServerOutcome(host="H1", outcome=outcome, plan=plan, reason=reason)


def ran(became: ServerOutcome | BaseException, *, dry_run: bool = False) -> Result:
    def carry_out(each: ServerOutcome) -> ServerOutcome:
        assert not dry_run
        assert each == outcome(Outcome.PLANNED)
        if isinstance(became, BaseException):
            raise became
        return became

    here = nornir("H1")
    here.data.dry_run = dry_run
    return here.run(task=change_server, planned={"H1": outcome(Outcome.PLANNED)}, carry_out=carry_out)["H1"][0]


@pytest.mark.parametrize(
    ("became", "changed", "diff", "failed"),
    [
        (Outcome.APPLIED, True, SHOWN, False),
        (Outcome.UNCHANGED, False, "", False),
        (Outcome.NOT_REACHED, False, "", False),
        (Outcome.ROLLED_BACK, False, "", True),
        (Outcome.NOT_ROLLED_BACK, True, SHOWN, True),
        (Outcome.REFUSED, False, "", True),
        (Outcome.UNKNOWN, False, "", True),
    ],
)
def test_what_became_of_it(became: Outcome, changed: bool, diff: str, failed: bool) -> None:  # noqa: FBT001
    found = ran(outcome(became, reason="because"))
    assert (found.changed, found.diff, found.failed) == (changed, diff, failed)
    assert found.severity_level == (logging.ERROR if failed else logging.INFO)
    assert str(found.exception) == ("H1: because" if failed else "None")
    assert found.result == outcome(became, reason="because")


def test_a_dry_run_tells_what_would_change_and_changes_nothing() -> None:
    found = ran(outcome(Outcome.APPLIED), dry_run=True)
    assert (found.changed, found.diff, found.failed) == (True, SHOWN, False)
    assert found.result.outcome is Outcome.PLANNED


def test_what_breaks_is_a_failure_of_the_task() -> None:
    found = ran(StepError("H1", "", "bad"))
    assert (found.failed, str(found.exception)) == (True, "H1: bad")


def test_an_interrupt_passes_on() -> None:
    with pytest.raises(KeyboardInterrupt):
        ran(KeyboardInterrupt())
