"""The registry of checks: its order, what users add, and what an intent switches off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pytest

from tasks.judge import checks
from tasks.judge.checks import RegisteredCheck, Target, all_checks, check_names, registered, user_checks
from tasks.judge.subject import Check, Subject
from tasks.judge.vip import first_wrong, judge_vip
from tasks.model.cluster import CheckRule, Server
from tasks.model.errors import IntentError
from tasks.model.verdict import Finding, Status, VipState, VipVerdict
from tests.unit.builders import GONE, MACS, answer, cluster, neighbor, subject, with_leaf, with_server

ORDER = [
    *("package", "config", "service", "interface", "running-config", "firewall", "sysctl", "adverts"),
    *("master", "vip-address", "preferred-master", "attachment"),
    *("neighbor", "gateway-neighbor", "fdb", "evpn-mac", "evpn-arp", "bgp-type2", "agreement", "mobility"),
    *("duplicate", "evpn-session", "origin", "client-neighbor", "reachable"),
]
DECIDING = {
    *("master", "vip-address", "neighbor", "fdb", "evpn-mac", "evpn-arp", "bgp-type2", "origin"),
    *("client-neighbor", "reachable"),
}


def test_the_checks_are_in_the_order_of_the_report() -> None:
    assert [each.name for each in all_checks()] == ORDER
    assert all(one.order < two.order for one, two in pairwise(all_checks()))
    assert {each.name for each in all_checks() if each.decides} == DECIDING
    assert [each.name for each in all_checks() if each.alone] == ORDER[:8]


def test_the_findings_are_in_the_order_in_which_an_engineer_would_look() -> None:
    found = [(each.check, each.target) for each in judge_vip(subject()).findings]
    assert found[:9] == [*((name, "H1") for name in ORDER[:8]), ("package", "H2")]
    assert found[16:22] == [
        *[("master", "web"), ("vip-address", "H1"), ("vip-address", "H2"), ("preferred-master", "web")],
        *[("attachment", "H1"), ("attachment", "H2")],
    ]
    assert found[22:33] == [*((name, "L1") for name in ORDER[12:22]), ("neighbor", "L2")]
    assert found[-5:] == [
        ("origin", "web"),
        *[("client-neighbor", "I1"), ("reachable", "I1"), ("client-neighbor", "C1"), ("reachable", "C1")],
    ]


@dataclass(frozen=True)
class Point:
    """An entry point as importlib.metadata gives it."""

    name: str
    loaded: Any
    value: str = "mine:check"

    def load(self) -> Any:  # noqa: ANN401 - as it is there
        if isinstance(self.loaded, Exception):
            raise self.loaded
        return self.loaded


def made(judge: Callable[..., Finding], *, name: str = "motd", on: Target = Target.SERVER) -> RegisteredCheck[...]:
    return registered(name, on, reads="nothing", passes="always", fails="never")(judge)


def passing(_: Subject, server: Server) -> Finding:
    return Check(name="motd", target=server.name, evidence=(answer(server.name, "cat /etc/motd", "hello"),)).passes(
        "ok"
    )


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    def install(*points: Point) -> None:
        monkeypatch.setattr(checks, "entry_points", lambda group: points if group == "vipbook.checks" else ())
        forget()

    def forget() -> None:
        all_checks.cache_clear()
        user_checks.cache_clear()

    yield install
    forget()


def findings(verdict: VipVerdict, name: str) -> list[tuple[str, str, str]]:
    return [(each.target, str(each.status), each.message) for each in verdict.findings if each.check == name]


def test_a_check_of_a_user_is_judged_last_on_each_target(installed: Callable[..., None]) -> None:
    installed(Point("motd", made(passing)))
    assert all_checks()[-1].name == "motd"
    assert "motd" in check_names()
    verdict = judge_vip(subject())
    assert findings(verdict, "motd") == [("H1", "pass", "ok"), ("H2", "pass", "ok")]
    assert verdict.findings[-2:] == tuple(each for each in verdict.findings if each.check == "motd")
    assert (verdict.status, verdict.state) == (Status.PASS, VipState.HEALTHY)


def raising(_: Subject, server: Server) -> Finding:
    raise KeyError(server.name)


def without_evidence(_: Subject, server: Server) -> Finding:
    return Check(name="motd", target=server.name).passes("I am sure")


def of_another(_: Subject, server: Server) -> Finding:
    return Check(name="master", target="H9").fails(f"not on {server.name}")


@pytest.mark.parametrize(
    ("judge", "status", "message"),
    [
        pytest.param(raising, "unknown", "the check failed with KeyError: 'H1'", id="raises"),
        pytest.param(lambda *_: "pass", "unknown", "the check gave str instead of a finding", id="another type"),
        pytest.param(without_evidence, "unknown", "the check passed without evidence", id="no evidence"),
        pytest.param(of_another, "fail", "not on H1", id="under another name"),
    ],
)
def test_what_a_check_of_a_user_can_not_do(
    judge: Callable[..., Finding], status: str, message: str, installed: Callable[..., None]
) -> None:
    installed(Point("motd", made(judge)))
    verdict = judge_vip(subject())
    assert findings(verdict, "motd")[0] == ("H1", status, message)
    assert verdict.status == status
    assert verdict.state is VipState.HEALTHY
    assert len(findings(verdict, "master")) == 1


@pytest.mark.parametrize(
    ("points", "said"),
    [
        pytest.param(
            [Point("a", ImportError("no module 'mine'"))], "can't be loaded: ImportError: no mod", id="import"
        ),
        pytest.param([Point("a", passing)], "not a check; name a function with @registered", id="a plain function"),
        pytest.param([Point("a", made(passing, name="a/b"))], "not a check", id="a name that no id can hold"),
        pytest.param(
            [Point("a", made(passing, name="fdb"))], "there is a check 'fdb' already", id="the product's name"
        ),
        pytest.param([Point("a", made(passing)), Point("b", made(passing))], "entry point b = mine:check", id="twice"),
    ],
)
def test_an_entry_point_that_is_refused(points: list[Point], said: str, installed: Callable[..., None]) -> None:
    installed(*points)
    with pytest.raises(IntentError, match=r"of vipbook\.checks: ") as caught:
        all_checks()
    assert said in str(caught.value)


def ruled(facts: Subject, check: str, at_most: str) -> VipVerdict:
    rule = CheckRule(check=check, at_most=at_most, reason="until May")  # type: ignore[arg-type]
    return judge_vip(replace(facts, cluster=cluster(checks=(rule,))))


BROKEN = with_leaf(subject(), "L2", neighbors=(neighbor(MACS["H2"], remote=True),))


class TestRules:
    def test_a_check_that_is_switched_off_is_a_skip_with_the_reason(self) -> None:
        verdict = ruled(BROKEN, "neighbor", "skip")
        said = "switched off in the intent: until May"
        assert findings(verdict, "neighbor") == [(leaf, "skip", said) for leaf in ("L1", "L2", "L3")]
        assert all(each.overruled == "until May" for each in verdict.findings if each.check == "neighbor")
        assert not any(each.overruled for each in verdict.findings if each.check != "neighbor")

    def test_a_failure_that_is_downgraded_is_a_warning_with_the_reason(self) -> None:
        plain, found = (
            next(each for each in verdict.findings if (each.check, each.target) == ("neighbor", "L2"))
            for verdict in (judge_vip(BROKEN), ruled(BROKEN, "neighbor", "warn"))
        )
        assert (plain.status, found.status) == (Status.FAIL, Status.WARN)
        assert found.message == f"{plain.message} (a warning only, by the intent: until May)"
        assert (found.actual, found.evidence, found.overruled) == (plain.actual, plain.evidence, "until May")

    def test_what_passes_or_is_unknown_stays_so(self) -> None:
        """No evidence is never better than that, whatever the intent says."""
        assert ruled(subject(), "neighbor", "warn").findings == judge_vip(subject()).findings
        silent = with_server(subject(), "H1", later=GONE)
        assert {each.status for each in ruled(silent, "master", "warn").findings if each.check == "master"} == {
            Status.UNKNOWN
        }

    def test_a_vip_of_which_nothing_decides_any_more_is_unknown(self) -> None:
        rules = tuple(CheckRule(check=name, at_most="skip", reason="all off") for name in DECIDING)
        assert judge_vip(replace(subject(), cluster=cluster(checks=rules))).state is VipState.UNKNOWN

    def test_apply_goes_by_the_same_rules(self) -> None:
        facts = with_server(subject(), "H1", package=GONE)
        rule = CheckRule(check="package", at_most="skip", reason="built from source")
        said = first_wrong([cluster()], facts.desired, facts.servers["H1"])
        assert said is not None
        assert said.startswith("package: ")
        assert first_wrong([cluster(checks=(rule,))], facts.desired, facts.servers["H1"]) is None
