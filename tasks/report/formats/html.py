"""The report as one HTML file that needs nothing else: no network, no framework, light and dark."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

from markupsafe import Markup

from tasks.model.report import Report
from tasks.report.drawing.drill import timeline_svg
from tasks.report.drawing.fabric import fabric_svg
from tasks.report.formats import Format
from tasks.report.parts import (
    MAIN,
    STATUSES,
    Judged,
    headline,
    judged_vips,
    measured_words,
    outage_verdict,
    outages_of,
)
from tasks.report.templating import TEMPLATES, environment

_SIGNS = {"pass": "✓", "warn": "!", "fail": "✕", "unknown": "?", "skip": "·"}


def render(report: Report) -> str:
    """The whole page."""
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    page = environment().get_template("report.html.j2")
    return page.render(
        report=report,
        headline=headline(report),
        silent=report.hosts.silent,
        main=[each for each in judged_vips(report) if each.stage == MAIN],
        stages=[each for each in judged_vips(report) if each.stage != MAIN],
        judged_sections=_judged_sections(report),
        drawings=list(_drawings(report)),
        timeline=timeline_svg(report.drill, "timeline") if report.drill is not None else None,
        outages=[(probe, each) for probe, each in outages_of(report)],
        # Our own style and script may go in as they are.
        style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),  # noqa: S704 - as above
        script=Markup(script),  # noqa: S704 - as above
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        statuses=STATUSES,
        signs=_SIGNS,
        measured_words=measured_words,
        outage_verdict=outage_verdict,
        anchor=_anchor,
    )


def _judged_sections(report: Report) -> list[tuple[str, str, list[Judged]]]:
    """Id, title and verdicts: what holds now and what held on the way; where something is wrong comes first."""
    judged = list(judged_vips(report))
    now = ("checks", "Checks", [each for each in judged if each.stage == MAIN])
    way = ("stages", "On the way", sorted((each for each in judged if each.stage != MAIN), key=_wrong, reverse=True))
    return [way, now] if any(map(_wrong, way[2])) and not any(map(_wrong, now[2])) else [now, way]


def _wrong(judged: Judged) -> bool:
    return any(judged.counts().get(status) for status in ("fail", "unknown"))


def _drawings(report: Report) -> Iterator[tuple[str, Markup]]:
    """A drawing a cluster, with where the VIP was before."""
    for number, cluster in enumerate(report.clusters):
        drawn = fabric_svg(cluster, _earlier(report, cluster.name), f"fabric{number}")
        if drawn is not None:
            yield cluster.name, drawn


def _earlier(report: Report, cluster: str) -> str | None:
    """Who bore the VIP before: at the last judgement of a drill with another owner, or before a window's change."""
    now = {vip.owner for each in report.clusters if each.name == cluster for vip in each.vips}
    stages = report.drill.stages if report.drill is not None else ()
    for stage in reversed(stages):
        for each in stage.clusters:
            for vip in each.vips:
                if each.name == cluster and vip.owner is not None and vip.owner not in now:
                    return vip.owner
    for change in report.window.changes if report.window is not None else ():
        if change.table == "VRRP" and (change.before or {}).get("state") == "master" and change.host not in now:
            return change.host
    return None


def _anchor(judged: Judged) -> str:
    """An id of the page for a VIP at a stage."""
    text = "-".join(part for part in ("vip", judged.stage, judged.cluster, judged.vip.address) if part)
    return "".join(sign if sign.isalnum() or sign in "-." else "_" for sign in text)


FORMAT = Format(suffix="html", render=render)
