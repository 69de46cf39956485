"""Every fault of the folder: what a drill needs to know of it is there, and names what exists."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.change.faults import FAULTS, fault_of
from tasks.judge.checks import all_checks
from tasks.judge.vip import judge_vip
from tasks.model.answer import Answers
from tasks.model.drill import Injected
from tasks.model.verdict import Status
from tests.unit.builders import GONE, answers, injected, server, subject, with_server

H1 = server("H1")


def silent(name: str) -> Answers:
    return answers("H1", **{each.key: "" for each in fault_of(name).questions(H1)})


def test_the_faults_are_the_files_of_the_folder() -> None:
    assert FAULTS == ("link-down",)
    with pytest.raises(ModuleNotFoundError):
        fault_of("flood")


@pytest.mark.parametrize("name", FAULTS)
def test_each_has_a_command_an_undo_and_checks_that_exist(name: str) -> None:
    fault = fault_of(name)
    injection = fault.injection(H1, silent(name), ())
    assert injection.command.argv
    assert all((*injection.undo, injection.summary, injection.undone, fault.effect))
    assert fault.excused <= {entry.name for entry in all_checks()}
    bound = fault.ending.bound(2, 1.0, 1, 1.0)
    assert 0 <= bound.shortest_s < bound.longest_s
    assert fault.lost(silent(name), silent(name), ()) == []


@pytest.mark.parametrize(
    ("host", "check", "said"),
    [
        pytest.param("H1", "interface", "H1 was taken down by the drill", id="on the target"),
        pytest.param("H2", "interface", None, id="on another server"),
        pytest.param("H1", "service", None, id="a check that the fault does not excuse"),
    ],
)
def test_a_check_is_excused_on_the_target_alone(host: str, check: str, said: str | None) -> None:
    assert subject(injected=injected("H1")).disturbed(host, check) == said
    assert subject().disturbed(host, check) is None
    judged = judge_vip(subject(injected=injected("H1"))).findings
    (found,) = [each for each in judged if (each.check, each.target) == (check, host)]
    assert (found.status, found.message) == (Status.SKIP, said) if said else found.status is not Status.SKIP


def test_a_target_whose_keepalived_is_excused_from_answering() -> None:
    fault = Injected(host="H1", effect="stopped", excused=frozenset({"master"}))
    taken_over = with_server(subject(owner="H2"), "H1", instances=GONE, later=GONE)
    for facts, status in ((taken_over, "unknown"), (replace(taken_over, injected=fault), "pass")):
        (found,) = [each for each in judge_vip(facts).findings if each.check == "master"]
        assert found.status == status
