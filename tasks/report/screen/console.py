"""The report for a person at a terminal; the same text, without colour, in a pipe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from tasks.model.drilled import Drill
from tasks.model.judged import CheckReport
from tasks.model.mask import plain, said
from tasks.model.plan import Outcome
from tasks.model.report import Report, ServerReport
from tasks.model.verdict import KnownCause, Status
from tasks.report.gathered import gathered
from tasks.report.parts import MAIN, Judged, judged_vips, measured_words, outage_verdict, outages_of
from tasks.report.screen.location import render_location
from tasks.report.screen.terminal import shown, table
from tasks.report.screen.window import render_window

STYLES = {
    Status.PASS: "green",
    Status.WARN: "yellow",
    Status.FAIL: "bold red",
    Status.UNKNOWN: "magenta",
    Status.SKIP: "dim",
}
_OUTCOMES = {
    Outcome.UNCHANGED: "green",
    Outcome.APPLIED: "green",
    Outcome.PLANNED: "cyan",
    Outcome.UNKNOWN: "magenta",
    Outcome.NOT_REACHED: "dim",
}

_WITHIN = {"within": Status.PASS, "outside": Status.FAIL, "unknown": Status.UNKNOWN}


def render_report(report: Report, *, verbose: bool = False) -> RenderableType:
    """Everything an operator needs on one screen: what is wrong in full, what is right in one line a check."""
    parts: list[RenderableType] = [_server(each) for each in report.servers]
    # Around a change the differences matter; what passes is told by its count.
    brief = report.window is not None and not verbose
    now = [each for each in judged_vips(report) if each.stage == MAIN]
    parts += [render_vip(each, verbose=verbose, brief=brief) for each in now]
    if report.drill is not None:
        parts += _stages(report)
        parts.append(_timeline(report.drill))
        parts.append(_outages(report))
    if report.location is not None:
        parts.append(render_location(report.location, verbose=verbose))
    if report.window is not None:
        parts.append(render_window(report.window, verbose=verbose))
    if report.timers:
        parts.append(_timers(report))
    parts.append(_closing(report, [check for each in now for check in each.vip.checks]))
    return Group(*parts)


def _timers(report: Report) -> RenderableType:
    headings = ("instance", "fault", "on", "then", "seconds")
    made = table(*headings, folded=("why",), title="Expected outage")
    for each in report.timers:
        shortest, longest = each.bound_s
        seconds = f"{shortest:.3f} to {longest:.3f}" if longest else "none"
        told = (each.instance, each.fault, each.master, each.heir or each.master, seconds, each.why)
        made.add_row(*map(shown, told))
    return Padding(made, (0, 0, 1, 0))


def render_vip(judged: Judged, *, verbose: bool = False, brief: bool = False) -> RenderableType:
    """A table of one VIP: a row a check, with targets of the same word together; `brief`: what did not pass alone."""
    vip = judged.vip
    owner = f"{vip.owner} ({vip.mac})" if vip.owner else "nobody"
    title = Text.assemble(
        (vip.address, "bold"), plain(f"  cluster {judged.cluster}, on {owner}  "), (vip.state, STYLES[vip.status])
    )
    made = table("status", "check", "target", folded=("finding",), title=title)
    left_out = {Status.SKIP} if not verbose else set()
    left_out |= {Status.PASS} if brief else set()
    found = [each for each in vip.checks if each.status not in left_out or each.overruled]
    for each in found if verbose else gathered(found):
        made.add_row(Text(each.status, STYLES[each.status]), each.check, shown(each.target), _message(each))
    whole: RenderableType = made if made.row_count else title
    return Padding(Group(whole, *(_cause(cause) for cause in vip.known_causes)), (0, 0, 1, 0))


def _stages(report: Report) -> Iterator[RenderableType]:
    """What was wrong at a judgement on the way; the last one is the report's own."""
    assert report.drill is not None
    wrong = [stage.name for stage in report.drill.stages if stage.verdict in {Status.FAIL, Status.UNKNOWN}]
    for name, found in groupby(judged_vips(report), key=lambda each: each.stage):
        if name in wrong:
            yield Text(f"At {name}", "bold")
            yield from (render_vip(each, brief=True) for each in found)


def _cause(cause: KnownCause) -> Text:
    """What is known to cause this, and what a person does about it, step by step."""
    text = Text.assemble(
        ("known cause ", "bold"), (plain(f"{cause.id} on {cause.host}: "), "bold"), plain(cause.explanation)
    )
    text.append(f"\n  see {cause.reference}", "dim")
    for number, step in enumerate(cause.advice, 1):
        text.append(f"\n  {number}. {plain(step)}" if len(cause.advice) > 1 else f"\n  {plain(step)}")
    return text


def _message(finding: CheckReport) -> Text:
    message = shown(said(finding.message))
    if finding.status in {Status.FAIL, Status.WARN}:
        if finding.expected:
            message.append(f"\nexpected {plain(said(finding.expected))}", "dim")
        if finding.actual and finding.actual not in finding.message:
            message.append(f"\nfound    {plain(said(finding.actual))}", "dim")
    return message


def _server(server: ServerReport) -> RenderableType:
    head = Text.assemble(
        (plain(server.host), "bold"), "  ", (server.outcome, _OUTCOMES.get(server.outcome, "bold red"))
    )
    if server.reason:
        head.append(f"  {plain(server.reason)}")
    if server.outcome in {Outcome.ROLLED_BACK, Outcome.NOT_ROLLED_BACK, Outcome.NOT_REACHED}:
        known = server.stands != "unknown"
        head.append(f"\n  stands {server.stands}" if known else "\n  what stands there is not known")
    parts: list[RenderableType] = [head]
    parts += [Text(f"  note: {plain(note)}", "yellow") for note in server.notes]
    parts += [Text(f"  lost: {plain(loss)}", "red") for loss in server.losses]
    for step in server.changes:
        parts.append(shown(f"  {step.topic}: {step.summary}"))
        parts += [_diff_line(f"    {line}") for line in step.diff.splitlines()]
    parts.append(Text())
    return Group(*parts)


def _diff_line(line: str) -> Text:
    bare = line.lstrip()
    style = {"+": "green", "-": "red", "@": "cyan"}.get(bare[:1], "")
    style = "bold" if bare.startswith(("+++", "---")) else style
    return Text(plain(line), style, no_wrap=True, overflow="ignore")


def _timeline(drill: Drill) -> RenderableType:
    made = table("offset", "host", "source", folded=("event",), title="Timeline")
    made.columns[0].justify = "right"
    for event in drill.timeline:
        told = (f"{event.offset_s:+.3f} s", event.host, event.source, said(event.event))
        made.add_row(*map(shown, told))
    return Padding(made, (0, 0, 1, 0))


def _outages(report: Report) -> RenderableType:
    made = table("from", "phase", "measured", "allowed", "probes lost", "verdict", title="Outage")
    for probe, outage in outages_of(report):
        verdict = outage_verdict(outage)
        low, high = outage.bound_s
        made.add_row(
            shown(probe.host),
            shown(outage.phase),
            Text(measured_words(outage), "bold" if outage.measured else STYLES[Status.UNKNOWN]),
            f"{low:.3f} to {high:.3f} s",
            f"{outage.lost} of {outage.sent}",
            Text(verdict, STYLES[_WITHIN[verdict]]),
        )
    return Padding(made, (0, 0, 1, 0))


def _closing(report: Report, checks: Sequence[CheckReport]) -> RenderableType:
    text = Text(report.verdict.upper(), STYLES[report.status] + " bold")
    found = Counter(check.status for check in checks)
    counts = [f"{found[status]} {status}" for status in Status if found[status]]
    asked = len(report.hosts.asked)
    answered = [f"{len(report.hosts.answered)} of {asked} hosts answered"] if asked else []
    text.append(f"  {', '.join([*counts, *answered, f'{report.duration_s:.1f} s'])}", "default")
    if report.hosts.silent:
        text.append(plain(f"\nno answer: {', '.join(report.hosts.silent)}"), "magenta")
    if report.settled_s:
        settled = ", ".join(f"{at:.1f} s {target}" for target, at in report.settled_s.items())
        text.append(plain(f"\nright after {settled}"))
    if report.reason:
        text.append(f"\n{plain(report.reason)}")
    return text
