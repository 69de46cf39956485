"""The report as Markdown, for a ticket: the verdict first, what is wrong before what is right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tasks.model.drilled import Drill
from tasks.model.location import WhereaboutsReport
from tasks.model.report import Report, ServerReport
from tasks.model.verdict import KnownCause
from tasks.model.window import WindowResult
from tasks.model.written import stamp
from tasks.report.escape import fenced, markdown
from tasks.report.formats import Format
from tasks.report.gathered import gathered
from tasks.report.parts import (
    MAIN,
    Judged,
    headline,
    judged_vips,
    measured_words,
    outage_verdict,
    outages_of,
)


def render(report: Report) -> str:
    """The whole report."""
    return "\n".join(_lines(report)).rstrip() + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"# vipbook {markdown(report.command)}: {report.verdict.upper()}"
    yield ""
    yield f"{markdown(headline(report))}"
    yield ""
    asked, answered = len(report.hosts.asked), len(report.hosts.answered)
    hosts = f", {answered} of {asked} hosts answered" if asked else ""
    yield f"Started {stamp(report.started_at)}, took {report.duration_s:.1f} s{hosts}."
    yield ""
    silent = report.hosts.silent
    if silent:
        yield from (f"No answer: {markdown(', '.join(silent))}", "")
    for server in report.servers:
        yield from _server(server)
    if report.window is not None:
        yield from _window(report.window)
    for judged in judged_vips(report):
        yield from _vip(judged)
    if report.drill is not None:
        yield from _drill(report, report.drill)
    if report.location is not None:
        yield from _location(report.location)


def _table(headings: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * len(headings)}"
    for row in rows:
        yield f"| {' | '.join(markdown(each) for each in row)} |"
    yield ""


def _vip(judged: Judged) -> Iterator[str]:
    vip = judged.vip
    stage = f"{judged.stage}: " if judged.stage != MAIN else ""
    owner = f"on {vip.owner} ({vip.mac})" if vip.owner else "on nobody"
    yield f"## {markdown(f'{stage}{vip.address}, cluster {judged.cluster}, {owner}')}: {vip.state}"
    yield ""
    yield from _table(
        ("status", "check", "target", "finding"),
        (
            (each.status, each.check, each.target, each.message)
            for each in gathered(each for each in judged.worst_first() if each.status != "skip" or each.overruled)
        ),
    )
    for each in judged.worst_first():
        if each.status in {"fail", "warn"} and (each.expected or each.actual):
            yield f"- **{markdown(each.check)} {markdown(each.target)}**: expected {markdown(each.expected)}; found {markdown(each.actual or each.message)}"  # noqa: E501 - one line of Markdown
    yield ""
    for cause in vip.known_causes:
        yield from _cause(cause)


def _cause(cause: KnownCause) -> Iterator[str]:
    yield f"**Known cause {markdown(cause.id)} on {markdown(cause.host)}**: {markdown(cause.explanation)} ({markdown(cause.reference)})"  # noqa: E501 - one line of Markdown
    yield ""
    yield from (f"{number}. {markdown(step)}" for number, step in enumerate(cause.advice, 1))
    yield ""


def _drill(report: Report, drill: Drill) -> Iterator[str]:
    yield from ("## Outage", "")
    yield from _table(
        ("from", "phase", "measured", "allowed", "probes lost", "verdict"),
        (
            (
                probe.host,
                each.phase,
                measured_words(each),
                f"{each.bound_s[0]:.3f} to {each.bound_s[1]:.3f} s",
                f"{each.lost} of {each.sent}",
                outage_verdict(each),
            )
            for probe, each in outages_of(report)
        ),
    )
    yield from ("## Timeline", "")
    yield from _table(
        ("offset", "host", "source", "event"),
        ((f"{each.offset_s:+.3f} s", each.host, each.source, each.event) for each in drill.timeline),
    )
    if not drill.restored:
        yield from (f"**{markdown(drill.target)} is not as it was before the drill.**", "")


def _window(window: WindowResult) -> Iterator[str]:
    verdict = (window.verdict or "opened").upper()
    yield f"## Window {markdown(window.name)}: {verdict}"
    yield ""
    yield f"Opened {stamp(window.opened_at)}" + (" on a cluster that was not healthy." * window.accepted_failing or ".")
    yield ""
    if window.verdict is None:
        yield from (f"- expects {markdown(each)}" for each in window.expected)
    for met in window.expectations:
        yield f"- {'happened' if met.happened else '**did not happen**'}: {markdown(met.text)}: {markdown(met.message)}"
    yield ""
    if window.changes:
        yield from _table(
            ("explained by", "change"), ((each.explained_by or "nothing", each.message) for each in window.changes)
        )
    yield from (f"- not known: {markdown(each)}" for each in window.open_questions)
    yield from (f"- failed before and still fails: {markdown(each)}" for each in window.failed_before)
    yield ""


def _server(server: ServerReport) -> Iterator[str]:
    yield f"## {markdown(server.host)}: {server.outcome}"
    yield ""
    if server.reason:
        yield from (markdown(server.reason), "")
    for change in server.changes:
        yield from (f"{markdown(change.topic)}: {markdown(change.summary)}", "")
        if change.diff:
            yield from (fenced(change.diff, "diff"), "")
    yield from (f"- note: {markdown(note)}" for note in server.notes)
    yield from (f"- lost: {markdown(loss)}" for loss in server.losses)
    yield ""


def _location(found: WhereaboutsReport) -> Iterator[str]:
    yield f"## Where is {markdown(found.query)}"
    yield ""
    for place in found.locations:
        ports = " and ".join(f"{each.leaf} {each.port or ''}".strip() for each in place.leaves)
        yield f"- on {markdown(place.server or 'an unknown host')}, {markdown(ports or 'at no leaf that answered')}, MAC {markdown(str(place.mac))}, VNI {place.vni}"  # noqa: E501 - one line of Markdown
    yield ""
    yield from _table(("leaf", "table", "says"), ((each.leaf, each.table, each.says) for each in found.sightings))
    yield from (f"- not read: {markdown(each)}" for each in found.unread)
    yield ""


FORMAT = Format(suffix="md", render=render)
