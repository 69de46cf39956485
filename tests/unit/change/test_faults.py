"""Every fault of the folder: what a drill needs to know of it is there, and names what exists."""

from __future__ import annotations

import pytest

from tasks.change.faults import FAULTS, fault_of
from tasks.judge.catalogue import CATALOGUE
from tasks.model.answer import Answers
from tests.unit.builders import answers, injected, server, subject

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
    assert fault.excused <= {entry.check for entry in CATALOGUE}
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
    assert subject(injected=injected("H1")).excuse(check, host) == said
    assert subject().excuse(check, host) is None
