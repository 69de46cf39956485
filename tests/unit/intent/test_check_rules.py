"""Checks that an intent switches off or downgrades: the name, the word and the reason are checked."""

from __future__ import annotations

import pytest

from tasks.intent.load import Intent, load_intent
from tasks.model.cluster import CheckRule
from tasks.model.errors import IntentError
from tests.unit.intent.lint.test_keepalived import MORE, keys

NAMES = {"fdb", "sysctl", "attachment"}


def load(rules: str, *more: str) -> Intent:
    text = keys(f"checks: {rules}", *more)
    return load_intent(text, "c.yaml", lambda entry: entry.clear or "", need_secrets=True, checks=lambda: NAMES)


def test_every_instance_of_the_cluster_has_the_rules() -> None:
    intent = load(
        "{fdb: {at_most: warn, reason: new chip}, sysctl: {at_most: skip, reason: 'in a #container'}}", MORE % ""
    )
    rules = (
        CheckRule(check="fdb", at_most="warn", reason="new chip"),
        CheckRule(check="sysctl", at_most="skip", reason="in a #container"),
    )
    assert [each.checks for each in intent.clusters] == [rules, rules]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        pytest.param(
            "{fbd: {at_most: skip, reason: x}}",
            "clusters.web.checks.fbd: no such check; accepted: attachment, fdb, sysctl",
            id="no such check",
        ),
        pytest.param("{fdb: {at_most: pass, reason: x}}", "clusters.web.checks.fdb.at_most: ", id="never a pass"),
        pytest.param("{fdb: {at_most: skip}}", "checks.fdb.reason: missing; add this key", id="without a reason"),
        pytest.param("{fdb: {at_most: skip, reason: ''}}", "one line of 1 to 200 characters", id="an empty reason"),
        pytest.param('{fdb: {at_most: skip, reason: "a\\nb"}}', "one line of 1 to 200 characters", id="two lines"),
        pytest.param("{fdb: skip}", "clusters.web.checks.fdb: ", id="a bare word"),
        pytest.param(
            "{fdb: {at_most: skip, reason: x, until: may}}",
            "clusters.web.checks.fdb.until: unknown key; accepted: at_most, reason",
            id="another key",
        ),
    ],
)
def test_a_rule_that_is_wrong(rules: str, said: str) -> None:
    with pytest.raises(IntentError) as caught:
        load(rules)
    (problem,) = caught.value.problems
    assert problem.startswith("c.yaml:")
    assert said in problem
