"""window: snapshot before, compare after, go or no-go. Never changes anything on a device."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from runbooks.process.outputs import Outputs
from runbooks.process.state import made, state_directory
from runbooks.session import Session
from runbooks.verify import (
    answered_hosts,
    asked_hosts,
    fabric_maps,
    first_problem,
    judge,
    observe,
    subjects,
    verify,
)
from runbooks.window.bundle import bundle_files, versions
from tasks.intent.expect import parse_expectations
from tasks.judge.snapshot.comparison import compare
from tasks.judge.snapshot.entries import snapshot_of
from tasks.model.answer import Answer, Answers, Reply
from tasks.model.cluster import Cluster
from tasks.model.errors import IntentError, VipbookError
from tasks.model.judged import ClusterReport
from tasks.model.mask import masked
from tasks.model.report import Report
from tasks.model.snapshot import Snapshot
from tasks.model.verdict import Status, VipState, VipVerdict, worst
from tasks.model.window import Comparison, Expectation, KeptWindow, WindowFile, WindowResult, WindowVerdict
from tasks.report.build import Reporter, judged_clusters
from tasks.report.document import document
from tasks.store.bundle import bundle_target, write_bundle
from tasks.store.windows import Windows

Progress = Callable[[str], None]
_STATUS = {
    WindowVerdict.GO: Status.PASS,
    WindowVerdict.NO_GO: Status.FAIL,
    WindowVerdict.UNDETERMINED: Status.UNKNOWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the operator asked for."""

    name: str
    action: Literal["check", "close"]
    wait_s: float | None = None
    bundle: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One observation of all hosts, judged without those that are expected not to answer."""

    reporter: Reporter
    replies: Mapping[str, Reply]
    snapshot: Snapshot
    vips: tuple[VipVerdict, ...]
    asked: tuple[str, ...]
    answered: tuple[str, ...]
    clusters: tuple[ClusterReport, ...]

    @property
    def status(self) -> Status:
        """The worst of all checks."""
        return worst(vip.status for vip in self.vips)

    @property
    def started_at(self) -> datetime:
        """When the hosts were asked."""
        return self.reporter.started_at

    def report(self, result: WindowResult, status: Status, reason: str | None) -> Report:
        """What is said of it."""
        return self.reporter.report(
            asked=self.asked,
            answered=self.answered,
            clusters=self.clusters,
            window=result,
            verdict=status,
            reason=reason,
        )


def windows() -> Windows:
    """The windows of this machine's user; IntentError when none can be kept."""
    return Windows(made(state_directory() / "windows"))


def open_window(session: Session, name: str, expected: Sequence[str], *, accept_failing: bool) -> Report:
    """Observe, judge and keep; a cluster that is not healthy is kept only when the operator accepts that."""
    kept = windows()
    with kept.locked(name):
        if kept.exists(name) and kept.read(name).closed_at is None:
            raise IntentError(
                f"window {name!r} is open already; `vipbook window close {name}` first, or choose another"
            )
        wanted = parse_expectations(expected, session.clusters)
        look = _look(session, ())
        result = WindowResult(
            name=name,
            action="open",
            opened_at=look.started_at,
            expected=tuple(each.text for each in wanted),
            accepted_failing=accept_failing and not _healthy(look),
        )
        if not _healthy(look) and not accept_failing:
            reason = f"not opened: {first_problem(look.vips)}; mend it, or open with --accept-failing"
            return look.report(result, look.status, reason)
        status = Status.WARN if result.accepted_failing else Status.PASS
        why = f"opened although not healthy: {first_problem(look.vips)}" if result.accepted_failing else None
        report = look.report(result, status, why)
        try:
            kept.write(_window_file(session, look, result, report))
        except VipbookError as error:
            return look.report(result, Status.UNKNOWN, f"not opened: {error}")
    return report


def _window_file(session: Session, look: Look, result: WindowResult, report: Report) -> WindowFile:
    return WindowFile(
        name=result.name,
        clusters=tuple(dict.fromkeys(cluster.name for cluster in session.clusters)),
        expectations=result.expected,
        accept_failing=result.accepted_failing,
        opened_at=look.started_at,
        snapshot=look.snapshot,
        report=document(report),
        answers=_evidence(look.replies),
        versions=versions(look.replies),
    )


def listed() -> tuple[KeptWindow, ...]:
    """Every window that is kept, by name; one that can't be read hides no other."""
    kept = windows()
    return tuple(_listed(kept, name) for name in kept.names())


def _listed(kept: Windows, name: str) -> KeptWindow:
    try:
        window = kept.read(name)
    except IntentError as error:
        return KeptWindow(name=name, state=str(error))
    try:
        state = "open" if window.closing is None else str(window.closing["window"]["verdict"])
    except (KeyError, TypeError):
        state = "closed, and the verdict can't be read"
    return KeptWindow(name=name, state=state, opened_at=window.opened_at, clusters=window.clusters)


def clusters_of(name: str) -> tuple[str, ...]:
    """What the window is about; IntentError when there is no open one of that name."""
    return _opened(windows(), name).clusters


def check_window(session: Session, order: Order, *, progress: Progress, outputs: Outputs) -> Report:
    """Now against then. `close` does so for the last time, keeps the verdict, and writes the bundle."""
    kept = windows()
    with kept.locked(order.name):
        window = _opened(kept, order.name)
        expected, before = parse_expectations(window.expectations, session.clusters), _statuses(window.report)
        target = _bundle_of(order, kept, window)
        if order.wait_s is not None:
            verify(_left(session, expected), wait_s=order.wait_s, progress=progress)
        look = _look(session, expected)
        comparison = compare(window.snapshot, look.snapshot, expected, session.clusters, (look.vips, before))
        report = _compared(window, look, comparison, order.action, target)
        return report if target is None else _closed(kept, window, look, report, target, outputs)


def _closed(  # noqa: PLR0913, PLR0917 - each is a fact of its own that only the caller has
    kept: Windows, window: WindowFile, look: Look, report: Report, target: Path, outputs: Outputs
) -> Report:
    """Evidence and verdict are kept; where they can't be, the verdict is reported all the same, and it stays open."""
    shape = document(report)
    files = bundle_files(window, shape, _evidence(look.replies), versions(look.replies), outputs)
    try:
        write_bundle(target, files, look.started_at)
        kept.write(replace(window, closed_at=datetime.now(UTC), closing=shape))
    except VipbookError as error:
        outputs.lose(f"{error}; window {window.name!r} stays open")
        return replace(report, window=report.window and replace(report.window, bundle=None))
    return report


def _compared(
    window: WindowFile,
    look: Look,
    comparison: Comparison,
    action: Literal["check", "close"],
    bundle: Path | None,
) -> Report:
    result = WindowResult(
        name=window.name,
        action=action,
        opened_at=window.opened_at,
        expected=window.expectations,
        accepted_failing=window.accept_failing and bool(window.report.get("window", {}).get("accepted_failing")),
        verdict=comparison.verdict,
        expectations=comparison.expectations,
        problems=comparison.problems,
        open_questions=comparison.open_questions,
        failed_before=comparison.failed_before,
        changes=comparison.changes,
        bundle=str(bundle) if bundle is not None else None,
    )
    first = next(iter((*comparison.problems, *comparison.open_questions)), None)
    return look.report(result, _STATUS[comparison.verdict], first)


def _opened(kept: Windows, name: str) -> WindowFile:
    window = kept.read(name)
    if window.closed_at is not None:
        raise IntentError(f"window {name!r} was closed at {window.closed_at:%Y-%m-%d %H:%M:%S} UTC; open a new one")
    return window


def _bundle_of(order: Order, kept: Windows, window: WindowFile) -> Path | None:
    """Where the evidence goes; None while the window stays open."""
    if order.action == "check":
        return None
    beside = kept.directory / f"{window.name}-{window.opened_at:%Y%m%dT%H%M%SZ}.tar.gz"
    return bundle_target(order.bundle or beside)


def _look(session: Session, expected: Sequence[Expectation]) -> Look:
    reporter = Reporter("window")
    replies = observe(session, session.clusters)
    left = _left(session, expected).clusters
    everything = subjects(session, session.clusters, replies)
    judged = subjects(session, left, replies)
    asked, answered = asked_hosts(session.clusters), answered_hosts(replies)
    vips = judge(judged)
    return Look(
        reporter=reporter,
        replies=replies,
        snapshot=snapshot_of(everything, judged, asked, answered),
        vips=vips,
        asked=asked,
        answered=answered,
        clusters=judged_clusters(vips, fabric_maps(everything)),
    )


def _left(session: Session, expected: Sequence[Expectation]) -> Session:
    """The session without the hosts that are expected not to answer: nobody can judge them."""
    down = {each.about for each in expected if each.kind == "down"}
    return replace(session, clusters=tuple(_without(cluster, down) for cluster in session.clusters))


def _without(cluster: Cluster, down: set[str]) -> Cluster:
    fabric = replace(cluster.fabric, leaves=tuple(leaf for leaf in cluster.fabric.leaves if leaf not in down))
    return replace(
        cluster,
        servers=tuple(server for server in cluster.servers if server.name not in down),
        probes=tuple(probe for probe in cluster.probes if probe not in down),
        fabric=fabric,
    )


def _healthy(look: Look) -> bool:
    return look.status in {Status.PASS, Status.WARN} and {vip.state for vip in look.vips} == {VipState.HEALTHY}


def _statuses(report: Mapping[str, Any]) -> dict[str, str]:
    """The status of every check of a stored document, by its id; IntentError for one of another shape."""
    try:
        return {
            check["id"]: check["status"]
            for cluster in report["clusters"]
            for vip in cluster["vips"]
            for check in vip["checks"]
        }
    except (KeyError, TypeError) as error:
        raise IntentError(f"the window's own report is not one of vipbook's: {error!r}; open a new window") from None


def _evidence(replies: Mapping[str, Reply]) -> dict[str, dict[str, Answer]]:
    """Everything that was said, with no secret in it."""
    return {
        host: {
            key: replace(each, stdout=masked(each.stdout), stderr=masked(each.stderr))
            for key, each in reply.by_key.items()
        }
        for host, reply in replies.items()
        if isinstance(reply, Answers)
    }
