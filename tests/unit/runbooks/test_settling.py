"""When each host was right for good."""

from __future__ import annotations

from dataclasses import replace

from runbooks.settling import Settling
from tasks.judge.subject import Subject
from tasks.judge.vip import judge_vip
from tests.unit.builders import GONE, MACS, interface, neighbor, subject, with_leaf, with_server

STALE = with_leaf(subject(), "L2", neighbors=(neighbor(MACS["H2"], remote=True),))
NOBODY = with_server(subject(), "H1", interfaces=(interface("H1", "100.65.0.11/24"),))


def after(*looks: Subject) -> tuple[Settling, tuple[str, ...]]:
    settling, fresh = Settling(), ()
    for at, each in enumerate(looks):
        fresh = settling.look((judge_vip(each),), float(at))
    return settling, fresh


def test_every_target_is_told_once() -> None:
    settling, fresh = after(subject(), subject())
    assert fresh == ()
    assert settling.since == dict.fromkeys(("H1", "H2", "web", "L1", "L2", "L3", "I1", "C1"), 0.0)


def test_a_target_is_right_when_its_last_check_is() -> None:
    settling, fresh = after(STALE, subject())
    assert (fresh, settling.since["L2"], settling.since["L3"]) == (("L2",), 1.0, 0.0)


def test_a_target_that_turns_red_or_silent_begins_anew() -> None:
    for broken in (STALE, with_leaf(subject(), "L2", neighbors=GONE)):
        settling, _ = after(subject(), broken)
        assert "L2" not in settling.since
        settling, fresh = after(subject(), broken, subject())
        assert (fresh, settling.since["L2"], settling.since["L1"]) == (("L2",), 2.0, 0.0)


def test_nothing_is_right_while_nobody_bears_the_vip() -> None:
    """Every check that compares is skipped then, and a skip proves nothing."""
    settling, _ = after(NOBODY)
    assert settling.since == {}
    settling, _ = after(subject(), NOBODY, subject())
    assert set(settling.since.values()) == {2.0}


def test_one_vip_of_two_that_is_wrong_keeps_its_targets_waiting() -> None:
    settling = Settling()
    one = judge_vip(subject())
    settling.look((one, replace(judge_vip(STALE), address=one.address)), 0.0)
    assert "L2" not in settling.since
    assert settling.since["L1"] == 0.0
