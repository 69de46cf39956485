"""The report as a file for node_exporter's textfile collector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, get_args

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tasks.model.judged import VerdictWord
from tasks.model.report import Report
from tasks.model.text import visible
from tasks.model.verdict import VipState
from tasks.report.formats import Format
from tasks.report.parts import MAIN, STATUSES, judged_vips, outages_of

_GOOD = {"pass", "warn"}


def render(report: Report) -> str:
    """All metrics of one run, in the exposition format; nothing of the process that made them."""
    registry = CollectorRegistry()
    registry.register(_Run(report))
    return generate_latest(registry).decode()


class _Run(Collector):
    """What one run says, family by family."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def collect(self) -> Iterator[Metric]:
        """Each family, one that nobody told anything of left out."""
        families = [*_vips(self._report), *_outages(self._report), *_run(self._report)]
        yield from (family for family in families if family.samples)


def _family(name: str, help_: str, labels: str) -> GaugeMetricFamily:
    return _Family(f"vipbook_{name}", help_, labels=labels.split())


class _Family(GaugeMetricFamily):
    """A gauge whose labels are fit to be seen; prometheus_client escapes what its format needs."""

    def add_metric(self, labels: Sequence[str], value: float, *rest: Any) -> None:  # noqa: ANN401 - as it is there
        """One sample."""
        super().add_metric([visible(each) for each in labels], value, *rest)


def _vips(report: Report) -> list[Metric]:
    state = _family("vip_state", "State of the VIP: 1 for the one that it is in.", "cluster vip state")
    masters = _family("vip_masters", "How many servers bear the VIP; 1 is right.", "cluster vip")
    checks = _family("checks", "Checks of the VIP by status.", "cluster vip status")
    left = _family("duplicate_moves_left", "Moves that a leaf allows before it flags the VIP.", "cluster vip leaf")
    for judged in judged_vips(report):
        if judged.stage != MAIN:
            continue
        place, counts = (judged.cluster, judged.vip.address), judged.counts()
        for each in VipState:
            state.add_metric([*place, each], float(judged.vip.state == each))
        for status in STATUSES:
            checks.add_metric([*place, status], counts.get(status, 0))
        if judged.vip.masters is not None:
            masters.add_metric(place, judged.vip.masters)
        for leaf, moves in judged.vip.moves_left.items():
            left.add_metric([*place, leaf], moves)
    return [state, masters, checks, left]


def _outages(report: Report) -> list[Metric]:
    labels = "cluster probe phase"
    seconds = _family("outage_seconds", "Outage that the last drill measured.", labels)
    longest = _family("outage_allowed_seconds", "What timers and fabric explain at most.", labels)
    at = _family("outage_timestamp_seconds", "When it was measured.", labels)
    if report.drill is not None:
        for cluster in report.clusters[:1]:
            for probe, outage in outages_of(report):
                if outage.measured:
                    place = [cluster.name, probe.host, outage.phase]
                    seconds.add_metric(place, outage.seconds)
                    longest.add_metric(place, outage.bound_s[1])
                    at.add_metric(place, report.started_at.timestamp())
    elif report.past is not None:
        for past in report.past.last_outages:
            place = [past.cluster, past.probe, past.phase]
            seconds.add_metric(place, past.seconds)
            longest.add_metric(place, past.allowed_s)
            at.add_metric(place, past.at.timestamp())
    return [seconds, longest, at]


def _run(report: Report) -> list[Metric]:
    verdict = _family("verdict", "Verdict of the run: 1 for the one that it is.", "command verdict")
    for each in get_args(VerdictWord):
        verdict.add_metric([report.command, each], float(report.verdict == each))
    answered = _family("host_answered", "1 when the host answered, 0 when it was asked in vain.", "host")
    for host in report.hosts.asked:
        answered.add_metric([host], float(host in report.hosts.answered))
    duration = _family("run_duration_seconds", "How long the run took.", "command")
    duration.add_metric([report.command], report.duration_s)
    ended_at = _ended(report)
    ended = _family("run_timestamp_seconds", "When the run ended.", "command")
    ended.add_metric([report.command], ended_at.timestamp())
    success = _family("last_success_timestamp_seconds", "When a run last ended with pass or warn.", "command")
    last = ended_at if report.verdict in _GOOD else report.past.last_success_at if report.past is not None else None
    if last is not None:
        success.add_metric([report.command], last.timestamp())
    return [verdict, answered, duration, ended, success]


def _ended(report: Report) -> datetime:
    return report.started_at + timedelta(seconds=report.duration_s)


FORMAT = Format(suffix="prom", render=render, public=True, bundled=False, needs_past=True)
