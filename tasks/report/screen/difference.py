"""What differs between two stored reports, keyed by what it is about: never line by line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import RenderableType
from rich.text import Text

from tasks.model.judged import CheckReport
from tasks.model.report import Report
from tasks.report.parts import judged_vips, outages_of
from tasks.report.screen.terminal import shown, table

_NOTHING = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not the same: what it is about, and what each report says."""

    about: str
    before: str
    after: str


def differences(before: Report, after: Report) -> tuple[Difference, ...]:
    """Verdict, hosts, VIPs, checks and outages, in this order; texts that say the same in other words are no change."""
    old, new = dict(_facts(before)), dict(_facts(after))
    found = [
        Difference(about=about, before=old.get(about, _NOTHING), after=new.get(about, _NOTHING))
        for about in dict.fromkeys([*old, *new])
        if old.get(about) != new.get(about)
    ]
    return (*found, *_check_differences(before, after))


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    yield "verdict", report.verdict
    for host in report.hosts.asked:
        yield f"host {host}", "answered" if host in report.hosts.answered else "no answer"
    for judged in judged_vips(report):
        about = f"{judged.stage} {judged.cluster} {judged.vip.address}".strip()
        yield f"{about} state", judged.vip.state
        yield f"{about} owner", judged.vip.owner or "nobody"
        yield f"{about} MAC", judged.vip.mac or "none"
    for probe, outage in outages_of(report):
        yield f"{outage.phase} from {probe.host}", f"{outage.seconds:.3f} s" if outage.measured else "not measured"


def _checks(report: Report) -> dict[str, CheckReport]:
    return {
        f"{judged.stage} {check.id}".strip(): check for judged in judged_vips(report) for check in judged.vip.checks
    }


def _check_differences(before: Report, after: Report) -> Iterator[Difference]:
    """By status: what a passing check says of sequences and counters moves by itself."""
    old, new = _checks(before), _checks(after)
    for key in dict.fromkeys([*old, *new]):
        was, is_now = old.get(key), new.get(key)
        if was is not None and is_now is not None and _same(was, is_now):
            continue
        yield Difference(about=key, before=_said(was), after=_said(is_now))


def _same(one: CheckReport, other: CheckReport) -> bool:
    if one.status != other.status:
        return False
    return one.status in {"pass", "skip"} or one.message == other.message


def _said(check: CheckReport | None) -> str:
    return f"{check.status}: {check.message}" if check is not None else "not made"


def render_differences(found: tuple[Difference, ...]) -> RenderableType:
    """A row a difference."""
    if not found:
        return Text("no difference")
    made = table(folded=("about", "before", "after"))
    for each in found:
        made.add_row(shown(each.about), shown(each.before), shown(each.after))
    return made
