"""The picture of a trend: whole, the same each time, and readable without eyes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from tasks.model.history import KeptOutage
from tasks.report.drawing.trend import plot_trends
from tasks.report.trend import Trend

AT = datetime(2026, 1, 1, 7, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"


def outage(day: int, probe: str = "I1", phase: str = "failover", seconds: float = 3.0) -> KeptOutage:
    at = AT + timedelta(days=day)
    return KeptOutage(
        run=1, cluster="web", at=at, probe=probe, phase=phase, seconds=seconds, allowed_s=4.0, within=True
    )


def trend(*outages: KeptOutage, days: int = 9, name: str = "web") -> Trend:
    runs = tuple((AT + timedelta(days=day), day != 3) for day in range(days))
    return Trend(cluster=name, runs=runs, outages=outages)


def words(*trends: Trend) -> list[str]:
    root = ET.fromstring(plot_trends(trends))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for each in root.iter(f"{SVG}text"):
        assert 0 <= float(each.attrib["x"]) <= width
        assert 0 <= float(each.attrib["y"]) <= height
    return [each.text or "" for each in root.iter(f"{SVG}text")]


def test_it_has_titles_axes_and_a_legend() -> None:
    said = words(trend(outage(1), outage(5), outage(1, "C1", "failback", 0.0)), trend(name="db"))
    assert {"web", "db", "healthy, %", "outage, s", "failover from I1", "failback from C1"} <= set(said)
    assert {"0", "20", "100", "3", "2026-01-03"} <= set(said)


@pytest.mark.parametrize(
    "odd",
    [
        trend(days=1),
        trend(outage(400), days=1),
        trend(outage(0, seconds=0.0)),
        trend(*(outage(1, f"a-probe-host-with-a-long-name-{number}") for number in range(9))),
        trend(outage(1, "<b>&$x$"), name="a" * 200),
    ],
    ids=["one run", "outage far away", "no outage", "many probe hosts", "odd names"],
)
def test_what_is_odd_is_drawn_all_the_same(odd: Trend) -> None:
    assert words(odd)


def test_it_is_told_in_words_and_the_same_each_time() -> None:
    drawn = plot_trends([trend(outage(1), outage(5, seconds=3.5))])
    assert drawn == plot_trends([trend(outage(1), outage(5, seconds=3.5))])
    root = ET.fromstring(drawn)
    assert root.attrib["aria-labelledby"] == "title desc"
    said = root.findtext(f"{SVG}desc")
    assert said == "web: healthy in 88.9% of 9 runs. failover from I1: 3.000 to 3.500 s in 2 drills."


def test_a_long_legend_is_between_the_axes() -> None:
    """Nine probe hosts take several rows of the legend, each within the picture."""
    root = ET.fromstring(plot_trends([trend(*(outage(1, f"probe-{number:030}") for number in range(9)))]))
    rows = {float(each.attrib["y"]) for each in root.iter(f"{SVG}text") if (each.text or "").startswith("failover")}
    frames = [each for each in root.iter(f"{SVG}rect") if each.attrib.get("class") == "line"]
    assert len(rows) > 3
    assert float(frames[0].attrib["y"]) + 130 < min(rows) < max(rows) < float(frames[1].attrib["y"])
