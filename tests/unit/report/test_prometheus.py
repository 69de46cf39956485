"""Metrics, alert rules and dashboard: what one names the other has, and promtool agrees."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from runbooks.process.report_files import write_report
from tasks.judge.vip import judge_vip
from tasks.model.verdict import Status
from tasks.report.document import document
from tasks.report.formats import rendered
from tests.unit.builders import MACS, neighbor, silent_server, subject, with_leaf
from tests.unit.report.test_document import DRILL, report

ROOT = Path(__file__).parents[3]
PROMTOOL = ROOT / ".tools" / "promtool"
RULES = ROOT / "templates" / "prometheus" / "vipbook.rules.yml"
DASHBOARD = ROOT / "templates" / "grafana" / "vipbook.json"
WHOLE = rendered("prom", document(report(command="drill", drill=DRILL)))
Sample = tuple[str, tuple[tuple[str, str], ...]]


def samples(text: str) -> dict[Sample, float]:
    return {
        (each.name, tuple(sorted(each.labels.items()))): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }


def value(text: str, name: str, **labels: str) -> float | None:
    return samples(text).get((f"vipbook_{name}", tuple(sorted(labels.items()))))


WEB = {"cluster": "web", "vip": "100.65.0.10"}
STALE = report(vips=(judge_vip(with_leaf(subject(), "L2", neighbors=(neighbor(MACS["H2"], remote=True),))),))
SILENT = report(
    vips=(judge_vip(replace(subject(), servers={name: silent_server(name) for name in ("H1", "H2")})),),
    answered=("L1", "L2", "L3", "I1", "C1"),
)


@pytest.mark.parametrize(
    ("text", "name", "labels", "expected"),
    [
        (WHOLE, "vip_state", WEB | {"state": "healthy"}, 1),
        (WHOLE, "vip_state", WEB | {"state": "split-brain"}, 0),
        (rendered("prom", document(STALE)), "vip_state", WEB | {"state": "stale-neighbor"}, 1),
        (rendered("prom", document(STALE)), "vip_state", WEB | {"state": "healthy"}, 0),
        (WHOLE, "vip_masters", WEB, 1),
        (rendered("prom", document(SILENT)), "vip_masters", WEB, None),
        (WHOLE, "checks", WEB | {"status": "fail"}, 0),
        (WHOLE, "duplicate_moves_left", WEB | {"leaf": "L1"}, 4),
        (WHOLE, "host_answered", {"host": "H1"}, 1),
        (rendered("prom", document(SILENT)), "host_answered", {"host": "H1"}, 0),
        (WHOLE, "outage_seconds", {"cluster": "web", "probe": "I1", "phase": "failover"}, 3.4123),
        (WHOLE, "outage_allowed_seconds", {"cluster": "web", "probe": "C1", "phase": "failover"}, 57.996),
        (WHOLE, "outage_seconds", {"cluster": "web", "probe": "I1", "phase": "failback"}, None),
        (WHOLE, "verdict", {"command": "drill", "verdict": "pass"}, 1),
        (rendered("prom", document(STALE)), "verdict", {"command": "verify", "verdict": "fail"}, 1),
        (WHOLE, "run_duration_seconds", {"command": "drill"}, 1.235),
        (WHOLE, "run_timestamp_seconds", {"command": "drill"}, 1767225601.235),
        (WHOLE, "last_success_timestamp_seconds", {"command": "drill"}, 1767225601.235),
        (rendered("prom", document(STALE)), "last_success_timestamp_seconds", {"command": "verify"}, None),
    ],
)
def test_a_metric(text: str, name: str, labels: dict[str, str], expected: float | None) -> None:
    assert value(text, name, **labels) == expected


def test_what_the_history_knew_stands_where_this_run_tells_nothing() -> None:
    at = "2025-12-31T23:00:00.000Z"
    outage = {"cluster": "web", "probe": "I1", "phase": "failover", "seconds": 3.1, "allowed_s": 4.996, "at": at}
    shape = document(STALE) | {"past": {"last_success_at": at, "last_outages": [outage]}}
    text = rendered("prom", shape)
    assert value(text, "last_success_timestamp_seconds", command="verify") == 1767222000.0
    assert value(text, "outage_seconds", cluster="web", probe="I1", phase="failover") == 3.1
    assert value(text, "outage_allowed_seconds", cluster="web", probe="I1", phase="failover") == 4.996


def test_nothing_of_the_process_is_in_it() -> None:
    assert {name for name, _ in samples(WHOLE)} == {name for name, _ in samples(WHOLE) if name.startswith("vipbook_")}


def test_no_verdict_is_all_zero() -> None:
    text = rendered("prom", document(report(vips=(), verdict=Status.UNKNOWN)))
    assert value(text, "verdict", command="verify", verdict="unknown") == 1


def test_the_file_is_for_another_user_and_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "vipbook.prom"
    target.write_text("old")
    write_report(f"prom:{target}", WHOLE)
    assert target.read_text() == WHOLE
    assert target.stat().st_mode & 0o777 == 0o644
    assert [each.name for each in tmp_path.iterdir()] == ["vipbook.prom"]


def expressions() -> Iterator[str]:
    rules = YAML(typ="safe").load(RULES.read_text())
    yield from (rule["expr"] for group in rules["groups"] for rule in group["rules"])
    board = json.loads(DASHBOARD.read_text())
    yield from (target["expr"] for panel in board["panels"] for target in panel["targets"])
    yield from (each["definition"] for each in board["templating"]["list"] if "definition" in each)


def test_rules_and_dashboard_name_what_exists_and_nothing_else() -> None:
    known: dict[str, set[str]] = {}
    for name, labels in samples(WHOLE):
        known.setdefault(name, set()).update(label for label, _ in labels)
    for text in expressions():
        names = re.findall(r"vipbook_\w+", text)
        assert names, text
        labels = {label for name in names for label in known[name]}
        used = set(re.findall(r"[{,(]\s*(\w+)\s*(?:=~|!=|!~|=|,\s*\w+\))", text))
        grouped = {each.strip() for group in re.findall(r"by \(([^)]*)\)", text) for each in group.split(",")}
        shown = set(re.findall(r",\s*(\w+)\)$", text)) if text.startswith("label_values") else set()
        assert (used | grouped | shown) - set(names) <= labels, text
    named = {label for text in [RULES.read_text(), DASHBOARD.read_text()] for label in re.findall(r"\$labels\.(\w+)|\{\{(\w+)\}\}", text)}  # fmt: skip  # noqa: E501
    assert {label for pair in named for label in pair if label} <= {
        label for found in known.values() for label in found
    }


@pytest.fixture
def promtool() -> Path:
    if not PROMTOOL.exists():
        assert "CI" not in os.environ, "make .tools/promtool"
        pytest.skip("no promtool here: make .tools/promtool")
    return PROMTOOL


def said(*words: str | Path, text: str = "") -> str:
    done = subprocess.run([*map(str, words)], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_promtool_accepts_the_metrics(promtool: Path) -> None:
    assert said(promtool, "check", "metrics", text=WHOLE) == ""


def test_promtool_accepts_the_rules_and_they_fire_when_they_should(promtool: Path, tmp_path: Path) -> None:
    assert "8 rules found" in said(promtool, "check", "rules", RULES)
    cases = tmp_path / "cases.yml"
    cases.write_text((ROOT / "tests" / "data" / "prometheus_rules_test.yml").read_text().replace("RULES", str(RULES)))
    assert "SUCCESS" in said(promtool, "test", "rules", cases)


def test_every_rule_has_a_case_in_which_it_fires_and_most_one_in_which_it_does_not() -> None:
    rules = {rule["alert"] for group in YAML(typ="safe").load(RULES.read_text())["groups"] for rule in group["rules"]}
    (cases,) = YAML(typ="safe").load((ROOT / "tests" / "data" / "prometheus_rules_test.yml").read_text())["tests"]
    fire = {each["alertname"] for each in cases["alert_rule_test"] if each["exp_alerts"]}
    silent = {each["alertname"] for each in cases["alert_rule_test"] if not each["exp_alerts"]}
    assert fire == silent == rules
