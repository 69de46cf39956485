"""The HTML report in a real browser, from disk, at a desk and on a phone, by day and by night."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.unit.report.test_html import PAGES

pytestmark = pytest.mark.browser
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SIZES = {"desk": (1280, 800), "phone": (390, 844)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        assert "CI" not in os.environ, "apt-get install -y chromium"
        pytest.skip("no chromium here: apt-get install -y chromium")
    with sync_playwright() as running:
        # A browser's own sandbox does not work for root, which the lab's tests need.
        opened = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    directory = tmp_path_factory.mktemp("html")
    made = {}
    for name, page in PAGES.items():
        made[name] = directory / f"{name.replace(' ', '-')}.html"
        made[name].write_text(page)
    return made


class Opened:
    """A page from disk, and everything that it complained of or asked for."""

    def __init__(self, browser: Browser, path: Path, size: str, **options: Any) -> None:  # noqa: ANN401
        width, height = SIZES[size]
        self.page: Page = browser.new_page(viewport={"width": width, "height": height}, **options)
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.page.close()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_it_opens_from_disk_and_nothing_overflows(
    browser: Browser, files: dict[str, Path], name: str, size: str
) -> None:
    for scheme in ("light", "dark"):
        with Opened(browser, files[name], size, color_scheme=scheme) as opened:
            assert opened.complaints == []
            assert opened.requests == [files[name].as_uri()]
            wide = opened.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= SIZES[size][0], f"{wide} points wide"


CONTRAST = """() => {
  const value = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const part = (each) => { const x = each / 255; return x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const under = (each) => { for (let at = each; at; at = at.parentElement) {
    const found = getComputedStyle(at).backgroundColor;
    if (!/, 0\\)$|transparent/.test(found)) return found; } return "rgb(255,255,255)"; };
  const worst = [];
  const texts = "h1,h2,h3,p,dt,dd,th,td,span.word,summary,a,label,legend,figcaption,pre,code";
  for (const each of document.querySelectorAll(texts)) {
    if (!each.offsetParent || !each.textContent.trim()) continue;
    const [a, b] = [light(value(getComputedStyle(each).color)), light(value(under(each)))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) worst.push(`${each.tagName} ${each.className} ${ratio.toFixed(2)}`);
  }
  return [...new Set(worst)];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["stored drill", "stored verify_fail", "silent", "window closed", "plan"])
def test_text_can_be_read(browser: Browser, files: dict[str, Path], name: str, scheme: str) -> None:
    with Opened(browser, files[name], "desk", color_scheme=scheme) as opened:
        assert opened.page.evaluate(CONTRAST) == []


COLLISIONS = """() => {
  const found = [];
  for (const svg of document.querySelectorAll("svg")) {
    const texts = [...svg.querySelectorAll("text")].filter((each) => each.textContent.trim());
    const boxes = texts.map((each) => [each.textContent.trim(), each.getBoundingClientRect()]);
    for (const [number, [one, a]] of boxes.entries()) for (const [other, b] of boxes.slice(number + 1)) {
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 1 && high > 4) found.push(`${one} / ${other}`);
    }
  }
  return found;
}"""


@pytest.mark.parametrize("name", ["stored drill", "stored verify_fail", "drill"])
def test_no_word_of_a_drawing_stands_on_another(browser: Browser, files: dict[str, Path], name: str) -> None:
    with Opened(browser, files[name], "desk") as opened:
        assert opened.page.locator("svg text").count() > 0
        assert opened.page.evaluate(COLLISIONS) == []


def test_paper_is_white_and_has_no_controls(browser: Browser, files: dict[str, Path]) -> None:
    with Opened(browser, files["stored verify_fail"], "desk", color_scheme="dark") as opened:
        page = opened.page
        background = "getComputedStyle(document.documentElement).backgroundColor"
        assert page.evaluate(background) == "rgb(20, 24, 29)"
        page.emulate_media(media="print")
        assert page.evaluate(background) == "rgb(255, 255, 255)"
        assert page.locator("form.filter:visible, nav:visible").count() == 0
        assert page.locator("li.check[data-status=fail] pre").first.is_visible()


def shown(page: Page) -> int:
    return page.locator("#checks ~ section li.check:visible, section[aria-labelledby=checks] li.check:visible").count()


def test_search_and_filter(browser: Browser, files: dict[str, Path]) -> None:
    with Opened(browser, files["stale"], "desk") as opened:
        page = opened.page
        everything = shown(page)
        page.get_by_label("Search").fill("l2 neighbor")
        assert 0 < shown(page) < everything
        assert f"{shown(page)} of " in page.inner_text("#shown")
        page.get_by_label("Search").fill("no such word")
        assert shown(page) == 0
        page.get_by_label("Search").fill("")
        assert shown(page) == everything
        page.get_by_label("pass").uncheck()
        statuses = {each.get_attribute("data-status") for each in page.locator("li.check:visible").all()}
        assert statuses == {"fail"}
        page.get_by_label("skip").check()
        assert opened.complaints == []


def test_the_search_finds_what_a_drill_saw_on_its_way(browser: Browser, files: dict[str, Path]) -> None:
    with Opened(browser, files["stored drill"], "desk") as opened:
        page = opened.page
        page.get_by_label("Search").fill("preferred-master")
        assert page.locator("section[aria-labelledby=stages] li.check:visible").count() > 0
        page.get_by_label("Search").fill("no such word")
        assert page.locator("li.check:visible").count() == 0
        assert page.inner_text("#shown").startswith("0 of ")


def test_the_wrong_ones_come_first_and_are_open(browser: Browser, files: dict[str, Path]) -> None:
    with Opened(browser, files["stale"], "phone") as opened:
        first = opened.page.locator("section[aria-labelledby=checks] li.check").first
        assert first.get_attribute("data-status") == "fail"
        assert first.locator("details").get_attribute("open") is not None
        assert opened.page.locator("li.check[data-status=pass] details[open]").count() == 0
        assert opened.page.locator("h1").inner_text().strip().endswith("FAIL")


def test_by_keyboard(browser: Browser, files: dict[str, Path]) -> None:
    with Opened(browser, files["verify"], "desk") as opened:
        page = opened.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        assert page.locator("a.skiplink").bounding_box()["x"] >= 0  # type: ignore[index]
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"
        summary = page.locator("section[aria-labelledby=checks] summary").first
        summary.focus()
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        page.keyboard.press("Enter")
        assert page.locator("section[aria-labelledby=checks] details").first.get_attribute("open") is not None


def test_for_a_screen_reader(browser: Browser, files: dict[str, Path]) -> None:
    with Opened(browser, files["drill"], "desk") as opened:
        page = opened.page
        for role in ("banner", "navigation", "main", "contentinfo", "search"):
            assert page.get_by_role(role).count() == 1, role  # type: ignore[arg-type]
        assert page.get_by_role("img", name="Timeline of the drill").count() == 1
        assert page.get_by_role("img", name="Fabric of cluster web").count() == 1
        assert page.get_by_role("heading", level=1).count() == 1


def test_without_scripts_everything_is_there(browser: Browser, files: dict[str, Path]) -> None:
    with Opened(browser, files["stale"], "desk", java_script_enabled=False) as opened:
        assert opened.page.locator("li.check").count() == opened.page.locator("li.check:visible").count()
        assert opened.page.locator("form.filter:visible").count() == 0
