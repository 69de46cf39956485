"""A report taken apart in the one order that every form shows it in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tasks.model.drilled import Measured, Outage
from tasks.model.judged import CheckReport, ClusterReport, VipReport
from tasks.model.report import Report

STATUSES = ("fail", "unknown", "warn", "pass", "skip")
"""The worst first."""
MAIN = ""
"""The stage of what the report says by itself."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A VIP as it was judged at one stage."""

    stage: str
    cluster: str
    vip: VipReport

    def worst_first(self) -> tuple[CheckReport, ...]:
        """Its checks by status, each status in the order of the report."""
        return tuple(sorted(self.vip.checks, key=lambda check: STATUSES.index(check.status)))

    def counts(self) -> Mapping[str, int]:
        """Checks by status."""
        return Counter(check.status for check in self.vip.checks)


def judged_vips(report: Report) -> Iterator[Judged]:
    """The report's own verdicts, then those of a drill's stages but the last, which is the report's own."""
    yield from _of(report.clusters, MAIN)
    if report.drill is not None:
        for stage in report.drill.stages[:-1]:
            yield from _of(stage.clusters, stage.name)


def _of(clusters: Sequence[ClusterReport], stage: str) -> Iterator[Judged]:
    for cluster in clusters:
        for vip in cluster.vips:
            yield Judged(stage, cluster.name, vip)


def outages_of(report: Report) -> Iterator[tuple[Measured, Outage]]:
    """Each outage with the probe host that measured it."""
    if report.drill is not None:
        for probe in report.drill.probes:
            for outage in probe.outages:
                yield probe, outage


def headline(report: Report) -> str:
    """One sentence that says why the verdict is what it is."""
    if report.reason:
        return report.reason
    for judged in judged_vips(report):
        for check in judged.worst_first()[:1]:
            if check.status in {"fail", "unknown"} and report.verdict in {"fail", "unknown"}:
                return f"{check.check} {check.target}: {check.message}"
    if report.hosts.silent:
        return f"no answer from {', '.join(report.hosts.silent)}"
    if report.drill is not None and report.verdict in {"pass", "warn"}:
        probes = ", ".join(each.host for each in report.drill.probes)
        return (
            f"failover and failback of {report.drill.target} are within what timers and fabric explain, from {probes}"
        )
    passed = sum(judged.counts().get("pass", 0) for judged in judged_vips(report) if judged.stage == MAIN)
    return f"{passed} checks pass" if passed else "nothing was judged"


def measured_words(outage: Outage) -> str:
    """`3.412 s ± 0.010`, or that it was not measured."""
    return f"{outage.seconds:.3f} s ± {outage.resolution_s:.3f}" if outage.measured else "not measured"


def outage_verdict(outage: Outage) -> str:
    """`within`, `outside` or `unknown`."""
    if not outage.measured:
        return "unknown"
    return "within" if outage.within_bound else "outside"
