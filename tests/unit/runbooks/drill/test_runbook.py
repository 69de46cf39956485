"""What a drill is asked for, what it waits for, and who measures it. Nothing is contacted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from runbooks.drill import runbook
from runbooks.drill.probes import plan_probes
from runbooks.drill.runbook import Look, Order, drill, order, pause_s
from runbooks.session import Session
from tasks.change.faults import fault_of
from tasks.judge.subject import Subject
from tasks.judge.vip import judge_vip
from tasks.model.errors import IntentError, RefusedError
from tasks.model.leaf import MoveCount
from tasks.model.report import Report
from tasks.model.verdict import Status
from tests.unit.builders import (
    GONE,
    MACS,
    TIMERS,
    VMAC,
    cluster,
    detection,
    evpn_mac,
    evpn_neighbor,
    nornir,
    subject,
    with_leaf,
    with_probe,
    with_server,
)
from tests.unit.judge.fabrics import virtual

NOW = 1_767_225_600.0


def counted(moves: int, *, ago: float | None = 0.0, **changed: Any) -> Subject:  # noqa: ANN401
    """L2 counted so many moves since a window that opened so long ago."""
    began = None if ago is None else NOW - ago
    count = MoveCount(moves=moves, duplicate=False, began_at=began, now=NOW)
    return with_leaf(subject(), "L2", moves=count, detection=detection(**changed))


@pytest.mark.parametrize(
    ("moves", "ago", "changed", "pause"),
    [
        # a drill makes two moves, and the fifth flags: two may have been made
        (0, 0.0, {}, 0.0),
        (1, 0.0, {}, 0.0),
        (2, 0.0, {}, 0.0),
        (3, 0.0, {}, 182.0),
        (4, 60.0, {}, 122.0),
        (3, 181.0, {}, 1.0),
        (4, 182.0, {}, 0.0),
        (4, 999.0, {}, 0.0),
        # a leaf that does not say when its window began may just have opened it
        (4, None, {}, 182.0),
        (1, None, {}, 0.0),
        (4, 0.0, {"enabled": False}, 0.0),
        (4, 0.0, {"max_moves": 10}, 0.0),
        (8, 30.0, {"max_moves": 10, "window_s": 60}, 32.0),
        (1, 0.0, {"max_moves": 3}, 182.0),
        (0, 0.0, {"max_moves": 3}, 0.0),
    ],
)
def test_how_long_a_drill_waits(moves: int, ago: float | None, changed: dict[str, Any], pause: float) -> None:
    assert pause_s([counted(moves, ago=ago, **changed)], pace=True) == pytest.approx(pause)


def test_the_longest_wait_of_all_leaves_and_vips_counts() -> None:
    both = with_leaf(counted(3, ago=100.0), "L1", moves=MoveCount(moves=4, duplicate=False, began_at=NOW, now=NOW))
    assert pause_s([subject(), both, counted(3, ago=50.0)], pace=True) == pytest.approx(182.0)
    assert pause_s([], pace=True) == 0.0


@pytest.mark.parametrize(
    ("facts", "pace", "said"),
    [
        (counted(3), False, "L2 flags 100.65.0.10 as a duplicate at 5 moves in 180 s, and 1 are left; wait 182 s"),
        (counted(4, ago=100.0), False, "and 0 are left; wait 82 s, or drill with --pace"),
        (counted(0, max_moves=2), True, "at 2 moves in 180 s, and a drill makes 2; raise dup-addr-detection max-moves"),
        (counted(0, max_moves=2), False, "raise dup-addr-detection max-moves"),
    ],
)
def test_a_drill_that_would_flag_the_vip_is_refused(facts: Subject, pace: bool, said: str) -> None:  # noqa: FBT001
    with pytest.raises(RefusedError, match=said):
        pause_s([facts], pace=pace)


@pytest.mark.parametrize("pace", [True, False])
def test_what_is_flagged_already_has_nothing_left_to_exhaust(pace: bool) -> None:  # noqa: FBT001
    flagged = evpn_neighbor(MACS["H1"], vtep="10.255.0.11", duplicate=True)
    assert pause_s([with_leaf(counted(5), "L2", evpn_neighbors=(flagged,))], pace=pace) == 0.0


def session(**changed: Any) -> Session:  # noqa: ANN401
    return Session(nornir=nornir(), intent=cast("Any", None), clusters=(cluster(**changed),))


def test_an_order_that_can_be_kept() -> None:
    assert order(session(), "link-down", None) == Order(fault="link-down", target=None)
    found = order(session(), "link-down", "H2", ["C1", "I1", "C1"], pace=False)
    assert found == Order(fault="link-down", target="H2", probes=("C1", "I1"), pace=False)


@pytest.mark.parametrize(
    ("fault", "target", "probes", "said"),
    [
        ("flood", None, [], ["no fault 'flood'; accepted: link-down"]),
        ("link-down", "L1", [], ["--target L1: not a server of web; accepted: H1, H2"]),
        ("link-down", None, ["H1"], ["--probe H1: not a probe host of web; accepted: I1, C1"]),
        ("link-down", None, ["C1", "i1"], ["--probe i1: not a probe host of web; accepted: I1, C1"]),
        ("x", "y", ["z"], ["no fault 'x'", "--target y", "--probe z"]),
    ],
)
def test_an_order_that_can_not(fault: str, target: str | None, probes: list[str], said: list[str]) -> None:
    with pytest.raises(IntentError) as caught:
        order(session(), fault, target, probes)
    assert len(caught.value.problems) == len(said)
    assert all(problem.startswith(piece) for problem, piece in zip(caught.value.problems, said, strict=True))


def test_without_probe_hosts_one_problem_is_told_and_not_one_a_name() -> None:
    with pytest.raises(IntentError, match="a drill measures from a probe host; name one") as caught:
        order(session(probes=()), "link-down", None, ["I1", "C1"])
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(
    ("whole", "ageing"),
    [
        (subject(), {"I1": 0.0, "C1": 53.0}),
        # the virtual MAC moves with the VIP: no client has anything to unlearn
        (subject(cluster=cluster(use_vmac=True)), {"I1": 0.0, "C1": 0.0}),
        (with_probe(subject(), "C1", timers=replace(TIMERS, base_reachable_s=10.0)), {"I1": 0.0, "C1": 23.0}),
        # what a routed host does not tell is not needed
        (with_probe(subject(), "I1", timers=GONE), {"I1": 0.0, "C1": 53.0}),
        (with_probe(subject(cluster=cluster(use_vmac=True)), "C1", timers=GONE), {"I1": 0.0, "C1": 0.0}),
    ],
)
def test_who_measures_and_what_each_may_see(whole: Subject, ageing: dict[str, float]) -> None:
    plans = plan_probes(whole, ("I1", "C1"))
    assert {plan.host: plan.ageing_s for plan in plans} == ageing
    assert [plan.on_link for plan in plans] == [False, True]


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        ("routes", "C1 did not tell how it reaches 100.65.0.10: no connection"),
        ("timers", "C1 did not tell how it ages neighbors, so no bound can be computed: no connection"),
    ],
)
def test_a_probe_host_that_does_not_tell_is_refused(reading: str, said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        plan_probes(with_probe(subject(), "C1", **{reading: GONE}), ("I1", "C1"))
    assert [plan.host for plan in plan_probes(with_probe(subject(), "C1", **{reading: GONE}), ("I1",))] == ["I1"]


def look(facts: Subject) -> Look:
    return Look(replies={}, found=(facts,), vips=(judge_vip(facts),))


class Stage:
    """What the runbook reaches beyond itself, each step written down."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *looks: Subject, confirmed: bool = True) -> None:
        self.said: list[str] = []
        self.asked: list[Report] = []
        self.slept: list[float] = []
        self.runs = 0
        self.confirmed = confirmed
        self.looks = [look(each) for each in looks]
        monkeypatch.setattr(runbook, "look_at", lambda *_: self.looks.pop(0))
        monkeypatch.setattr(runbook, "_prepare", self.prepare)
        monkeypatch.setattr(runbook.time, "sleep", self.slept.append)
        monkeypatch.setattr(runbook, "locked", self.locked)

    def prepare(self, *_arguments: object) -> object:
        self.runs += 1
        return SimpleNamespace(
            target=SimpleNamespace(name="H1"),
            fault=fault_of("link-down"),
            injection=SimpleNamespace(summary="enp0s8 down"),
            execute=self.execute,
            lease_s=lambda: 60,
        )

    @contextmanager
    def locked(self, _session: object, doing: str, lease_s: int, _say: object) -> Iterator[None]:
        self.said.append(f"locked for {doing}, {lease_s} s")
        yield

    def execute(self) -> object:
        raise InterruptedError

    def confirm(self, report: Report) -> bool:
        self.asked.append(report)
        return self.confirmed

    def drill(self, *, dry_run: bool = False) -> Report:
        asked = session()
        asked.nornir.data.dry_run = dry_run
        return drill(asked, Order(fault="link-down", target=None), confirm=self.confirm, progress=self.said.append)


BROKEN = with_leaf(subject(), "L2", neighbors=())


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        (BROKEN, Status.FAIL),
        (with_leaf(subject(), "L2", neighbors=GONE), Status.UNKNOWN),
        (with_leaf(subject(), "L2", moves=GONE), Status.UNKNOWN),
        (with_server(subject(), "H2", firewall=GONE), Status.UNKNOWN),
        (with_leaf(subject(), "L3", sessions=()), Status.FAIL),
    ],
)
def test_no_drill_on_a_cluster_that_is_not_healthy(
    facts: Subject, status: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(monkeypatch, facts)
    found = stage.drill()
    assert (found.status, found.drill, stage.runs, stage.asked) == (status, None, 0, [])
    assert "no drill on a cluster that is not healthy" in (found.reason or "")


def test_the_operator_is_asked_before_anything_is_injected(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch, subject(), confirmed=False)
    with pytest.raises(RefusedError, match="not confirmed; nothing was injected"):
        stage.drill()
    assert [report.reason for report in stage.asked] == ["about to inject link-down on H1: enp0s8 down"]
    assert stage.slept == []


def test_what_the_fabric_will_not_follow_is_said_before_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    row = evpn_mac(VMAC, port="swp1", local_sequence=3, remote_sequence=2)
    stage = Stage(monkeypatch, with_leaf(virtual("H1", 3), "L1", evpn_macs=(row,)), confirmed=False)
    with pytest.raises(RefusedError):
        stage.drill()
    assert stage.said[-1].startswith("note: L1 once heard sequence 2 for 00:00:5e:00:01:0b from elsewhere")
    assert (stage.asked[0].reason or "").endswith("enp0s8 down; a leaf will not follow, see the note above")


def test_the_wait_is_told_first_and_the_cluster_is_judged_anew_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch, counted(3), subject())
    with pytest.raises(InterruptedError):
        stage.drill()
    assert (stage.asked[0].reason or "").endswith("after 182 s in which the leaves forget earlier moves")
    assert (stage.slept, stage.runs, stage.looks) == ([182.0], 2, [])


def test_what_broke_during_the_wait_is_not_drilled(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch, counted(3), BROKEN)
    found = stage.drill()
    assert (found.status, found.drill, stage.runs) == (Status.FAIL, None, 1)


def test_a_dry_run_tells_what_it_would_inject(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch, subject())
    found = stage.drill(dry_run=True)
    assert found.reason == "about to inject link-down on H1: enp0s8 down"
    assert (stage.asked, [line for line in stage.said if "locked" in line]) == ([], [])
