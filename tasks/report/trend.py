"""Pass rate and outages of each cluster over time: a table and plain values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from tasks.model.history import KeptOutage
from tasks.model.mask import plain
from tasks.model.written import stamp
from tasks.report.document import plain_values
from tasks.report.screen.terminal import shown, table

_BLOCKS = "▁▂▃▄▅▆▇█"
BUCKETS = 24
"""Parts of the time from the first run to the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """One cluster: whether its VIPs were healthy at each run, and every outage; the oldest first."""

    cluster: str
    runs: tuple[tuple[datetime, bool], ...]
    outages: tuple[KeptOutage, ...]

    @property
    def rate(self) -> float:
        """The part of the runs in which all VIPs were healthy, 0 to 1."""
        return sum(healthy for _, healthy in self.runs) / len(self.runs)

    def buckets(self) -> tuple[float | None, ...]:
        """The rate in equal parts of the time from the first run to the last; None where there was no run."""
        first, last = self.runs[0][0].timestamp(), self.runs[-1][0].timestamp()
        width = max(1.0, (last - first) / BUCKETS)
        parts: list[list[bool]] = [[] for _ in range(BUCKETS)]
        for at, healthy in self.runs:
            parts[min(BUCKETS - 1, int((at.timestamp() - first) / width))].append(healthy)
        return tuple(sum(part) / len(part) if part else None for part in parts)

    def by_phase(self) -> Iterator[tuple[str, str, Sequence[KeptOutage]]]:
        """Probe, phase and outages of each."""
        for probe, phase in dict.fromkeys((each.probe, each.phase) for each in self.outages):
            yield probe, phase, [each for each in self.outages if (each.probe, each.phase) == (probe, phase)]


def render_trends(trends: Sequence[Trend]) -> RenderableType:
    """A line of blocks a cluster, and the outages in numbers."""
    return Group(*(_trend(each) for each in trends))


def _trend(trend: Trend) -> RenderableType:
    first, last = trend.runs[0][0], trend.runs[-1][0]
    blocks = "".join("·" if rate is None else _BLOCKS[round(rate * (len(_BLOCKS) - 1))] for rate in trend.buckets())
    head = Text.assemble(
        (plain(trend.cluster), "bold"),
        f"  healthy in {trend.rate:.1%} of {len(trend.runs)} runs  {blocks}  ",
        (f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC", "dim"),
    )
    headings = ("from", "phase", "drills", "shortest", "median", "longest", "last", "outside the bound")
    made = table(folded=headings)
    made.padding = (0, 2, 0, 2)
    for probe, phase, found in trend.by_phase():
        seconds = [each.seconds for each in found]
        numbers = (min(seconds), median(seconds), max(seconds), seconds[-1])
        outside = sum(not each.within for each in found)
        made.add_row(shown(probe), shown(phase), str(len(found)), *(f"{each:.3f} s" for each in numbers), str(outside))
    return Padding(Group(head, made) if trend.outages else head, (0, 0, 1, 0))


def trends_document(trends: Sequence[Trend]) -> list[dict[str, Any]]:
    """Plain values."""
    return [
        {
            "cluster": trend.cluster,
            "runs": len(trend.runs),
            "pass_rate": round(trend.rate, 4),
            "from": stamp(trend.runs[0][0]),
            "to": stamp(trend.runs[-1][0]),
            "outages": [
                {key: outage[key] for key in ("at", "probe", "phase", "seconds", "allowed_s", "within")}
                for outage in plain_values(tuple[KeptOutage, ...], trend.outages)
            ],
        }
        for trend in trends
    ]
