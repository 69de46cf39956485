"""What a run that waits asks again, and what it reports in the end."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from runbooks import verify as runbook
from runbooks.verify import open_firewalls, verify
from tasks.model.answer import Answers, NoAnswer, Reply
from tasks.model.cluster import Desired
from tasks.model.verdict import Status
from tasks.transport import Script
from tests.unit.builders import AT
from tests.unit.judge.recorded import CLUSTER, healthy, recorded, replies

FIREWALL = {
    *("units", "iptables", "ip6tables", "iptables-legacy", "ruleset"),
    *("firewall files", "nftables includes", "firewalld", "ufw"),
}
CLOSED = "-P INPUT DROP\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n"
SILENT_VIP = {("L1", "neighbors 100.65.0.10"): "[]"}


class Replaying:
    """A session whose hosts answer what was recorded: to each look the next of `looks`, and the last for ever."""

    def __init__(self, *looks: Mapping[tuple[str, str], str]) -> None:
        self.looks = [replies(look) for look in looks]
        self.asked: list[dict[str, set[str]]] = []
        self.clusters = (CLUSTER,)
        self.desired = {
            name: Desired(host=name, config=text, openings=CLUSTER.openings(name))
            for name, text in recorded()["desired"].items()
        }

    def interfaces(self, _: str) -> tuple[str, ...]:
        return ("enp0s8",)

    def run_scripts(self, scripts: Mapping[str, Script], sent: Any = None) -> dict[str, Reply]:  # noqa: ANN401
        for _ in scripts:
            sent()
        look = self.looks[min(len(self.asked), len(self.looks) - 1)]
        self.asked.append({host: {each.key for each in script.commands} for host, script in scripts.items()})
        return {host: _only(look[host], self.asked[-1][host]) for host in scripts}

    def firewall_asked(self, host: str) -> list[bool]:
        """Of each look: was the firewall of this server asked?"""
        return [bool(look[host] & FIREWALL) for look in self.asked]


def _only(reply: Answers, keys: set[str]) -> Answers:
    by_key = {key: answer for key, answer in reply.by_key.items() if key in keys}
    return Answers(host=reply.host, by_key=by_key, clock_offset_s=reply.clock_offset_s)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes in pauses alone."""
    slept = [0.0]
    clock = SimpleNamespace(monotonic=lambda: sum(slept), sleep=slept.append)
    monkeypatch.setattr(runbook, "time", clock)
    monkeypatch.setattr(runbook, "_load", lambda _: None)


@pytest.mark.parametrize(
    ("looks", "wait_s", "asked", "verdict"),
    [
        pytest.param([{}], None, [True], Status.PASS, id="a run that does not wait asks once, and all"),
        pytest.param([{}], 5.0, [True, True], Status.PASS, id="the look that is reported asks all"),
        pytest.param(
            [SILENT_VIP, SILENT_VIP, {}],
            5.0,
            [True, False, False, True],
            Status.PASS,
            id="while a leaf is waited for its firewall is not asked",
        ),
        pytest.param(
            [{**SILENT_VIP, ("H1", "iptables"): CLOSED}, {("H1", "iptables"): CLOSED}, {}],
            5.0,
            [True, True, True, True],
            Status.PASS,
            id="a firewall that is wrong is asked until it is right",
        ),
        pytest.param(
            [SILENT_VIP, {}, {("H1", "iptables"): CLOSED}],
            5.0,
            [True, False, True],
            Status.FAIL,
            id="one that closed meanwhile is seen",
        ),
    ],
)
def test_what_is_asked_while_it_waits(
    looks: list[dict[tuple[str, str], str]], wait_s: float | None, asked: list[bool], verdict: Status
) -> None:
    session = Replaying(*looks)
    report = verify(session, wait_s=wait_s)  # type: ignore[arg-type]  # what verify needs of a session
    assert session.firewall_asked("H1")[: len(asked)] == asked
    assert report.status is verdict


def test_only_a_firewall_that_passes_is_taken_as_known() -> None:
    from runbooks.verify import judge  # noqa: PLC0415

    said: dict[str, Reply] = dict(replies())
    judged = judge([healthy()])
    assert set(open_firewalls(said, judged)) == {"H1", "H2"}
    silent = NoAnswer(host="H1", reason="gone", at=AT)
    assert runbook._completed(silent, said["H1"]) is silent
    assert runbook._completed(said["H1"], silent) is said["H1"]
    assert open_firewalls(said, ()) == {}
