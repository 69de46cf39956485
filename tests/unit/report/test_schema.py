"""The published shape of the report: what vipbook writes fits it, and what is none is refused."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import jsonschema
import pytest

from tasks.intent.outages import expected_outages
from tasks.judge.fabric_map import map_fabric
from tasks.judge.vip import judge_vip
from tasks.model.errors import IntentError
from tasks.model.plan import Outcome, ServerOutcome, ServerPlan, Step
from tasks.model.report import Report
from tasks.model.verdict import Status
from tasks.model.window import WindowResult
from tasks.report.document import document, json_schema, read_report, report_of
from tests.unit.builders import AT, GONE, MACS, cluster, neighbor, silent_server, subject, with_leaf
from tests.unit.judge.snapshot.test_comparison import HEALTHY, compared
from tests.unit.report.test_document import DRILL, report

STALE = judge_vip(with_leaf(subject(), "L2", neighbors=(neighbor(MACS["H2"], remote=True),)))
SILENT = judge_vip(replace(subject(), servers={name: silent_server(name) for name in ("H1", "H2")}))
OPENED = WindowResult(name="swap", action="open", opened_at=AT, expected=("web moves to H2",), accepted_failing=False)
MOVED = compared(HEALTHY, with_leaf(HEALTHY, "L2", fdb=GONE, neighbors=()), "web moves to H2")
CLOSED = replace(
    OPENED,
    action="close",
    verdict=MOVED.verdict,
    bundle="/var/lib/vipbook/windows/swap.tar.gz",
    **{each.name: getattr(MOVED, each.name) for each in fields(MOVED)},
)
STEP = Step(topic="config", summary="replace", diff="-a\n+b")
REPORTS: dict[str, Report] = {
    "verify": report(fabrics={"web": map_fabric(subject())}),
    "stale": report(vips=(STALE,)),
    "silent": report(vips=(SILENT,), answered=()),
    "waited": report(waited_s=4.0, settled_s={"L1": 0.5}),
    "nothing": report(vips=()),
    "lint": report(command="lint", asked=(), answered=(), vips=(), verdict=Status.PASS, reason="nothing to mend"),
    "lint --timers": report(
        command="lint", asked=(), answered=(), vips=(), verdict=Status.PASS, timers=tuple(expected_outages(cluster()))
    ),
    "plan": report(
        command="plan",
        servers=tuple(
            ServerOutcome(
                host=f"H-{each}", outcome=each, plan=ServerPlan(host=f"H-{each}", steps=(STEP,), notes=("n",))
            )
            for each in Outcome
        ),
    ),
    "window opened": report(command="window", window=OPENED),
    "window closed": report(command="window", window=CLOSED, verdict=Status.FAIL, reason="collateral"),
    "drill": report(command="drill", drill=DRILL, fabrics={"web": map_fabric(subject())}),
}


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_fits_the_published_schema(name: str) -> None:
    jsonschema.validate(document(REPORTS[name]), json_schema(), jsonschema.Draft202012Validator)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    assert json_schema()["title"] == "vipbook report"


def strict(schema: Any) -> Any:  # noqa: ANN401
    """The same schema, by which no key may be written that it does not declare."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {"additionalProperties": False} if "properties" in schema else {}
    return {key: strict(each) for key, each in schema.items()} | closed


@pytest.mark.parametrize("name", REPORTS)
def test_no_key_is_written_that_the_schema_does_not_declare(name: str) -> None:
    jsonschema.validate(document(REPORTS[name]), strict(json_schema()), jsonschema.Draft202012Validator)


@pytest.mark.parametrize("name", REPORTS)
def test_a_stored_report_is_read_back_as_it_was(name: str) -> None:
    shape = document(REPORTS[name])
    assert read_report(json.dumps(shape), "x.json") == report_of(shape)


def test_what_a_newer_version_adds_is_let_through() -> None:
    shape = document(report()) | {"weather": "fine"}
    assert read_report(json.dumps(shape), "x.json") == report_of(document(report()))


def changed(**keys: Any) -> str:  # noqa: ANN401
    return json.dumps(document(report()) | keys)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "x.json: not a vipbook report: Invalid JSON"),
        ("{}", "x.json: not a vipbook report: schema: Field required"),
        ("[]", "not a vipbook report"),
        ("null", "not a vipbook report"),
        (json.dumps(document(report()))[:-40], "Invalid JSON"),
        (changed(schema=2), "schema: Input should be 1"),
        (changed(verdict="fine"), "verdict: Input should be 'pass', 'warn', 'fail' or 'unknown'"),
        (changed(verdict="skip"), "verdict: Input should be"),
        (changed(hosts=["H1"]), "hosts: "),
        (changed(clusters=[{"name": "web", "vips": [{}]}]), "clusters.0.vips.0.address: Field required"),
        (changed(started_at="yesterday"), "started_at: "),
        (changed(duration_s=None), "duration_s: "),
    ],
)
def test_what_is_no_report_is_refused(text: str, said: str) -> None:
    with pytest.raises(IntentError) as caught:
        read_report(text, "x.json")
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 3
