"""The HTML report: one file that loads nothing, in which whatever a host said is text."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest

from tasks.report.document import document
from tasks.report.drawing import fabric_svg
from tasks.report.formats import rendered
from tasks.report.html import render
from tasks.report.plot import timeline_svg
from tasks.report.schema import report_of
from tasks.report.shapes import FabricShape, MappedLeafShape, MappedProbeShape, MappedServerShape
from tests.unit.report.test_document import DRILL, report
from tests.unit.report.test_forms import HOSTILE, hostile
from tests.unit.report.test_schema import REPORTS

VOID = {"meta", "input", "br", "link", "img", "hr"}


class Page(HTMLParser):
    """What stands in a page: tags with their attributes, text, ids; ValueError where tags do not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, self.getpos()

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


PAGES = {name: render(report_of(document(each))) for name, each in REPORTS.items()}


@pytest.mark.parametrize("name", PAGES)
class TestEveryReport:
    def test_it_is_well_formed_and_has_its_landmarks(self, name: str) -> None:
        page = Page(PAGES[name])
        for landmark in ("header", "nav", "main", "footer", "h1", "title"):
            assert len(page.all(landmark)) == 1 or landmark == "title"
        levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
        assert all(new <= old + 1 for old, new in pairwise(levels)), levels

    def test_no_id_twice_and_no_reference_to_nothing(self, name: str) -> None:
        page = Page(PAGES[name])
        ids = Counter(attributes["id"] for _, attributes in page.tags if attributes.get("id"))
        assert [each for each, count in ids.items() if count > 1] == []
        wanted = {str(each["href"])[1:] for each in page.all("a")}
        for _, attributes in page.tags:
            wanted |= set((attributes.get("aria-labelledby") or "").split())
            wanted |= {str(attributes[key])[1:] for key in ("xlink:href",) if attributes.get(key)}
        assert wanted - set(ids) == set()

    def test_it_loads_nothing(self, name: str) -> None:
        page = Page(PAGES[name])
        assert not page.all("link") + page.all("img") + page.all("iframe")
        assert [each for each in page.all("script") if each] == []
        assert "@import" not in PAGES[name]
        assert re.findall(r"url\((?!#)[^)]*\)", PAGES[name]) == []
        sources = [value for _, attributes in page.tags for key, value in attributes.items() if key in {"src", "href"}]
        assert [each for each in sources if not str(each).startswith("#")] == []

    def test_no_script_but_its_own_may_run(self, name: str) -> None:
        (policy,) = [each["content"] or "" for each in Page(PAGES[name]).all("meta") if each.get("http-equiv")]
        script = re.findall(r"<script>(.*)</script>", PAGES[name], re.DOTALL)[0]
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"script-src 'sha256-{digest}'" in policy
        assert "default-src 'none'" in policy

    def test_it_is_the_same_each_time(self, name: str) -> None:
        assert render(report_of(document(REPORTS[name]))) == PAGES[name]

    def test_every_check_is_there(self, name: str) -> None:
        shape = report_of(document(REPORTS[name]))
        ids = [check.id for cluster in shape.clusters for vip in cluster.vips for check in vip.checks]
        assert all(f"<code>{each}</code>" in PAGES[name] for each in ids)


def test_what_a_host_said_is_text() -> None:
    text = rendered("html", document(hostile()))
    page = Page(text)
    assert len(page.all("script")) == 1
    assert "alert(1)" in "".join(page.text)
    assert "<script>alert" not in text
    assert not set("\x00\x1b") & set(text)
    assert HOSTILE.split("\n", maxsplit=1)[0].split("`")[0] in "".join(page.text)


def test_colours_come_from_the_page() -> None:
    for text in PAGES.values():
        drawn = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
        assert set(re.findall(r"#0101[0-9a-f]{2}\b", drawn)) == set()


def test_a_drill_is_told_in_words_too() -> None:
    (cluster,) = report_of(document(REPORTS["drill"])).clusters
    timeline = timeline_svg(report_of(document(report(command="drill", drill=DRILL))).drill, "t")  # type: ignore[arg-type]
    assert "failover from I1: 3.412 s ± 0.010, allowed 2.996 to 4.996 s." in timeline
    drawn = fabric_svg(cluster, "H2", "f")
    assert drawn is not None
    assert "H1 on L1. H2 on L2. 100.65.0.10 is on H1: healthy. It was on H2." in drawn


def server(name: str, *leaves: str) -> MappedServerShape:
    return MappedServerShape(name=name, address="192.0.2.1", leaves=leaves)


def leaf(name: str, *spines: str) -> MappedLeafShape:
    return MappedLeafShape(name=name, vtep=None, spines=spines)


PAIR = (server("H1", "L1", "L2"), server("H2", "L1", "L2"))
FABRICS: dict[str, dict[str, Any]] = {
    "a pair": {"servers": PAIR, "leaves": (leaf("L1", "S1", "S2"), leaf("L2", "S1", "S2"))},
    "nobody told": {"servers": (server("H1"), server("H2")), "leaves": (leaf("L1"),)},
    "forty leaves": {
        "servers": (server("H1", "L0"), server("H2", "L39")),
        "leaves": tuple(leaf(f"L{number}", "S1", "S2") for number in range(40)),
    },
    "a leaf that is not declared": {"servers": (server("H1", "L9"), server("H2", "L1")), "leaves": (leaf("L1", "S1"),)},
    "names that are no markup": {"servers": (server("<b>&$x$", "L1"),), "leaves": (leaf("L1", "S<1>"),)},
}


@pytest.mark.parametrize("name", FABRICS)
def test_every_kind_of_fabric_is_drawn(name: str) -> None:
    (cluster,) = report_of(document(REPORTS["stale"])).clusters
    probes = (MappedProbeShape(name="I1", on_link=False, leaves=()),)
    fabric = FabricShape(vni=100, probes=probes, **FABRICS[name])
    drawn = fabric_svg(cluster.model_copy(update={"fabric": fabric}), None, "f")
    assert drawn is not None
    Page(drawn)
    for each in (*FABRICS[name]["servers"], *FABRICS[name]["leaves"]):
        assert each.name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in drawn


def test_without_a_fabric_nothing_is_drawn() -> None:
    (cluster,) = report_of(document(REPORTS["stale"])).clusters
    assert fabric_svg(cluster, None, "f") is None
