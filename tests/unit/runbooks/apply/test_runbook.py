"""apply to its end: the report of a run that was interrupted, and its exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from nornir.core import Nornir

from runbooks.apply import runbook as configure
from runbooks.apply.locking import Held, locked
from runbooks.process.exits import Exit
from runbooks.process.interrupts import InterruptedChange
from tasks.change.lock import Holder, Lock
from tasks.change.order.servers import Stage
from tasks.model.answer import Answers, Reply
from tasks.model.cluster import Cluster, Desired
from tasks.model.errors import RefusedError
from tasks.model.plan import Outcome, ServerOutcome, ServerPlan, Step
from tasks.model.report import Report
from tasks.model.verdict import Status
from tasks.report.document import document
from tasks.transport import Script
from tests.unit.builders import Seen, cluster, desired, nornir


@dataclass
class Played:
    """A session with two servers that say nothing of interest."""

    clusters: tuple[Cluster, ...] = (cluster(),)
    dry_run: bool = False

    @property
    def desired(self) -> Mapping[str, Desired]:
        return {name: desired(name) for name in ("H1", "H2")}

    def memberships(self, _: str) -> tuple[Cluster, ...]:
        return self.clusters

    def interfaces(self, _: str) -> tuple[str, ...]:
        return ()

    def on(self, hosts: Iterable[str]) -> Nornir:
        return nornir(*hosts)

    def run_scripts(self, scripts: Mapping[str, Script], *, doing: str | None = None) -> dict[str, Reply]:
        return {host: Answers(host=host, by_key={}, clock_offset_s=0.0) for host in scripts}


Run = Callable[..., Report]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Run:
    """An apply on H2 and then H1, of which each becomes what it is told, or raises it."""

    def run(*became: Outcome | BaseException, verify: BaseException | None = None) -> Report:
        coming = iter(became)

        class Change:
            def __init__(self, **values: Any) -> None:  # noqa: ANN401
                self.values = values

            def run(self) -> ServerOutcome:
                end = next(coming)
                if isinstance(end, BaseException):
                    raise end
                return ServerOutcome(host=self.values["host"], outcome=end, plan=self.values["plan"])

        def settled(*_: object) -> Report:
            assert verify is not None
            raise verify

        step = Step(topic="config", summary="write")
        monkeypatch.setattr(configure, "ServerChange", Change)
        monkeypatch.setattr(configure, "_settled", settled)
        monkeypatch.setattr(configure, "change_order", lambda *_, **__: [Stage(host="H2"), Stage(host="H1")])
        monkeypatch.setattr(configure, "_planned", lambda _s, facts, *_: planned(facts.host, step))
        held = Held(session=Played(), lock=LOCK, servers=("H1", "H2"))  # type: ignore[arg-type]
        return configure._apply(held, lambda _: True, lambda _: None, 120)

    return run


LOCK = Lock(clusters=("web",), holder=Holder(who="a", doing="apply", since="t"), token="t", lease_s=60)


def planned(name: str, *steps: Step) -> ServerOutcome:
    return ServerOutcome(host=name, outcome=Outcome.PLANNED, plan=ServerPlan(host=name, steps=steps))


def interrupted(outcome: Outcome) -> InterruptedChange:
    return InterruptedChange(ServerOutcome(host="H1", outcome=outcome, plan=ServerPlan(host="H1")))


@pytest.mark.parametrize(
    ("became", "stands", "code"),
    [
        ([Outcome.APPLIED, interrupted(Outcome.ROLLED_BACK)], ["as declared", "as before"], Exit.INTERRUPTED),
        ([Outcome.APPLIED, interrupted(Outcome.NOT_ROLLED_BACK)], ["as declared", "unknown"], Exit.NOT_ROLLED_BACK),
        ([Outcome.APPLIED, interrupted(Outcome.APPLIED)], ["as declared", "as declared"], Exit.INTERRUPTED),
        ([Outcome.APPLIED, KeyboardInterrupt()], ["as declared", "as before"], Exit.INTERRUPTED),
        ([KeyboardInterrupt()], ["as before", "as before"], Exit.INTERRUPTED),
        ([Outcome.ROLLED_BACK], ["as before", "as before"], Exit.ROLLED_BACK),
        ([Outcome.NOT_ROLLED_BACK], ["unknown", "as before"], Exit.NOT_ROLLED_BACK),
    ],
)
def test_every_server_says_what_stands_there(
    ran: Run, became: list[Outcome | BaseException], stands: list[str], code: Exit
) -> None:
    report = ran(*became)
    shown = document(report)
    assert [(each["host"], each["stands"]) for each in shown["servers"]] == list(zip(["H2", "H1"], stands, strict=True))
    assert configure.apply_exit(report) is code
    assert report.status is not Status.PASS
    assert report.interrupted is (report.reason == configure.INTERRUPTED)


def test_an_interrupt_during_the_last_look_leaves_the_verdict_open(ran: Run) -> None:
    report = ran(Outcome.APPLIED, Outcome.APPLIED, verify=KeyboardInterrupt())
    assert [each.stands for each in report.servers] == ["as declared", "as declared"]
    assert report.status is Status.UNKNOWN
    assert configure.apply_exit(report) is Exit.INTERRUPTED


def test_a_dry_run_plans_and_locks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    step = Step(topic="config", summary="write", diff="+x")
    seen = Seen()

    @dataclass
    class Watched(Played):
        def on(self, hosts: Iterable[str]) -> Nornir:
            return super().on(hosts).with_processors([seen])

    monkeypatch.setattr(configure, "change_order", lambda *_, **__: [Stage(host="H2"), Stage(host="H1")])
    monkeypatch.setattr(configure, "_planned", lambda _s, facts, *_: planned(facts.host, step))
    session: Any = Watched(dry_run=True)
    report = configure.apply(session, confirm=lambda _: pytest.fail("asked"), progress=pytest.fail)
    assert (report.command, report.status) == ("apply", Status.WARN)
    assert [(each.host, each.outcome) for each in report.servers] == [("H2", "planned"), ("H1", "planned")]
    assert [(each.changed, each.diff, each.failed) for each in seen.results] == [(True, "+x", False)] * 2
    with pytest.raises(RefusedError, match="dry run"), locked(session, "apply", 60, pytest.fail):
        pytest.fail("locked")
