"""The report for a person at a terminal; the same text, without colour, in a pipe."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tasks.model.drill import Drill, Outage
from tasks.model.plan import Outcome, ServerOutcome
from tasks.model.report import Report
from tasks.model.verdict import Finding, KnownCause, Status, VipVerdict, worst
from tasks.render.mask import plain, said
from tasks.report.gathered import Row, gathered
from tasks.report.location import render_location
from tasks.report.terminal import shown
from tasks.report.window import render_window

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


def render_report(report: Report, *, verbose: bool = False) -> RenderableType:
    """Everything an operator needs on one screen: what is wrong in full, what is right in one line a check."""
    parts: list[RenderableType] = [_server(outcome) for outcome in report.servers]
    # Around a change the differences matter; what passes is told by its count.
    brief = report.window is not None and not verbose
    parts += [render_vip(vip, verbose=verbose, brief=brief) for vip in report.vips]
    if report.drill is not None:
        parts += _stages(report.drill)
        parts.append(render_drill(report.drill))
    if report.location is not None:
        parts.append(render_location(report.location, verbose=verbose))
    if report.window is not None:
        parts.append(render_window(report.window, verbose=verbose))
    if report.outages:
        parts.append(_timers(report))
    parts.append(_closing(report))
    return Group(*parts)


def _timers(report: Report) -> RenderableType:
    table = Table(title="Expected outage", title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("instance", "fault", "on", "then", "seconds"):
        table.add_column(heading, no_wrap=True, header_style="dim")
    table.add_column("why", overflow="fold", header_style="dim")
    for each in report.outages:
        shortest, longest = each.bound_s
        seconds = f"{shortest:.3f} to {longest:.3f}" if longest else "none"
        told = (each.instance, each.fault, each.master, each.heir or each.master, seconds, each.why)
        table.add_row(*map(shown, told))
    return Padding(table, (0, 0, 1, 0))


def render_vip(vip: VipVerdict, *, verbose: bool = False, brief: bool = False) -> RenderableType:
    """A table of one VIP: a row a check, with targets of the same word together; `brief`: what did not pass alone."""
    owner = f"{vip.owner} ({vip.mac})" if vip.owner else "nobody"
    title = Text.assemble(
        (f"{vip.address}", "bold"), plain(f"  cluster {vip.cluster}, on {owner}  "), (vip.state, STYLES[vip.status])
    )
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("status", "check", "target"):
        table.add_column(heading, no_wrap=True, header_style="dim")
    table.add_column("finding", overflow="fold", header_style="dim")
    left_out = {Status.SKIP} if not verbose else set()
    left_out |= {Status.PASS} if brief else set()
    found = [each for each in vip.findings if each.status not in left_out or each.overruled]
    rows = [Row(each.status, each.check, each.target, each.message) for each in found]
    messages = dict(zip(rows, map(_message, found), strict=True))
    for row in rows if verbose else gathered(rows):
        status = Text(row.status, STYLES[Status(row.status)])
        table.add_row(status, row.check, shown(row.target), messages.get(row, shown(row.message)))
    whole: RenderableType = table if table.row_count else title
    return Padding(Group(whole, *(_cause(cause) for cause in vip.causes)), (0, 0, 1, 0))


def _stages(drill: Drill) -> Iterator[RenderableType]:
    """What was wrong at a judgement on the way; the last one is the report's own."""
    for stage in drill.stages[:-1]:
        if worst(vip.status for vip in stage.vips) in {Status.PASS, Status.WARN}:
            continue
        yield Text(f"At {stage.name}", "bold")
        for vip in stage.vips:
            yield render_vip(vip, brief=True)


def _cause(cause: KnownCause) -> Text:
    """What is known to cause this, and what a person does about it, step by step."""
    text = Text.assemble(
        ("known cause ", "bold"), (plain(f"{cause.id} on {cause.host}: "), "bold"), plain(cause.explanation)
    )
    text.append(f"\n  see {cause.reference}", "dim")
    for number, step in enumerate(cause.advice, 1):
        text.append(f"\n  {number}. {plain(step)}" if len(cause.advice) > 1 else f"\n  {plain(step)}")
    return text


def _message(finding: Finding) -> Text:
    message = shown(said(finding.message))
    if finding.status in {Status.FAIL, Status.WARN}:
        if finding.expected:
            message.append(f"\nexpected {plain(said(finding.expected))}", "dim")
        if finding.actual and finding.actual not in finding.message:
            message.append(f"\nfound    {plain(said(finding.actual))}", "dim")
    return message


def _server(outcome: ServerOutcome) -> RenderableType:
    head = Text.assemble(
        (plain(outcome.host), "bold"), "  ", (outcome.outcome, _OUTCOMES.get(outcome.outcome, "bold red"))
    )
    reason = outcome.reason or outcome.plan.refusal
    if reason:
        head.append(f"  {plain(reason)}")
    if outcome.outcome in {Outcome.ROLLED_BACK, Outcome.NOT_ROLLED_BACK, Outcome.NOT_REACHED}:
        known = outcome.stands != "unknown"
        head.append(f"\n  stands {outcome.stands}" if known else "\n  what stands there is not known")
    parts: list[RenderableType] = [head]
    parts += [Text(f"  note: {plain(note)}", "yellow") for note in outcome.plan.notes]
    parts += [Text(f"  lost: {plain(loss)}", "red") for loss in outcome.plan.losses]
    for step in outcome.plan.all_steps:
        parts.append(shown(f"  {step.topic}: {step.summary}"))
        parts += [_diff_line(f"    {line}") for line in step.diff.splitlines()]
    parts.append(Text())
    return Group(*parts)


def _diff_line(line: str) -> Text:
    bare = line.lstrip()
    style = {"+": "green", "-": "red", "@": "cyan"}.get(bare[:1], "")
    style = "bold" if bare.startswith(("+++", "---")) else style
    return Text(plain(line), style, no_wrap=True, overflow="ignore")


def render_drill(drill: Drill) -> RenderableType:
    """Timeline and measured outages."""
    timeline = Table(title="Timeline", title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    timeline.add_column("offset", justify="right", no_wrap=True, header_style="dim")
    for heading in ("host", "source"):
        timeline.add_column(heading, no_wrap=True, header_style="dim")
    timeline.add_column("event", overflow="fold", header_style="dim")
    for event in drill.timeline:
        told = (f"{event.offset_s:+.3f} s", event.host, event.source, said(event.event))
        timeline.add_row(*map(shown, told))
    outages = Table(title="Outage", title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("from", "phase", "measured", "allowed", "probes lost", "verdict"):
        outages.add_column(heading, no_wrap=True, header_style="dim")
    for each in drill.measured:
        for outage in each.outages:
            outages.add_row(shown(each.probe), *_outage(outage))
    return Group(Padding(timeline, (0, 0, 1, 0)), Padding(outages, (0, 0, 1, 0)))


def _outage(outage: Outage) -> Iterator[Text]:
    yield shown(outage.phase)
    if not outage.measured:
        yield Text("not measured", STYLES[Status.UNKNOWN])
    else:
        yield Text(f"{outage.seconds:.3f} s ± {outage.resolution_s:.3f}", "bold")
    yield Text(f"{outage.bound_s[0]:.3f} to {outage.bound_s[1]:.3f} s")
    yield Text(f"{outage.lost} of {outage.sent}")
    if not outage.measured:
        yield Text("unknown", STYLES[Status.UNKNOWN])
    else:
        yield Text("within", STYLES[Status.PASS]) if outage.within_bound else Text("outside", STYLES[Status.FAIL])


def _closing(report: Report) -> RenderableType:
    missing = [host for host in report.asked if host not in report.answered]
    text = Text(str(report.status).upper(), STYLES[report.status] + " bold")
    counts = [f"{count} {status}" for status, count in _counts(report)]
    answered = [f"{len(report.answered)} of {len(report.asked)} hosts answered"] if report.asked else []
    details = [*answered, f"{report.duration_s:.1f} s"]
    text.append(f"  {', '.join([*counts, *details])}", "default")
    if missing:
        text.append(plain(f"\nno answer: {', '.join(missing)}"), "magenta")
    if report.settled_s:
        settled = ", ".join(f"{at:.1f} s {target}" for target, at in report.settled_s.items())
        text.append(plain(f"\nright after {settled}"))
    if report.reason:
        text.append(f"\n{plain(report.reason)}")
    return text


def _counts(report: Report) -> Iterator[tuple[str, int]]:
    findings = [finding for vip in report.vips for finding in vip.findings]
    for status in Status:
        count = sum(finding.status is status for finding in findings)
        if count:
            yield str(status), count
