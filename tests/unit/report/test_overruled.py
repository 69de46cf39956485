"""A check that the intent switched off or downgraded: every report says so, with the reason."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console

from tasks.judge.vip import judge_vip
from tasks.model.cluster import CheckRule
from tasks.model.report import Report
from tasks.report.document import document
from tasks.report.formats import FORMATS, rendered
from tasks.report.screen.console import render_report
from tests.unit.builders import MACS, cluster, neighbor, subject, with_leaf
from tests.unit.report.test_document import report

REASON = "until the chip is replaced"


def ruled(at_most: str) -> Report:
    broken = with_leaf(subject(), "L2", neighbors=(neighbor(MACS["H2"], remote=True),))
    rule = CheckRule(check="neighbor", at_most=at_most, reason=REASON)  # type: ignore[arg-type]
    return report(vips=(judge_vip(replace(broken, cluster=cluster(checks=(rule,)))),))


@pytest.mark.parametrize("at_most", ["warn", "skip"])
@pytest.mark.parametrize("form", [each for each in FORMATS if each != "prom"])
def test_in_every_file_that_shows_checks(form: str, at_most: str) -> None:
    assert REASON in rendered(form, document(ruled(at_most)))


@pytest.mark.parametrize("at_most", ["warn", "skip"])
def test_on_the_screen_without_v(at_most: str) -> None:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(render_report(ruled(at_most)))
    lines = [line for line in captured.get().splitlines() if REASON in line]
    assert lines
    assert all(line.startswith(at_most) for line in lines)


def test_the_page_says_it_outside_of_the_table_that_hides_skipped_checks() -> None:
    page = rendered("html", document(ruled("skip")))
    assert f'<p class="quiet">neighbor on L2: switched off in the intent: {REASON}</p>' in page


def test_the_document_has_the_reason_where_there_is_one() -> None:
    checks = document(ruled("warn"))["clusters"][0]["vips"][0]["checks"]
    assert [each["id"] for each in checks if "overruled" in each] == ["web/100.65.0.10/neighbor/L2"]
    assert [each["status"] for each in checks if each.get("overruled") == REASON] == ["warn"]
