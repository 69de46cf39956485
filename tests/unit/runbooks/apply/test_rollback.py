"""rollback over servers that are played: it asks under the lock, and takes no line of others away."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import pytest
from nornir.core import Nornir

from runbooks.apply import rollback as runbook
from runbooks.apply.runbook import apply_exit
from runbooks.apply.server_change import ServerChange
from runbooks.process.exits import Exit
from runbooks.process.interrupts import InterruptedChange
from tasks.change.lock import HELD
from tasks.change.order.servers import Stage
from tasks.model.answer import Answers, Reply
from tasks.model.cluster import Cluster
from tasks.model.errors import NoAnswerError, RefusedError
from tasks.model.plan import Outcome, ServerOutcome, ServerPlan, Step
from tasks.model.report import Report
from tasks.transport import Script
from tests.unit.builders import answer, cluster, nornir, server_facts

NAME = "20260101T000000-abc123"
HOLDER = "who=a@b\ndoing=apply\nsince=t\n"
OLDER = "20250101T000000-abc123"


def backup(now: str, *, left: str | None = None, name: str = NAME) -> str:
    checksum = sha256((now if left is None else left).encode()).hexdigest()
    words = (checksum, f"={b64encode(now.encode()).decode()}", f"={b64encode(b'before').decode()}")
    return f"{name}\n\n== files\n{' '.join(words)} /etc/ufw/user.rules\n"


@dataclass
class Played:
    """A session with two servers. `statuses` by key of command; the keys asked so far are in `asked`."""

    backups: dict[str, str]
    statuses: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    clusters: tuple[Cluster, ...] = (cluster(),)
    dry_run: bool = False

    def memberships(self, _: str) -> tuple[Cluster, ...]:
        return self.clusters

    def interfaces(self, _: str) -> tuple[str, ...]:
        return ("enp0s8",)

    def on(self, hosts: Iterable[str]) -> Nornir:
        return nornir(*hosts)

    def run_scripts(self, scripts: Mapping[str, Script], *, doing: str | None = None) -> dict[str, Reply]:
        replies: dict[str, Reply] = {}
        for host, script in scripts.items():
            self.asked += [command.key for command in script.commands]
            said = {"backups": self.backups[host], **dict.fromkeys(("lock web", "lock this.server"), HOLDER)}
            by_key = {
                each.key: answer(host, each.title, said.get(each.key, ""), self.statuses.get(each.key, 0))
                for each in script.commands
            }
            replies[host] = Answers(host=host, by_key=by_key, clock_offset_s=0.0)
        return replies


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Servers that were gone back on."""
    names: list[str] = []

    class Change:
        def __init__(self, **values: Any) -> None:  # noqa: ANN401
            self.values = values

        def run(self) -> ServerOutcome:
            names.append(self.values["host"])
            return ServerOutcome(host=names[-1], outcome=Outcome.APPLIED, plan=self.values["plan"])

    monkeypatch.setattr(runbook, "ServerRollback", Change)
    monkeypatch.setattr(runbook, "_order", lambda *_: [Stage(host="H2"), Stage(host="H1")])
    return names


def ran(played: Played, *, asks: Any = lambda _: True) -> Report:  # noqa: ANN401
    return runbook.rollback(played, confirm=asks, progress=lambda _: None)  # type: ignore[arg-type]


def test_the_lock_is_held_from_the_first_question_to_the_last_verdict(changed: list[str]) -> None:
    played = Played({"H1": backup("a"), "H2": backup("b")})
    seen: list[list[str]] = []

    def asks(_: Report) -> bool:
        seen.append(list(played.asked))
        return True

    report = ran(played, asks=asks)
    assert changed == ["H2", "H1"]
    assert apply_exit(report) is Exit.HOLDS
    assert seen[0].index("lock web") < seen[0].index("backups")
    assert "release web" not in seen[0]
    after = played.asked[len(seen[0]) :]
    assert after[0] == "renew web"
    assert after[-2:] == ["release web", "release this.server"]


def test_who_holds_the_lock_is_told_before_anything_is_read_or_asked(changed: list[str]) -> None:
    played = Played({"H1": backup("a"), "H2": backup("b")}, {"lock web": HELD})
    with pytest.raises(RefusedError, match=r"web is locked on H1 by a@b \(apply\) since t; nothing was changed"):
        ran(played, asks=lambda _: pytest.fail("it asked"))
    assert "backups" not in played.asked
    assert changed == []


def test_a_server_that_another_inventory_holds_is_told_by_our_name(changed: list[str]) -> None:
    played = Played({"H1": backup("a"), "H2": backup("b")}, {"lock this.server": HELD})
    with pytest.raises(RefusedError, match=r"web is locked on H1 by a@b \(apply\) since t; nothing was changed"):
        ran(played)
    assert changed == []


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Outcome.APPLIED, Exit.INTERRUPTED),
        (Outcome.ROLLED_BACK, Exit.INTERRUPTED),
        (Outcome.NOT_ROLLED_BACK, Exit.NOT_ROLLED_BACK),
    ],
)
def test_an_interrupt_tells_of_every_server(
    changed: list[str], monkeypatch: pytest.MonkeyPatch, outcome: Outcome, code: Exit
) -> None:
    class Interrupted:
        def __init__(self, **values: Any) -> None:  # noqa: ANN401
            self.values = values

        def run(self) -> ServerOutcome:
            changed.append(self.values["host"])
            raise InterruptedChange(ServerOutcome(host="H2", outcome=outcome, plan=self.values["plan"]))

    monkeypatch.setattr(runbook, "ServerRollback", Interrupted)
    played = Played({"H1": backup("a"), "H2": backup("b")})
    report = ran(played)
    assert changed == ["H2"]
    assert {each.host: each.outcome for each in report.servers} == {"H2": outcome, "H1": Outcome.NOT_REACHED}
    assert apply_exit(report) is code
    assert played.asked[-1] == "release this.server"


@pytest.mark.parametrize(
    ("status", "said"),
    [(HELD, "the lock ran out and is not held any more"), (1, "the lock can't be renewed: no reason was given")],
)
def test_a_lock_that_ran_out_at_the_question_changes_nothing(changed: list[str], status: int, said: str) -> None:
    played = Played({"H1": backup("a"), "H2": backup("b")}, {"renew web": status})
    with pytest.raises(NoAnswerError, match=said):
        ran(played)
    assert changed == []


def test_no_is_no(changed: list[str]) -> None:
    played = Played({"H1": backup("a"), "H2": backup("b")})
    with pytest.raises(RefusedError, match="not confirmed; nothing was changed"):
        ran(played, asks=lambda _: False)
    assert changed == []
    assert "release web" in played.asked


def test_lines_of_others_refuse_before_anything_is_touched(changed: list[str]) -> None:
    played = Played({"H1": backup("ours", left="ours"), "H2": backup("ours, and an admin's", left="ours")})
    report = ran(played, asks=lambda _: pytest.fail("it asked"))
    assert changed == []
    assert apply_exit(report) is Exit.FAILS
    outcomes = {each.host: each for each in report.servers}
    assert outcomes["H1"].outcome is Outcome.NOT_REACHED
    assert outcomes["H2"].outcome is Outcome.REFUSED
    assert outcomes["H2"].reason
    assert "/etc/ufw/user.rules was changed by others since that apply" in outcomes["H2"].reason
    assert {each.stands for each in report.servers} == {"as before"}


def test_a_server_that_stays_out_of_it_may_have_been_changed(changed: list[str]) -> None:
    """Its last backup is an older apply's, which is not gone back behind."""
    played = Played({"H1": backup("b", left="a", name=OLDER), "H2": backup("b")})
    report = ran(played)
    assert changed == ["H2"]
    assert {each.host: each.outcome for each in report.servers} == {"H1": Outcome.UNCHANGED, "H2": Outcome.APPLIED}


def test_no_backup_anywhere_is_refused(changed: list[str]) -> None:
    with pytest.raises(RefusedError, match="no backup on H1, H2"):
        ran(Played({"H1": "\n", "H2": "\n"}))


@pytest.mark.parametrize(("topic", "kept"), [("rollback", True), ("firewall", True), ("config", False)])
def test_what_runs_in_the_firewall_is_kept_before_it_may_change(topic: str, kept: bool) -> None:  # noqa: FBT001
    plan = ServerPlan(host="H1", steps=(Step(topic=topic, summary="x"),))
    assert bool(ServerChange._guard(server_facts("H1"), plan, "tag").keeping) is kept


def test_a_dry_run_shows_what_would_be_put_back_and_locks_nothing(changed: list[str]) -> None:
    played = Played({"H1": backup("a"), "H2": backup("b")}, dry_run=True)
    report = ran(played, asks=lambda _: pytest.fail("it asked"))
    assert [(each.host, each.outcome) for each in report.servers] == [("H2", "planned"), ("H1", "planned")]
    assert report.reason == f"about to go back behind {NAME}"
    assert changed == []
    assert not [key for key in played.asked if key.startswith(("lock", "release", "renew"))]
