"""The forms that are text: JUnit, Markdown, CSV. Read back by other parsers, and hostile output stays text."""

from __future__ import annotations

import csv
import io
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import pytest
from junitparser import JUnitXml

from tasks.judge.vip import judge_vip
from tasks.model.plan import Outcome, ServerOutcome, ServerPlan, Step
from tasks.model.report import Report
from tasks.model.verdict import Finding, Status
from tasks.report.document import document, report_of
from tasks.report.escape import cell, fenced, markdown
from tasks.report.formats import FORMATS, rendered
from tests.unit.builders import MACS, answer, neighbor, subject, with_leaf
from tests.unit.report.test_document import DRILL, SECRETS, report
from tests.unit.report.test_schema import REPORTS

TEXTS = [form for form in FORMATS if form != "html"]


def made(name: str, form: str) -> str:
    return rendered(form, document(REPORTS[name]))


def shape(name: str) -> Report:
    return report_of(document(REPORTS[name]))


def checks(found: Report) -> list[Any]:
    stages = found.drill.stages[:-1] if found.drill is not None else ()
    clusters = [*found.clusters, *(cluster for stage in stages for cluster in stage.clusters)]
    return [check for cluster in clusters for vip in cluster.vips for check in vip.checks]


@pytest.mark.parametrize("form", TEXTS)
@pytest.mark.parametrize("name", REPORTS)
def test_every_report_has_every_form_and_the_same_each_time(name: str, form: str) -> None:
    assert made(name, form)
    assert made(name, form) == made(name, form)


@pytest.mark.parametrize("name", REPORTS)
class TestJunit:
    def test_one_testcase_a_check_and_no_name_twice(self, name: str) -> None:
        root = ET.fromstring(made(name, "junit"))
        cases = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
        assert len(set(cases)) == len(cases) > 0
        judged = [case for case in cases if re.match(r"(\w+\.)?web\.", str(case[0]))]
        assert len(judged) == len(checks(shape(name)))

    def test_results_say_what_the_checks_say(self, name: str) -> None:
        root = ET.fromstring(made(name, "junit"))
        found = checks(shape(name))
        for status, tag in (("fail", "failure"), ("unknown", "error"), ("skip", "skipped")):
            said = [each for suite in root for case in suite for each in case if each.tag == tag and "web." in str(case.get("classname"))]  # fmt: skip  # noqa: E501
            assert len(said) == sum(check.status == status for check in found)

    def test_the_counts_are_those_of_the_cases(self, name: str) -> None:
        text = made(name, "junit")
        root, parsed = ET.fromstring(text), JUnitXml.fromstring(text.encode())
        for tag, count in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert int(root.get(count, "0")) == len(list(root.iter(tag)))
        assert int(root.get("tests", "0")) == len(list(root.iter("testcase"))) == parsed.tests

    def test_it_is_red_where_the_verdict_is(self, name: str) -> None:
        root = ET.fromstring(made(name, "junit"))
        red = bool(list(root.iter("failure"))) or bool(list(root.iter("error")))
        if shape(name).verdict in {"fail", "unknown"}:
            assert red


def test_nothing_judged_is_no_green_file() -> None:
    root = ET.fromstring(made("nothing", "junit"))
    assert [each.get("message") for each in root.iter("error")] == ["nothing was judged: unknown"]


def test_a_lint_that_passes_is_green() -> None:
    assert not list(ET.fromstring(made("lint", "junit")).iter("error"))


def test_a_host_without_an_answer_is_an_error() -> None:
    root = ET.fromstring(made("silent", "junit"))
    assert {case.get("name") for case in root.iter("testcase") if case.get("classname") == "hosts"} >= {"H1", "L1"}


HOSTILE = "a | b <script>alert(1)</script> `x` ```\n# head\x1b[31m \x00 ]]> & *b* [l](http://x) =1+1"


def hostile() -> Report:
    finding = Finding(check="config", target="H1", status=Status.FAIL, message=HOSTILE, expected=HOSTILE, actual=HOSTILE, evidence=(answer("H1", HOSTILE, HOSTILE),))  # fmt: skip  # noqa: E501
    step = Step(topic="config", summary=HOSTILE, diff=f"-{HOSTILE}\n+```")
    plan = ServerPlan(host="H1", steps=(step,), notes=(HOSTILE,))
    outcome = ServerOutcome(host="H1", outcome=Outcome.ROLLED_BACK, plan=plan, reason=HOSTILE)
    return report(command="apply", vips=(replace(judge_vip(subject()), findings=(finding,)),), servers=(outcome,))


def test_hostile_output_is_text_in_xml() -> None:
    root = ET.fromstring(rendered("junit", document(hostile())))
    texts = [each.text or "" for each in root.iter("failure")]
    assert any("<script>alert(1)</script>" in text for text in texts)
    assert not any(sign in text for text in texts for sign in "\x00\x1b")


def test_hostile_output_breaks_no_table_and_no_fence() -> None:
    text = rendered("markdown", document(hostile()))
    outside = re.sub(r"(?ms)^(`{3,})diff\n.*?^\1$", "", text)
    assert "<script>" not in outside
    assert "[l](http" not in outside
    rows = [line for line in outside.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5}
    assert [line for line in outside.splitlines() if line.startswith("# ")] == ["# vipbook apply: FAIL"]


def test_hostile_output_is_one_cell() -> None:
    text = rendered("csv", document(hostile()))
    (head, row) = list(csv.reader(io.StringIO(text)))
    assert len(head) == len(row) == 12
    assert row[head.index("message")].startswith("a | b <script>")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+x", "'+x"),
        ("-x", "'-x"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("  =1", "'  =1"),
        (" \t+1", "' \t+1"),
        ("\r\n=1", "'\n=1"),
        ("\n=1", "'\n=1"),
        ("\xa0-1", "'\\xa0-1"),
        ("\u3000@x", "'\\u3000@x"),
        ("\u2028=1", "'\\u2028=1"),
        ("\ufeff=1", "'\\ufeff=1"),
        ("\u200b=1", "'\\u200b=1"),
        ("\x00 =1", "'\\x00 =1"),
        ("\uff1d1", "'\uff1d1"),
        ("\uff0b1", "'\uff0b1"),
        ("\uff0d1", "'\uff0d1"),
        ("\uff20x", "'\uff20x"),
        ("\ufe631", "'\ufe631"),
        ("\u22121", "'\u22121"),
        ("a=1", "a=1"),
        (" a", " a"),
        (" ", " "),
        ("", ""),
        ("x\x00y", r"x\x00y"),
    ],
)
def test_no_cell_is_a_formula(text: str, shown: str) -> None:
    assert cell(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a|b", r"a\|b"), ("a\nb\r\nc", "a b c"), ("<b>", r"\<b\>"), ("*x*", r"\*x\*"), ("a\\|", r"a\\\|"), ("", "")],
)
def test_markdown_of_a_line(text: str, shown: str) -> None:
    assert markdown(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("@all look", "`@all` look"),
        ("(@user)", r"\(`@user`\)"),
        ("seen by a.b@example.org", "seen by `a.b@example.org`"),
        ("vrrp11@enp0s8 is up", "`vrrp11@enp0s8` is up"),
        ("fixes #12, user/repo#3, !4, GH-5", "fixes `#12,` `user/repo#3,` `!4,` `GH-5`"),
        ("see https://h/?a=1 and www.h", "see `https://h/?a=1` and `www.h`"),
        ("![i](http://h/x.png)", r"\!\[i\]\(`http://h/x.png`\)"),
        ("<http://h>", r"\<`http://h`\>"),
        ("a|@b|c", r"a\|`@b`\|c"),
        ("`@x`", r"\``@x`\`"),
        ("00:ab:00:11:22:33 on swp1", "`00:ab:00:11:22:33` on swp1"),
        ("<!-- x --> </details>", r"\<\!\-\- x \-\-\> \</details\>"),
        ("$\\phantom{x}$", r"\$\\phantom\{x\}\$"),
        ("abc\u202edef", r"abc\\u202edef"),
        ("a\u2066b\u200bc\ufeff", r"a\\u2066b\\u200bc\\ufeff"),
        ("a\U000e0041", r"a\\U000e0041"),
        ("a\u2028# b", r"a\\u2028\# b"),
        ("1. first", r"1\. first"),
        ("/close", r"\/close"),
        (" \n/assign me", r"\/assign me"),
        ("/ab /cd", r"\/ab /cd"),
        ("/x@y", "`/x@y`"),
        ("100.65.0.10 on H1", "100.65.0.10 on H1"),
        ("L1: zebra", "L1: zebra"),
        ("caf\u00e9", "caf\u00e9"),
    ],
)
def test_markdown_tells_nobody_and_hides_nothing(text: str, shown: str) -> None:
    assert markdown(text) == shown


def test_a_fence_is_longer_than_what_is_in_it() -> None:
    assert fenced("a\n````\nb", "diff") == "`````diff\na\n````\nb\n`````"
    assert fenced("``\x00``") == "```\n``\\x00``\n```", "nothing is taken out: no fence comes together by that"
    assert fenced("a\u202eb") == "```\na\\u202eb\n```"


@pytest.mark.parametrize("sign", ["a", "@", ":", "`", "\u202e", " ", "=", "#1"])
def test_a_long_text_takes_no_longer_than_its_length(sign: str) -> None:
    """Each sign is looked at a fixed number of times: twice as much text makes at most twice as much of everything."""
    short, long = markdown(sign * 20_000), markdown(sign * 40_000)
    assert len(long) <= 2 * len(short) + 2


@pytest.mark.parametrize("name", REPORTS)
def test_csv_has_a_row_a_check(name: str) -> None:
    head, *rows = list(csv.reader(io.StringIO(made(name, "csv"))))
    assert len(rows) == len(checks(shape(name)))
    assert all(len(row) == len(head) for row in rows)
    keys = [(row[head.index("stage")], row[head.index("id")]) for row in rows]
    assert len(set(keys)) == len(keys)


STALE = judge_vip(with_leaf(subject(), "L2", neighbors=(neighbor(MACS["H2"], remote=True),)))


def test_markdown_says_what_is_wrong_first_and_what_to_do() -> None:
    text = rendered("markdown", document(report(vips=(STALE,))))
    lines = text.splitlines()
    assert lines[0] == "# vipbook verify: FAIL"
    assert lines[2].startswith("neighbor L2")
    rows = [line for line in lines if line.startswith("| ") and "status" not in line]
    assert rows[0].startswith("| fail")
    assert rows[-1].startswith("| pass")
    assert "**Known cause neighbor\\-not\\-replaced on L2**" in text
    assert "1. on L2: sudo ip neigh del 100.65.0.10 dev vlan100" in text


def test_markdown_of_a_drill_and_of_a_window() -> None:
    drill = rendered("markdown", document(report(command="drill", drill=DRILL)))
    assert "| I1 | failover | 3.412 s ± 0.010 | 2.996 to 4.996 s | 341 of 800 | within |" in drill
    assert "| I1 | failback | not measured |" in drill
    window = made("window closed", "markdown")
    assert "## Window swap: NO\\-GO" in window or "## Window swap: NO-GO" in window
    assert "**did not happen**: web moves to H2" in window


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("text", SECRETS)
def test_no_form_shows_a_secret(form: str, text: str) -> None:
    evidence = (answer("H1", "cat", text),)
    finding = Finding(check="config", target="H1", status=Status.FAIL, message=text, expected=text, actual=text, evidence=evidence)  # fmt: skip  # noqa: E501
    made_of = report(vips=(replace(judge_vip(subject()), findings=(finding,)),), reason=text)
    assert "hunter22" not in rendered(form, document(made_of))
