"""The HTML report: one file that loads nothing, in which whatever a host said is text."""

from __future__ import annotations

import base64
import hashlib
import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest

from tasks.model.fabric_map import FabricMap, MappedLeaf, MappedProbe, MappedServer
from tasks.model.report import Report
from tasks.model.verdict import VipState
from tasks.report.document import document, read_report, report_of
from tasks.report.drawing.drill import timeline_svg
from tasks.report.drawing.fabric import fabric_svg
from tasks.report.drawing.layout import CHIP_X, CHIP_Y, STEP_X, lay_out
from tasks.report.formats import rendered
from tasks.report.formats.html import render
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


STORED = Path(__file__).parents[2] / "data" / "report"
"""A drill and a verify of the lab: evidence is cut after 500 characters, and that of a drill's stages left out."""
SHAPES: dict[str, Report] = {name: report_of(document(each)) for name, each in REPORTS.items()}
SHAPES |= {f"stored {each.stem}": read_report(each.read_bytes(), each.name) for each in sorted(STORED.glob("*.json"))}
PAGES = {name: render(each) for name, each in SHAPES.items()}


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
        assert render(SHAPES[name]) == PAGES[name]

    def test_every_check_is_there(self, name: str) -> None:
        ids = [check.id for cluster in SHAPES[name].clusters for vip in cluster.vips for check in vip.checks]
        assert all(f"<code>{each}</code>" in PAGES[name] for each in ids)


def test_what_a_host_said_is_text() -> None:
    text = rendered("html", document(hostile()))
    page = Page(text)
    assert len(page.all("script")) == 1
    assert "alert(1)" in "".join(page.text)
    assert "<script>alert" not in text
    assert not set("\x00\x1b") & set(text)
    assert HOSTILE.split("\n", maxsplit=1)[0].split("`")[0] in "".join(page.text)


CSS = (Path(__file__).parents[3] / "templates" / "report" / "report.css").read_text(encoding="utf-8")
UPON = {
    "surface": ("ink", "muted", "accent", "pass", "fail", "warn", "unknown", "skip"),
    "raised": ("ink", "muted", "accent", "pass", "fail", "warn", "unknown", "skip"),
    "band": ("ink", "fail", "warn"),
    "accent": ("surface",),
}
"""Which colour of text stands upon which, in the page and in its drawings."""


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("below", UPON)
def test_every_colour_can_be_read_where_it_is_used(below: str, scheme: int) -> None:
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[scheme]))
    for above in UPON[below]:
        light, dark = sorted((luminance(colours[above]), luminance(colours[below])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{above} upon {below}"


def test_colours_come_from_the_page() -> None:
    for text in PAGES.values():
        drawn = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
        assert set(re.findall(r"#0101[0-9a-f]{2}\b", drawn)) == set()


def test_each_vip_is_told_of_above_everything_else() -> None:
    head = PAGES["stored verify_fail"].split("</header>", maxsplit=1)[0]
    for said in ("100.65.0.10", "not-advertised", "<b>H1</b> (08:00:27:7d:af:b4)", "11 fail", "1 warn", "38 pass"):
        assert said in head, said


def with_vip(name: str, **changed: Any) -> Report:  # noqa: ANN401
    (cluster,) = SHAPES[name].clusters
    vips = tuple(replace(vip, **changed) for vip in cluster.vips)
    return replace(SHAPES[name], clusters=(replace(cluster, vips=vips),))


@pytest.mark.parametrize(
    ("masters", "said"),
    [(2, "on 2 servers at once"), (0, "on nobody"), (None, "on nobody")],
)
def test_a_vip_that_no_one_server_bears(masters: int | None, said: str) -> None:
    found = with_vip("stored verify_fail", owner=None, masters=masters, state=VipState.SPLIT_BRAIN)
    page = render(found)
    assert said in page.split("</header>", maxsplit=1)[0]
    assert f"✕ VIP 100.65.0.10 {said}: split-brain</text>" in page


def test_what_was_wrong_on_the_way_stands_before_what_is_right_now() -> None:
    drill = SHAPES["stored drill"].drill
    assert drill is not None
    (judged,) = SHAPES["stored verify_fail"].clusters
    stage = replace(drill.stages[1], clusters=(judged,), verdict="fail")
    found = replace(drill, stages=(drill.stages[0], stage, drill.stages[2]))
    page = render(replace(SHAPES["stored drill"], drill=found, verdict="fail"))
    assert page.index('id="stages"') < page.index('id="checks"')
    assert page.index("At failover: ") < page.index("At before: ")
    assert "<details open>" in page
    assert PAGES["stored drill"].index('id="checks"') < PAGES["stored drill"].index('id="stages"')
    assert "<details open>" not in PAGES["stored drill"]


def words(svg: str) -> list[str]:
    return [each.text or "" for each in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def drill_with(**changed: Any) -> str:  # noqa: ANN401
    """The stored drill's timeline with the first outage of its first probe host changed."""
    drill = SHAPES["stored drill"].drill
    assert drill is not None
    first, *rest = drill.probes
    outages = (replace(first.outages[0], **changed), *first.outages[1:])
    probes = (replace(first, outages=outages), *rest)
    return timeline_svg(replace(drill, probes=probes), "t")


def test_the_timeline_of_a_long_drill_enlarges_each_short_gap() -> None:
    said = words(drill_with())
    assert [each for each in said if "enlarged" in each] == ["failover from I1, enlarged", "failback from I1, enlarged"]
    assert said.count("3.353 s") == said.count("0.118 s") == 2
    assert said.count("42.516 s") == 1
    assert {"enp0s8 down", "enp0s8 up, routes back", "FAULT", "MASTER", "BACKUP"} <= set(said)


@pytest.mark.parametrize(
    ("changed", "said", "unsaid"),
    [
        ({"within_bound": False, "seconds": 6.1}, "✕ 6.100 s", "6.100 s"),
        ({"measured": False}, "failover from C1, enlarged", "failover from I1, enlarged"),
        ({"began_s": None}, "failover from C1, enlarged", "failover from I1, enlarged"),
    ],
)
def test_an_outage_that_is_not_as_it_should_be(changed: dict[str, Any], said: str, unsaid: str) -> None:
    found = words(drill_with(**changed))
    assert said in found
    assert unsaid not in found


def test_a_drill_that_measured_nothing_has_a_timeline_all_the_same() -> None:
    drill = SHAPES["stored drill"].drill
    assert drill is not None
    said = words(timeline_svg(replace(drill, probes=(), timeline=()), "t"))
    assert "the whole drill" in said
    assert [each for each in said if "enlarged" in each] == []


def test_a_drill_is_told_in_words_too() -> None:
    (cluster,) = report_of(document(REPORTS["drill"])).clusters
    timeline = timeline_svg(report_of(document(report(command="drill", drill=DRILL))).drill, "t")  # type: ignore[arg-type]
    assert "failover from I1: 3.412 s ± 0.010, allowed 2.996 to 4.996 s." in timeline
    drawn = fabric_svg(cluster, "H2", "f")
    assert drawn is not None
    assert "H1 on L1. H2 on L2. 100.65.0.10 is on H1: healthy. It was on H2." in drawn


def server(name: str, *leaves: str) -> MappedServer:
    return MappedServer(name=name, address="192.0.2.1", leaves=leaves)


def leaf(name: str, *spines: str) -> MappedLeaf:
    return MappedLeaf(name=name, vtep=None, spines=spines)


PAIR = (server("H1", "L1", "L2"), server("H2", "L1", "L2"))
FABRICS: dict[str, dict[str, Any]] = {
    "a pair": {"servers": PAIR, "leaves": (leaf("L1", "S1", "S2"), leaf("L2", "S1", "S2"))},
    "nobody told": {"servers": (server("H1"), server("H2")), "leaves": (leaf("L1"),)},
    "forty leaves": {
        "servers": (server("H1", "L0"), server("H2", "L39")),
        "leaves": tuple(leaf(f"L{number}", "S1", "S2") for number in range(40)),
    },
    "a leaf that is not declared": {"servers": (server("H1", "L9"), server("H2", "L1")), "leaves": (leaf("L1", "S1"),)},
    "three pairs": {
        "servers": (
            *PAIR,
            server("H3", "L3", "L4"),
            server("H4", "L5", "L6"),
            server("H5", "L5", "L6"),
            server("H6", "L6"),
        ),
        "leaves": tuple(leaf(f"L{number}", "S1") for number in range(1, 7)),
    },
    "names that are no markup": {"servers": (server("<b>&$x$", "L1"),), "leaves": (leaf("L1", "S<1>"),)},
}


def fabric(name: str) -> FabricMap:
    probes = (MappedProbe(name="I1", on_link=False, leaves=()),)
    return FabricMap(vni=100, probes=probes, **FABRICS[name])


@pytest.mark.parametrize("name", FABRICS)
def test_no_box_stands_upon_another(name: str) -> None:
    layout = lay_out(fabric(name), ())
    for one, other in combinations(layout.nodes.values(), 2):
        wide, high = (CHIP_X, CHIP_Y) if one.small and other.small else (STEP_X * 0.8, 0.75)
        assert abs(one.x - other.x) > wide * 0.95 or abs(one.y - other.y) > high * 0.95, (one, other)


@pytest.mark.parametrize("told", [(), ("L7",), ("L7", "L8", "L30")])
def test_of_many_leaves_those_that_matter_have_a_box_of_their_own(told: tuple[str, ...]) -> None:
    layout = lay_out(fabric("forty leaves"), told)
    large = {name for name, node in layout.nodes.items() if not node.small}
    assert large == {"L0", "L39", "H1", "H2", "S1", "S2", "I1", *told}
    assert layout.right < 20
    assert lay_out(fabric("a pair"), ()).block is None


@pytest.mark.parametrize("name", FABRICS)
def test_every_kind_of_fabric_is_drawn(name: str) -> None:
    (cluster,) = report_of(document(REPORTS["stale"])).clusters
    drawn = fabric_svg(replace(cluster, fabric=fabric(name)), None, "f")
    assert drawn is not None
    Page(drawn)
    for each in (*FABRICS[name]["servers"], *FABRICS[name]["leaves"]):
        assert each.name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in drawn


def test_without_a_fabric_nothing_is_drawn() -> None:
    (cluster,) = report_of(document(REPORTS["stale"])).clusters
    assert fabric_svg(cluster, None, "f") is None
