"""The report as JUnit XML: one testcase a check, each with a name of its own, the same from run to run."""

from __future__ import annotations

import io
from collections.abc import Iterator

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from tasks.model.drilled import Outage
from tasks.model.judged import CheckReport
from tasks.model.report import Report, ServerReport
from tasks.model.text import visible
from tasks.model.window import WindowResult
from tasks.report.formats import Format
from tasks.report.parts import (
    Judged,
    judged_vips,
    measured_words,
    outage_verdict,
    outages_of,
)

_RESULTS = {"failure": Failure, "error": Error, "skipped": Skipped}
_BAD_OUTCOMES = {"rolled-back", "not-rolled-back", "refused"}


def render(report: Report) -> str:
    """The whole report. Consumers collapse testcases of one name: none occurs twice."""
    xml = JUnitXml(visible(f"vipbook {report.command}"))
    for name, cases in _suites(report):
        suite = TestSuite(visible(name))
        suite.timestamp = report.started_at.strftime("%Y-%m-%dT%H:%M:%S")
        suite.hostname = "vipbook"
        for case in cases:
            suite.add_testcase(case)
        xml.add_testsuite(suite)
    if not any(case for suite in xml for case in suite):
        # A file without a testcase would show as green where nothing was judged.
        suite = TestSuite("vipbook")
        said = f"nothing was judged: {report.reason or report.verdict}"
        result = {"unknown": "error", "fail": "failure"}.get(report.verdict)
        suite.add_testcase(_case("vipbook", "verdict", **({result: said} if result else {})))
        xml.add_testsuite(suite)
    xml.update_statistics()  # type: ignore[no-untyped-call]  # the library's
    xml.time = report.duration_s
    written = io.BytesIO()
    xml.write(written, pretty=True)
    return written.getvalue().decode()


def _suites(report: Report) -> Iterator[tuple[str, list[TestCase]]]:
    for judged in judged_vips(report):
        name = f"{judged.stage} {judged.cluster} {judged.vip.address}".strip()
        yield name, [_check(judged, each) for each in judged.vip.checks]
    outages = [_outage(probe.host, each) for probe, each in outages_of(report)]
    if outages:
        yield "outages", outages
    if report.window is not None and report.window.verdict is not None:
        yield f"window {report.window.name}", list(_window(report.window))
    if report.servers:
        yield "servers", [_server(each) for each in report.servers]
    silent = report.hosts.silent
    if silent:
        yield "hosts", [_case("hosts", host, error="did not answer") for host in silent]


def _check(judged: Judged, check: CheckReport) -> TestCase:
    place = ".".join(part for part in (judged.stage, judged.cluster, str(judged.vip.address)) if part)
    name = f"{check.check} {check.target}"
    said = check.message
    if check.status == "fail":
        return _case(place, name, failure=said, text=_details(check))
    if check.status == "unknown":
        return _case(place, name, error=said, text=_details(check))
    if check.status == "skip":
        return _case(place, name, skipped=said)
    case = _case(place, name)
    if check.status == "warn":
        case.system_out = visible(f"warn: {said}\n{_details(check)}")
    return case


def _details(check: CheckReport) -> str:
    parts = [check.message]
    parts += [f"expected: {check.expected}"] if check.expected else []
    parts += [f"found: {check.actual}"] if check.actual else []
    parts += [f"{each.host}$ {each.command}\n{each.output}" for each in check.evidence]
    return "\n".join(parts)


def _case(place: str, name: str, **results: str) -> TestCase:
    """`results`: the message of a `failure`, an `error` or a `skipped`, and `text`, the details of it; empty: none."""
    case = TestCase(visible(name), classname=visible(place))
    text = results.pop("text", "")
    for kind, message in results.items():
        if message:
            result = _RESULTS[kind](visible(message))
            result.text = visible(text or message)
            case.result = [result]
    return case


def _outage(probe: str, outage: Outage) -> TestCase:
    low, high = outage.bound_s
    said = f"{measured_words(outage)}; {low:.3f} to {high:.3f} s are explained"
    verdict = outage_verdict(outage)
    name = f"{outage.phase} from {probe}"
    if verdict == "within":
        case = _case("outages", name)
        case.system_out = visible(said)
        return case
    return _case(
        "outages", name, failure=said if verdict == "outside" else "", error=said if verdict == "unknown" else ""
    )


def _window(window: WindowResult) -> Iterator[TestCase]:
    place = f"window.{window.name}"
    for met in window.expectations:
        yield _case(place, f"expected: {met.text}", failure="" if met.happened else met.message)
    for change in window.changes:
        failure = "" if change.explained_by is not None else change.message
        yield _case(place, f"change: {change.id}", failure=failure)
    yield _case(
        place,
        "verdict",
        failure="; ".join(window.problems) if window.verdict == "no-go" else "",
        error="; ".join(window.open_questions) if window.verdict == "undetermined" else "",
    )


def _server(server: ServerReport) -> TestCase:
    said = server.reason or server.outcome
    bad = server.outcome in _BAD_OUTCOMES
    lost = server.outcome in {"unknown", "not-reached"}
    return _case("servers", server.host, failure=said if bad else "", error=said if lost else "")


FORMAT = Format(suffix="xml", render=render)
