"""The JSON document that others rely on: keys, types, ids, and no secret in it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.judge.checks import all_checks
from tasks.judge.vip import judge_vip
from tasks.model.drilled import Drill, Event, Flagged, Measured, Outage, Probe, Stage
from tasks.model.plan import Outcome, ServerOutcome, ServerPlan, Step
from tasks.model.report import Report
from tasks.model.verdict import Finding, Status, VipState, VipVerdict
from tasks.model.written import stamp
from tasks.report.build import Reporter, judged_clusters, judged_stage
from tasks.report.document import document
from tasks.report.evidence import Evidences
from tasks.report.screen.catalogue import catalogue_document
from tests.unit.builders import AT, GONE, MACS, answer, neighbor, silent_server, subject, with_leaf, with_server

HOSTS = ("H1", "H2", "L1", "L2", "L3", "I1", "C1")
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")


def report(*, command: str = "verify", vips: Sequence[VipVerdict] | None = None, **changed: Any) -> Report:  # noqa: ANN401
    """A report of verdicts, a healthy VIP's when none are given; `changed` are parts of it as runbooks give them."""
    verdicts = (judge_vip(subject()),) if vips is None else vips
    later = {key: changed.pop(key) for key in ("waited_s", "settled_s", "interrupted") if key in changed}
    parts: dict[str, Any] = {
        "asked": HOSTS,
        "answered": HOSTS,
        "clusters": judged_clusters(verdicts, changed.pop("fabrics", {})),
        "servers": () if command in {"plan", "apply", "rollback"} else None,
    }
    return replace(Reporter(command, AT).report(**(parts | changed)), duration_s=1.23456, **later)


def stage(name: str, *vips: VipVerdict) -> Stage:
    return judged_stage(name, vips, Evidences())


OUTAGE = Outage(
    phase="failover",
    seconds=3.41234567,
    sent=800,
    lost=341,
    resolution_s=0.0100001,
    bound_s=(2.99609375, 4.99609375),
    within_bound=True,
    began_s=0.25,
)
BACK = replace(OUTAGE, phase="failback", seconds=0.0, lost=0, began_s=None)
UNMEASURED = replace(BACK, measured=False, within_bound=False)
DRILL = Drill(
    fault="link-down",
    target="H1",
    tripped_at=AT - timedelta(seconds=0.25),
    probe=Probe(host="I1", interval_s=0.01),
    outages=(OUTAGE, UNMEASURED),
    probes=(
        Measured(host="I1", interval_s=0.01, on_link=False, outages=(OUTAGE, UNMEASURED)),
        Measured(
            host="C1", interval_s=0.01, on_link=True, outages=(replace(OUTAGE, bound_s=(2.99609375, 57.996)), BACK)
        ),
    ),
    flagged_duplicate=Flagged(before=("L2",), after=("L1", "L2")),
    timeline=(Event(at=AT, offset_s=-0.00049, host="H1", source="fault", event="enp0s8 down"),),
    stages=(stage("before", judge_vip(subject())),),
    restored=True,
)


def test_verify() -> None:
    shape = document(report())
    assert list(shape) == ["schema", "command", "started_at", "duration_s", "verdict", "hosts", "clusters"]
    assert (shape["schema"], shape["command"], shape["verdict"]) == (1, "verify", "pass")
    assert (shape["started_at"], shape["duration_s"]) == ("2026-01-01T00:00:00.000Z", 1.235)
    assert shape["hosts"] == {"asked": list(HOSTS), "answered": list(HOSTS)}
    ((cluster,), (vip,)) = shape["clusters"], shape["clusters"][0]["vips"]
    assert (cluster["name"], list(cluster)) == ("web", ["name", "vips"])
    assert {key: vip[key] for key in ("address", "state", "owner", "mac")} == {
        "address": "100.65.0.10",
        "state": "healthy",
        "owner": "H1",
        "mac": "08:00:27:7d:af:b4",
    }
    assert json.loads(json.dumps(shape)) == shape, "plain values only"


def test_every_check_has_the_promised_keys_and_types() -> None:
    (vip,) = document(report())["clusters"][0]["vips"]
    keys = ("id", "check", "target", "status", "message", "expected", "actual")
    for check in vip["checks"]:
        assert all(type(check[key]) is str for key in keys)
        assert check["id"] == f"web/100.65.0.10/{check['check']}/{check['target']}"
        assert check["status"] in {"pass", "warn", "fail", "unknown", "skip"}
        for evidence in check["evidence"]:
            assert all(type(evidence[key]) is str for key in ("host", "command", "observed_at", "output"))
            assert STAMP.match(evidence["observed_at"])


def test_ids_are_unique_and_the_same_from_run_to_run() -> None:
    def ids(made: Report) -> list[str]:
        return [check["id"] for each in document(made)["clusters"] for vip in each["vips"] for check in vip["checks"]]

    healthy = ids(report())
    assert len(set(healthy)) == len(healthy) > 20
    broken = with_leaf(with_server(subject(), "H1", firewall=GONE), "L1", neighbors=())
    silent = replace(subject(), servers={name: silent_server(name) for name in ("H1", "H2")})
    assert ids(report(vips=(judge_vip(broken),))) == healthy
    assert ids(report(vips=(judge_vip(silent),))) == healthy


def test_nobody_bears_the_vip() -> None:
    silent = replace(subject(), servers={name: silent_server(name) for name in ("H1", "H2")})
    (vip,) = document(report(vips=(judge_vip(silent),)))["clusters"][0]["vips"]
    assert (vip["owner"], vip["mac"], vip["state"]) == (None, None, "unknown")
    (vip_of_gone,) = document(report(vips=(judge_vip(silent),), answered=("L1",)))["clusters"][0]["vips"]
    assert all(check["evidence"] == [] for check in vip_of_gone["checks"] if check["message"] == GONE.reason)


def test_every_state_of_the_contract_and_no_other() -> None:
    assert {str(state) for state in VipState} == {
        "healthy",
        "no-master",
        "split-brain",
        "stale-neighbor",
        "not-learned",
        "wrong-location",
        "not-advertised",
        "black-hole",
        "unknown",
    }


def test_without_a_check_the_verdict_is_unknown() -> None:
    shape = document(report(vips=()))
    assert (shape["verdict"], shape["clusters"]) == ("unknown", [])


def test_two_vips_of_one_cluster_stand_together() -> None:
    one = judge_vip(subject())
    shape = document(report(vips=(one, replace(one, cluster="db"), one)))
    assert [(each["name"], len(each["vips"])) for each in shape["clusters"]] == [("web", 2), ("db", 1)]


def test_drill() -> None:
    shape = document(report(command="drill", drill=DRILL))
    drill = shape["drill"]
    assert {key: drill[key] for key in ("fault", "target", "probe", "restored")} == {
        "fault": "link-down",
        "target": "H1",
        "probe": {"from": "I1", "interval_s": 0.01},
        "restored": True,
    }
    failover, failback = drill["outages"]
    assert {key: failover[key] for key in ("phase", "seconds", "sent", "lost", "resolution_s", "bound_s")} == {
        "phase": "failover",
        "seconds": 3.4123,
        "sent": 800,
        "lost": 341,
        "resolution_s": 0.01,
        "bound_s": [2.996, 4.996],
    }
    assert (failover["within_bound"], failover["measured"]) == (True, True)
    assert (failback["within_bound"], failback["measured"]) == (False, False)
    routed, client = drill["probes"]
    assert (routed["from"], routed["same_subnet"], routed["outages"]) == ("I1", False, drill["outages"])
    assert (client["from"], client["same_subnet"], client["interval_s"]) == ("C1", True, 0.01)
    assert [each["bound_s"] for each in client["outages"]] == [[2.996, 57.996], [2.996, 4.996]]
    assert drill["flagged_duplicate"] == {"before": ["L2"], "after": ["L1", "L2"]}
    (event,) = drill["timeline"]
    assert event == {
        "at": "2026-01-01T00:00:00.000Z",
        "offset_s": -0.0,
        "host": "H1",
        "source": "fault",
        "event": "enp0s8 down",
    }
    assert json.loads(json.dumps(shape)) == shape


def test_plan_and_apply() -> None:
    step = Step(topic="config", summary="replace", diff="-a\n+b")
    done = ServerOutcome(host="H1", outcome=Outcome.PLANNED, plan=ServerPlan(host="H1", steps=(step,), notes=("n",)))
    idle = ServerOutcome(host="H2", outcome=Outcome.REFUSED, plan=ServerPlan(host="H2", refusal="ufw in charge"))
    shape = document(report(command="plan", servers=(done, idle), vips=(), verdict=Status.WARN))
    assert (shape["changed"], shape["verdict"]) == (True, "warn")
    assert shape["servers"] == [
        {
            "host": "H1",
            "outcome": "planned",
            "reason": "",
            "stands": "as before",
            "changes": [{"topic": "config", "summary": "replace", "diff": "-a\n+b"}],
            "notes": ["n"],
        },
        {
            "host": "H2",
            "outcome": "refused",
            "reason": "ufw in charge",
            "stands": "as before",
            "changes": [],
            "notes": [],
        },
    ]
    assert document(report(command="apply", servers=(idle,)))["changed"] is False
    assert "servers" not in document(report())


STALE = with_leaf(subject(), "L2", neighbors=(neighbor(MACS["H2"], remote=True),))


def test_known_causes() -> None:
    (vip,) = document(report(vips=(judge_vip(STALE),)))["clusters"][0]["vips"]
    (cause,) = vip["known_causes"]
    assert (cause["id"], cause["host"], cause["reference"]) == ("neighbor-not-replaced", "L2", "Cumulus 2803044")
    assert cause["advice"] == ["on L2: sudo ip neigh del 100.65.0.10 dev vlan100"]
    assert MACS["H2"].text in cause["explanation"]
    (healthy,) = document(report())["clusters"][0]["vips"]
    assert healthy["known_causes"] == []


@pytest.mark.parametrize(
    ("settled", "shown"),
    [
        ({"L1": 0.50049, "L2": 3.0}, {"L1": 0.5, "L2": 3.0}),
        ({}, {}),  # nothing ever held
    ],
)
def test_when_each_target_began_to_hold(settled: dict[str, float], shown: dict[str, float]) -> None:
    assert document(report(waited_s=4.0, settled_s=settled))["settled_s"] == shown
    assert "settled_s" not in document(report()), "only a wait has something to settle"


@pytest.mark.parametrize(
    ("given", "key", "value"),
    [
        ({"waited_s": 2.00049}, "waited_s", 2.0),
        ({"reason": "why"}, "reason", "why"),
        ({"interrupted": True}, "interrupted", True),
    ],
)
def test_keys_that_come_when_there_is_something_to_say(given: dict[str, Any], key: str, value: object) -> None:
    assert document(report(**given))[key] == value
    assert key not in document(report())


SECRETS = [
    "auth_pass hunter22",
    "authentication { auth_type PASS auth_pass hunter22 }",
    '{"auth_type":1,"auth_data":"hunter22"}',
    '{\n  "auth_data" : "hunter22"\n}',
    'auth_pass "hunter22"',
]


@pytest.mark.parametrize("text", SECRETS)
def test_no_secret_gets_into_the_document(text: str) -> None:
    evidence = (answer("H1", "cat", text), answer("H1", "cat", "", 1, text))
    finding = Finding(check="config", target="H1", status=Status.FAIL, message=text, expected=text, actual=text, evidence=evidence)  # fmt: skip  # noqa: E501
    verdict = replace(judge_vip(subject()), findings=(finding,))
    outcome = ServerOutcome(host="H1", outcome=Outcome.ROLLED_BACK, plan=ServerPlan(host="H1"), reason=text)
    whole = report(command="apply", vips=(verdict,), servers=(outcome,), reason=text)
    shown = json.dumps(document(whole))
    assert "hunter22" not in shown
    assert "***" in shown


@pytest.mark.parametrize("text", SECRETS)
def test_no_secret_gets_in_by_a_diff_an_event_or_a_stage(text: str) -> None:
    step = Step(topic="config", summary="x", diff=f"-{text}\n+{text}")
    outcome = ServerOutcome(
        host="H1", outcome=Outcome.PLANNED, plan=ServerPlan(host="H1", steps=(step,), notes=(text,))
    )
    event = Event(at=AT, offset_s=0, host="H1", source="keepalived", event=text)
    finding = Finding(check="a", target="b", status=Status.FAIL, message=text)
    wrong = stage("x", replace(judge_vip(subject()), findings=(finding,)))
    drill = replace(DRILL, timeline=(event,), stages=(wrong,))
    assert "hunter22" not in json.dumps(document(report(command="apply", servers=(outcome,), drill=drill)))


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (AT, "2026-01-01T00:00:00.000Z"),
        (AT + timedelta(microseconds=1999), "2026-01-01T00:00:00.001Z"),
        (datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), "2026-12-31T23:59:59.999Z"),
    ],
)
def test_stamp(at: datetime, text: str) -> None:
    assert stamp(at) == text


def test_the_catalogue_as_values() -> None:
    entries = catalogue_document(all_checks())
    assert [each["check"] for each in entries] == [each.name for each in all_checks()]
    assert all(set(each) == {"check", "target", "reads", "passes", "fails", "decides"} for each in entries)
    assert all(text for each in entries for key, text in each.items() if key != "decides")
