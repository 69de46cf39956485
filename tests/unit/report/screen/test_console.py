"""The report on a screen of any width."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console, RenderableType

from tasks.judge.checks import all_checks
from tasks.judge.vip import judge_vip
from tasks.model.plan import Outcome, ServerOutcome, ServerPlan, Step
from tasks.model.report import Report
from tasks.model.verdict import Finding, KnownCause, Status
from tasks.report.document import document
from tasks.report.screen.catalogue import render_catalogue
from tasks.report.screen.console import render_report
from tests.unit.builders import (
    GONE,
    MACS,
    VTEPS,
    answer,
    client_facts,
    cluster,
    neighbor,
    ping,
    silent_leaf,
    subject,
    with_leaf,
    with_probe,
    with_server,
)
from tests.unit.report.test_document import DRILL, SECRETS, report, stage

WIDTHS = [40, 80, 120]


def shown(renderable: RenderableType, width: int = 120) -> str:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False, color_system=None).print(renderable, crop=False)
    return out.getvalue()


def folded(text: str) -> str:
    """Everything that was printed, without the blanks and line breaks of the layout."""
    return "".join(text.split())


ONE_CLIENT = replace(subject(), cluster=cluster(probes=("C1",)))
REPORTS = {
    "healthy": report(),
    "stale": report(vips=(judge_vip(with_leaf(subject(), "L2", neighbors=())),)),
    "silent": report(
        vips=(judge_vip(replace(subject(), leaves={leaf: silent_leaf(leaf) for leaf in VTEPS})),),
        answered=("H1", "H2", "I1", "C1"),
    ),
    "black hole": report(vips=(judge_vip(with_probe(subject(), "I1", pings=ping(0))),)),
    "mute probe": report(vips=(judge_vip(with_probe(subject(), "I1", pings=GONE)),)),
    "stale client": report(vips=(judge_vip(replace(ONE_CLIENT, probes={"C1": client_facts(MACS["H2"])})),)),
    "drill": report(command="drill", drill=DRILL, reason="no reason"),
    "nothing": report(vips=(), asked=(), answered=()),
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", REPORTS)
def test_every_width_shows_the_verdict_and_every_problem(name: str, width: int) -> None:
    made = REPORTS[name]
    text = shown(render_report(made), width)
    assert made.status.upper() in text
    assert all(len(line) <= width for line in text.splitlines())
    wrong = [each for vip in made.vips for each in vip.checks if each.status in {Status.FAIL, Status.UNKNOWN}]
    assert text.count("fail") >= sum(each.status is Status.FAIL for each in wrong)
    for each in wrong:
        # What one host that did not answer left unknown is one row.
        assert each.check in text or folded(each.message) in folded(text)
    if width == 120:
        for each in wrong:
            assert folded(each.message) in folded(text)


def test_who_did_not_answer_is_named() -> None:
    text = shown(render_report(REPORTS["silent"]))
    assert "no answer: L1, L2, L3" in text
    assert "4 of 7 hosts answered" in text


@pytest.mark.parametrize(("verbose", "there"), [(False, False), (True, True)])
def test_skipped_checks_show_when_asked_for(verbose: bool, there: bool) -> None:  # noqa: FBT001
    text = shown(render_report(report(), verbose=verbose))
    assert ("gateway-neighbor" in text) is there
    assert "7 skip" in text


def test_a_failing_check_says_what_was_expected_and_found() -> None:
    text = shown(render_report(report(vips=(judge_vip(with_server(subject(), "H2", service=GONE)),))))
    assert "unknown" in text
    broken = judge_vip(with_leaf(subject(), "L2", neighbors=()))
    text = shown(render_report(report(vips=(broken,))))
    assert "L2 has no neighbor 100.65.0.10" in text
    assert "expected 100.65.0.10 on vlan100: 08:00:27:7d:af:b4 behind VTEP 10.255.0.11 (L1)" in text
    assert "found    no entry" in text
    assert "not-learned" in text


@pytest.mark.parametrize("text", ["[bold]x[/bold]", "[/]", "[red]", "\\[x]", ":smile:"])
def test_what_hosts_say_is_text_and_no_markup(text: str) -> None:
    finding = Finding(check="neighbor", target="L1", status=Status.FAIL, message=text, expected="e", actual="a")
    made = report(vips=(replace(judge_vip(subject()), findings=(finding,)),), reason=text)
    assert shown(render_report(made)).count(text) == 2


def test_control_characters_do_not_reach_the_terminal() -> None:
    finding = Finding(check="neighbor", target="L1", status=Status.FAIL, message="x\x1b[2J\x07y")
    made = report(vips=(replace(judge_vip(subject()), findings=(finding,)),))
    assert not {"\x1b", "\x07"} & set(shown(render_report(made)))


DIFF = "\n".join(
    [
        "--- /etc/iptables/rules.v4",
        "+++ /etc/iptables/rules.v4",
        "@@ -5,0 +6 @@",
        "+-A INPUT -s 100.65.0.12/32 -p vrrp -m comment --comment vipbook -j ACCEPT",
        '+insert rule inet filter input ip saddr 100.65.0.11 ip protocol vrrp accept comment "vipbook" [x]',
        f"-{'-m comment --comment ' * 10}end",
        " unchanged",
    ]
)


def planned(diff: str = DIFF, outcome: Outcome = Outcome.PLANNED, **changed: object) -> Report:
    step = Step(topic="firewall", summary="open protocol 112", diff=diff)
    plan = ServerPlan(host="H1", steps=(step,), notes=("there is no file",))
    server = ServerOutcome(host="H1", outcome=outcome, plan=plan, **changed)  # type: ignore[arg-type]
    return report(command="plan", vips=(), servers=(server,), verdict=Status.WARN)


@pytest.mark.parametrize("width", WIDTHS)
def test_lines_of_a_diff_are_never_broken(width: int) -> None:
    """They are read by people who copy them."""
    text = shown(render_report(planned()), width)
    lines = [line.strip() for line in text.splitlines()]
    assert [line for line in DIFF.splitlines() if line.strip() not in lines] == []


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_of_a_server_is_shown(outcome: Outcome) -> None:
    text = shown(render_report(planned(outcome=outcome, reason="because")))
    assert f"H1  {outcome}  because" in text
    assert "note: there is no file" in text
    stands = {"rolled-back": "stands as before", "not-reached": "stands as before", "not-rolled-back": "is not known"}
    assert stands.get(outcome, "") in text


def test_a_refusal_is_the_reason() -> None:
    server = ServerOutcome(host="H1", outcome=Outcome.REFUSED, plan=ServerPlan(host="H1", refusal="ufw in charge"))
    assert "H1  refused  ufw in charge" in shown(render_report(report(command="plan", vips=(), servers=(server,))))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("text", SECRETS)
def test_no_secret_gets_onto_the_screen(text: str, width: int) -> None:
    evidence = (answer("H1", "cat", text),)
    finding = Finding(
        check="config", target="H1", status=Status.FAIL, message=text, actual=f"x {text}", evidence=evidence
    )
    judged = report(vips=(replace(judge_vip(subject()), findings=(finding,)),), reason=text)
    made = replace(judged, servers=planned(reason=text).servers)
    assert "hunter22" not in folded(shown(render_report(made), width))


def test_drill() -> None:
    text = shown(render_report(REPORTS["drill"]))
    assert "3.412 s ± 0.010" in text
    assert "2.996 to 4.996 s" in text
    assert "341 of 800" in text
    assert "within" in text
    assert "not measured" in text
    assert "enp0s8 down" in text
    assert [line.split()[:2] for line in text.splitlines() if " of 800" in line] == [
        ["I1", "failover"],
        ["I1", "failback"],
        ["C1", "failover"],
        ["C1", "failback"],
    ]


def test_what_was_wrong_on_the_way_is_said_and_the_rest_is_not() -> None:
    stale = judge_vip(with_leaf(subject(), "L2", neighbors=(neighbor(MACS["H2"], remote=True),)))
    stages = (*DRILL.stages, stage("failover", stale), *DRILL.stages)
    text = shown(render_report(report(command="drill", drill=replace(DRILL, stages=stages))))
    way = text.split("At failover")[1].split("Timeline")[0]
    assert "L2 still holds 08:00:27:70:07:ae" in way
    assert "known cause neighbor-not-replaced on L2" in way
    assert not any(line.startswith("pass") for line in way.splitlines())
    assert "At before" not in text
    assert "At " not in shown(render_report(REPORTS["drill"]))


def cause(*advice: str, explanation: str = "it froze") -> KnownCause:
    return KnownCause(id="frozen-duplicate", host="L1", explanation=explanation, reference="frr#3176", advice=advice)


@pytest.mark.parametrize(
    ("advice", "lines"),
    [
        (("one thing",), ["one thing"]),
        (("first", "then", "last"), ["1. first", "2. then", "3. last"]),
        ((), []),
    ],
)
def test_a_known_cause_with_its_steps_in_order(advice: tuple[str, ...], lines: list[str]) -> None:
    text = shown(render_report(report(vips=(replace(judge_vip(subject()), causes=(cause(*advice),)),))))
    printed = [line.strip() for line in text.splitlines()]
    start = printed.index("known cause frozen-duplicate on L1: it froze")
    assert printed[start + 1] == "see frr#3176"
    assert printed[start + 2 : start + 2 + len(lines)] == lines


def test_a_known_cause_neither_drives_the_terminal_nor_tells_a_secret() -> None:
    vip = replace(judge_vip(subject()), causes=(cause("auth_pass hunter22\x1b[2J", explanation="auth_pass hunter22"),))
    text = shown(render_report(report(vips=(vip,))))
    assert "hunter22" not in text
    assert "\x1b" not in text
    assert "hunter22" not in str(document(report(vips=(vip,)))["clusters"])


@pytest.mark.parametrize(
    ("settled", "line"),
    [
        ({"L1": 0.54, "C1": 31.04}, "right after 0.5 s L1, 31.0 s C1"),
        ({}, None),
        (None, None),
    ],
)
def test_right_after(settled: dict[str, float] | None, line: str | None) -> None:
    text = shown(render_report(report(waited_s=32.0, settled_s=settled)))
    assert (line in text) if line is not None else ("right after" not in text)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_catalogue_names_every_check(width: int) -> None:
    text = shown(render_catalogue(all_checks()), width)
    assert all(entry.name in text for entry in all_checks())
